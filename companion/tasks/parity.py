"""Running parity: after every bit, say whether the number of ones so far is odd.

One bit of memory is enough, and no window of the last inputs is: the first bit counts as much as the last. It is the
smallest task on which a state beats every feed-forward network that sees only part of the past.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.tasks.batching import Batch, at_least, one_hot

__all__ = ["Parity"]


@dataclass(frozen=True)
class Parity:
    """Streams of random bits; the target of a step is the sum of the bits up to it, modulo 2."""

    def batch(self, T: int, B: int, rng: np.random.Generator) -> Batch:
        """Draw `B` streams of `T` bits: `x` is `(T, B, 2)`, one-hot, `y` `(T, B)`."""
        at_least(1, T=T, B=B)
        bits = rng.integers(2, size=(T, B))
        return Batch(one_hot(bits, 2), np.cumsum(bits, axis=0) % 2)

    @property
    def chance(self) -> float:
        """Expected accuracy of guessing, and of every predictor that misses one of the bits."""
        return 0.5

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of the best constant prediction, in nats."""
        return float(np.log(2))

    @property
    def best(self) -> float:
        """Accuracy of the best possible predictor."""
        return 1.0
