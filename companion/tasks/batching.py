"""Batches of sequences: symbols as vectors, and sequences of unequal length side by side.

What a network reads is an array of numbers with time first; these few functions bring symbols and ragged lists into
that form. Past its length a sequence is filled up, and the mask says which steps count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Batch", "at_least", "mask", "minibatches", "one_hot", "pad"]


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences side by side.

    Attributes:
        x: inputs, `(T, B, input_size)`.
        y: targets, one for each step: labels `(T, B)`, or numbers `(T, B, output_size)`. A step without a target has
            the label -1, or nan. A task with one answer a sequence has its target at the sequence's last step.
        lengths: `(B,)`, the number of steps of each sequence; None where all have `T`.

    Raises:
        ValueError: targets that have not one entry for each step, lengths that have not one for each sequence.
    """

    x: np.ndarray
    y: np.ndarray
    lengths: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.y.shape[:2] != self.x.shape[:2]:
            raise ValueError(f"y: expected (T, B) = {self.x.shape[:2]} as x has, got shape {self.y.shape}")
        if self.lengths is not None and np.shape(self.lengths) != self.x.shape[1:2]:
            raise ValueError(f"lengths: expected shape ({self.x.shape[1]},), got {np.shape(self.lengths)}")

    @property
    def mask(self) -> np.ndarray:
        """`(T, B)`, true where a sequence has not ended."""
        return np.full(self.x.shape[:2], True) if self.lengths is None else mask(self.lengths, len(self.x))

    @property
    def asked(self) -> np.ndarray:
        """`(T, B)`, true where there is a target."""
        if np.issubdtype(self.y.dtype, np.integer):
            return self.mask & (self.y >= 0)
        return self.mask & np.isfinite(self.y).all(axis=-1)


def one_hot(symbols: np.ndarray, count: int, dtype: type = np.float64) -> np.ndarray:
    """Return `symbols` of any shape as vectors of `count` entries, one 1 and else 0, along a new last axis.

    Raises ValueError for a symbol outside 0 ... count - 1 and TypeError for symbols that are not whole numbers.
    """
    symbols = np.asarray(symbols)
    if not np.issubdtype(symbols.dtype, np.integer):
        raise TypeError(f"symbols: expected whole numbers, got dtype {symbols.dtype}")
    if symbols.size and not (symbols.min() >= 0 and symbols.max() < count):
        raise ValueError(f"symbols: expected 0 to {count - 1}, got {symbols.min()} to {symbols.max()}")
    return np.eye(count, dtype=dtype)[symbols]


def pad(sequences: Sequence[np.ndarray], value: float = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return arrays of shapes `(T_b, ...)` as one of shape `(T, B, ...)`, and the lengths `(B,)`.

    Past the end of a sequence stands `value`. Raises ValueError for no sequences and for unequal further axes.
    """
    arrays = [np.asarray(sequence) for sequence in sequences]
    if not arrays:
        raise ValueError("sequences: expected at least one")
    if len({array.shape[1:] for array in arrays}) > 1:
        raise ValueError(f"sequences: expected equal shapes after time, got {sorted({a.shape[1:] for a in arrays})}")
    lengths = np.array([len(array) for array in arrays])
    padded = np.full((lengths.max(), len(arrays), *arrays[0].shape[1:]), value, dtype=np.result_type(*arrays))
    for b, array in enumerate(arrays):
        padded[: len(array), b] = array
    return padded, lengths


def at_least(smallest: int, **sizes: int) -> None:
    """Raise ValueError, with its name, for the first size that is below `smallest`."""
    for name, size in sizes.items():
        if size < smallest:
            raise ValueError(f"{name}: expected at least {smallest}, got {size}")


def mask(lengths: np.ndarray, T: int) -> np.ndarray:
    """Return `(T, B)`, true at step `t` of sequence `b` where `t < lengths[b]`."""
    return np.arange(T)[:, None] < np.asarray(lengths)[None, :]


def minibatches(count: int, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield the numbers 0 ... count - 1 in a random order, `size` at a time; the last may be fewer."""
    at_least(1, size=size)
    order = rng.permutation(count)
    for start in range(0, count, size):
        yield order[start : start + size]
