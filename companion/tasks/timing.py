"""Timing: measure how far apart two spikes are, or make a spike every so many steps.

Gers, Schraudolph and Schmidhuber, "Learning precise timing with LSTM recurrent networks" (Journal of Machine Learning
Research 3, 2002), tried LSTM with peepholes on three kinds of task. Two of them are here in a form of our own, smaller
and asked for in another way: measuring spike delays, and generating timed spikes. What they have in common is that
nothing happens most of the time, and that the answer lies in how long nothing has happened.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.tasks.batching import Batch, at_least

__all__ = ["SpikeDelays", "TimedSpikes"]


@dataclass(frozen=True)
class SpikeDelays:
    """Rows of spikes, each `delay` or `delay + 1` steps after the one before: at a spike, say which of the two it was.

    Attributes:
        delay: the shorter of the two delays, at least 1.
        count: delays in a row.
    """

    delay: int = 10
    count: int = 6

    def __post_init__(self) -> None:
        at_least(1, delay=self.delay, count=self.count)

    @property
    def T(self) -> int:
        """Steps of the longest row, which all rows are filled up to."""
        return 1 + self.count * (self.delay + 1)

    def batch(self, B: int, rng: np.random.Generator) -> Batch:
        """Draw `B` rows: `x` is `(T, B, 1)`, 1 at a spike; `y` `(T, B)`, 0 or 1 at every later one, else -1."""
        at_least(1, B=B)
        longer = rng.integers(2, size=(self.count, B))
        at, every = np.cumsum(self.delay + longer, axis=0), np.arange(B)
        x, y = np.zeros((self.T, B, 1)), np.full((self.T, B), -1)
        x[0] = 1
        x[at, every, 0] = 1
        y[at, every] = longer
        return Batch(x, y, at[-1] + 1)

    @property
    def chance(self) -> float:
        """Expected accuracy of guessing, and of every predictor that sees fewer than `delay + 1` steps."""
        return 0.5

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of the best constant prediction, in nats."""
        return float(np.log(2))

    @property
    def best(self) -> float:
        """Accuracy of the best possible predictor."""
        return 1.0


@dataclass(frozen=True)
class TimedSpikes:
    """One row without any input: the output is to be 1 at every `period`-th step, and 0 at all others.

    Attributes:
        period: steps from spike to spike, at least 2.
        count: spikes in the row.
    """

    period: int = 10
    count: int = 5

    def __post_init__(self) -> None:
        at_least(2, period=self.period)
        at_least(1, count=self.count)

    @property
    def T(self) -> int:
        """Steps of the row."""
        return self.period * self.count

    def batch(self, B: int = 1, rng: np.random.Generator | None = None) -> Batch:
        """Return the row `B` times: `x` is `(T, B, 1)`, all 0; `y` `(T, B, 1)`. Nothing is drawn."""
        at_least(1, B=B)
        y = np.zeros((self.T, B, 1))
        y[self.period - 1 :: self.period] = 1
        return Batch(np.zeros((self.T, B, 1)), y)

    def right(self, outputs: np.ndarray) -> np.ndarray:
        """Return, for outputs `(…, T, B, 1)`, which rows `(…, B)` are above one half at the spikes and nowhere else."""
        return ((np.asarray(outputs) > 0.5) == (self.batch().y > 0.5)).all(axis=(-3, -1))

    @property
    def chance_loss(self) -> float:
        """Mean squared error of the best constant prediction, which is one over the period."""
        return (1 - 1 / self.period) / self.period

    @property
    def best_loss(self) -> float:
        """Mean squared error of the best possible predictor."""
        return 0.0
