"""Timed spikes once more, on a hundred new seeds: is what thirty runs hinted at a difference, or chance? (No claim.)

In `timing` one cell made the spikes in 6 of 30 runs with peepholes and in 1 of 30 without, two cells in 20 and in 25.
Neither is beyond chance, and the verdict on C27 rests on that. This run was decided on after those data were seen, and
does not change the verdict. Written before its own data: seeds that were not used there (30 to 129), every setting at
the one rate that was its better one there, and Fisher's exact test, two-sided, for each of the two sizes.

Added when the data were there: the power, which is how often thirty runs a side would tell the shares found here apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments import timing
from companion.experiments.experiment import Experiment
from companion.experiments.long_lags import share

CONFIG: dict[str, Any] = timing.CONFIG | {
    "first": 30,
    "chosen": {"1": {"LSTM": 0.03, "PeepholeLSTM": 0.03}, "2": {"LSTM": 0.01, "PeepholeLSTM": 0.03}},
}


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, when each setting had solved timed spikes."""
    new = [config["first"] + seed for seed in seeds]
    results: list[dict[str, Any]] = [{} for _ in seeds]
    for hidden, rates in config["chosen"].items():
        for cell, rate in rates.items():
            solved = timing.trained("timed_spikes", cell, int(hidden), rate, new, config)
            for result, at in zip(results, solved, strict=True):
                result[f"{hidden}/{cell}"] = at
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, by size, how many runs of each cell solved the task, Fisher's p, and the power of thirty runs."""
    from scipy.stats import fisher_exact

    count, found = len(results), {"count": len(results)}
    for hidden in dict.fromkeys(key.split("/")[0] for key in results[0] if key != "seed"):
        solved = {
            cell: np.array([r[f"{hidden}/{cell}"] for r in results if r[f"{hidden}/{cell}"] is not None])
            for cell in timing.CELLS
        }
        table = [[len(updates), count - len(updates)] for updates in solved.values()]
        shares = {cell: share(updates, count) for cell, updates in solved.items()}
        found[f"cells_{hidden}"] = shares | {
            "p": float(fisher_exact(table).pvalue),
            "power": power(*(each["share"] for each in shares.values())),
        }
    return found


def power(first: float, second: float, count: int = 30, level: float = 0.05) -> float:
    """Return the probability that Fisher's exact test tells two shares apart from `count` runs of each."""
    from scipy.stats import binom, fisher_exact

    every = np.arange(count + 1)
    chance = np.outer(binom.pmf(every, count, first), binom.pmf(every, count, second))
    likely = np.argwhere(chance > 1e-9)
    told = [fisher_exact([[a, count - a], [b, count - b]]).pvalue < level for a, b in likely]
    return float(chance[tuple(likely.T)] @ told)


EXPERIMENT = Experiment(
    name="timing_again",
    title="timed spikes with one cell and with two on a hundred new seeds, with peepholes and without",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=100,
    together=100,
    packages=("numpy", "scipy"),
)
