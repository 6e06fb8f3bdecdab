"""Where an answer differs from what is expected: in its type, its shape, its dtype or its value.

The checker asks `difference`, which looks at the coarse first, so that a learner who returns a list is told of the
list and not of its numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np

__all__ = ["Difference", "difference", "show"]

LONGEST = 400


@dataclass(frozen=True)
class Difference:
    """How two values differ: `kind` is "type", "shape", "dtype" or "value", `text` says it in words."""

    kind: str
    text: str


def difference(got: Any, expected: Any, rtol: float = 1e-9, atol: float = 1e-12, form_only: bool = False) -> Any:
    """Return the first `Difference` of `got` from `expected`, or None where they agree.

    Numbers and arrays are compared with `numpy.isclose`; two nan count as equal. A list may stand for a tuple, a NumPy
    scalar or an array of no dimension for a number; an array must be an array of the same shape and dtype. Tensors
    are compared as arrays. With `form_only` values are not compared.
    """
    if isinstance(expected, Mapping):
        return _of_mappings(got, expected, rtol, atol, form_only)
    if isinstance(expected, (tuple, list)):
        return _of_sequences(got, expected, rtol, atol, form_only)
    if _is_array(expected):
        return _of_arrays(got, expected, rtol, atol, form_only)
    if isinstance(expected, Number) and not _is_bool(expected):
        return _of_numbers(got, expected, rtol, atol, form_only)
    return _of_others(got, expected, form_only)


def show(value: Any) -> str:
    """Print a value for a message: four digits, long arrays shortened, one line where it fits."""
    with np.printoptions(precision=4, threshold=24, edgeitems=4, linewidth=88, legacy=False):
        text = _text(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 4] + " ..."


def describe(value: Any) -> str:
    """Name the type of a value as a learner would, such as "a list" or "an array of shape (3,)"."""
    if _is_array(value):
        noun = "an array" if isinstance(value, np.ndarray) else "a tensor"
        return f"{noun} of shape {tuple(value.shape)}"
    if isinstance(value, Number) and not _is_bool(value):
        return "a number"
    names = {"NoneType": "None", "function": "a function", "generator": "a generator (return, not yield, ends it)"}
    kind = type(value).__name__
    return names.get(kind, f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}")


def _of_mappings(got, expected, rtol, atol, form_only):
    if not isinstance(got, Mapping):
        return _wrong_type(got, expected)
    if set(got) != set(expected):
        return Difference("shape", f"its keys are {sorted(map(str, got))}, expected {sorted(map(str, expected))}")
    return _first(((f"[{key!r}]", got[key], expected[key]) for key in expected), rtol, atol, form_only)


def _of_sequences(got, expected, rtol, atol, form_only):
    if not isinstance(got, (tuple, list)):
        return _wrong_type(got, expected)
    if len(got) != len(expected):
        return Difference("shape", f"it has {_items(len(got))}, expected {len(expected)}")
    pairs = ((f"[{i}]", g, e) for i, (g, e) in enumerate(zip(got, expected, strict=True)))
    return _first(pairs, rtol, atol, form_only)


def _first(items, rtol, atol, form_only):
    for place, got, expected in items:
        if found := difference(got, expected, rtol, atol, form_only):
            return Difference(found.kind, f"at {place}" + (f", {found.text}" if found.text else ""))
    return None


def _of_arrays(got, expected, rtol, atol, form_only):
    if not _is_array(got) or isinstance(got, np.ndarray) != isinstance(expected, np.ndarray):
        return _wrong_type(got, expected)
    if tuple(got.shape) != tuple(expected.shape):
        return Difference("shape", f"its shape is {tuple(got.shape)}, expected {tuple(expected.shape)}")
    if got.dtype != expected.dtype:
        return Difference("dtype", f"its dtype is {got.dtype}, expected {expected.dtype}")
    return None if form_only else _of_values(_plain(got), _plain(expected), rtol, atol)


def _of_numbers(got, expected, rtol, atol, form_only):
    got = got[()] if isinstance(got, np.ndarray) and got.shape == () else got
    if not isinstance(got, Number) or _is_bool(got):
        return _wrong_type(got, expected)
    if np.iscomplexobj(got) and not np.iscomplexobj(expected):
        return Difference("dtype", "it is a complex number, expected a real one")
    return None if form_only else _of_values(np.asarray(got), np.asarray(expected), rtol, atol)


def _of_others(got, expected, form_only):
    same_kind = _is_bool(got) if _is_bool(expected) else isinstance(got, type(expected))
    if not same_kind:
        return _wrong_type(got, expected)
    if form_only or got == expected:
        return None
    return Difference("value", "")


def _of_values(got, expected, rtol, atol):
    if not np.issubdtype(expected.dtype, np.number):
        wrong = got != expected
        return _count(wrong) if wrong.any() else None
    close = np.isclose(got, expected, rtol=rtol, atol=atol, equal_nan=True)
    if close.all():
        return None
    if expected.ndim == 0:
        return Difference("value", _not_finite(got, expected))
    with np.errstate(invalid="ignore", over="ignore"):
        gap = np.where(close, 0.0, np.abs(got - expected))
    worst = np.unravel_index(np.argmax(np.where(np.isnan(gap), np.inf, gap)), gap.shape)
    place = ", ".join(map(str, worst))
    text = f"first wrong at [{', '.join(map(str, np.argwhere(~close)[0]))}]"
    if np.isfinite(gap[worst]):
        return Difference("value", f"{text}, largest error {gap[worst]:.3g} at [{place}]")
    return Difference("value", f"{text}, not finite at [{place}]")


def _not_finite(got, expected):
    return "it is not finite" if np.isfinite(expected) and not np.isfinite(got) else ""


def _count(wrong):
    if wrong.ndim == 0:
        return Difference("value", "")
    return Difference("value", f"{_items(int(wrong.sum()))} of {wrong.size} wrong, first at {np.argwhere(wrong)[0]}")


def _wrong_type(got, expected):
    return Difference("type", f"it is {describe(got)}, expected {describe(expected)}")


def _items(count):
    return f"{count} item" if count == 1 else f"{count} items"


def _is_bool(value):
    return isinstance(value, (bool, np.bool_))


def _is_array(value):
    return hasattr(value, "__array__") and hasattr(value, "shape") and not isinstance(value, np.generic)


def _plain(value):
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


def _text(value):
    if _is_array(value):
        return np.array2string(_plain(value), separator=", ")
    if isinstance(value, (float, np.floating)):
        return f"{value:.6g}"
    if isinstance(value, np.generic):
        return str(value)
    if isinstance(value, (tuple, list)):
        left, right = "()" if isinstance(value, tuple) else "[]"
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"{left}{', '.join(map(_text, value))}{comma}{right}"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key!r}: {_text(item)}' for key, item in value.items())}}}"
    if callable(value):
        return getattr(value, "__name__", type(value).__name__)
    text = repr(value)
    return type(value).__name__ if " at 0x" in text else text
