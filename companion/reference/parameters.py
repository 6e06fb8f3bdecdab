"""Parameters as a mapping from names to arrays: checked at every use, loaded all or none."""

from collections.abc import Mapping

import numpy as np

from companion.reference import checks

Shapes = Mapping[str, tuple[int, ...]]


def names(given: Mapping, shapes: Shapes, argument: str) -> None:
    """Raises KeyError unless exactly these names are there."""
    missing, unknown = [n for n in shapes if n not in given], [n for n in given if n not in shapes]
    if missing or unknown:
        wrong = [f"missing {missing}"] * bool(missing) + [f"unknown {unknown}"] * bool(unknown)
        raise KeyError(f"{argument}: expected the names {list(shapes)}, got {' and '.join(wrong)}")


def check(params: Mapping[str, np.ndarray], shapes: Shapes, dtype: np.dtype) -> int | None:
    """The number S of networks that the parameters hold side by side, None for one network without that axis.

    Raises KeyError, TypeError or ValueError where a name, dtype or shape is not what the layer declared.
    """
    names(params, shapes, "params")
    for name, value in params.items():
        checks.numbers(f"params[{name!r}]", value, dtype)
    return common_runs(params, shapes, "params")


def common_runs(arrays: Mapping[str, np.ndarray], shapes: Shapes, argument: str) -> int | None:
    """S, if all arrays have one leading axis of that length; None, if none has. Raises ValueError otherwise."""
    first, shape = next(iter(shapes.items()))
    extra = arrays[first].shape[:1] if arrays[first].ndim == len(shape) + 1 else ()
    for name, shape in shapes.items():
        meaning = "(S networks side by side: the same S for all)" if extra else ""
        checks.shape(f"{argument}[{name!r}]", arrays[name], extra + shape, meaning)
    if extra == (0,):
        raise ValueError(f"{argument}: expected at least one network, got S = 0")
    return extra[0] if extra else None


def load(params: dict[str, np.ndarray], mapping: Mapping, shapes: Shapes, dtype: np.dtype) -> dict[str, np.ndarray]:
    """The new arrays by name. Where the shape stays, the old array is filled in place, so an optimiser keeps its hold.

    Raises KeyError for names, ValueError for shapes and for NaN or infinity, TypeError for what is not real numbers.
    """
    if not isinstance(mapping, Mapping):
        raise TypeError(f"state_dict: expected a mapping from names to arrays, got {checks.describe(mapping)}")
    names(mapping, shapes, "state_dict")
    arrays = {name: real(f"state_dict[{name!r}]", mapping[name], dtype) for name in shapes}
    common_runs(arrays, shapes, "state_dict")
    for name, array in arrays.items():
        if params[name].shape == array.shape and params[name].dtype == array.dtype:
            params[name][...] = array
            arrays[name] = params[name]
    return arrays


def real(name: str, value: object, dtype: np.dtype) -> np.ndarray:
    """An own copy as an array of this dtype, from an array or a torch tensor (on any device, with or without grad)."""
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    if array.dtype.kind not in "fiu":
        raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
    with np.errstate(over="ignore"):  # told below, as an error
        array = array.astype(dtype)
    if not np.isfinite(array).all():
        raise ValueError(
            f"{name}: expected finite numbers in {dtype}, got {np.count_nonzero(~np.isfinite(array))} that are not"
        )
    return array
