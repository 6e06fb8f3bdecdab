"""What is gained by one set of weights: a network that shares them over the steps, and one with a set for every step.

The task is the last pulse: twelve steps of silence with pulses of +1 and -1 among them; say at the end which came last.
Both networks begin as the same function, with the same weights in every layer; from then on one adds its copies'
gradients up, as a recurrent layer does, and the other lets every layer follow its own. They are tried on sequences of
the same kind, on a pulse at a step that was silent in training, and, where that is possible, on longer sequences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import interval
from companion.reference import unfolded

CONFIG = {
    "T": 12,
    "hidden": 8,
    "rate": 0.01,
    "updates": 400,
    "pulses": 0.25,
    "examples": [16, 64, 256, 1024],
    "trials": 1000,
    "silent": 5,
    "longer": [24, 48],
}
NETWORKS = ("shared", "unshared")

Array = np.ndarray


def last_pulse(
    T: int, B: int, rng: np.random.Generator, share: float = 0.25, silent: int | None = None, last: int | None = None
) -> tuple[Array, Array]:
    """Draw B sequences of T steps: x (T, B, 1) of -1, 0 and 1, and the last that is not 0, (1, B, 1).

    Pulses come with probability `share` at every step, and each sequence has at least one. At the step `silent` there
    is none. With `last` the last pulse of every sequence is at that step.
    """
    x = rng.choice([-1.0, 0.0, 1.0], p=[share / 2, 1 - share, share / 2], size=(T, B))
    if silent is not None:
        x[silent] = 0
    if last is not None:
        x[last:] = 0
        x[last] = rng.choice([-1, 1], size=B)
    empty = np.flatnonzero(~x.any(axis=0))
    steps = np.delete(np.arange(T), [] if silent is None else silent)
    x[rng.choice(steps, size=len(empty)), empty] = rng.choice([-1, 1], size=len(empty))
    final = T - 1 - np.argmax(x[::-1] != 0, axis=0)
    return x[..., None], x[final, np.arange(B)][None, :, None]


class Chain:
    """T layers and a head that reads the last state; `shared` says whether the layers have to stay copies."""

    def __init__(self, layer: ref.Layer, head: ref.Linear, T: int, shared: bool, rate: float):
        self.shared, self.head = shared, head
        self.layers = [layer] * T if shared else unfolded.copies(layer, T)
        parts = [layer] if shared else self.layers
        self.params = {f"{t}.{name}": value for t, part in enumerate(parts) for name, value in part.params.items()}
        self.params |= {f"head.{name}": value for name, value in head.params.items()}
        self.adam = ref.Adam(self.params, lr=rate)

    def __call__(self, x: Array) -> Array:
        """Return what the head says after the last step, (…, 1, B, 1). A shared chain takes any length."""
        layers = self.layers[:1] * x.shape[-3] if self.shared else self.layers
        return self.head(unfolded.forward(layers, x)[-1].y)

    def update(self, x: Array, target: Array) -> None:
        """One step downhill on the squared error."""
        tapes = unfolded.forward(self.layers, x)
        said = self.head(tapes[-1].y)
        back = self.head.backward(tapes[-1].y, 2 * (said - target) / target.size * len(said))
        gradients = unfolded.backward(self.layers, tapes, [None] * (len(tapes) - 1) + [back.x])
        shares = [unfolded.summed(gradients)] if self.shared else [each.params for each in gradients]
        found = {f"{t}.{name}": value for t, share in enumerate(shares) for name, value in share.items()}
        self.adam.step(found | {f"head.{name}": value for name, value in back.params.items()})


def pair(seeds: Sequence[int], T: int, hidden: int, rate: float) -> dict[str, Chain]:
    """Return the shared and the unshared network of all seeds side by side, which begin as the same function."""
    made = {}
    for name in NETWORKS:
        rngs = [np.random.default_rng(seed) for seed in seeds]
        layer = ref.stack([ref.RNN(1, hidden, rng=rng) for rng in rngs])
        head = ref.stack([ref.Linear(hidden, 1, rng=rng) for rng in rngs])
        made[name] = Chain(layer, head, T, name == "shared", rate)
    return made


def data(seeds: Sequence[int], key: int, *sizes: Any, **options: Any) -> tuple[Array, Array]:
    """Return sequences of every seed, each drawn by a generator of its own."""
    drawn = [last_pulse(*sizes, np.random.default_rng([seed, key]), **options) for seed in seeds]
    x, target = zip(*drawn, strict=True)
    return np.stack(x), np.stack(target)


def accuracy(network: Chain, x: Array, target: Array) -> Array:
    """Return the share of sequences whose last pulse is named rightly, one number a seed."""
    return (np.sign(network(x)) == target).mean(axis=(1, 2, 3))


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed and both networks, the accuracies by number of examples, by place and by length."""
    T, trials, share = config["T"], config["trials"], config["pulses"]
    test = data(seeds, 1, T, trials, share=share)
    results: list[dict[str, Any]] = [{name: {} for name in NETWORKS} for _ in seeds]

    def keep(network: str, key: str, values: Array) -> None:
        for result, value in zip(results, values, strict=True):
            result[network][key] = float(value)

    for n in config["examples"]:
        x, target = data(seeds, 2, T, n, share=share)
        for name, network in trained(seeds, config, x, target).items():
            keep(name, f"seen_{n}", accuracy(network, x, target))
            keep(name, f"new_{n}", accuracy(network, *test))
            if name == "shared" and n == max(config["examples"]):
                for length in config["longer"]:
                    keep(name, f"length_{length}", accuracy(network, *data(seeds, 3, length, trials, share=share)))
    silent = config["silent"]
    x, target = data(seeds, 4, T, max(config["examples"]), share=share, silent=silent)
    for name, network in trained(seeds, config, x, target).items():
        keep(name, "elsewhere", accuracy(network, *data(seeds, 5, T, trials, share=share, silent=silent)))
        keep(name, "silent_step", accuracy(network, *data(seeds, 6, T, trials, share=share, last=silent)))
    return results


def trained(seeds: Sequence[int], config: Mapping[str, Any], x: Array, target: Array) -> dict[str, Chain]:
    """Return both networks of every seed after all updates."""
    networks = pair(seeds, config["T"], config["hidden"], config["rate"])
    for network in networks.values():
        for _ in range(config["updates"]):
            network.update(x, target)
    return networks


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean over the seeds, its 95 % interval and the extremes, by network and by what was asked."""
    return {name: {key: interval([run[name][key] for run in results]) for key in results[0][name]} for name in NETWORKS}


EXPERIMENT = Experiment(
    name="sharing",
    title="the last pulse, learnt with one set of weights and with a set for every step",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=5,
    packages=("numpy", "scipy"),
)
