"""Losses: each returns the loss and its gradient, so that the way back starts in the same line."""

import numpy as np

from companion.reference import checks

Array = np.ndarray


def softmax_cross_entropy(logits: Array, targets: Array, lengths=None, mask=None) -> tuple[float, Array]:
    """Mean of -log softmax(logits)[target] over all positions that count.

    Args:
        logits: (T, B, classes), or (…, classes) where `lengths` is None.
        targets: integer class of each position, the shape of `logits` without its last axis.
        lengths: (B,) integers; positions past a sequence's length do not count.
        mask: booleans of the shape of `targets`; positions that are False do not count.

    Returns:
        the loss, and its gradient (softmax - one-hot) / positions, of the shape of `logits`, 0 where nothing counts.
        The largest logit of a position is taken off first, so logits of 1e4 are as safe as those of 1.

    Raises:
        TypeError: logits that are not floating point, targets or lengths that are not integers, a mask that is not
            boolean.
        ValueError: a wrong shape, a class or length out of range, no position that counts.
    """
    logits, targets = floats("logits", logits), np.asarray(targets)
    if logits.ndim < 1 or logits.shape[-1] == 0:
        raise ValueError(f"logits: expected (…, classes) with at least one class, got shape {logits.shape}")
    if targets.dtype.kind not in "iu":
        raise TypeError(f"targets: expected integer classes, got dtype {targets.dtype}")
    checks.shape("targets", targets, logits.shape[:-1], "(logits without the last axis)")
    counts = positions(logits.shape[:-1], lengths, mask)
    classes = logits.shape[-1]
    if np.any(counts & ((targets < 0) | (targets >= classes))):
        raise ValueError(f"targets: expected classes from 0 to {classes - 1}, got {targets.min()} to {targets.max()}")
    a = np.where(counts[..., None], logits, 0)
    chosen = np.where(counts, targets, 0)[..., None]
    a = a - np.max(a.real, axis=-1, keepdims=True)
    log_p = a - np.log(np.sum(np.exp(a), axis=-1, keepdims=True))
    number = counts.sum()
    loss = -np.sum(np.take_along_axis(log_p, chosen, -1)[..., 0], where=counts) / number
    dlogits = np.exp(log_p) - (np.arange(classes) == chosen)
    return loss, (np.where(counts[..., None], dlogits, 0) / number).astype(logits.dtype, copy=False)


def mse(y: Array, targets: Array, lengths=None, mask=None) -> tuple[float, Array]:
    """Mean of (y - target)² over all entries that count.

    Args:
        y, targets: (T, B, features), or any one shape where `lengths` is None.
        lengths: (B,) integers; positions past a sequence's length do not count.
        mask: booleans of the shape of y without its last axis; positions that are False do not count.

    Returns:
        the loss, and its gradient 2 (y - target) / entries, 0 where nothing counts.

    Raises:
        TypeError: not floating point, lengths that are not integers, a mask that is not boolean.
        ValueError: a wrong shape, a length out of range, no position that counts.
    """
    y, targets = floats("y", y), floats("targets", targets)
    checks.shape("targets", targets, y.shape, "(that of y)")
    counts = positions(y.shape[:-1], lengths, mask)[..., None]
    difference = np.where(counts, y - targets, 0)
    number = counts.sum() * y.shape[-1] if y.ndim else 1
    return np.sum(difference**2) / number, (2 * difference / number).astype(y.dtype, copy=False)


def positions(shape: tuple[int, ...], lengths, mask) -> Array:
    """Which positions count: booleans of this shape. Raises as the losses say."""
    counts = np.ones(shape, bool)
    if lengths is not None:
        if len(shape) != 2:
            raise ValueError(f"lengths: expected with positions (T, B) only, got positions of shape {shape}")
        counts &= np.arange(shape[0])[:, None] < checks.lengths(lengths, *shape)
    if mask is not None:
        mask = np.asarray(mask)
        if mask.dtype != bool:
            raise TypeError(f"mask: expected booleans, got dtype {mask.dtype}")
        counts &= checks.shape("mask", mask, shape, "(one for each position)")
    if not counts.any():
        raise ValueError(f"lengths, mask: expected at least one position that counts, got none of {counts.size}")
    return counts


def floats(name: str, value: object) -> Array:
    """An array of floating-point (or, for the complex step, complex) numbers. Raises TypeError for any other."""
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        raise TypeError(f"{name}: expected floating-point numbers, got dtype {array.dtype}")
    return array
