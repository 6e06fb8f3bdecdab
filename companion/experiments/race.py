"""One network of each seed side by side, each with data of its own: what the long comparisons of cells are run with.

All arrays have the seed on their first axis. A network is a layer of `companion.reference` and a dense layer on top; it
is trained by Adam on the steps that have a target, its gradient shortened to a largest norm. Seeds do not mix: a
network that is no longer finite spoils no other.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from companion import reference as ref
from companion.training import Network

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Data:
    """A batch for each seed: x (S, T, B, I); y and asked (S, T, B), or y (S, T, B, O) where numbers are asked for."""

    x: Array
    y: Array
    asked: Array

    @property
    def labels(self) -> bool:
        """Whether a symbol is asked for, not a number."""
        return np.issubdtype(self.y.dtype, np.integer)


def drawn(task: Any, B: int, rngs: Sequence[np.random.Generator]) -> Data:
    """Draw a batch of a task with every generator."""
    batches = [task.batch(B, rng) for rng in rngs]
    longest = max(len(batch.x) for batch in batches)

    def together(arrays: list[Array]) -> Array:
        return np.stack([np.pad(a, [(0, longest - len(a))] + [(0, 0)] * (a.ndim - 1)) for a in arrays])

    x = together([batch.x for batch in batches]).astype(np.float32)
    return Data(x, together([batch.y for batch in batches]), together([batch.asked for batch in batches]))


@dataclass(frozen=True, eq=False)
class Runner:
    """The networks of all seeds and what trains them."""

    network: Network
    adam: ref.Adam
    clip: float

    def __call__(self, x: Array) -> Array:
        """Return the outputs (S, T, B, O)."""
        return self.network(x)

    def update(self, data: Data) -> Array:
        """Make one step downhill; return the loss of every network before it, (S,)."""
        tape = self.network.layer.unroll(data.x)
        loss, d_outputs = loss_of(self.network.head(tape.y), data)
        grads = self.network.backward(tape, d_outputs)
        shorten(grads, self.clip)
        self.adam.step(grads)
        return loss


def runner(make: Callable[[Any], ref.Layer], outputs: int, seeds: Sequence[Any], rate: float, clip: float) -> Runner:
    """Return a network for every seed; `make` gives a layer from a generator, and the head is drawn after it."""
    rngs = [np.random.default_rng(seed) for seed in seeds]
    layers = [make(rng) for rng in rngs]
    heads = [
        ref.Linear(own.hidden_size, outputs, rng=rng, dtype=own.dtype) for own, rng in zip(layers, rngs, strict=True)
    ]
    network = Network(ref.stack(layers), ref.stack(heads))
    return Runner(network, ref.Adam(network.params, lr=rate), clip)


def loss_of(outputs: Array, data: Data) -> tuple[Array, Array]:
    """Return each network's mean loss over the steps asked, (S,), and its gradient: squared error or cross-entropy."""
    asked = data.asked[..., None]
    count = data.asked.sum(axis=(1, 2))
    share = (asked / count[:, None, None, None]).astype(outputs.dtype)
    if not data.labels:
        error = np.where(asked, outputs - np.where(asked, data.y, 0), 0).astype(outputs.dtype)
        return (error**2 * share).sum(axis=(1, 2, 3)), 2 * error * share
    shifted = outputs - outputs.max(axis=-1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    right = np.eye(outputs.shape[-1], dtype=outputs.dtype)[np.where(data.asked, data.y, 0)]
    return -(right * log_p * share).sum(axis=(1, 2, 3)), (np.exp(log_p) - right) * share


def score(outputs: Array, data: Data) -> Array:
    """Return the accuracy (S,) where symbols are asked for, else the mean squared error; nan where it is not finite."""
    if data.labels:
        right = (outputs.argmax(axis=-1) == data.y) & data.asked
        value = right.sum(axis=(1, 2)) / data.asked.sum(axis=(1, 2))
        return np.where(np.isfinite(outputs).all(axis=(1, 2, 3)), value, np.nan)
    return loss_of(outputs, data)[0]


def shorten(grads: Mapping[str, Array], largest: float) -> None:
    """Shorten the gradient of every network to a norm of at most `largest`, in place."""
    squares = sum(np.square(grad, dtype=float).reshape(len(grad), -1).sum(axis=1) for grad in grads.values())
    factor = np.minimum(1, largest / np.maximum(np.sqrt(squares), 1e-30))
    for grad in grads.values():
        grad *= factor.reshape(-1, *[1] * (grad.ndim - 1)).astype(grad.dtype)


def size_for(parameters: int, count: Callable[[int], int]) -> int:
    """Return the number of units, up to 999, whose count of parameters is nearest to the one wanted."""
    above = bisect_left(range(1, 1000), parameters, key=count) + 1
    return min((max(above - 1, 1), above), key=lambda H: abs(count(H) - parameters))
