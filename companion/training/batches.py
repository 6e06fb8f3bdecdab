"""Batches that know where they are: a supply that can be put down and taken up again at the same place.

A training run that is to go on after a kill as if nothing had happened needs the very batch that came next. A supply of
`Batches` is made of passes; it remembers the generator as it was when the pass began, and how many batches of the pass
were taken, which is enough for any data:

    Batches(lambda rng: [task.batch(50, 32, rng)], rng=0)              # drawn anew each time: a pass is one batch
    Batches(lambda rng: text.chunks("train", T=100, B=32))             # a stream: a pass is the whole text
    Batches(lambda rng: (pick(i) for i in minibatches(500, 20, rng)))  # a data set in a new order every pass
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from companion.tasks.batching import Batch

__all__ = ["Batches", "Blocks"]


class Batches:
    """An endless supply of batches, pass after pass.

    Args:
        one_pass: from a generator to the batches of one pass. What it draws, it must draw from this generator.
        rng: the generator, or its seed. It must not be used elsewhere.

    Attributes:
        begins: whether the batch that came last was the first of its pass. A state carried over must start anew there.
    """

    def __init__(self, one_pass: Callable[[np.random.Generator], Iterable[Batch]], rng: int | np.random.Generator = 0):
        self._one_pass, self._rng = one_pass, np.random.default_rng(rng)
        self._taken, self._pass, self.begins = 0, None, True
        self._at_start = copy.deepcopy(self._rng.bit_generator.state)

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        batch = None if self._pass is None else next(self._pass, None)
        if batch is None:
            self._at_start = copy.deepcopy(self._rng.bit_generator.state)
            self._taken, self._pass = 0, iter(self._one_pass(self._rng))
            batch = next(self._pass, None)
            if batch is None:
                raise ValueError("one_pass: expected at least one batch, got none")
        self.begins = self._taken == 0
        self._taken += 1
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Return the place: how many batches of this pass were taken, and the generator at its beginning."""
        return {"taken": self._taken, "generator": self._at_start}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to a place. Raises ValueError where the data have fewer batches, or the generator is of another kind."""
        self._rng.bit_generator.state = copy.deepcopy(state["generator"])
        self._at_start, self._taken, self._pass = state["generator"], state["taken"], None
        if self._taken:
            self._pass = iter(self._one_pass(self._rng))
            passed = sum(1 for _ in islice(self._pass, self._taken))
            if passed < self._taken:
                raise ValueError(f"batches: expected a pass of at least {self._taken} batches, got {passed}")


@dataclass(frozen=True, eq=False)
class Block:
    """What one update sees: a batch, or the next k1 steps of one.

    Attributes:
        batch: these steps.
        fresh: whether the state starts anew before them.
    """

    batch: Batch
    fresh: bool


class Blocks:
    """Any batches, cut into blocks of k1 steps; whole where k1 is None. With `carry` a batch goes on from the last."""

    def __init__(self, batches: Iterable[Batch], k1: int | None, carry: bool):
        self._batches, self._supply, self._k1, self._carry = batches, iter(batches), k1, carry
        self._batch: Batch | None = None
        self._before: Any = None
        self._begin, self._first = 0, True

    def __iter__(self) -> Iterator[Block]:
        return self

    def __next__(self) -> Block:
        if self._batch is None:
            self._before = self._place()
            self._open()
        batch, begin = self._batch, self._begin
        end = len(batch.x) if self._k1 is None else min(begin + self._k1, len(batch.x))
        fresh = begin == 0 and self._fresh
        self._begin = end
        if end == len(batch.x):
            self._batch, self._begin = None, 0
        if self._k1 is None:
            return Block(batch, fresh)
        lengths = None if batch.lengths is None else np.clip(batch.lengths - begin, 0, end - begin)
        return Block(Batch(batch.x[begin:end], batch.y[begin:end], lengths), fresh)

    def _open(self) -> None:
        self._batch = next(self._supply)
        if len(self._batch.x) == 0 or not self._batch.asked.any():
            raise ValueError("batches: expected a target in every batch, got one without any")
        lengths = self._batch.lengths
        if self._carry and self._k1 is not None and lengths is not None and np.min(lengths) < len(self._batch.x):
            raise ValueError("batches: expected whole sequences where they are cut and carried on, got shorter lengths")
        begins = getattr(self._batches, "begins", self._first)
        self._fresh, self._first = begins or not self._carry, False

    def _place(self) -> Any:
        return self._batches.state_dict() if self.resumable else None

    @property
    def resumable(self) -> bool:
        """Whether the batches know their place."""
        return hasattr(self._batches, "state_dict") and hasattr(self._batches, "load_state_dict")

    def state_dict(self) -> dict[str, Any]:
        """Return the place, between two blocks."""
        if self._batch is None:
            return {"batches": self._place(), "begin": 0}
        return {"batches": self._before, "begin": self._begin}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to a place."""
        self._batches.load_state_dict(state["batches"])
        self._supply, self._batch, self._begin, self._first = iter(self._batches), None, state["begin"], False
        if self._begin:
            self._before = state["batches"]
            self._open()
