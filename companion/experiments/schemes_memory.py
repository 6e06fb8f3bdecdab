"""Which loop knows more: the hidden state fed back, or the output, with as many parameters (claim C04).

Three tasks on streams of random symbols. *Echo*: say the symbol of some steps ago; a right answer tells nothing of the
symbols in between. *Latch*: say which pulse came last; *parity*: whether the ones so far are odd; here the right answer
is all that has to be kept. The output-recurrent network is trained in both ways there are: by a teacher who puts the
right answer in the place of the last output, and through its own outputs. It is always asked without a teacher.

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
from companion.reference.scores import softmax
from companion.tasks import Echo, Parity, one_hot
from companion.training import Network

CONFIG = {
    "T": 24,
    "lags": [0, 1, 2, 3, 4, 6, 8],
    "keeping": ["latch", "parity"],
    "pulses": 0.25,
    "hidden": 16,
    "hidden_output": 50,
    "rate": 0.01,
    "clip": 1.0,
    "updates": 1000,
    "batch": 32,
    "trials": 400,
}
NETWORKS = ("hidden", "taught", "own")  # the hidden state fed back; the output, taught; the output, through its own

Array = np.ndarray


def drawn(task: str, T: int, B: int, rng: np.random.Generator, pulses: float = 0.25) -> tuple[Array, Array, int]:
    """Return B sequences, x (T, B, 2), the class of every right answer (T, B), and the first step that is asked.

    task: "echo_3" for the symbol of three steps ago (0 before the first), "latch" or "parity".
    """
    if task == "parity":
        batch = Parity().batch(T, B, rng)
        return batch.x, batch.y, 0
    if task == "latch":
        return latch(T, B, rng, pulses)
    lag = int(task.removeprefix("echo_"))
    batch = Echo(lag).batch(T, B, rng)
    return batch.x, np.maximum(batch.y, 0), lag


def latch(T: int, B: int, rng: np.random.Generator, pulses: float) -> tuple[Array, Array, int]:
    """Pulses on one of two lines, or silence, from the first step on; the answer is the line of the last pulse."""
    line = rng.integers(2, size=(T, B))
    there = rng.random((T, B)) < pulses
    there[0] = True
    last = np.maximum.accumulate(np.where(there, np.arange(T)[:, None], 0), axis=0)
    return one_hot(line, 2) * there[..., None], np.take_along_axis(line, last, axis=0), 0


def side_by_side(task: str, seeds: Sequence[int], key: int, T: int, B: int, pulses: float) -> tuple[Array, Array, int]:
    """Return what every seed draws by a generator of its own, with the axis of seeds in front."""
    each = [drawn(task, T, B, np.random.default_rng([seed, key]), pulses) for seed in seeds]
    x, y, (first, *_) = zip(*each, strict=True)
    return np.stack(x), np.stack(y), first


class HiddenLoop:
    """Elman's network with a softmax: the hidden state comes back, the output goes out only."""

    def __init__(self, layers: Sequence[ref.RNN], heads: Sequence[ref.Linear]):
        self.network = Network(ref.stack(layers), ref.stack(heads))
        self.params = self.network.params

    def __call__(self, x: Array) -> Array:
        """The probability of each class at each step, (S, T, B, 2)."""
        return softmax(self.network(x))

    def gradients(self, x: Array, right: Array) -> dict[str, Array]:
        """Of the mean cross-entropy, which for a softmax is (p - right) at its entrance."""
        tape = self.network.layer.unroll(x)
        return self.network.backward(tape, (softmax(self.network.head(tape.y)) - right) / counted(right))


class OutputLoop:
    """Jordan's network with a softmax: the output comes back; with a teacher, the right answer in its place."""

    def __init__(self, layers: Sequence[ref.JordanRNN], taught: bool):
        self.layer, self.taught = ref.stack(layers), taught
        self.params = self.layer.params

    def __call__(self, x: Array) -> Array:
        """The probability of each class at each step, without a teacher."""
        return self.layer(x)[0]

    def gradients(self, x: Array, right: Array) -> dict[str, Array]:
        """Of the mean cross-entropy, -log p of the right class."""
        tape = self.layer.unroll(x, targets=right if self.taught else None)
        return self.layer.bptt(tape, -right / np.maximum(tape.y, 1e-12) / counted(right)).params


def counted(right: Array) -> int:
    """How many answers one network gives: (S, T, B, classes) to T B."""
    return right.shape[1] * right.shape[2]


def network(name: str, seeds: Sequence[int], config: Mapping[str, Any]) -> HiddenLoop | OutputLoop:
    """Return the untrained network of every seed."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    if name == "hidden":
        H = config["hidden"]
        return HiddenLoop([ref.RNN(2, H, rng=rng) for rng in rngs], [ref.Linear(H, 2, rng=rng) for rng in rngs])
    H = config["hidden_output"]
    return OutputLoop([ref.JordanRNN(2, H, 2, "softmax", rng=rng) for rng in rngs], name == "taught")


def train(net: HiddenLoop | OutputLoop, task: str, seeds: Sequence[int], config: Mapping[str, Any]) -> None:
    """Descend on new sequences at every update."""
    adam = ref.Adam(net.params, lr=config["rate"])
    for update in range(config["updates"]):
        x, y, _ = side_by_side(task, seeds, 10 + update, config["T"], config["batch"], config["pulses"])
        gradients = net.gradients(x, one_hot(y, 2))
        shorten(gradients, config["clip"])
        adam.step(gradients)


def accuracy(net: HiddenLoop | OutputLoop, task: str, seeds: Sequence[int], config: Mapping[str, Any]) -> Array:
    """Return each seed's share of right answers on sequences of its own, without a teacher."""
    x, y, first = side_by_side(task, seeds, 1, config["T"], config["trials"], config["pulses"])
    return (net(x).argmax(axis=-1) == y)[:, first:].mean(axis=(1, 2))


def tasks(config: Mapping[str, Any]) -> list[str]:
    """Return the names of all tasks."""
    return [f"echo_{lag}" for lag in config["lags"]] + list(config["keeping"])


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the accuracy of every seed by task and network."""
    results: list[dict[str, Any]] = [{task: {} for task in tasks(config)} for _ in seeds]
    for task in tasks(config):
        for name in NETWORKS:
            net = network(name, seeds, config)
            train(net, task, seeds, config)
            for result, value in zip(results, accuracy(net, task, seeds, config), strict=True):
                result[task][name] = float(value)
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means and intervals by task, and the lead of the hidden loop over the better way to train the other."""
    summary = {}
    for task in (key for key in results[0] if key != "seed"):
        found = {name: np.array([run[task][name] for run in results]) for name in NETWORKS}
        better = max(("taught", "own"), key=lambda name: found[name].mean())
        summary[task] = {name: interval(values) for name, values in found.items()}
        summary[task] |= {"better": better, "lead": interval(found["hidden"] - found[better])}
    return summary


EXPERIMENT = Experiment(
    name="schemes_memory",
    title="hidden state or output fed back: answers by lag, and where the answer is the state",
    claims=("C04",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=24,
    together=8,
    packages=("numpy", "scipy"),
)
