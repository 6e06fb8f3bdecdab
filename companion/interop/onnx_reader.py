"""Reading an ONNX graph back: which layer it is, or why it is none.

A graph is accepted when it is a chain of `RNN`, `LSTM` or `GRU` nodes with nothing but re-arrangement between them:
what `to_onnx` writes and what `torch.onnx.export` makes of a module. Everything is taken from the graph's own
constants; no node is run.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from companion.interop.onnx_file import ACTIVATIONS, ONNX_GATES, PEEPHOLES
from companion.interop.portable import GATES, put_together, reorder, require, suffixes

RECURRENT = ("RNN", "LSTM", "GRU")
# shapes, lengths and initial states are prepared by these; none of them computes with x
WIRING = {"Transpose", "Reshape", "Squeeze", "Unsqueeze", "Identity", "Cast", "Shape", "Gather", "Slice", "Split"}
WIRING |= {"Concat", "Expand", "Where", "Equal", "Constant", "ConstantOfShape"}
INPUTS = {
    "RNN": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
    "GRU": ("X", "W", "R", "B", "sequence_lens", "initial_h"),
    "LSTM": ("X", "W", "R", "B", "sequence_lens", "initial_h", "initial_c", "P"),
}
TIME_FIRST = [1, 0, 2]


def from_onnx(path):
    """The layer of `companion.reference` that the ONNX model in the file `path` computes.

    The dtype is that of the stored weights. Raises ImportError without `onnx`, FileNotFoundError, ValueError where
    the file is no valid ONNX model or keeps its weights in other files, and ValueError naming the node where the
    graph does anything that a layer of `companion.reference` does not.
    """
    onnx = require("onnx", "interop")
    graph = _Graph(onnx, _load(onnx, Path(path)).graph)
    chain = [node for node in graph.nodes if node.op_type in RECURRENT]
    strange = sorted({_operator(node) for node in graph.nodes} - WIRING - set(RECURRENT))
    if not chain or strange:
        raise ValueError(f"{path}: expected a graph of RNN, LSTM or GRU nodes, got {', '.join(strange) or 'none'}")
    first = [_read_node(graph, node) for node in chain]
    kinds = {(part.kind, tuple(sorted(part.options.items()))) for part in first}
    if len(kinds) > 1:
        raise ValueError(f"{path}: the nodes {[node.name for node in chain]} are not layers of one kind")
    batch_first = _check_chain(graph, chain, first[0].options["bidirectional"])
    options = first[0].options | {"num_layers": len(chain), "batch_first": batch_first}
    names = suffixes(len(chain), 2 if options["bidirectional"] else 1)
    return put_together(first[0].kind, options, _named(first, names))


def _operator(node) -> str:
    """The operator's name; one that is not ONNX's own has its domain in front."""
    return node.op_type if node.domain in ("", "ai.onnx") else f"{node.domain}.{node.op_type}"


def _load(onnx, path: Path):
    """The parsed and checked model; tensors that live in other files are refused, not opened."""
    data = path.read_bytes()
    try:
        model = onnx.load_model_from_string(data)
    except Exception as error:  # protobuf's DecodeError, whose module differs between its versions
        raise ValueError(f"{path}: not an ONNX model: {error}") from error
    if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in model.graph.initializer):
        raise ValueError(f"{path}: keeps its weights in other files; expected them inside the model")
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ValueError(f"{path}: not a valid ONNX model: {error}") from error
    return model


class _Graph:
    """Who makes which name, and which names are constants."""

    def __init__(self, onnx, graph):
        self.nodes = list(graph.node)
        self.inputs = {value.name for value in graph.input}
        self.outputs = [value.name for value in graph.output]
        self.maker = {name: node for node in self.nodes for name in node.output if name}
        self._onnx = onnx
        self._initializers = {tensor.name: tensor for tensor in graph.initializer}

    def attributes(self, node) -> dict:
        values = {a.name: self._onnx.helper.get_attribute_value(a) for a in node.attribute}
        return {k: v.decode() if isinstance(v, bytes) else v for k, v in values.items()}

    def constant(self, name: str) -> np.ndarray | None:
        """The value behind a name, through casts (what is cast is read as stored); None if it varies."""
        if name in self._initializers:
            return self._array(self._initializers[name])
        node = self.maker.get(name)
        if node is None:
            return None
        if node.op_type in ("Cast", "Identity"):
            return self.constant(node.input[0])
        if node.op_type == "Constant" and "value" in (attributes := self.attributes(node)):
            return self._array(attributes["value"])
        return None

    def _array(self, tensor) -> np.ndarray:
        try:
            return self._onnx.numpy_helper.to_array(tensor)
        except KeyError as error:
            raise ValueError(f"{tensor.name}: no tensor has the data type {tensor.data_type}") from error

    def starts_at_zero(self, name: str) -> bool:
        """Whether an initial state is zero unless an input of the graph says otherwise."""
        value = self.constant(name)
        if value is not None:
            return not np.issubdtype(value.dtype, np.floating) or not value.any()
        if name not in self.maker:
            return True
        node = self.maker[name]
        if node.op_type == "ConstantOfShape":
            fill = self.attributes(node).get("value")
            return fill is None or not self._array(fill).any()
        return all(self.starts_at_zero(part) for part in node.input)


@dataclass(frozen=True)
class _Layer:
    """One recurrent node: its kind and arguments, and for each direction its arrays by PyTorch's names."""

    kind: str
    options: dict
    sides: list[dict[str, np.ndarray]]


def _read_node(graph: _Graph, node) -> _Layer:
    name, attributes = node.name or node.output[0], graph.attributes(node)
    inputs = dict(zip(INPUTS[node.op_type], node.input, strict=False))
    for state in ("initial_h", "initial_c"):
        if inputs.get(state) and not graph.starts_at_zero(inputs[state]):
            raise ValueError(f"{name}: its {state} is a constant that is not zero; a layer has no weight for that")
    if graph.constant(inputs.get("sequence_lens", "")) is not None:
        raise ValueError(f"{name}: its sequence_lens is a constant; a layer is given lengths with the input")
    directions = _directions(name, attributes)
    weights = {key: _weight(graph, name, key, inputs.get(key), directions) for key in "WRBP"}
    kind = "PeepholeLSTM" if weights["P"] is not None else node.op_type
    options = {"bidirectional": directions == 2, "bias": weights["B"] is not None}
    options |= _variant(name, kind, attributes, options["bidirectional"])
    return _Layer(kind, options, [_side(kind, weights, side) for side in range(directions)])


def _weight(graph: _Graph, node: str, key: str, name: str | None, directions: int) -> np.ndarray | None:
    """The constant that is the node's input `key`, None where the node does without (only B and P may be absent)."""
    if not name and key in "BP":
        return None
    value = graph.constant(name)
    if value is None:
        raise ValueError(f"{node}: its {key} is not a constant of the model")
    if value.ndim != (3 if key in "WR" else 2) or len(value) != directions:
        raise ValueError(f"{node}: its {key} has shape {value.shape}, expected {directions} rows, one a direction")
    return value


def _directions(node: str, attributes: dict) -> int:
    direction = attributes.get("direction", "forward")
    if direction == "reverse":
        raise ValueError(f"{node}: direction='reverse' alone; a layer runs forward or both ways")
    return 2 if direction == "bidirectional" else 1


def _variant(node: str, kind: str, attributes: dict, bidirectional: bool) -> dict:
    """The arguments that attributes carry. Everything else that an attribute can ask for is refused."""
    for name in ("clip", "activation_alpha", "activation_beta"):
        if attributes.get(name):
            raise ValueError(f"{node}: {name}={attributes[name]} has no counterpart")
    for name in ("layout", "input_forget"):
        if attributes.get(name, 0) != 0:
            raise ValueError(f"{node}: {name}={attributes[name]} has no counterpart, expected 0")
    usual = {"RNN": ["tanh"], "GRU": ["sigmoid", "tanh"]}.get(kind, ["sigmoid", "tanh", "tanh"])
    asked = [f.decode().lower() for f in attributes.get("activations", [])] or usual * (1 + bidirectional)
    if kind == "RNN" and len(set(asked)) == 1 and asked[0] in ACTIVATIONS:
        return {"nonlinearity": asked[0]}
    if asked != usual * (1 + bidirectional):
        raise ValueError(f"{node}: activations {asked}, expected {usual} for each direction")
    if kind == "GRU":
        return {"reset": "after" if attributes.get("linear_before_reset", 0) else "before"}
    return {}


def _side(kind: str, weights: dict, side: int) -> dict[str, np.ndarray]:
    """One direction of a node in PyTorch's layout."""

    def blocks(value):
        return reorder(value, ONNX_GATES[kind], GATES[kind])

    arrays = {"weight_ih": blocks(weights["W"][side]), "weight_hh": blocks(weights["R"][side])}
    if weights["B"] is not None:
        given, recurrent = np.split(weights["B"][side], 2)
        arrays |= {"bias_ih": blocks(given), "bias_hh": blocks(recurrent)}
    if kind == "PeepholeLSTM":
        arrays["weight_ch"] = reorder(weights["P"][side], PEEPHOLES, "ifo")
    return arrays


def _named(layers: list[_Layer], names: list[str]) -> dict[str, np.ndarray]:
    sides = [side for layer in layers for side in layer.sides]
    return {f"{key}_{suffix}": value for side, suffix in zip(sides, names, strict=True) for key, value in side.items()}


def _check_chain(graph: _Graph, chain: list, bidirectional: bool) -> bool:
    """Follow y back to x; each node must read the one before through nothing but re-arrangement. Says batch_first."""
    name, last = _skip_transpose(graph, graph.outputs[0], TIME_FIRST)
    for node, before in zip(reversed(chain), [*reversed(chain[:-1]), None], strict=True):
        _expect_merged(graph, name, node, bidirectional)
        if before is not None:
            name = node.input[0]
    name, first = _skip_transpose(graph, chain[0].input[0], TIME_FIRST)
    if name not in graph.inputs:
        raise ValueError(f"{chain[0].input[0]}: expected the first layer to read an input of the graph")
    if first != last:
        raise ValueError("the graph takes batch_first input or gives batch_first output, but not both")
    return first


def _skip_transpose(graph: _Graph, name: str, perm: list[int]) -> tuple[str, bool]:
    node = graph.maker.get(name)
    if node is not None and node.op_type == "Transpose" and graph.attributes(node).get("perm") == perm:
        return node.input[0], True
    return name, False


def _expect_merged(graph: _Graph, name: str, recurrent, bidirectional: bool) -> None:
    """`name` must be the node's Y `(T, directions, B, H)`, directions side by side: `(T, B, directions * H)`."""
    node = graph.maker.get(name)
    if node is not None and node.op_type == "Squeeze" and not bidirectional and _axes(graph, node) == [1]:
        source = node.input[0]
    elif node is not None and node.op_type == "Reshape" and _keeps_two_axes(graph, node):
        source, turned = _skip_transpose(graph, node.input[0], [0, 2, 1, 3])
        source = source if turned else None
    else:
        source = None
    if source != recurrent.output[0]:
        raise ValueError(f"{name}: expected the re-arranged output Y of {recurrent.name or recurrent.output[0]}")


def _axes(graph: _Graph, node) -> list[int]:
    axes = graph.attributes(node).get("axes")
    if axes is None and len(node.input) > 1:
        axes = graph.constant(node.input[1])
    return [] if axes is None else [int(axis) for axis in axes]


def _keeps_two_axes(graph: _Graph, node) -> bool:
    shape = graph.constant(node.input[1])
    return shape is not None and shape.shape == (3,) and list(shape[:2]) == [0, 0]
