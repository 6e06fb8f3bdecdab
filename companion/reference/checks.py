"""Bad input is an error with a name, never a silent broadcast. Each message says: argument, expected, got."""

from collections.abc import Mapping

import numpy as np


def positive_size(name: str, value: object) -> int:
    """A size: an integer above 0.

    Raises TypeError for anything but an integer, ValueError below 1.
    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name}: expected an integer, got {type(value).__name__} {value!r}")
    if value < 1:
        raise ValueError(f"{name}: expected at least 1, got {value}")
    return int(value)


def flag(name: str, value: object) -> bool:
    """A yes or no. Raises TypeError for anything but a bool."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: expected True or False, got {type(value).__name__} {value!r}")
    return bool(value)


def one_of(name: str, value: object, choices: Mapping) -> object:
    """The entry of `choices` with this name. Raises ValueError for a name that is not there."""
    if not isinstance(value, str) or value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {value!r}")
    return choices[value]


def floating(name: str, value: object) -> np.dtype:
    """A dtype for parameters: float32 or float64. Raises TypeError for any other."""
    dtype = np.dtype(value)
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{name}: expected float32 or float64, got {dtype}")
    return dtype


def numbers(name: str, value: object, dtype: np.dtype) -> np.ndarray:
    """An array of this dtype, or of the complex one of the same precision (for the complex step).

    Raises TypeError for any other dtype: a float64 input would silently turn a float32 network into another one.
    """
    array = np.asarray(value)
    allowed = (np.dtype(dtype), np.result_type(dtype, np.complex64))
    if array.dtype not in allowed:
        raise TypeError(f"{name}: expected dtype {allowed[0]}, got {array.dtype}")
    return array


def shape(name: str, array: np.ndarray, expected: tuple[int, ...], meaning: str = "") -> np.ndarray:
    """The array, if it has exactly this shape. Raises ValueError otherwise."""
    if array.shape != expected:
        raise ValueError(f"{name}: expected shape {expected}{meaning and f' {meaning}'}, got {array.shape}")
    return array


def lengths(value: object, steps: int, batch: int) -> np.ndarray:
    """The lengths of the sequences, (B,) integers from 0 to T.

    Raises TypeError where they are not integers, ValueError for another shape or a length out of range.
    """
    array = np.asarray(value)
    if array.dtype.kind not in "iu":
        raise TypeError(f"lengths: expected integers, got dtype {array.dtype}")
    shape("lengths", array, (batch,), "(one for each sequence of the batch)")
    if array.min() < 0 or array.max() > steps:
        raise ValueError(f"lengths: expected each from 0 to T = {steps}, got {array.tolist()}")
    return array


def describe(value: object) -> str:
    """What came, in few words, for an error message."""
    if isinstance(value, tuple | list):
        return f"{type(value).__name__} of {len(value)}"
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{type(value).__name__} of shape {tuple(shape)}"
