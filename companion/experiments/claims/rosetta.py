"""Rosetta: the claim C36 and its judge."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict


def names(data: Evidence) -> Verdict:
    """C36, by its condition, from the names and the recorded numbers of the experiment `rosetta`."""
    found = {run["engine"]: run["releases"] for run in data.results if "releases" in run}
    lstm, peephole = found["tf.keras.layers.LSTM"], found["tf.keras.experimental.PeepholeLSTMCell"]
    named = [run for run in data.results if run["engine"].startswith("tf.keras.experimental.") and "new" in run]
    as_it_comes = next(run["new"] for run in named if "hard_sigmoid" in run["engine"])
    sigmoid = next(run["new"] for run in named if "hard_sigmoid" not in run["engine"])
    keras = next(run["error"] for run in data.results if (run["cell"], run["engine"]) == ("LSTM", "Keras float32"))
    offered = [release for release, there in peephole.items() if there]
    numbers = {
        "releases": len(lstm),
        "last": offered[-1] if offered else None,
        "lstm": keras,
        "peephole": sigmoid,
        "as_it_comes": as_it_comes,
    }
    if not (lstm["2.0"] and peephole["2.0"] and keras < 1e-5 and sigmoid < 1e-5):
        return Verdict(FALSE, "One of the names is missing from 2.0, or its cell gives other numbers.", numbers)
    if all(lstm.values()) and all(peephole.values()) and as_it_comes < 1e-5:
        return Verdict(HOLDS, f"All {len(lstm)} releases offer both, and both give our numbers.", numbers)
    kept = "every release since offers the first" if all(lstm.values()) else "later releases dropped the first too"
    return Verdict(
        CONDITIONAL,
        f"TensorFlow 2.0 offers both and {kept}; the second name was last in {offered[-1]}. The LSTM gives our numbers "
        f"within {keras:.0e} in float32, the peephole cell within {sigmoid:.0e} in float64, but only when told to use "
        f"the logistic sigmoid: as it comes it is off by {100 * as_it_comes:.0f} %.",
        numbers,
    )


CLAIMS = (
    Claim(
        "C36",
        "TensorFlow offers these cells as `tf.keras.layers.LSTM` and `tf.keras.experimental.PeepholeLSTMCell`.",
        ("002",),
        "rosetta",
        "Look for both names in every release from 2.0 on, and compare the numbers of both cells with ours.",
        condition="Holds if every release from 2.0 on offers both, and both cells give our numbers within 1e-5 as they "
        "come. Holds with a condition if 2.0, which the source names, offers both, and both cells give our numbers "
        "once told to use the logistic sigmoid. False otherwise.",
        evidence="rosetta",
        expected=CONDITIONAL,
        judge=names,
    ),
)
