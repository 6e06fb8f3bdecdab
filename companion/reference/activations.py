"""The functions that stand between the linear parts of a network, each with its way back.

A gradient on its way back through an activation needs the slope at the place where the forward pass went through. Every
activation of this book has a slope that can be written with its own *output*, so nothing but the output is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# One half as an array of each dtype: for a small network, turning Python's 0.5 into one costs as much as the tanh.
HALF = {np.dtype(dtype).char: np.array(0.5, dtype) for dtype in (np.float32, np.float64, np.complex64, np.complex128)}


def sigmoid(a: np.ndarray) -> np.ndarray:
    """σ(a) = 1 / (1 + exp(-a)), written as 1/2 + 1/2 tanh(a/2): no overflow for any a, and analytic for complex a.

    The absolute error is that of a number near 1 (1e-16 in float64), also where σ(a) itself is tiny.
    """
    half = HALF.get(a.dtype.char, 0.5)
    s = np.tanh(half * a)
    s *= half
    s += half
    return s


def tanh(a: np.ndarray) -> np.ndarray:
    """The hyperbolic tangent."""
    return np.tanh(a)


def relu(a: np.ndarray) -> np.ndarray:
    """max(0, a); for complex a the real part decides, and NaN stays NaN."""
    return np.where(np.real(a) <= 0, 0, a)


def softmax(a: np.ndarray) -> np.ndarray:
    """exp(a) over the sum of its column, (…, features, B); its largest (real) entry is taken off first: no overflow."""
    e = np.exp(a - np.max(np.real(a), axis=-2, keepdims=True))
    return e / np.sum(e, axis=-2, keepdims=True)


@dataclass(frozen=True)
class Activation:
    """An activation with its way back.

    forward: a -> y.
    back: (dy, y) -> da, the gradient with respect to the input a, from that with respect to the output y.
    analytic: whether the complex step may be used to check it; where False, the slope jumps somewhere.
    """

    name: str
    forward: Callable[[np.ndarray], np.ndarray]
    back: Callable[[np.ndarray, np.ndarray], np.ndarray]
    analytic: bool = True

    def __call__(self, a: np.ndarray) -> np.ndarray:
        return self.forward(a)


def split(a: np.ndarray, blocks: int) -> list[np.ndarray]:
    """Views of the blocks of rows, all of one height, that stand one upon the other: (…, blocks * H, B)."""
    height = a.shape[-2] // blocks
    return [a[..., k * height : (k + 1) * height, :] for k in range(blocks)]


def join(*blocks: np.ndarray) -> np.ndarray:
    """The way back from `split`: the blocks one upon the other."""
    return np.concatenate(blocks, axis=-2)


TANH = Activation("tanh", np.tanh, lambda dy, y: dy * (1 - y * y))
SIGMOID = Activation("sigmoid", sigmoid, lambda dy, y: dy * y * (1 - y))
RELU = Activation("relu", relu, lambda dy, y: dy * (np.real(y) > 0), analytic=False)
LINEAR = Activation("linear", lambda a: a, lambda dy, y: dy)
SOFTMAX = Activation("softmax", softmax, lambda dy, y: y * (dy - np.sum(dy * y, axis=-2, keepdims=True)))

NONLINEARITIES = {activation.name: activation for activation in (TANH, RELU, SIGMOID)}
OUTPUTS = {activation.name: activation for activation in (LINEAR, SIGMOID, SOFTMAX)}
