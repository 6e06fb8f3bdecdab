"""Clipping: the gradient made shorter before it is used (Pascanu, Mikolov and Bengio 2013, algorithm 1)."""

from collections.abc import Iterable, Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray] | Iterable[np.ndarray]


def clip_grad_norm(grads: Arrays, max_norm: float, error_if_nonfinite: bool = False) -> float:
    """Scale all gradients together, in place, so that their joint 2-norm is at most `max_norm`; the direction stays.

    Args:
        grads: the gradients, a mapping by name (such as `grads.params`) or any iterable of arrays.
        max_norm: the largest norm allowed, above 0.
        error_if_nonfinite: raise where the norm is not finite.

    Returns:
        the norm before clipping. Where a gradient holds NaN or infinity, the norm says so (NaN, or infinity) and
        nothing is changed: there is no direction to keep, and the caller can tell and skip the update.

    Raises:
        ValueError: `max_norm` is not above 0. FloatingPointError: see `error_if_nonfinite`.
    """
    arrays = listed(grads)
    above_zero("max_norm", max_norm)
    norm = joint_norm(arrays)
    if not np.isfinite(norm):
        if error_if_nonfinite:
            raise FloatingPointError(f"grads: expected a finite norm, got {norm}")
        return norm
    if norm > max_norm:
        for array in arrays:
            array *= max_norm / norm
    return norm


def clip_grad_value(grads: Arrays, clip_value: float) -> None:
    """Clip every entry of the gradients to [-clip_value, clip_value], in place; the direction bends.

    Infinity becomes `clip_value` with its sign; NaN stays NaN. Raises ValueError where `clip_value` is not above 0.
    """
    above_zero("clip_value", clip_value)
    for array in listed(grads):
        np.clip(array, -clip_value, clip_value, out=array)


def joint_norm(arrays: list[np.ndarray]) -> float:
    """√(sum of all squares), with the largest entry taken out first so that no square overflows."""
    largest = float(np.max([np.max(np.abs(array), initial=0) for array in arrays], initial=0))
    if largest == 0 or not np.isfinite(largest):
        return largest
    return largest * float(np.sqrt(sum(np.sum((array / largest) ** 2, dtype=np.float64) for array in arrays)))


def listed(grads: Arrays) -> list[np.ndarray]:
    """The arrays themselves. Raises TypeError for anything else, which could not be changed in place."""
    arrays = [grads] if isinstance(grads, np.ndarray) else list(grads.values() if isinstance(grads, Mapping) else grads)
    for array in arrays:
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise TypeError(f"grads: expected arrays of floating-point numbers, got {type(array).__name__}")
    return arrays


def above_zero(name: str, value: float) -> None:
    """Raises ValueError unless the number is above 0 (infinity is: then nothing is clipped)."""
    if not value > 0:
        raise ValueError(f"{name}: expected a number above 0, got {value!r}")
