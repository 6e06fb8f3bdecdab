"""Peepholes: the claims C27 and C28 and their judges."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

SAME = 1e-5
APART = 1e-2
TASKS = {"timed_spikes": "timed spikes", "spike_delays": "spike delays"}
SIZES = {"1": "one cell", "2": "two cells"}


def useful(data: Evidence) -> Verdict:
    """C27, by its condition."""
    summary = data.summary
    count, ahead = summary["count"], summary["ahead"]
    pairs = {
        f"{name} with {size}": summary[f"{task}_{hidden}"]
        for task, name in TASKS.items()
        for hidden, size in SIZES.items()
    }
    numbers = {"count": count, "ahead": ahead, "behind": summary["behind"]}
    numbers |= {f"{task}_{hidden}": summary[f"{task}_{hidden}"] for task in TASKS for hidden in SIZES}
    told = "; ".join(
        f"{name} {pair['PeepholeLSTM']['solved']} to {pair['LSTM']['solved']}" for name, pair in pairs.items()
    )
    sentence = f"Of {count} runs solve their task, with peepholes to without: {told}."
    if ahead == len(pairs):
        return Verdict(HOLDS, f"{sentence} All four differences are beyond chance.", numbers)
    better = [name for name, pair in pairs.items() if _ahead(pair, "PeepholeLSTM", "LSTM")]
    worse = [name for name, pair in pairs.items() if _ahead(pair, "LSTM", "PeepholeLSTM")]
    less = f" They are worse for {' and '.join(worse)}." if worse else ""
    if better:
        return Verdict(
            CONDITIONAL, f"{sentence} Beyond chance they are better for {' and '.join(better)}.{less}", numbers
        )
    return Verdict(FALSE, f"{sentence} In none of the four are they better beyond chance.{less}", numbers)


def _ahead(pair, cell: str, other: str) -> bool:
    return pair["p"] < 0.05 and pair[cell]["solved"] > pair[other]["solved"]


def read(data: Evidence) -> Verdict:
    """C28, by its condition."""
    found = data.summary["peephole"]
    numbers = {name: found[name] for name in ("implementations", "new", "old")}
    count = found["implementations"]
    if found["new"] <= SAME and found["old"] >= APART:
        return Verdict(
            CONDITIONAL,
            f"For the input gate and the forget gate. In all {count} implementations compared the output gate reads "
            f"the new cell state: so read, they agree with ours within {found['new']:.0e}; with the old one in its "
            f"place they are off by {found['old']:.2f} or more.",
            numbers,
        )
    every = [result for result in data.results if "old" in result and "hard_sigmoid" not in result["engine"]]
    if all(result["old"] <= SAME for result in every):
        return Verdict(HOLDS, f"In all {count} implementations compared every gate reads the old cell state.", numbers)
    return Verdict(FALSE, f"The {count} implementations compared agree with neither reading.", numbers)


CLAIMS = (
    Claim(
        "C27",
        "Peepholes give the gates useful information out of the cell that they would not have otherwise.",
        ("000", "001"),
        "peephole",
        "Timing tasks with one cell and with two, over many seeds.",
        condition="Four comparisons, two timing tasks by one cell and two, 30 runs each with peepholes and without. "
        "Holds if in all four more of the runs with peepholes solve the task, by Fisher's exact test, two-sided, "
        "p < 0.05 each. Holds with a condition if that is so in at least one of them. False if in none.",
        evidence="timing",
        expected=FALSE,
        judge=useful,
    ),
    Claim(
        "C28",
        "Through its peepholes every gate reads the cell state of the step before.",
        ("002",),
        "peephole",
        "Build both readings of the output gate and compare them with the implementations in use.",
        condition="Holds if every implementation compared agrees within 1e-5 with a cell whose three gates all read "
        "the old cell state. Holds with a condition, for the input and the forget gate, if every one agrees within "
        "1e-5 with the cell whose output gate reads the new one and is off by 0.01 or more otherwise. False if they "
        "agree with neither.",
        evidence="rosetta",
        expected=CONDITIONAL,
        judge=read,
    ),
)
