"""How much of a gradient is left after 10, 20 and 50 steps in networks as they come, before any training.

Every kind of network has 64 units and hears noise. A random gradient arrives at its last output, and what reaches the
input of k steps before is compared with what reaches the last input: the ratio of the two Euclidean norms over the
batch. All start as torch.nn does, U(-1/8, 1/8), but for what the name says: "relu identity" has the identity for its
recurrent matrix and no biases, "lstm 3" a bias of 3 at its forget gate. It is no evidence for a claim by itself; it
ends one part of the course and opens the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment

CONFIG = {"H": 64, "I": 16, "B": 16, "T": 120, "lags": [1, 2, 5, 10, 20, 30, 40, 50, 70, 100]}


def relu_identity(inputs: int, hidden: int, rng: np.random.Generator) -> ref.RNN:
    """Return a ReLU network whose recurrent matrix is the identity."""
    layer = ref.RNN(inputs, hidden, nonlinearity="relu", rng=rng)
    ref.init.identity(layer)
    return layer


def lstm_3(inputs: int, hidden: int, rng: np.random.Generator) -> ref.LSTM:
    """Return an LSTM whose forget gates are nearly open."""
    layer = ref.LSTM(inputs, hidden, rng=rng)
    ref.init.forget_bias(layer, 3.0)
    return layer


KINDS: Mapping[str, Callable[[int, int, np.random.Generator], ref.Layer]] = {
    "sigmoid": lambda i, h, rng: ref.RNN(i, h, nonlinearity="sigmoid", rng=rng),
    "tanh": lambda i, h, rng: ref.RNN(i, h, rng=rng),
    "relu identity": relu_identity,
    "lstm": lambda i, h, rng: ref.LSTM(i, h, rng=rng),
    "gru": lambda i, h, rng: ref.GRU(i, h, rng=rng),
    "lstm 3": lstm_3,
}


def left(layer: ref.Layer, x: np.ndarray, dy: np.ndarray, lags: Sequence[int]) -> list[float]:
    """Return what is left at inputs of steps before, by what reaches the last one; dy (B, H) of the last output."""
    tape = layer.unroll(x)
    upstream = np.zeros_like(tape.y)
    upstream[-1] = dy
    sizes = np.linalg.norm(layer.bptt(tape, upstream).x, axis=(1, 2))
    return [float(sizes[-1 - k] / sizes[-1]) for k in lags]


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, what is left in each kind of network."""
    found = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        x = rng.standard_normal((config["T"], config["B"], config["I"]))
        dy = rng.standard_normal((config["B"], config["H"]))
        layers = {name: make(config["I"], config["H"], rng) for name, make in KINDS.items()}
        found.append({name: left(layer, x, dy, config["lags"]) for name, layer in layers.items()})
    return found


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the median over the seeds, the least and the most, for each kind and lag."""
    summary: dict[str, Any] = {"count": len(results)}
    for name in KINDS:
        each = np.array([run[name] for run in results])
        numbers = {"median": np.median(each, axis=0), "min": each.min(axis=0), "max": each.max(axis=0)}
        key = name.replace(" ", "_")
        summary[key] = {
            f"k{k}": {kind: float(values[i]) for kind, values in numbers.items()} for i, k in enumerate(CONFIG["lags"])
        }
    return summary


EXPERIMENT = Experiment(
    name="default_gradients",
    title="what is left of a gradient after k steps in networks as they come, H = 64",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=32,
    together=4,
)
