"""What a recurrent layer costs, by arithmetic: operations, bytes, and the least time that a machine can need for them.

Chapter "Speed" measures how far real programs stay above it. `gates` is G, the number of blocks of H rows: 4 for an
LSTM, 3 for a GRU, 1 for a plain layer.
"""

from __future__ import annotations

import numpy as np

__all__ = ["ahead", "balanced_batch", "intensity", "largest_on_chip", "most_gained", "operations", "roofline"]


def operations(T: int, B: int, I: int, H: int, gates: int = 4) -> int:
    """Return multiplications and additions in the products of a pass forward; a pass back has twice as many."""
    return 2 * T * B * gates * H * (I + H)


def roofline(operations: float, moved: float, rate: float, bandwidth: float) -> float:
    """Return the least seconds for so many operations and bytes, at `rate` a second and `bandwidth` a second."""
    return max(operations / rate, moved / bandwidth)


def ahead(x: np.ndarray, W: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return W x_t + b of all steps, (T, B, G*H), in one product; x is (T, B, I)."""
    return (x.reshape(-1, x.shape[-1]) @ W.T + b).reshape(*x.shape[:-1], len(W))


def most_gained(share: float) -> float:
    """Return how many times faster a program gets at most, when all but this share of its time is taken away."""
    return 1 / share


def intensity(B: int, itemsize: int = 4) -> float:
    """Return operations for each byte of recurrent weights that a step reads; a number has `itemsize` bytes."""
    return 2 * B / itemsize


def balanced_batch(rate: float, bandwidth: float, itemsize: int = 4) -> float:
    """Return the batch at which a step's arithmetic takes as long as reading its weights."""
    return itemsize * rate / (2 * bandwidth)


def largest_on_chip(processors: int, memory: int, gates: int = 4, itemsize: int = 2) -> int:
    """Return the most units whose recurrent weights fit the processors' own memories, `memory` bytes each."""
    return int(np.sqrt(processors * memory / (gates * itemsize)))
