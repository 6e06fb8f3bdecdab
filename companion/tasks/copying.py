"""The copy task: read a few symbols, wait, and say them again in order.

After Hochreiter and Schmidhuber (1997); in the form of Arjovsky, Shah and Bengio, "Unitary evolution recurrent neural
networks" (2016): the symbols, then blanks, then a sign to begin, then blanks while the symbols are said. Unlike there,
only the steps at which a symbol is to be said have a target; the blanks in between would only dilute the score.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.tasks.batching import Batch, at_least, one_hot

__all__ = ["Copying"]


@dataclass(frozen=True)
class Copying:
    """Words of `length` random symbols that are to be said again `delay` steps after they were read.

    Attributes:
        length: number of symbols to keep.
        delay: number of blanks between the last symbol read and the sign to begin.
        symbols: size of the alphabet, blank and sign not counted.
    """

    length: int = 5
    delay: int = 20
    symbols: int = 4

    def __post_init__(self) -> None:
        at_least(1, length=self.length)
        at_least(0, delay=self.delay)
        at_least(2, symbols=self.symbols)

    @property
    def T(self) -> int:
        """Length of a sequence, from reading and waiting to saying; the sign comes with the first symbol to say."""
        return 2 * self.length + self.delay

    def batch(self, B: int, rng: np.random.Generator) -> Batch:
        """Draw `B` words: `x` is `(T, B, symbols + 2)`, `y` `(T, B)` with -1 before the sign."""
        at_least(1, B=B)
        words = rng.integers(self.symbols, size=(self.length, B))
        read = np.full((self.T, B), self.symbols)
        read[: self.length] = words
        read[-self.length] = self.symbols + 1
        y = np.full((self.T, B), -1)
        y[-self.length :] = words
        return Batch(one_hot(read, self.symbols + 2), y)

    @property
    def chance(self) -> float:
        """Expected accuracy of guessing."""
        return 1 / self.symbols

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of the best constant prediction, in nats."""
        return float(np.log(self.symbols))

    @property
    def best(self) -> float:
        """Accuracy of the best possible predictor."""
        return 1.0
