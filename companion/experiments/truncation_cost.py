"""What an update costs: time and memory of the full gradient against the length, and of a cut-off one (C17, C19).

One layer of `companion.reference` is timed going forward and back. A round is the seed of its numbers; in every round
all sizes are timed one after the other, so that what disturbs the machine disturbs all of them. Time is that of the
processor. Memory is the most that NumPy had asked for at once, which is the same in every round.
"""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import bootstrapped

CONFIG = {
    "B": 8,
    "I": 16,
    "H": 32,
    "lengths": [25, 50, 100, 200, 400, 800, 1600],
    "T": 400,
    "cuts": [5, 10, 20, 50, 100, 200],
    "windows": [2, 5, 10, 20],
    "repeats": 3,
}

Work = Callable[[], Any]


def layer_and_data(seed: int, config: Mapping[str, Any]) -> tuple[ref.RNN, np.ndarray, np.ndarray]:
    """Return a layer, inputs of the longest length, and gradients of its outputs."""
    rng = np.random.default_rng(seed)
    T, B, H = max(config["lengths"]), config["B"], config["H"]
    return ref.RNN(config["I"], H, rng=rng), rng.normal(size=(T, B, config["I"])), rng.normal(size=(T, B, H))


def update(layer: ref.RNN, x: np.ndarray, dy: np.ndarray, horizon: int | None = None) -> Any:
    """Go forward and back once."""
    return layer.bptt(layer.unroll(x), dy, horizon=horizon)


def in_chunks(layer: ref.RNN, x: np.ndarray, dy: np.ndarray, k: int) -> None:
    """Go through the whole of x in chunks of k steps, the state carried on."""
    state = None
    for start in range(0, len(x), k):
        tape = layer.unroll(x[start : start + k], state)
        layer.bptt(tape, dy[start : start + k])
        state = tape.state


def seconds(work: Work, repeats: int) -> float:
    """Return the least processor time of some calls."""
    spent = []
    for _ in range(repeats):
        begin = time.process_time()
        work()
        spent.append(time.process_time() - begin)
    return min(spent)


def most_memory(work: Work) -> int:
    """Return the most bytes that were allocated at once during a call."""
    tracemalloc.start()
    work()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every round, times in microseconds and memory in bytes."""
    return [one_round(seed, config) for seed in seeds]


def one_round(seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """Time all sizes once.

    full: time and memory by length. update: time and memory of an update by one chunk, by its length. chunks: time for
    all T steps in chunks. windows: time for all T steps with windows. whole: time and memory of the full gradient of T.
    """
    layer, x, dy = layer_and_data(seed, config)
    T, repeats = config["T"], config["repeats"]

    def both(length: int) -> dict[str, float]:
        def work() -> Any:
            return update(layer, x[:length], dy[:length])

        work()
        return {"time": 1e6 * seconds(work, repeats), "memory": most_memory(work)}

    def spent(work: Work) -> float:
        return 1e6 * seconds(work, repeats)

    return {
        "full": [both(length) for length in config["lengths"]],
        "whole": both(T),
        "update": [both(k) for k in config["cuts"]],
        "chunks": [spent(lambda k=k: in_chunks(layer, x[:T], dy[:T], k)) for k in config["cuts"]],
        "windows": [spent(lambda k=k: update(layer, x[:T], dy[:T], k)) for k in config["windows"]],
    }


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return ratios to the full update with intervals of their medians, and the exponents with theirs."""
    lengths, T = np.array(CONFIG["lengths"]), CONFIG["T"]
    times = np.array([[one["time"] for one in run["full"]] for run in results])
    memory = np.array([one["memory"] for one in results[0]["full"]])
    exponents = np.polyfit(np.log(lengths), np.log(times).T, 1)[0]
    whole = np.array([run["whole"]["time"] for run in results])

    def ratio(values: Sequence[float]) -> dict[str, float]:
        return bootstrapped(np.array(values) / whole, "median", np.median)

    cuts = {
        str(k): {
            "time": ratio([run["update"][i]["time"] for run in results]),
            "memory": results[0]["update"][i]["memory"] / results[0]["whole"]["memory"],
            "per_symbol": ratio([run["chunks"][i] for run in results]),
        }
        for i, k in enumerate(CONFIG["cuts"])
    }
    windows = {
        str(k): {"per_symbol": ratio([run["windows"][i] for run in results])} for i, k in enumerate(CONFIG["windows"])
    }
    return {
        "count": len(results),
        "T": T,
        "lengths": lengths.tolist(),
        "time": np.median(times, axis=0).tolist(),
        "per_step": (np.median(times, axis=0) / lengths).tolist(),
        "memory": memory.tolist(),
        "exponent": {
            "time": bootstrapped(exponents, "mean", np.mean),
            "memory": float(np.polyfit(np.log(lengths), np.log(memory), 1)[0]),
        },
        "cuts": cuts,
        "windows": windows,
    }


EXPERIMENT = Experiment(
    name="truncation_cost",
    title="time and memory of an update, full and cut off",
    claims=("C17", "C19"),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    packages=("numpy", "scipy"),
    timed=True,
)
