"""What one impulse leaves behind in a neuron with a loop, in one without, and in one whose loop is cut (claim C01).

The input is 1 at the first step and 0 from then on. All recurrent weights are run at once, as the units of one layer
that do not see each other: the recurrent matrix is diagonal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments.experiment import Experiment
from companion.reference import Layer
from companion.reference.activations import LINEAR, TANH
from companion.reference.cells import RNNCell

ACTIVATIONS = {"linear": LINEAR, "tanh": TANH}

CONFIG = {
    "impulse": 1.0,
    "length": 200,
    "cut": 10,
    "threshold": 0.01,
    "activations": list(ACTIVATIONS),
    "u": [round(0.05 * i, 2) for i in range(-30, 31)],
}


def responses(activation: str, u: np.ndarray, impulse: float, length: int, cut: int | None = None) -> np.ndarray:
    """Return the outputs `(length, len(u))` of neurons with recurrent weights `u` after one impulse.

    With `cut` the recurrent weights are 0 from that step on, and the state is what it was.
    """
    x = np.zeros((length, 1))
    x[0] = impulse
    if cut is None:
        return neurons(activation, u)(x)[0]
    before, state = neurons(activation, u)(x[:cut])
    after, _ = neurons(activation, np.zeros(len(u)))(x[cut:], state)
    return np.concatenate([before, after])


def neurons(activation: str, u: np.ndarray) -> Layer:
    """Return a layer of neurons that do not see each other: input weight 1, no bias, recurrent weights `u`."""
    layer = Layer(RNNCell(ACTIVATIONS[activation]), 1, len(u), bias=False)
    layer.load_state_dict({"weight_ih_l0": np.ones((len(u), 1)), "weight_hh_l0": np.diag(u)})
    return layer


def measure(seeds: Sequence[None], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one result for every activation and recurrent weight."""
    u, length, cut = np.array(config["u"]), config["length"], config["cut"]
    results = []
    for activation in config["activations"]:
        h = responses(activation, u, config["impulse"], length)
        after = responses(activation, u, config["impulse"], length, cut)[cut:]
        power = config["impulse"] * u ** np.arange(length)[:, None]
        results += [
            {
                "activation": activation,
                "u": float(u[i]),
                "steps": lasting(h[:, i], config["threshold"]),
                "tail": float(np.abs(h[1:, i]).max()),
                "after_cut": float(np.abs(after[:, i]).max()),
                **({"error": relative_error(h[:, i], power[:, i])} if activation == "linear" else {}),
            }
            for i in range(len(u))
        ]
    return results


def lasting(h: np.ndarray, threshold: float) -> int:
    """Return how many steps, from the first, are at least `threshold` times the first in size."""
    below = np.abs(h) < threshold * np.abs(h[0])
    return int(np.argmax(below)) if below.any() else len(h)


def relative_error(h: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest relative error over the steps; where 0 is expected, the largest absolute one."""
    return float(np.max(np.abs(h - expected) / np.where(expected == 0, 1.0, np.abs(expected))))


EXPERIMENT = Experiment(
    name="impulse",
    title="one impulse in a neuron with a loop, without one, and with the loop cut",
    claims=("C01",),
    config=CONFIG,
    measure=measure,
)
