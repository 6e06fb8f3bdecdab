"""The echo task with the gradient cut off: what is learnt at which lag, for which cut (claim C18).

A network hears a stream of random bits without end and says at every step the bit of `lag` steps ago. Its state is
carried on all the time; only the gradient is cut. With chunks of k steps the cut lies between the chunks, so the loss
at the p-th step of a chunk, p = 0 ... k-1, reaches back through p + 1 steps. With windows the loss of every step
reaches back through k. All networks see as many symbols with every update, and make as many updates. Beside them stand
networks whose recurrent layer stays as it was drawn, so that only what reads the state is learnt: what they can echo is
memory that no gradient has made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import wilson

CONFIG = {
    "lags": [1, 2, 3, 4, 5, 6, 8, 10],
    "cuts": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    "hidden": 16,
    "rate": 0.01,
    "updates": 1500,
    "symbols": 120,
    "window": 12,
    "tested": [50, 250, 16],
    "success": 0.95,
}
WAYS = ("chunks", "windows")

Array = np.ndarray


class Streams:
    """Endless streams of random bits, B for every seed, heard by a network for each lag and seed."""

    def __init__(self, lags: Sequence[int], seeds: Sequence[int], B: int):
        self.lags, self.rngs, self.B = lags, [np.random.default_rng([seed, 1]) for seed in seeds], B
        self.past = self._draw(max(lags))

    def _draw(self, T: int) -> Array:
        return np.stack([rng.integers(2, size=(T, self.B)) for rng in self.rngs])

    def next(self, T: int) -> tuple[Array, Array]:
        """Return x (S, T, B, 2), the next T bits as one of two, and the bits asked for, (S, T, B)."""
        heard = np.concatenate([self.past, self._draw(T)], axis=1)
        end = heard.shape[1]
        self.past = heard[:, -max(self.lags) :]
        x = np.eye(2, dtype=np.float32)[heard[:, end - T :]]
        asked = [heard[:, end - T - lag : end - lag] for lag in self.lags]
        return np.tile(x, (len(self.lags), 1, 1, 1)), np.concatenate(asked)


class Networks:
    """A recurrent layer and what reads it, one for each lag and seed, side by side; the same seed begins alike."""

    def __init__(self, config: Mapping[str, Any], seeds: Sequence[int], lags: int, frozen: bool = False):
        rngs = [np.random.default_rng([seed, 0]) for _ in range(lags) for seed in seeds]
        self.layer = ref.stack([ref.RNN(2, config["hidden"], dtype=np.float32, rng=rng) for rng in rngs])
        self.head = ref.stack([ref.Linear(config["hidden"], 2, dtype=np.float32, rng=rng) for rng in rngs])
        self.frozen = frozen
        self.adam = ref.Adam(({} if frozen else self.layer.params) | self.head.params, lr=config["rate"])

    def update(self, x: Array, asked: Array, state: Array | None, horizon: int | None = None) -> Array:
        """Learn from the last steps of x, as many as there are in `asked`, and return the state after all of x."""
        tape = self.layer.unroll(x, state)
        heard, new = x.shape[-3], asked.shape[-2]
        y = tape.y[..., heard - new :, :, :]
        dlogits = ref.softmax_cross_entropy(self.head(y), asked)[1] * len(x)
        back = self.head.backward(y, dlogits)
        grads = back.params
        if not self.frozen:
            dy = np.zeros_like(tape.y)
            dy[..., heard - new :, :, :] = back.x
            grads = grads | self.layer.bptt(tape, dy, horizon=horizon).params
        self.adam.step(grads)
        return tape.state


def train(seeds: Sequence[int], config: Mapping[str, Any], way: str, k: int) -> Array:
    """Train a network for each lag and seed, and return how much of a fresh stream it echoes, (lags, seeds)."""
    lags = config["lags"]
    networks = Networks(config, seeds, len(lags), frozen=way == "frozen")
    T = config["window"] if way == "windows" else k
    streams = Streams(lags, seeds, round(config["symbols"] / T))
    state, heard = None, None
    for _ in range(config["updates"]):
        x, asked = streams.next(T)
        if way == "windows":
            heard, state = together(networks.layer, heard, x, state, k)
            networks.update(heard, asked, state, horizon=k)
        else:
            state = networks.update(x, asked, state)
    return accuracy(networks, seeds, config)


def together(
    layer: ref.Layer, heard: Array | None, x: Array, state: Array | None, k: int
) -> tuple[Array, Array | None]:
    """Return the last k-1 steps that were heard with the new ones behind them, and the state before them."""
    if heard is None:
        return x, state
    kept = heard.shape[-3] - min(k - 1, heard.shape[-3])
    if kept:
        state = layer(np.ascontiguousarray(heard[..., :kept, :, :]), state)[1]
    return np.concatenate([heard[..., kept:, :, :], x], axis=-3), state


def accuracy(networks: Networks, seeds: Sequence[int], config: Mapping[str, Any]) -> Array:
    """Return the share of a fresh stream that each network echoes rightly, (lags, seeds)."""
    begin, end, B = config["tested"]
    fresh = Streams(config["lags"], [seed + 1_000_000 for seed in seeds], B)
    x, asked = fresh.next(end)
    said = networks.head(networks.layer(x)[0]).argmax(axis=-1)
    right = (said == asked)[:, begin:].mean(axis=(1, 2))
    return right.reshape(len(config["lags"]), len(seeds))


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the accuracy by way, lag and cut, and that of the frozen networks by lag."""
    found = {way: np.stack([train(seeds, config, way, k) for k in config["cuts"]], axis=1) for way in WAYS}
    frozen = train(seeds, config, "frozen", config["window"])
    return [
        {way: found[way][..., s].tolist() for way in WAYS} | {"frozen": frozen[:, s].tolist()}
        for s in range(len(seeds))
    ]


# ---- summing up ------------------------------------------------------------------------------------------------------


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many runs succeed and the mean accuracy, by way, lag and cut, and the frontier of each way.

    The frontier of a lag is the smallest cut from which on more than half of the runs succeed, None where there is
    none, made 0 for the file.
    """
    lags, cuts = CONFIG["lags"], CONFIG["cuts"]
    summary: dict[str, Any] = {"count": len(results)}
    for way in (*WAYS, "frozen"):
        all_runs = np.array([run[way] for run in results])
        won = (all_runs >= CONFIG["success"]).sum(axis=0)
        summary[way] = {"won": won.tolist(), "accuracy": all_runs.mean(axis=0).round(6).tolist()}
        if way != "frozen":
            summary[way]["frontier"] = [frontier(row, cuts, len(results)) for row in won]
    shares = [wilson(won, len(results)) for won in range(len(results) + 1)]
    summary["interval"] = [[share["low"], share["high"]] for share in shares]
    summary["lags"], summary["cuts"] = lags, cuts
    return summary


def frontier(won: Sequence[int], cuts: Sequence[int], count: int) -> int:
    """Return the smallest cut from which on more than half of the runs succeed; 0 if there is none."""
    found = 0
    for k, successes in zip(reversed(cuts), reversed(list(won)), strict=True):
        if successes <= count / 2:
            break
        found = k
    return found


EXPERIMENT = Experiment(
    name="truncation",
    title="the echo task with the gradient cut off after k steps, in chunks and in windows",
    claims=("C18",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=10,
    packages=("numpy",),
)
