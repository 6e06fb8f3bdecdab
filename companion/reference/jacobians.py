"""The way a gradient takes through many steps, as a product of matrices (chapter "Vanishing and exploding gradients").

The derivative of the last state by the state k steps before is the product of k Jacobians, each a recurrent matrix U
(H, H) whose rows are scaled by the slopes of the activation. Its norm says what can be left of a gradient after k
steps. Any axes may stand in front of the last two; they are networks side by side.
"""

from collections.abc import Callable, Sequence

import numpy as np

from companion.reference.activations import LINEAR, RELU, SIGMOID, TANH, Activation

STEEPEST = {"linear": 1.0, "tanh": 1.0, "relu": 1.0, "sigmoid": 0.25}
"""The largest slope of each activation."""

ACTIVATIONS = {phi.name: phi for phi in (LINEAR, TANH, RELU, SIGMOID)}


def slope(phi: Activation, y: np.ndarray) -> np.ndarray:
    """Return the slope of an activation at the place where its output is y."""
    return phi.back(np.ones_like(y), y)


def step_jacobian(U: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    """Return the derivative (…, H, H) of a state by the one before; slopes (…, H) of the activation at this step."""
    return slopes[..., :, None] * U


def chain(U: np.ndarray, slopes: Sequence[np.ndarray]) -> np.ndarray:
    """Return the derivative of the last state by that before the first step; slopes (k, …, H), in the order of time."""
    product = np.broadcast_to(np.eye(U.shape[-1]), U.shape)
    for slopes_t in reversed(slopes):
        product = product @ step_jacobian(U, slopes_t)
    return product


def log_norms(U: np.ndarray, slopes: Sequence[np.ndarray], lags: Sequence[int]) -> np.ndarray:
    """Return ln of the largest singular value of the product of the last k Jacobians for each k of lags, (lags, …).

    slopes: (T, …, H) in the order of time; lags from 0 to T. The product is scaled to norm 1 at every step and the
    scales are added up as logarithms, so that nothing overflows; a product that is exactly 0 gives minus infinity.
    """
    product, scale, found = np.broadcast_to(np.eye(U.shape[-1]), U.shape), np.zeros(U.shape[:-2]), {}
    for k in range(max(lags) + 1):
        if k:
            product = product @ step_jacobian(U, slopes[len(slopes) - k])
            size = np.linalg.norm(product, axis=(-2, -1))
            with np.errstate(divide="ignore"):
                scale = scale + np.log(size)
            product = product / np.where(size > 0, size, 1.0)[..., None, None]
        if k in lags:
            with np.errstate(divide="ignore"):
                found[k] = scale + np.log(np.linalg.norm(product, ord=2, axis=(-2, -1)))
    return np.stack([found[k] for k in lags])


def bound(U: np.ndarray, steepest: float, k: int | np.ndarray) -> np.ndarray:
    """Return the most that k steps can do to a gradient: the largest slope times the largest singular value, to the k.

    Hochreiter (1991); Pascanu, Mikolov and Bengio (2013), equations 6 and 7.
    """
    return (steepest * np.linalg.norm(U, ord=2, axis=(-2, -1))) ** k


def spectral_radius(U: np.ndarray) -> np.ndarray:
    """Return the size of the largest eigenvalue: the k-th root of the norm of the k-th power tends to it (Gelfand)."""
    return np.abs(np.linalg.eigvals(U)).max(axis=-1)


def growth_rate(logs: np.ndarray, lags: Sequence[int]) -> np.ndarray:
    """Return the nats per step by which norms grow between the first and the last of some lags.

    For more and more steps this is the largest Lyapunov exponent. logs: (lags, …), as `log_norms` gives them.
    """
    return (logs[-1] - logs[0]) / (lags[-1] - lags[0])


def composed(a: np.ndarray, n: int, w: float = 1.0, b: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return a sigmoid of w a + b applied n times to the numbers a, and its slope there by the chain rule."""
    y, dy_da = np.asarray(a, dtype=float), np.ones(np.shape(a))
    for _ in range(n):
        y = SIGMOID(w * y + b)
        dy_da = w * slope(SIGMOID, y) * dy_da
    return y, dy_da


def settle(step: Callable[[float], float], start: float = 0.5, steps: int = 200) -> float:
    """Return where a number comes to rest that is put through a step again and again."""
    for _ in range(steps):
        start = step(start)
    return start
