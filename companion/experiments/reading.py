"""Recurrent networks that read a sequence and name its class, one for each seed, trained side by side.

Two experiments of the chapter on the basic network share this. Where a network is asked is a weighting of its steps:
one weight of 1 at the last step, or 1/T at every step for a mean; the answer is what the dense layer makes of the
weighted sum of states.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.training.numpy_loop import named

__all__ = ["Readers", "pooled"]

Array = np.ndarray


class Readers:
    """S networks of one size, each drawn by a generator of its own.

    Attributes:
        layer, head: the recurrent layers and the dense layers, stacked.
    """

    def __init__(self, seeds: Sequence[int], inputs: int, classes: int, config: Mapping[str, Any]):
        rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
        self.rngs, self.config = rngs, config
        self.layer = ref.stack([ref.RNN(inputs, config["hidden"], rng=rng) for rng in rngs])
        self.head = ref.stack([ref.Linear(config["hidden"], classes, rng=rng) for rng in rngs])
        self.params = named(self.layer.params, self.head.params)
        self.adam = ref.Adam(self.params, lr=config["rate"])

    def __call__(self, x: Array, at: Array) -> Array:
        """Return the scores `(S, R, B, classes)` for inputs `(S, T, B, I)`, asked R times: weights `(S, R, T, B)`."""
        return self.head(pooled(self.layer(x)[0], at))

    def update(self, x: Array, at: Array, labels: Array) -> None:
        """Make one step of Adam on the mean cross-entropy of every network, its gradient clipped; labels `(S, B)`."""
        tape = self.layer.unroll(x)
        states = pooled(tape.y, at)
        targets = np.broadcast_to(labels[:, None], states.shape[:3])
        back = self.head.backward(states, ref.each_run(ref.softmax_cross_entropy, self.head(states), targets)[1])
        dy = np.einsum("srtb,srbh->stbh", at, back.x)
        grads = named(self.layer.bptt(tape, dy).params, back.params)
        ref.each_run(ref.clip_grad_norm, grads, max_norm=self.config["clip"])
        for name in grads:
            if "weight" in name:
                grads[name] += self.config["decay"] * self.params[name]
        self.adam.step(grads)

    def train(self, x: Sequence[Array], at: Sequence[Array], labels: Sequence[Array]) -> None:
        """Make all updates, each on a batch that every network draws from its own examples.

        x[s] is `(T, N_s, I)`, at[s] `(R, T, N_s)`, labels[s] `(N_s,)`. For the last quarter the rate is a fifth.
        """
        updates, size = self.config["updates"], self.config["batch"]
        for update in range(updates):
            if update == 3 * updates // 4:
                self.adam.lr = self.config["rate"] / 5
            drawn = [rng.choice(len(own), size, replace=False) for rng, own in zip(self.rngs, labels, strict=True)]
            chosen = range(len(drawn))
            self.update(
                np.stack([x[s][:, drawn[s]] for s in chosen]),
                np.stack([at[s][..., drawn[s]] for s in chosen]),
                np.stack([labels[s][drawn[s]] for s in chosen]),
            )

    def answers(self, x: Sequence[Array], at: Sequence[Array]) -> list[Array]:
        """Return the scores `(R, N_s, classes)` of every network on examples of its own."""
        alone = zip(ref.unstack(self.layer), ref.unstack(self.head), x, at, strict=True)
        return [head(pooled(layer(own)[0], weights)) for layer, head, own, weights in alone]


def pooled(states: Array, at: Array) -> Array:
    """Return the weighted sums over time, `(…, R, B, H)`, of states `(…, T, B, H)`."""
    return np.einsum("...rtb,...tbh->...rbh", at, states)
