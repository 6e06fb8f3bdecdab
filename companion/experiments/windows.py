"""What can be answered without a memory: echo and running parity for networks that see one symbol, some, or all.

Every network is judged on new streams of random bits, at steps that have more bits behind them than the longest window
holds. So what a network does not see there is as good as a coin, and its chance is exactly one half.

window       a network without a loop that sees the last w bits at once, w = 1 being the present bit alone: as many
             tanh units as the recurrent network has, and an output layer;
recurrent    an `RNN` that reads one bit a step, from the first on.

Beside the two tasks stands a control: the parity of the last w bits, which a window of w bits does hold. A network that
learns it and not the running parity does not lack the units for it. And the recurrent networks are asked once more on
streams ten times as long as those they learnt from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import wilson
from companion.tasks import Echo, Parity
from companion.training import Network

CONFIG = {
    "T": 32,
    "scored_from": 12,
    "trials": 500,
    "longer": {"T": 320, "trials": 100},
    "solved": 0.99,
    "lucky": 0.525,
    "lags": [2, 4, 6],
    "echo_windows": [1, 2, 3, 4, 5, 6, 7, 8],
    "parity_windows": [1, 2, 4, 6, 8, 10, 12],
    "control_windows": [1, 2, 4, 6],
    "hidden": 16,
    "batch": 32,
    "clip": 1.0,
    "window": {"rate": 0.01, "updates": 400},
    "control": {"rate": 0.01, "updates": 1500},
    "recurrent": {"rate": 0.005, "updates": 2000},
}

Array = np.ndarray


def streams(task: str, T: int, B: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw B streams of T bits and their answers, (T, B) each, -1 where there is none.

    `task` is "echo_4" for the bit four steps ago, "parity", or "last_4" for the parity of the last four bits.
    """
    kind, _, size = task.partition("_")
    if kind == "echo":
        batch = Echo(int(size)).batch(T, B, rng)
        return batch.x.argmax(axis=-1), batch.y
    batch = Parity().batch(T, B, rng)
    if kind == "parity":
        return batch.x.argmax(axis=-1), batch.y
    bits, answers = batch.x.argmax(axis=-1), np.full(batch.y.shape, -1)
    for t in range(int(size) - 1, T):
        answers[t] = bits[t + 1 - int(size) : t + 1].sum(axis=0) % 2
    return bits, answers


def seen(bits: Array, window: int | None) -> Array:
    """Return what the network is shown of bits (…, T, B), as numbers -1 and 1.

    A recurrent network, whose window is None, reads (…, T, B, 1). A window of w shows (…, 1, T·B, w) to a layer that
    makes one step; bits from before the stream began are shown as 0.
    """
    signs = 2.0 * bits - 1
    if window is None:
        return signs[..., None]
    before = np.zeros((*signs.shape[:-2], window - 1, signs.shape[-1]))
    longer = np.concatenate([before, signs], axis=-2)
    shown = np.lib.stride_tricks.sliding_window_view(longer, window, axis=-2)
    return shown.reshape(*signs.shape[:-2], 1, -1, window).copy()


class Learner:
    """Networks of all seeds side by side, one layer and the layer that reads it out."""

    def __init__(self, window: int | None, seeds: Sequence[int], hidden: int, rate: float, clip: float):
        rngs = [np.random.default_rng([seed, 0]) for seed in seeds]
        self.window, self.clip = window, clip
        layers = [ref.RNN(window or 1, hidden, rng=rng) for rng in rngs]
        self.network = Network(ref.stack(layers), ref.stack([ref.Linear(hidden, 2, rng=rng) for rng in rngs]))
        self.adam = ref.Adam(self.network.params, lr=rate)

    def __call__(self, bits: Array) -> Array:
        """Return the answers (S, T, B) to bits (S, T, B)."""
        return self.network(seen(bits, self.window)).argmax(axis=-1).reshape(bits.shape)

    def update(self, bits: Array, answers: Array) -> None:
        """One step downhill on the cross-entropy, each network on its own streams and with its own clipping."""
        tape = self.network.layer.unroll(seen(bits, self.window))
        logits = self.network.head(tape.y)
        targets = answers.reshape(logits.shape[:-1])
        _, d_logits = ref.softmax_cross_entropy(logits, targets, mask=targets >= 0)
        grads = self.network.backward(tape, d_logits * len(logits))  # the mean is over all networks
        ref.each_run(ref.clip_grad_norm, grads, max_norm=self.clip)
        self.adam.step(grads)


def drawn(task: str, seeds: Sequence[int], key: int, T: int, B: int) -> Iterator[tuple[Array, Array]]:
    """Yield streams without end, (S, T, B) bits and answers; every seed has a generator of its own."""
    rngs = [np.random.default_rng([seed, key]) for seed in seeds]
    while True:
        bits, answers = zip(*(streams(task, T, B, rng) for rng in rngs), strict=True)
        yield np.stack(bits), np.stack(answers)


def learnt(task: str, window: int | None, seeds: Sequence[int], config: Mapping[str, Any]) -> Learner:
    """Return the networks of all seeds after their updates."""
    kind = "recurrent" if window is None else "control" if task.startswith("last") else "window"
    settings = config[kind]
    learner = Learner(window, seeds, config["hidden"], settings["rate"], config["clip"])
    supply = drawn(task, seeds, 1, config["T"], config["batch"])
    for _ in range(settings["updates"]):
        learner.update(*next(supply))
    return learner


def accuracy(learner: Learner, task: str, seeds: Sequence[int], config: Mapping[str, Any]) -> list[float]:
    """Return the share of right answers on new streams, for every seed, past the first `scored_from` steps."""
    bits, answers = next(drawn(task, seeds, 2, config["T"], config["trials"]))
    right = (learner(bits) == answers)[:, config["scored_from"] :]
    return right.mean(axis=(1, 2)).tolist()


def trials(config: Mapping[str, Any]) -> list[tuple[str, int | None]]:
    """Return every task with every window that is tried on it; None is the recurrent network."""
    echoes = [(f"echo_{lag}", window) for lag in config["lags"] for window in (*config["echo_windows"], None)]
    parities = [("parity", window) for window in (*config["parity_windows"], None)]
    return echoes + parities + [(f"last_{window}", window) for window in config["control_windows"]]


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the accuracy of each network on each task."""
    results: list[dict[str, Any]] = [{} for _ in seeds]
    for task, window in trials(config):
        learner = learnt(task, window, seeds, config)
        _keep(results, task, named(window), accuracy(learner, task, seeds, config))
        if window is None:
            _keep(results, "longer", task, accuracy(learner, task, seeds, {**config, **config["longer"]}))
    return results


def named(window: int | None) -> str:
    """Return the name under which a network's results are kept."""
    return "recurrent" if window is None else f"window_{window}"


def _keep(results: list[dict[str, Any]], group: str, name: str, scores: Sequence[float]) -> None:
    for result, score in zip(results, scores, strict=True):
        result.setdefault(group, {})[name] = score


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, by task and network, the accuracies and the share of seeds that solved the task with its interval.

    Under "longer" stand the recurrent networks on longer streams, by task.
    """
    groups = [group for group in results[0] if group != "seed"]
    return {
        group: {name: told([run[group][name] for run in results]) for name in results[0][group]} for group in groups
    }


def told(scores: Sequence[float], solved: float = CONFIG["solved"]) -> dict[str, float]:
    """Return mean, least and most, and the share at or above `solved` with Wilson's 95 % interval."""
    share = wilson(sum(score >= solved for score in scores), len(scores))
    extremes = {"mean": float(np.mean(scores)), "min": min(scores), "max": max(scores)}
    return extremes | {"solved": share["share"], "low": share["low"], "high": share["high"]}


EXPERIMENT = Experiment(
    name="windows",
    title="echo and running parity: one symbol, a window of symbols, a loop",
    claims=("C02",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=40,
    together=10,
    packages=("numpy", "scipy"),
)
