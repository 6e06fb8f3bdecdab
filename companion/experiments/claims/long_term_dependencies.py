"""Long-term dependencies: the claims C30, C31 and C32, and their judges."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

GATED = ("LSTM", "GRU")
PLAIN = {"RNN": "the tanh network", "IRNN": "the IRNN"}


def rescued(data: Evidence) -> Verdict:
    """C30, by its condition."""
    reach = {name: {cell: found["reach"] for cell, found in cells.items()} for name, cells in data.summary.items()}
    over = {name: min(cells[cell] for cell in GATED) > cells["RNN"] for name, cells in reach.items()}
    over_both = [name for name, cells in reach.items() if over[name] and min(map(cells.get, GATED)) > cells["IRNN"]]
    over_tanh = [name for name, further in over.items() if further]
    numbers = {"reach": reach, "over_tanh": len(over_tanh), "over_both": len(over_both)}
    told = ", ".join(
        f"{name.replace('_', ' ')} {c['LSTM']} and {c['GRU']} to {c['RNN']} and {c['IRNN']}"
        for name, c in reach.items()
    )
    sentence = f"The longest lag that at least half of the runs bridge, LSTM and GRU to tanh network and IRNN: {told}."
    label = HOLDS if len(over_both) == len(reach) else CONDITIONAL if over_tanh else FALSE
    return Verdict(label, sentence, numbers)


def forgotten(data: Evidence) -> Verdict:
    """C31, by its condition."""
    found = {cell: data.summary["agreement"][cell]["lags"] for cell in PLAIN}
    lags = sorted(map(int, found["RNN"]))
    near, far = str(lags[0]), str(lags[-1])
    fades = {cell: by_lag[near]["low"] > 0.5 > by_lag[far]["high"] for cell, by_lag in found.items()}
    numbers = {"near": int(near), "far": int(far)}
    numbers |= {cell: {"near": by_lag[near], "far": by_lag[far]} for cell, by_lag in found.items()}
    count = len(data.results)
    told = "; ".join(
        f"{name} {found[cell][near]['solved']} at distance {near} and {found[cell][far]['solved']} at {far}"
        for cell, name in PLAIN.items()
    )
    sentence = f"Of {count} runs that solve the task: {told}."
    if all(fades.values()):
        return Verdict(HOLDS, sentence, numbers)
    if fades["RNN"]:
        return Verdict(CONDITIONAL, f"{sentence} So it is for tanh, and not for ReLU and the identity.", numbers)
    return Verdict(FALSE, sentence, numbers)


def set_by_hand(data: Evidence, trained: Evidence | None = None) -> Verdict:
    """C32, by its condition; `trained` is the evidence of the networks that were trained, the book's unless told."""
    trained = trained or Evidence.load("long_lags")
    count, hand = data.summary["count"], data.summary["hand"]
    tasks = {}
    for name, found in hand.items():
        runs = [
            run["runs"][f"{name}/{data.config['lags'][name]}/RNN/{rate}"][0]
            for run in trained.results
            for rate in trained.config["rates"]
        ]
        learnt = sum(update is not None for update in runs)
        solves = found["longest"] == found["longer"] == count and found["units"] <= found["trained_units"]
        tasks[name] = found | {"learnt": learnt, "runs": len(runs), "solves": solves, "alone": solves and not learnt}
    numbers = {"count": count, "alone": sum(task["alone"] for task in tasks.values()), "tasks": tasks}
    told = ", ".join(
        f"{name.replace('_', ' ')} with {task['units']} units ({task['learnt']} of {task['runs']} trained networks do)"
        for name, task in tasks.items()
        if task["solves"]
    )
    if not told:
        return Verdict(FALSE, "None of the four tasks is solved by weights set by hand.", numbers)
    sentence = f"Weights set by hand solve, at the longest lag and at ten times it: {told}."
    label = HOLDS if numbers["alone"] == len(tasks) else CONDITIONAL if numbers["alone"] else FALSE
    return Verdict(label, sentence, numbers)


CLAIMS = (
    Claim(
        "C30",
        "At long range the LSTM and the GRU come to the rescue.",
        ("004",),
        "long-term-dependencies",
        "Long-lag tasks with equal numbers of parameters and an equal budget of updates.",
        condition="Five cells with equal numbers of weights, equal updates and batches, twenty seeds; each has the "
        "better of two rates, and its reach on a task is the longest lag that at least half of its runs "
        "solve. Holds if both LSTM and GRU reach further than the tanh network and the IRNN on all four "
        "tasks, with a condition if both reach further than the tanh network on at least one task, and is "
        "false otherwise.",
        evidence="long_lags",
        expected=CONDITIONAL,
        judge=rescued,
    ),
    Claim(
        "C31",
        "A plain recurrent network manages short gaps and fails at long ones.",
        ("004",),
        "long-term-dependencies",
        "A small grammar whose answer lies n words back: accuracy against n for every cell.",
        condition="Agreement at a distance, each cell with the better of two rates. Holds if at the shortest distance "
        "the 95 % interval of the share of runs that solve it lies above one half for both plain networks, "
        "tanh and IRNN, and at the longest below one half for both; with a condition if that is so for the "
        "tanh network alone; false otherwise.",
        evidence="long_lags",
        expected=CONDITIONAL,
        judge=forgotten,
    ),
    Claim(
        "C32",
        "In theory a plain recurrent network could do it: a person could set its weights by hand.",
        ("004",),
        "long-term-dependencies",
        "Set them by hand on a task that no trained one solves.",
        condition="Four tasks at the longest lags tried. Holds if on all four a tanh network set by hand, with no more "
        "units than the trained one has, solves the task on the test rows of all 20 seeds, still does at ten "
        "times that lag (where it may have more units), and not one of the 40 trained tanh networks had "
        "solved it at the longest lag. With a condition if that is so on some of the four. False if on none.",
        evidence="by_hand",
        expected=CONDITIONAL,
        judge=set_by_hand,
    ),
)
