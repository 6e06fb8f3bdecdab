"""From scores to probabilities, and what is known about them before anything is trained.

The chapter on the basic network derives these. The loss itself, with its gradient, is `softmax_cross_entropy`.
"""

import numpy as np

from companion.reference.losses import floats

Array = np.ndarray


def softmax(y: Array) -> Array:
    """Probabilities exp(y_k) / Σ_j exp(y_j) along the last axis of the scores y (…, classes)."""
    y = floats("y", y)
    e = np.exp(y - np.max(y.real, axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def twice_floor(classes: int) -> float:
    """The smallest cross-entropy, in nats, that is left when the probabilities go through the softmax once more.

    The best that can be handed over is 1 for the right class and 0 for the others: ln(1 + (classes - 1) / e).
    """
    return float(np.log1p((classes - 1) / np.e))


def reader_size(input_size: int, hidden_size: int, classes: int) -> int:
    """The number of parameters of a plain recurrent layer, with two biases, and of the dense layer that reads it."""
    layer = hidden_size * input_size + hidden_size**2 + 2 * hidden_size
    return layer + classes * hidden_size + classes
