"""Cutting the gradient off, lag by lag, for a plain recurrent layer (chapter "Truncated backpropagation").

The exact gradient is a sum over lags: what the losses make of the weights' use in their own step, one step before, two
steps before, and so on. Each way of cutting the gradient off gives the lags weights of its own. A window of k steps
keeps the lags below k whole. Chunks of k steps keep of lag j what does not cross the border of a chunk. Cuts at random
keep every lag with the chance that no cut lies between; divided by that chance, the gradient is right on average
(Tallec and Ollivier 2017, with a constant chance of a cut).

`companion.reference.horizon` does the window for every cell and stack; this is the same for one tanh layer, in the
open.
"""

from collections.abc import Iterable

import numpy as np

Array = np.ndarray


def lag_shares(U: Array, h: Array, first: Array, dy: Array) -> Array:
    """The share of each lag in the gradient of U for h_t = tanh(W x_t + U h_{t-1} + b): (T, H, H), lag first.

    Args:
        U: (H, H). h: (T, H), the states. first: (H,), the state before them, held constant.
        dy: (T, H), the gradient of each step's loss with respect to that step's state.

    Share j is what the losses say of the use of U j steps before them. Their sum is the exact gradient.
    """
    before = np.concatenate([first[None], h[:-1]])
    da = dy * (1 - h**2)
    shares = np.empty((len(h), *U.shape))
    for lag in range(len(h)):
        shares[lag] = da.T @ before
        da = one_lag_further(U, h, da)
    return shares


def one_lag_further(U: Array, h: Array, da: Array) -> Array:
    """From da (T, H), what the losses j steps later say of each pre-activation, to what those j + 1 steps later say."""
    dh = np.concatenate([da[1:] @ U, np.zeros_like(da[:1])])
    return dh * (1 - h**2)


def windowed(shares: Array, k: int) -> Array:
    """The gradient of windows of k steps: the lags 0 … k-1, whole."""
    return shares[:k].sum(axis=0)


def chunk_weight(lag: Array | int, k: int) -> Array:
    """The part of a lag's paths that chunks of k steps leave uncut, averaged over the place of the first border."""
    return np.maximum(0, 1 - np.asarray(lag) / k)


def with_cuts(U: Array, h: Array, first: Array, dy: Array, factors: Array) -> Array:
    """The gradient of U where what goes from step t + 1 back to step t is multiplied by factors[t], t = 0 … T-2.

    A factor of 0 is a cut. All 1 is the exact gradient.
    """
    before = np.concatenate([first[None], h[:-1]])
    dU, dh_next = np.zeros_like(U), 0.0
    for t in reversed(range(len(h))):
        dh = dy[t] + (factors[t] * dh_next if t < len(factors) else 0)
        da = dh * (1 - h[t] ** 2)
        dU += np.outer(da, before[t])
        dh_next = U.T @ da
    return dU


def chunk_factors(T: int, k: int, offset: int = 0) -> Array:
    """The factors of chunks of k steps: 0 where step t + 1 begins a chunk, else 1; `offset` is where the first ends."""
    return ((np.arange(1, T) - offset) % k != 0).astype(float)


def random_spread(lag: Array | int, cut: float) -> Array:
    """The variance of the weight that random cuts give to a lag: (1 - cut)**-lag - 1."""
    return (1 - cut) ** -np.asarray(lag, dtype=float) - 1


def cosine_and_length(estimate: Iterable[Array], exact: Iterable[Array]) -> tuple[float, float]:
    """The cosine of the angle between two gradients, each some arrays, and the length of the first by the second."""
    one, other = (np.concatenate([np.ravel(part) for part in parts]) for parts in (estimate, exact))
    lengths = np.linalg.norm(one), np.linalg.norm(other)
    return float(one @ other / (lengths[0] * lengths[1])), float(lengths[0] / lengths[1])
