"""One neuron with one recurrent weight, solved on paper: what its loop remembers, for how long, and how surely.

The reader meets these lines in the chapter on the recurrent neuron. `w` is the input weight, `u` the recurrent
weight, `b` the bias; `companion.reference.RNN` with one input and one hidden unit is the same neuron, and the tests
compare the two.
"""

import numpy as np


def impulse_response(w: float, u: float, T: int) -> np.ndarray:
    """Return the states `(T,)` of a linear neuron after a 1 at step 0."""
    return w * u ** np.arange(T, dtype=float)


def linear_response(x: np.ndarray, w: float, u: float, h: float = 0.0) -> np.ndarray:
    """Return the states `(T,)` of a linear neuron for any input `x` `(T,)`.

    `h` is the state before the first step. It fades as the input does, which is
    convolved with the impulse response.
    """
    T = len(x)
    from_input = np.convolve(x, impulse_response(w, u, T))[:T]
    return from_input + u ** np.arange(1.0, T + 1) * h


def half_life(u: float) -> float:
    """Return the number of steps in which the trace of an input halves. Raises ValueError unless 0 < |u| < 1."""
    if not 0 < abs(u) < 1:
        raise ValueError(f"u: expected 0 < |u| < 1, for a trace that halves, got {u}")
    return float(np.log(0.5) / np.log(abs(u)))


def slope(h: float, u: float) -> float:
    """Return the derivative of `tanh(u h + b)` by `h` at a fixed point `h`."""
    return u * (1 - h**2)


def fold(u: float) -> float:
    """Return the largest |b| at which a neuron has two stable states. Raises ValueError where `u` is below 1."""
    if u < 1:
        raise ValueError(f"u: expected at least 1, for two stable states, got {u}")
    s = np.sqrt(1 - 1 / u)
    return float(u * s - np.arctanh(s))


def fixed_points(u: float, b: float = 0.0) -> np.ndarray:
    """Return every solution of `h = tanh(u h + b)` in rising order: one or three, two at the very edge between.

    Seen the other way, `b = arctanh(h) - u h` is a function of `h` with at most one maximum and one minimum, at the
    two states where the slope is 1. In each piece between them it rises or falls throughout, so halving finds the
    solution in that piece.
    """
    turns = [] if u <= 1 else [-np.sqrt(1 - 1 / u), np.sqrt(1 - 1 / u)]
    edges = [-1.0, *turns, 1.0]
    found = [_solve(u, b, low, high) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    return np.unique([h + 0.0 for h in found if h is not None])


def _solve(u: float, b: float, low: float, high: float) -> float | None:
    """Return the solution between two turning points by halving, or None where both ends lie on one side."""

    def excess(h: float) -> float:
        return np.tanh(u * h + b) - h

    if excess(low) == 0 or excess(high) == 0:
        return float(low if excess(low) == 0 else high)
    rising = excess(low) < 0
    if rising == (excess(high) < 0):
        return None
    while low < (middle := (low + high) / 2) < high:
        low, high = (middle, high) if (excess(middle) < 0) == rising else (low, middle)
    return float(middle)
