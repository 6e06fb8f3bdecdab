"""Timing with one cell and with two: LSTM against peephole LSTM on timed spikes and on measured delays (C27).

Both tasks are those of `companion.tasks.timing`. Both networks begin as PyTorch does with a forget bias of 1, have a
dense layer on top and the same two learning rates to choose from: of those each is given, on each task and at each
size, the one with which more of its runs solve the task. No equal parameters: with one cell a peephole LSTM has three
weights more, and those are what is asked about. A run has solved its task at the first check, every 100 updates, at
which

- timed spikes: over twice as many periods as it learnt from the output is above one half at the spikes, nowhere else;
- spike delays: 99 % of the delays of rows that it never saw are told right.

Written before the data (the number of updates, the rates and the short delays were chosen by how long a step takes and
how far the peephole cell came with seeds from 1000 on):

C27   of the four comparisons, two tasks by one cell and two: holds if in all four more of the 30 runs with peepholes
      solve the task than without, by Fisher's exact test, two-sided, p < 0.05 each. Holds with a condition if that is
      so in at least one of them. False if in none.

Reported beside it: in how many comparisons LSTM without peepholes is ahead by the same test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion import tasks
from companion.experiments.experiment import Experiment
from companion.experiments.long_lags import share
from companion.experiments.race import Runner, drawn, runner, score

CELLS = ("LSTM", "PeepholeLSTM")
CONFIG: dict[str, Any] = {
    "period": 5,
    "spikes": 6,
    "delay": 5,
    "delays": 4,
    "sizes": [1, 2],
    "rates": [0.01, 0.03],
    "updates": {"timed_spikes": 5000, "spike_delays": 2000},
    "batch": {"timed_spikes": 1, "spike_delays": 16},
    "clip": 1.0,
    "every": 100,
    "trials": 200,
    "solved": 0.99,
}


def task(name: str, config: Mapping[str, Any], longer: int = 1) -> Any:
    """Return a task; `longer` is how many times as many periods the row of timed spikes has."""
    if name == "timed_spikes":
        return tasks.TimedSpikes(config["period"], longer * config["spikes"])
    return tasks.SpikeDelays(config["delay"], config["delays"])


def layer(cell: str, hidden: int, rng: np.random.Generator) -> ref.Layer:
    """Return a layer of a cell as PyTorch begins it, with a forget bias of 1, in float32."""
    made: ref.Layer = getattr(ref, cell)(1, hidden, rng=rng, dtype=np.float32)
    ref.init.forget_bias(made, 1.0)
    return made


def trained(
    name: str, cell: str, hidden: int, rate: float, seeds: Sequence[int], config: Mapping[str, Any]
) -> list[int | None]:
    """Return for every seed the update at which it had solved the task, or None."""
    what, B = task(name, config), config["batch"][name]
    outputs = 1 if name == "timed_spikes" else 2
    networks = runner(lambda rng: layer(cell, hidden, rng), outputs, seeds, rate, config["clip"])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
    unseen = [np.random.default_rng([seed, 2]) for seed in seeds]
    test = drawn(task(name, config, longer=2), 1 if name == "timed_spikes" else config["trials"], unseen)
    solved: list[int | None] = [None] * len(seeds)
    for update in range(1, config["updates"][name] + 1):
        networks.update(drawn(what, B, rngs))
        if update % config["every"] == 0:
            for s in np.flatnonzero(right(name, networks, test, config)):
                solved[s] = solved[s] or update
            if None not in solved:
                break
    return solved


def right(name: str, networks: Runner, test: Any, config: Mapping[str, Any]) -> np.ndarray:
    """Return which networks (S,) do their task now."""
    outputs = networks(test.x)
    if name == "timed_spikes":
        return task(name, config, longer=2).right(outputs)[:, 0]
    return score(outputs, test) >= config["solved"]


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, when each setting had solved its task."""
    results: list[dict[str, Any]] = [{} for _ in seeds]
    for name in config["updates"]:
        for hidden in config["sizes"]:
            for cell in CELLS:
                for rate in config["rates"]:
                    for result, at in zip(results, trained(name, cell, hidden, rate, seeds, config), strict=True):
                        result[f"{name}/{hidden}/{cell}/{rate}"] = at
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, by task and size, the better rate of each cell, how many runs solved the task, and Fisher's p."""
    from scipy.stats import fisher_exact

    settings = [key.split("/") for key in results[0] if key != "seed"]
    count, found = len(results), {"count": len(results), "ahead": 0, "behind": 0}
    for name, hidden in dict.fromkeys((key[0], key[1]) for key in settings):
        entry: dict[str, Any] = {}
        for cell in CELLS:
            rates = [key[3] for key in settings if key[:3] == [name, hidden, cell]]
            runs = {rate: [r[f"{name}/{hidden}/{cell}/{rate}"] for r in results] for rate in rates}
            rate = max(rates, key=lambda r: sum(at is not None for at in runs[r]))
            updates = np.array([at for at in runs[rate] if at is not None])
            entry[cell] = {"rate": float(rate), **share(updates, count)}
        plain, peep = (entry[cell]["solved"] for cell in CELLS)
        entry["p"] = float(fisher_exact([[plain, count - plain], [peep, count - peep]]).pvalue)
        found["ahead"] += int(entry["p"] < 0.05 and peep > plain)
        found["behind"] += int(entry["p"] < 0.05 and peep < plain)
        found[f"{name}_{hidden}"] = entry
    return found


EXPERIMENT = Experiment(
    name="timing",
    title="timed spikes and measured delays with one cell and with two, with peepholes and without",
    claims=("C27",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=30,
    together=30,
    packages=("numpy", "scipy"),
)
