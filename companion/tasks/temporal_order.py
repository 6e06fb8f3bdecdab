"""Temporal order: two of a hundred symbols matter, and the order in which they came is the answer.

Hochreiter and Schmidhuber, "Long short-term memory" (Neural Computation 9(8), 1997), experiment 6a. A sequence starts
with E and ends with B; in between are distractors a, b, c, d, but for an X or Y in each of two places. The class is
XX, XY, YX or YY. With T = 100 the places are 10-20 and 50-60 and the lengths 100-110, as there; other lengths scale
them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.tasks.batching import Batch, at_least, one_hot

__all__ = ["SYMBOLS", "TemporalOrder"]

SYMBOLS = "abcdXYEB"


@dataclass(frozen=True)
class TemporalOrder:
    """Sequences of `T` to 1.1 `T` symbols in four classes.

    Attributes:
        T: the smallest length, at least 10.
    """

    T: int = 100

    def __post_init__(self) -> None:
        at_least(10, T=self.T)

    def batch(self, B: int, rng: np.random.Generator) -> Batch:
        """Draw `B` sequences: `x` is `(1.1 T, B, 8)`, `y` `(1.1 T, B)` with the class at each one's last step."""
        at_least(1, B=B)
        longest, tenth, every = self.T + self.T // 10, self.T // 10, np.arange(B)
        lengths = rng.integers(self.T, longest + 1, size=B)
        stream = rng.integers(4, size=(longest, B))
        answer = np.zeros(B, dtype=int)
        for first in (tenth, 5 * tenth):
            kind = rng.integers(2, size=B)
            stream[rng.integers(first, first + tenth + 1, size=B), every] = SYMBOLS.index("X") + kind
            answer = 2 * answer + kind
        stream[0] = SYMBOLS.index("E")
        stream[lengths - 1, every] = SYMBOLS.index("B")
        y = np.full((longest, B), -1)
        y[lengths - 1, every] = answer
        batch = Batch(one_hot(stream, len(SYMBOLS)), y, lengths)
        batch.x[~batch.mask] = 0
        return batch

    @property
    def chance(self) -> float:
        """Expected accuracy of guessing."""
        return 0.25

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of the best constant prediction, in nats."""
        return float(np.log(4))

    @property
    def best(self) -> float:
        """Accuracy of the best possible predictor."""
        return 1.0
