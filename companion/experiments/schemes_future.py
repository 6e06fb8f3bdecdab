"""What is still to come: one direction, one direction that may answer later, and two directions (claim C34).

The task is an echo of the future: say at every step which symbol will come two steps later. The symbols are random, so
nothing that was read tells anything about it.

The settings were chosen on seeds from 1000 on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import interval
from companion.experiments.race import shorten
from companion.experiments.schemes_memory import HiddenLoop
from companion.tasks import one_hot

CONFIG = {
    "T": 24,
    "ahead": 2,
    "delays": [0, 1, 2, 3, 4],
    "hidden": 16,
    "hidden_each": 10,
    "rate": 0.01,
    "clip": 1.0,
    "updates": 600,
    "batch": 32,
    "trials": 400,
}

Array = np.ndarray


def drawn(T: int, B: int, ahead: int, delay: int, rng: np.random.Generator) -> tuple[Array, Array, slice]:
    """Return B streams x (T, B, 2), what is right at every step (T, B), and the steps that are asked.

    At step t the answer for step t - delay is due: the symbol of step t - delay + ahead. Where there is none the class
    is 0, and nobody asks.
    """
    stream = rng.integers(2, size=(T, B))
    wanted = np.arange(T) - delay + ahead
    there = (wanted >= 0) & (wanted < T)
    right = np.where(there[:, None], stream[np.clip(wanted, 0, T - 1)], 0)
    return one_hot(stream, 2), right, slice(delay, min(T, T + delay - ahead))


def side_by_side(seeds: Sequence[int], key: int, T: int, B: int, ahead: int, delay: int) -> tuple[Array, Array, slice]:
    """Return what every seed draws by a generator of its own, with the axis of seeds in front."""
    each = [drawn(T, B, ahead, delay, np.random.default_rng([seed, key])) for seed in seeds]
    x, right, (asked, *_) = zip(*each, strict=True)
    return np.stack(x), np.stack(right), asked


def network(seeds: Sequence[int], hidden: int, both: bool) -> HiddenLoop:
    """Return the untrained network of every seed, with one direction or with both."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    layers = [ref.RNN(2, hidden, bidirectional=both, rng=rng) for rng in rngs]
    return HiddenLoop(layers, [ref.Linear(hidden * (1 + both), 2, rng=rng) for rng in rngs])


def train(net: HiddenLoop, delay: int, seeds: Sequence[int], config: Mapping[str, Any]) -> Array:
    """Descend on new sequences at every update; return each seed's share of right answers on others."""
    adam = ref.Adam(net.params, lr=config["rate"])
    for update in range(config["updates"]):
        x, right, asked = side_by_side(seeds, 10 + update, config["T"], config["batch"], config["ahead"], delay)
        wanted = one_hot(right, 2)
        gradients = net.gradients(x, wanted)
        shorten(gradients, config["clip"])
        adam.step(gradients)
    x, right, asked = side_by_side(seeds, 1, config["T"], config["trials"], config["ahead"], delay)
    return (net(x).argmax(axis=-1) == right)[:, asked].mean(axis=(1, 2))


def reach(layer: ref.RNN, T: int, rng: np.random.Generator) -> float:
    """Return the largest derivative of an output by an input that comes later than it."""
    tape = layer.unroll(rng.normal(size=(T, 1, 2)))
    largest = 0.0
    for t in range(T - 1):
        dy = np.zeros_like(tape.y)
        dy[t] = rng.normal(size=dy[t].shape)
        largest = max(largest, float(np.abs(layer.bptt(tape, dy).x[t + 1 :]).max()))
    return largest


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the accuracy by delay and with two directions, and how far each reaches ahead."""
    results: list[dict[str, Any]] = [{} for _ in seeds]

    def keep(key: str, values: Sequence[float]) -> None:
        for result, value in zip(results, values, strict=True):
            result[key] = float(value)

    for delay in config["delays"]:
        net = network(seeds, config["hidden"], False)
        keep(f"delay_{delay}", train(net, delay, seeds, config))
        if delay == 0:
            keep("reach_one", reaches(net, seeds, config))
    net = network(seeds, config["hidden_each"], True)
    keep("two", train(net, 0, seeds, config))
    keep("reach_two", reaches(net, seeds, config))
    return results


def reaches(net: HiddenLoop, seeds: Sequence[int], config: Mapping[str, Any]) -> list[float]:
    """Return how far each trained layer reaches ahead."""
    rngs = [np.random.default_rng([seed, 2]) for seed in seeds]
    return [reach(layer, config["T"], rng) for layer, rng in zip(ref.unstack(net.network.layer), rngs, strict=True)]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means and intervals by what was measured."""
    return {key: interval([run[key] for run in results]) for key in results[0] if key != "seed"}


EXPERIMENT = Experiment(
    name="schemes_future",
    title="the symbol of two steps later: one direction, answers that come later, two directions",
    claims=("C34",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=24,
    together=8,
    packages=("numpy", "scipy"),
)
