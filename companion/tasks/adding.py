"""The adding problem: of a long row of numbers two are marked; give their sum at the end.

Hochreiter and Schmidhuber, "Long short-term memory" (Neural Computation 9(8), 1997), experiment 4; here in the form
that later papers use (Le, Jaitly and Hinton, "A simple way to initialize recurrent networks of rectified linear
units", 2015): numbers from 0 to 1, one mark in each half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.tasks.batching import Batch, at_least

__all__ = ["Adding"]


@dataclass(frozen=True)
class Adding:
    """Rows of `T` numbers, each beside a mark that is 1 twice and else 0.

    Attributes:
        T: length of a row, at least 2.
    """

    T: int = 100

    def __post_init__(self) -> None:
        at_least(2, T=self.T)

    def batch(self, B: int, rng: np.random.Generator) -> Batch:
        """Draw `B` rows: `x` is `(T, B, 2)`, number and mark; `y` `(T, B, 1)`, the sum at the last step, else nan."""
        at_least(1, B=B)
        numbers, marks, every = rng.uniform(size=(self.T, B)), np.zeros((self.T, B)), np.arange(B)
        half = self.T // 2
        for first, last in ((0, half), (half, self.T)):
            marks[rng.integers(first, last, size=B), every] = 1
        y = np.full((self.T, B, 1), np.nan)
        y[-1, :, 0] = (numbers * marks).sum(axis=0)
        return Batch(np.stack([numbers, marks], axis=-1), y)

    @property
    def chance_loss(self) -> float:
        """Mean squared error of the best constant prediction, which is 1; the variance of the sum of two numbers."""
        return 1 / 6

    @property
    def best_loss(self) -> float:
        """Mean squared error of the best possible predictor."""
        return 0.0
