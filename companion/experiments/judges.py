"""The judges: each reads the evidence of one claim and gives the verdict by the condition in the registry."""

from __future__ import annotations

from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict


def memory(data: Evidence) -> Verdict:
    """C01, by its condition, from the impulse responses of the experiment `impulse`."""
    runs = {(run["activation"], run["u"]): run for run in data.results}
    looped = [run for run in data.results if run["u"] != 0]
    without_loop = max(run["tail"] for run in data.results if run["u"] == 0)
    after_cut = max(run["after_cut"] for run in looped)
    error = max(run["error"] for run in data.results if run["activation"] == "linear")
    silent = sorted({run["u"] for run in looped if run["steps"] <= 1})
    kinds = {"half": 0.5, "nine_tenths": 0.9, "one": 1.0}
    steps = {kind: {name: runs[kind, u]["steps"] for name, u in kinds.items()} for kind in ("linear", "tanh")}
    numbers = {
        "threshold": data.config["threshold"],
        "length": data.config["length"],
        "weights": len({run["u"] for run in looped}),
        "without_loop": without_loop,
        "after_cut": after_cut,
        "error": error,
        "silent": len(silent),
        **steps,
    }
    percent = f"{100 * data.config['threshold']:.3g} %"
    if without_loop != 0 or after_cut != 0 or error > 1e-9:
        return Verdict(
            FALSE,
            f"Something other than the loop remembers: {without_loop:.2g} without it, {after_cut:.2g} after it is cut.",
            numbers,
        )
    lasting = (
        f"Without the loop the response to an impulse ends with its own step; with it, a linear neuron stays above "
        f"{percent} for {steps['linear']['half']} steps at weight 0.5 and for {steps['linear']['nine_tenths']} at 0.9; "
        f"when the loop is cut the response is zero from that step on."
    )
    if silent:
        return Verdict(CONDITIONAL, f"{lasting} Of the weights tried, {len(silent)} are too small to show it.", numbers)
    return Verdict(HOLDS, lasting, numbers)


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
