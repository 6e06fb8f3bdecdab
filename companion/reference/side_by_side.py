"""S networks side by side: the weights get one more axis in front, and one call runs all of them.

NumPy's calls cost the same for S small networks as for one, up to the arithmetic, so twenty seeds take little longer
than one. The axis S stands in front of everything: parameters, states, inputs and outputs; `y[s]` is what network s
makes of `x[s]`. An input (T, B, I) without that axis is read by all of them.
"""

from collections.abc import Callable, Mapping
from copy import copy

import numpy as np

from companion.reference import parameters


def stack(layers):
    """One layer (or `Linear`) that is all of these side by side, with parameters (S, …).

    Raises:
        TypeError: layers of different classes. ValueError: none, or parameters of different names, shapes or dtypes.
    """
    layers = list(layers)
    if not layers:
        raise ValueError("layers: expected at least one, got none")
    first = layers[0]
    for layer in layers:
        if type(layer) is not type(first) or getattr(layer, "cell", None) != getattr(first, "cell", None):
            raise TypeError(f"layers: expected all as the first, {describe(first)}, got {describe(layer)}")
        if signature(layer) != signature(first):
            raise ValueError(f"layers: expected parameters {signature(first)}, got {signature(layer)}")
    together = copy(first)
    together.params = {name: np.stack([layer.params[name] for layer in layers]) for name in first.params}
    return together


def unstack(layer) -> list:
    """The S layers that `stack` put side by side, with their own copies of the parameters.

    Raises:
        ValueError: a layer that is one network alone.
    """
    count = parameters.check(layer.params, layer.parameter_shapes(), layer.dtype)
    if count is None:
        raise ValueError(f"layer: expected networks side by side, with parameters (S, …), got {signature(layer)}")
    alone = [copy(layer) for _ in range(count)]
    for s, one in enumerate(alone):
        one.params = {name: value[s].copy() for name, value in layer.params.items()}
    return alone


def each_run(function: Callable, *arguments, **same):
    """Call a function once for each network, with element s of every argument, and stack what it returns.

    For what is meant for one network: `each_run(softmax_cross_entropy, logits, targets)` gives S losses, and
    gradients of each alone; `each_run(clip_grad_norm, grads.params, max_norm=1.0)` clips each network by its own norm.

    Args:
        arguments: arrays with the axis S in front, or mappings from names to such arrays (handed on as views).
        same: keyword arguments, handed on as they are.

    Raises:
        ValueError: leading axes of different lengths.
    """
    counts = {len(part) for argument in arguments for part in leaves(argument)}
    if len(counts) != 1:
        raise ValueError(f"arguments: expected one S for the leading axis of all, got {sorted(counts)}")
    results = [function(*(element(argument, s) for argument in arguments), **same) for s in range(*counts)]
    if isinstance(results[0], tuple):
        return tuple(np.stack(part) for part in zip(*results, strict=True))
    return None if results[0] is None else np.stack(results)


def element(argument, s: int):
    """Element s of an array, or of every array of a mapping."""
    return {name: value[s] for name, value in argument.items()} if isinstance(argument, Mapping) else argument[s]


def leaves(argument) -> list:
    """The arrays of an argument."""
    return list(argument.values()) if isinstance(argument, Mapping) else [argument]


def signature(layer) -> dict[str, object]:
    """Shape and dtype of each parameter, and the layout."""
    shapes = {name: (value.shape, value.dtype.name) for name, value in layer.params.items()}
    return shapes | {"batch_first": getattr(layer, "batch_first", False)}


def describe(layer) -> str:
    """Class and cell, for an error message."""
    return f"{type(layer).__name__}({getattr(layer, 'cell', '')})"
