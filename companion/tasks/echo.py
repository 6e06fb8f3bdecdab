"""The echo task: say at every step the symbol that came `lag` steps ago.

It is the plainest question about memory there is: nothing has to be understood, only kept. The reader meets it in the
overview, where networks without memory fail at it, and again with truncated backpropagation, where the horizon must be
longer than the lag. The task goes back to the delayed-recall studies of simple recurrent networks; in this form, with
a stream of random bits, it is common in tutorials on truncated backpropagation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.tasks.batching import Batch, at_least, one_hot

__all__ = ["Echo"]


@dataclass(frozen=True)
class Echo:
    """Streams of random symbols whose target is the symbol `lag` steps ago.

    Attributes:
        lag: number of steps to look back; 0 asks for the present symbol.
        symbols: size of the alphabet.
    """

    lag: int = 5
    symbols: int = 2

    def __post_init__(self) -> None:
        at_least(0, lag=self.lag)
        at_least(2, symbols=self.symbols)

    def batch(self, T: int, B: int, rng: np.random.Generator) -> Batch:
        """Draw `B` streams of `T` steps: `x` is `(T, B, symbols)`, `y` `(T, B)` with -1 in the first `lag` steps."""
        at_least(1, T=T, B=B)
        stream = rng.integers(self.symbols, size=(T, B))
        y = np.full((T, B), -1)
        y[self.lag :] = stream[: max(T - self.lag, 0)]
        return Batch(one_hot(stream, self.symbols), y)

    @property
    def chance(self) -> float:
        """Expected accuracy of guessing, and of every predictor that sees fewer than `lag + 1` symbols."""
        return 1 / self.symbols

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of the best constant prediction, in nats."""
        return float(np.log(self.symbols))

    @property
    def best(self) -> float:
        """Accuracy of the best possible predictor."""
        return 1.0
