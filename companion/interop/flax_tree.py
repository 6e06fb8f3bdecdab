"""To and from the parameter trees of Flax's linen cells: `SimpleCell`, `LSTMCell`, `OptimizedLSTMCell`, `GRUCell`.

Flax names each gate: `ii` is the input's weight of the input gate, `hi` the recurrent one. A kernel is `(inputs,
hidden)`.
"""

import re
from collections.abc import Mapping

import numpy as np

from companion.interop.portable import NO_FORGET_GATE, Portable, named, put_together, suffixes, take_apart

# Flax's letter for each gate of ours is the same but for the RNN, whose two kernels are just i and h
LETTERS = {"RNN": {"a": ""}, "LSTM": {g: g for g in "ifgo"}, "GRU": {g: g for g in "rzn"}}


def to_flax(layer) -> dict:
    """The weights of `layer` as `{"l0": {...}, "l0_reverse": {...}, "l1": ...}`, a linen cell's tree for each.

    `cell.apply({"params": to_flax(layer)["l0"]}, carry, x)` runs the first; where the trees go in a model of
    several cells is the model's own choice of names. Flax has one bias a gate, on the recurrent side of an LSTM and
    on the input side of the others, and gets the sum of both; only the GRU's candidate has two. With `bias=False`
    that one is zero.

    Raises ValueError for cells that linen does not have: peepholes, the 1997 cell, the GRU with reset before,
    `JordanRNN`.
    """
    portable = take_apart(layer)
    if portable.kind not in LETTERS or portable.options.get("reset") == "before":
        raise ValueError(f"Flax has no cell that computes {named(portable)}")
    if not portable.options.get("forget_gate", True):
        raise ValueError(f"Flax's LSTM cannot hold {named(portable)}: {NO_FORGET_GATE}")
    return {suffix: _to_cell(portable, suffix) for suffix in portable.suffixes}


def from_flax(tree, **options):
    """A layer of `companion.reference` out of linen's parameters.

    `tree` is what `to_flax` gives, or the tree of one cell alone (also inside `{"params": ...}`). Its names tell
    the kind. `options` are further arguments that weights do not show: `nonlinearity` (Flax's `activation_fn`),
    `batch_first`. One bias becomes `bias_ih`, and `bias_hh` is zero there.

    Raises ValueError where the names are not those of a cell that is known here.
    """
    if not isinstance(tree, Mapping):
        raise TypeError(f"tree: expected a mapping, got {type(tree).__name__}")
    tree = tree.get("params", tree)
    cells = tree if all(re.fullmatch(r"l\d+(_reverse)?", str(name)) for name in tree) else {"l0": tree}
    bidirectional = "l0_reverse" in cells
    num_layers = len(cells) // (2 if bidirectional else 1)
    if not cells or set(cells) != set(suffixes(num_layers, 2 if bidirectional else 1)):
        raise ValueError(f"tree: expected the names l0, l0_reverse, l1, …, got {sorted(cells)}")
    kinds = {_kind(cell) for cell in cells.values()}
    if len(kinds) > 1:
        raise ValueError(f"tree: expected cells of one kind, got {sorted(kinds)}")
    (kind,) = kinds
    arrays = {}
    for suffix, cell in cells.items():
        arrays |= _from_cell(kind, cell, suffix)
    return put_together(kind, options | {"num_layers": num_layers, "bidirectional": bidirectional}, arrays)


def _to_cell(portable: Portable, suffix: str) -> dict:
    arrays = {side: _by_gate(portable, f"weight_{side}_{suffix}") for side in ("ih", "hh")}
    biases = {side: _by_gate(portable, f"bias_{side}_{suffix}") for side in ("ih", "hh")}
    cell = {}
    for gate, letter in LETTERS[portable.kind].items():
        given, recurrent = biases["ih"][gate], biases["hh"][gate]
        cell[f"i{letter}"] = {"kernel": np.ascontiguousarray(arrays["ih"][gate].T)}
        cell[f"h{letter}"] = {"kernel": np.ascontiguousarray(arrays["hh"][gate].T)}
        if portable.kind == "GRU" and gate == "n":
            cell["in"]["bias"], cell["hn"]["bias"] = given, recurrent
        else:
            side = "h" if portable.kind == "LSTM" else "i"
            cell[f"{side}{letter}"]["bias"] = given + recurrent
    return cell


def _from_cell(kind: str, cell, suffix: str) -> dict[str, np.ndarray]:
    """The arrays of one cell. A missing bias is zero: a Dense with `use_bias=False`."""
    arrays = {}
    kernels = {side: [_leaf(cell, f"{side}{letter}", "kernel").T for letter in LETTERS[kind].values()] for side in "ih"}
    zero = np.zeros_like(kernels["h"][0][:, 0])
    biases = {
        side: [_leaf(cell, f"{side}{letter}", "bias", zero) for letter in LETTERS[kind].values()] for side in "ih"
    }
    if kind == "LSTM":  # its one bias stands on the recurrent side
        biases = {"i": biases["h"], "h": [zero] * 4}
    for side in "ih":
        arrays[f"weight_{side}h_{suffix}"] = np.concatenate(kernels[side])
        arrays[f"bias_{side}h_{suffix}"] = np.concatenate(biases[side])
    return arrays


def _by_gate(portable: Portable, name: str) -> dict[str, np.ndarray]:
    value = portable.arrays.get(name)
    if value is None:  # bias=False
        value = np.zeros(len(portable.gates) * portable.hidden_size, portable.dtype)
    return dict(zip(portable.gates, np.split(value, len(portable.gates)), strict=True))


def _kind(cell) -> str:
    for kind, letters in LETTERS.items():
        if set(cell) == {f"{side}{letter}" for side in "ih" for letter in letters.values()}:
            return kind
    raise ValueError(f"tree: the names {sorted(cell)} are not those of SimpleCell, LSTMCell or GRUCell")


def _leaf(cell, name: str, part: str, missing=None) -> np.ndarray:
    if part not in cell[name] and missing is None:
        raise ValueError(f"tree: {name} has no {part}")
    return np.asarray(cell[name].get(part, missing))
