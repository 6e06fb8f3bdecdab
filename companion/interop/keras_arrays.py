"""To and from the weights of Keras: what `get_weights()` returns and `set_weights()` takes.

Keras stores a layer as kernel `(inputs, blocks)`, recurrent kernel `(hidden, blocks)` and bias, in the gate order
`i, f, c, o` (LSTM) or `z, r, h` (GRU). Here that is a transpose, another block order, and the sum of two biases.
"""

import numpy as np

from companion.interop.portable import (
    GATES,
    NO_FORGET_GATE,
    Portable,
    named,
    put_together,
    reorder,
    suffixes,
    take_apart,
)

KERAS_GATES = {"RNN": "a", "LSTM": "ifgo", "PeepholeLSTM": "ifgo", "GRU": "zrn"}  # its c is our g, its h our n
KERAS_NAMES = {
    "SimpleRNN": "RNN",
    "SimpleRNNCell": "RNN",
    "LSTMCell": "LSTM",
    "PeepholeLSTMCell": "PeepholeLSTM",
    "GRUCell": "GRU",
}


def to_keras(layer) -> list[np.ndarray]:
    """The weights of `layer` as a flat list in the order of Keras' `set_weights`.

    For each Keras layer: kernel, recurrent kernel and, with `bias=True`, bias; a peephole cell adds its three
    peephole weights i, f, o. `Bidirectional` has the forward direction first. A stack of layers is one list, which
    is what `Sequential.set_weights` takes.

    The two biases are summed, except those of a GRU with reset after, which Keras has as `(2, blocks)`: there the
    recurrent one stands inside r (U h + b) and the sum would be another function. With reset before, the recurrent
    bias stands outside the product with r, as Keras' does, so that the sum is the same function.
    The activation and `reset_after` are arguments of the Keras layer, not weights: give it those of `layer`. The
    peephole cell is TensorFlow's old one, whose gates are hard sigmoids unless `recurrent_activation="sigmoid"`.

    Raises ValueError for cells that Keras does not have: the 1997 cell, `output_peep="old"`, `JordanRNN`.
    """
    portable = take_apart(layer)
    if portable.kind == "JordanRNN" or portable.options.get("output_peep") == "old":
        raise ValueError(f"Keras has no cell that computes {named(portable)}")
    if not portable.options.get("forget_gate", True):
        raise ValueError(f"Keras' LSTM cannot hold {named(portable)}: {NO_FORGET_GATE}")
    return [array for suffix in portable.suffixes for array in _to_group(portable, suffix)]


def from_keras(
    kind: str,
    arrays,
    *,
    bidirectional: bool | None = None,
    bias: bool | None = None,
    reset: str | None = None,
    **options,
):
    """A layer of `companion.reference` out of Keras' weights.

    `kind` is `"RNN"`, `"LSTM"`, `"GRU"` or `"PeepholeLSTM"` (Keras' own names are understood too), `arrays` the
    flat list that `get_weights()` gives. How many layers and directions there are and whether there are biases
    follows from the shapes; where it does not (two layers and two directions can look alike), `bidirectional` or
    `bias` must say it. So must `reset` for a GRU without bias (with one, its shape tells). `options` are arguments
    of the layer that weights never show: `nonlinearity`, `batch_first`. Keras' one bias becomes `bias_ih`, and
    `bias_hh` is zero.

    Raises ValueError where shapes do not fit or fit more than one layer.
    """
    kind = KERAS_NAMES.get(kind, kind)
    if kind not in KERAS_GATES:
        raise ValueError(f"kind: expected one of {sorted(KERAS_GATES)}, got {kind!r}")
    arrays = [np.asarray(array) for array in arrays]
    num_layers, bidirectional, bias = _only_reading(kind, arrays, bidirectional, bias)
    unknown = set(options) - ({"nonlinearity", "batch_first"} if kind == "RNN" else {"batch_first"})
    if unknown or (reset is not None and kind != "GRU"):
        raise TypeError(f"{kind}: unexpected arguments {sorted(unknown) or ['reset']}")
    if kind == "GRU":
        options["reset"] = _reset(arrays, bias, reset)
    options |= {"num_layers": num_layers, "bidirectional": bidirectional, "bias": bias}
    size = _group_size(kind, bias)
    parameters = {}
    for k, suffix in enumerate(suffixes(num_layers, 2 if bidirectional else 1)):
        parameters |= _from_group(kind, arrays[k * size : (k + 1) * size], suffix, bias)
    return put_together(kind, options, parameters)


def _to_group(portable: Portable, suffix: str) -> list[np.ndarray]:
    source, target = portable.gates, KERAS_GATES[portable.kind]
    part = {name: portable.arrays[f"{name}_{suffix}"] for name in ("weight_ih", "weight_hh")}
    group = [np.ascontiguousarray(reorder(value, source, target).T) for value in part.values()]
    if portable.options["bias"]:
        biases = [reorder(portable.arrays[f"bias_{side}_{suffix}"], source, target) for side in ("ih", "hh")]
        group.append(np.stack(biases) if portable.options.get("reset") == "after" else biases[0] + biases[1])
    if portable.kind == "PeepholeLSTM":
        group += np.split(portable.arrays[f"weight_ch_{suffix}"], 3)
    return group


def _from_group(kind: str, group: list[np.ndarray], suffix: str, bias: bool) -> dict[str, np.ndarray]:
    source, target = KERAS_GATES[kind], GATES[kind]
    arrays = {
        f"weight_ih_{suffix}": reorder(group[0].T, source, target),
        f"weight_hh_{suffix}": reorder(group[1].T, source, target),
    }
    if bias:
        given, recurrent = group[2] if group[2].ndim == 2 else (group[2], np.zeros_like(group[2]))
        arrays[f"bias_ih_{suffix}"] = reorder(given, source, target)
        arrays[f"bias_hh_{suffix}"] = reorder(recurrent, source, target)
    if kind == "PeepholeLSTM":
        arrays[f"weight_ch_{suffix}"] = np.concatenate(group[-3:])
    return arrays


def _group_size(kind: str, bias: bool) -> int:
    return 2 + bias + (3 if kind == "PeepholeLSTM" else 0)


def _only_reading(kind: str, arrays: list[np.ndarray], bidirectional, bias) -> tuple[int, bool, bool]:
    """The one `(num_layers, bidirectional, bias)` that the shapes allow and the caller does not rule out."""
    shapes = [array.shape for array in arrays]
    readings = [
        (len(arrays) // (size * directions), directions == 2, with_bias)
        for with_bias in (True, False)
        for directions in (1, 2)
        if len(arrays) % ((size := _group_size(kind, with_bias)) * directions) == 0
        and bidirectional in (None, directions == 2)
        and bias in (None, with_bias)
        and _fits(kind, shapes, size, directions, with_bias)
    ]
    if not readings:
        raise ValueError(f"arrays: the shapes {shapes} are not those of a Keras {kind}")
    if len(readings) > 1:
        texts = [f"num_layers={n}, bidirectional={two}, bias={b}" for n, two, b in readings]
        raise ValueError(f"arrays: the shapes {shapes} fit {' and '.join(texts)}; say bidirectional= or bias=")
    return readings[0]


def _fits(kind: str, shapes: list[tuple], size: int, directions: int, bias: bool) -> bool:
    """Whether the shapes are those of this many arrays a group and directions a layer."""
    if not shapes or len(shapes[0]) != 2 or len(shapes[1]) != 2:
        return False
    (inputs, _), (hidden, _) = shapes[0], shapes[1]
    blocks = len(KERAS_GATES[kind]) * hidden
    for start in range(0, len(shapes), size):
        width = inputs if start // size < directions else directions * hidden
        expected = [[(width, blocks)], [(hidden, blocks)]]
        if bias:
            expected.append([(blocks,), (2, blocks)] if kind == "GRU" else [(blocks,)])
        expected += [[(hidden,)]] * (size - len(expected))
        if any(shape not in allowed for shape, allowed in zip(shapes[start : start + size], expected, strict=True)):
            return False
    return True


def _reset(arrays: list[np.ndarray], bias: bool, asked: str | None) -> str:
    """Where the reset gate acts, out of the rank of the biases."""
    if not bias:
        if asked is None:
            raise ValueError(
                'reset: a GRU without bias does not show it; expected reset="after" (Keras\' default) or "before"'
            )
        return asked
    ranks = {array.ndim for array in arrays[2::3]}
    if len(ranks) > 1:
        raise ValueError("arrays: some GRU biases have reset_after's shape (2, blocks) and some have not")
    found = "after" if ranks == {2} else "before"
    if asked not in (None, found):
        raise ValueError(f"reset: expected {found!r}, which the bias of shape {arrays[2].shape} shows, got {asked!r}")
    return found
