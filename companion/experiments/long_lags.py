"""Which cell bridges which lag: five cells, four tasks, growing lags, equal parameters, equal updates (C20, C30, C31).

Every cell has the same number of parameters within a percent or two, the same updates, the same batches of the same
seed, clipping at norm 1, and the same two learning rates to choose from. A run has solved its task at the first check
at which it scores well on sequences that it never saw. The plain network stands twice: as PyTorch begins it, tanh and
uniform weights, and as Le, Jaitly and Hinton (2015) do, ReLU and the identity.

Of its two rates each cell is given the one with which more of its runs solve a task, over all lags. The reach of a cell
on a task is the longest lag that at least half of its runs solve. Written before the data:

C20   holds if the reach of the LSTM is longer than that of the tanh network on all four tasks, with a condition if it
      is on some of them, and is false if it is on none.
C30   holds if both LSTM and GRU reach further than the tanh network and the IRNN on all four tasks, with a condition if
      both reach further than the tanh network on at least one task, and is false otherwise.
C31   on agreement at a distance: holds if at the shortest distance the 95 % interval of the share of runs that solve it
      lies above one half for both plain networks, and at the longest below one half for both; with a condition if that
      is so for the tanh network alone; false otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion import tasks
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import wilson
from companion.experiments.race import Runner, drawn, runner, score, size_for

CELLS = ("RNN", "IRNN", "GRU", "LSTM", "PeepholeLSTM")
LAGS = {
    "adding": [25, 50, 100],
    "temporal_order": [20, 50, 100],
    "copying": [5, 10, 20, 40],
    "agreement": [2, 5, 10, 20, 40, 80],
}
CONFIG: dict[str, Any] = {
    "lags": LAGS,
    "cells": list(CELLS),
    "parameters": 4600,
    "rates": [0.002, 0.01],
    "updates": 3000,
    "batch": 20,
    "clip": 1.0,
    "every": 100,
    "trials": 200,
    "solved": {"adding": 0.01, "temporal_order": 0.95, "copying": 0.95, "agreement": 0.95},
    "curves": {"adding": 50, "temporal_order": 50, "copying": 10, "agreement": 20},
}


def task(name: str, lag: int) -> Any:
    """Return a task whose answer lies `lag` steps back: half of the row, on average, for adding."""
    return {
        "adding": lambda: tasks.Adding(T=lag),
        "temporal_order": lambda: tasks.TemporalOrder(T=lag),
        "copying": lambda: tasks.Copying(length=5, delay=lag, symbols=4),
        "agreement": lambda: tasks.Agreement(distance=lag),
    }[name]()


Cell = str | Callable[[int, int, Any], ref.Layer]  # a name, or what makes a layer of inputs, units and a generator


def layer(cell: Cell, inputs: int, hidden: int, rng: np.random.Generator | int) -> ref.Layer:
    """Return a layer of a cell with the weights it is usually begun with, in float32; or the one that `cell` makes."""
    if callable(cell):
        return cell(inputs, hidden, rng)
    if cell == "IRNN":
        made: ref.Layer = ref.RNN(inputs, hidden, nonlinearity="relu", rng=rng, dtype=np.float32)
        ref.init.identity(made)
        return made
    made = getattr(ref, cell)(inputs, hidden, rng=rng, dtype=np.float32)
    if "f" in made.cell.blocks:
        ref.init.forget_bias(made, 1.0)
    return made


def hidden_size(cell: Cell, inputs: int, outputs: int, parameters: int) -> int:
    """Return the number of units with which layer and head together have about as many parameters as wanted."""

    def count(H: int) -> int:
        return sum(value.size for value in layer(cell, inputs, H, 0).params.values()) + (H + 1) * outputs

    return size_for(parameters, count)


def sizes(name: str) -> tuple[int, int]:
    """Return the widths of input and output of a task."""
    batch = task(name, LAGS[name][0]).batch(1, np.random.default_rng(0))
    symbols = {"temporal_order": 4, "copying": 4, "agreement": tasks.Agreement().countries}
    return batch.x.shape[-1], symbols.get(name, 1)


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, its runs by task, lag, cell and rate: when it had solved the task, and its score."""
    results: list[dict[str, Any]] = [{"runs": {}, "curves": {}} for _ in seeds]
    for name, lags in config["lags"].items():
        for lag in lags:
            for cell in config["cells"]:
                for rate in config["rates"]:
                    solved, curves = trained(name, lag, cell, rate, seeds, config)
                    key = f"{name}/{lag}/{cell}/{rate}"
                    for s, result in enumerate(results):
                        result["runs"][key] = [solved[s], curves[-1][s]]
                        if config["curves"].get(name) == lag:
                            result["curves"][key] = [value[s] for value in curves]
    return results


def trained(name: str, lag: int, cell: Cell, rate: float, seeds: Sequence[int], config: Mapping[str, Any]):
    """Return for every seed the update at which it had solved the task, or None, and the scores at every check."""
    what, (inputs, outputs) = task(name, lag), sizes(name)
    hidden = hidden_size(cell, inputs, outputs, config["parameters"])
    networks = runner(lambda rng: layer(cell, inputs, hidden, rng), outputs, seeds, rate, config["clip"])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
    test = drawn(what, config["trials"], [np.random.default_rng([seed, 2]) for seed in seeds])
    solved: list[int | None] = [None] * len(seeds)
    curves = []
    with np.errstate(over="ignore", invalid="ignore"):
        for update in range(1, config["updates"] + 1):
            networks.update(drawn(what, config["batch"], rngs))
            if update % config["every"] == 0:
                curves.append(checked(networks, test, name, solved, update, config))
                if None not in solved:
                    break
    return solved, curves


def checked(networks: Runner, test, name: str, solved: list[int | None], update: int, config) -> list[float | None]:
    """Score all networks, note those that have solved the task for the first time, and return the scores."""
    scores = score(networks(test.x), test)
    enough = scores >= config["solved"][name] if test.labels else scores <= config["solved"][name]
    for s in np.flatnonzero(enough):
        solved[s] = solved[s] or update
    return [round(float(value), 4) if np.isfinite(value) else None for value in scores]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, by task, cell and lag, at the cell's better rate: runs that solved, their share with its Wilson interval,
    and the median update at which they had; and the longest lag that at least half of the runs solve.
    """
    runs = [result["runs"] for result in results]
    found: dict[str, Any] = {}
    keys = [key.split("/") for key in runs[0]]
    for name in dict.fromkeys(key[0] for key in keys):
        lags = list(dict.fromkeys(key[1] for key in keys if key[0] == name))
        rates = list(dict.fromkeys(key[3] for key in keys))
        found[name] = {}
        for cell in dict.fromkeys(key[2] for key in keys):
            rate = max(rates, key=lambda r: sum(solved_of(runs, name, lag, cell, r).size for lag in lags))
            by_lag = {lag: share(solved_of(runs, name, lag, cell, rate), len(runs)) for lag in lags}
            bridged = [int(lag) for lag in lags if by_lag[lag]["share"] >= 0.5]
            found[name][cell] = {"rate": float(rate), "reach": max(bridged, default=0), "lags": by_lag}
    return found


def solved_of(runs: Sequence[Mapping[str, Any]], name: str, lag: str, cell: str, rate: str) -> np.ndarray:
    """Return the updates at which the runs of one setting had solved their task; those that did not are left out."""
    return np.array([at for run in runs if (at := run[f"{name}/{lag}/{cell}/{rate}"][0]) is not None])


def share(updates: np.ndarray, count: int) -> dict[str, Any]:
    """Return how many of `count` runs solved their task, the share with its 95 % Wilson interval, and the median."""
    median = float(np.median(updates)) if len(updates) else None
    return {"solved": len(updates), **wilson(len(updates), count), "updates": median}


EXPERIMENT = Experiment(
    name="long_lags",
    title="five cells with equal parameters on four tasks with growing lags",
    claims=("C20", "C30", "C31"),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=10,
    packages=("numpy", "scipy"),
)
