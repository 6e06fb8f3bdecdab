"""To and from ONNX files, with ONNX's own operators `RNN`, `LSTM` and `GRU`: one node for each layer.

The operators take whole sequences, have both directions in one node, two biases, peepholes (`P`) and both GRUs
(`linear_before_reset`). Their block orders are i, o, f, c and z, r, h, the peepholes' is i, o, f, and the peephole
of the output gate reads the new cell state. Reading a file runs nothing that stands in it.
"""

import os
from pathlib import Path

import numpy as np

from companion import __version__
from companion.interop.portable import NO_FORGET_GATE, Portable, named, reorder, require, take_apart

OPSET, IR_VERSION = 17, 8  # the operators are those of opset 14; any ONNX Runtime since 1.13 runs it
ONNX_GATES = {"RNN": "a", "LSTM": "iofg", "PeepholeLSTM": "iofg", "GRU": "zrn"}  # its c is our g, its h our n
PEEPHOLES = "iof"
OPERATORS = {"RNN": "RNN", "LSTM": "LSTM", "PeepholeLSTM": "LSTM", "GRU": "GRU"}
ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu", "sigmoid": "Sigmoid"}


def to_onnx(layer, path) -> None:
    """Write `layer` as an ONNX model that ONNX Runtime runs; `from_onnx` reads the same layer back, to the last bit.

    ========= ================== =========================================== ==============================
    input     type               shape                                       may be left out
    ========= ================== =========================================== ==============================
    `x`       float32            `(T, B, input_size)`, or `(B, T, …)`        no
    `lengths` int64              `(B,)`                                      yes: all have length T
    `h_0`     float32            `(num_layers * directions, B, hidden_size)` yes: zeros
    `c_0`     float32, LSTM only the same                                    yes: zeros
    ========= ================== =========================================== ==============================

    ONNX Runtime logs a warning for each input that may be left out: it is none of the model's constants. That is
    meant; `SessionOptions.log_severity_level = 3` silences it.

    The outputs are `y`, `h_n` and, for an LSTM, `c_n`, shaped as the layer's. An unbatched sequence is a batch of
    one. The model computes in float32, as ONNX Runtime has no recurrent operator in float64; the weights of a
    float64 layer are stored as float64 and cast in the model.

    The file is written beside its place and moved there when it is whole. Raises ImportError without `onnx`, and
    ValueError for cells that the operators cannot hold: the 1997 cell, `output_peep="old"`, `JordanRNN`.
    """
    portable = take_apart(layer)
    _refuse_what_onnx_lacks(portable)
    model = _Writer(require("onnx", "interop"), portable).model()
    _write(Path(path), model.SerializeToString())


def _refuse_what_onnx_lacks(portable: Portable) -> None:
    if portable.kind == "JordanRNN":
        raise ValueError("ONNX has no operator for JordanRNN: its RNN feeds the hidden state back, not the output")
    if portable.options.get("output_peep") == "old":
        raise ValueError('ONNX cannot hold output_peep="old": the output gate of its LSTM reads the new cell state')
    if not portable.options.get("forget_gate", True):
        raise ValueError(f"ONNX's LSTM cannot hold {named(portable)}: {NO_FORGET_GATE}")


def _write(path: Path, data: bytes) -> None:
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        scratch.write_bytes(data)
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


class _Writer:
    """The graph of one layer, collected node by node."""

    def __init__(self, onnx, portable: Portable):
        self.onnx, self.portable = onnx, portable
        self.operator = OPERATORS[portable.kind]
        self.states = ["h", "c"] if self.operator == "LSTM" else ["h"]
        self.rows = portable.directions * portable.options["num_layers"]
        self.nodes, self.constants = [], []

    def model(self):
        """The whole model, checked."""
        helper, types = self.onnx.helper, self.onnx.TensorProto
        p, H = self.portable, self.portable.hidden_size
        outer = ["B", "T"] if p.options["batch_first"] else ["T", "B"]
        self._wire_arguments()
        self._wire_layers()
        inputs = {"x": (types.FLOAT, [*outer, p.input_size]), "lengths": (types.INT64, ["lengths_B"])}
        inputs |= {f"{s}_0": (types.FLOAT, [self.rows, f"{s}_B", H]) for s in self.states}
        outputs = {"y": (types.FLOAT, [*outer, p.directions * H])}
        outputs |= {f"{s}_n": (types.FLOAT, [self.rows, "B", H]) for s in self.states}
        graph = helper.make_graph(
            self.nodes,
            f"companion {named(p)}",
            [helper.make_tensor_value_info(name, *info) for name, info in inputs.items()],
            [helper.make_tensor_value_info(name, *info) for name, info in outputs.items()],
            self.constants,
        )
        model = helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
            producer_name="companion",
            producer_version=__version__,
        )
        self.onnx.checker.check_model(model, full_check=True)
        return model

    def _wire_arguments(self) -> None:
        """Time first; the defaults of `lengths` and the states, made as large as the batch is."""
        x = "x"
        if self.portable.options["batch_first"]:
            x = self._add("Transpose", ["x"], "x_time_first", perm=[1, 0, 2])
        self._add("Shape", [x], "T", start=0, end=1)
        self._add("Shape", [x], "B", start=1, end=2)
        self._add("Equal", [self._constant("lengths", [-1]), self._constant("not_given", [-1])], "no_lengths")
        self._add("Where", ["no_lengths", "T", "lengths"], "lengths_or_T")
        self._add("Expand", ["lengths_or_T", "B"], "lengths_of_batch")
        self._add("Cast", ["lengths_of_batch"], "sequence_lens", to=self.onnx.TensorProto.INT32)
        self._constant("rows", [self.rows])
        self._constant("width", [self.portable.hidden_size])
        self._add("Concat", ["rows", "B", "width"], "state_shape", axis=0)
        for s in self.states:
            self._constant(f"{s}_0", np.zeros((self.rows, 1, self.portable.hidden_size), np.float32))
            self._add("Expand", [f"{s}_0", "state_shape"], f"{s}_start")

    def _wire_layers(self) -> None:
        p = self.portable
        layers = range(p.options["num_layers"])
        self._constant("merged", [0, 0, -1])
        for s in self.states:
            parts = [f"{s}_start_l{k}" for k in layers]
            sizes = self._constant(f"{s}_split", [p.directions] * len(parts))
            self._add("Split", [f"{s}_start", sizes], parts, axis=0)
        now = "x_time_first" if p.options["batch_first"] else "x"
        for k in layers:
            last = k == layers[-1] and not p.options["batch_first"]
            now = self._wire_layer(k, now, "y" if last else f"y_l{k}")
        if p.options["batch_first"]:
            self._add("Transpose", [now], "y", perm=[1, 0, 2])
        self._add("Equal", ["lengths_of_batch", self._constant("nothing", [0])], "no_steps")
        self._add("Unsqueeze", ["no_steps", self._constant("last_axis", [1])], "no_steps_column")
        for s in self.states:  # where a sequence has no step ONNX Runtime gives 0, not the initial state
            self._add("Concat", [f"{s}_n_l{k}" for k in layers], f"{s}_end", axis=0)
            self._add("Where", ["no_steps_column", f"{s}_start", f"{s}_end"], f"{s}_n")

    def _wire_layer(self, k: int, x: str, y: str) -> str:
        """One recurrent node; its output `(T, directions, B, H)` becomes `(T, B, directions * H)`."""
        p = self.portable
        attributes = {"hidden_size": p.hidden_size, "direction": "bidirectional" if p.directions == 2 else "forward"}
        if p.kind == "RNN":
            attributes["activations"] = [ACTIVATIONS[p.options["nonlinearity"]]] * p.directions
        if p.kind == "GRU":
            attributes["linear_before_reset"] = int(p.options["reset"] == "after")
        blocks = self._layer_weights(k)
        inputs = [x, blocks["W"], blocks["R"], blocks.get("B", ""), "sequence_lens"]
        inputs += [f"{s}_start_l{k}" for s in self.states] + ([blocks["P"]] if "P" in blocks else [])
        self._add(self.operator, inputs, [f"Y_l{k}", *(f"{s}_n_l{k}" for s in self.states)], **attributes)
        self._add("Transpose", [f"Y_l{k}"], f"Y_l{k}_by_step", perm=[0, 2, 1, 3])
        return self._add("Reshape", [f"Y_l{k}_by_step", "merged"], y)

    def _layer_weights(self, k: int) -> dict[str, str]:
        """The names of the node's constants, forward direction above reverse."""
        sides = [s for s in self.portable.suffixes if s.removesuffix("_reverse") == f"l{k}"]
        blocks = {"W": [self._blocks(f"weight_ih_{s}") for s in sides]}
        blocks["R"] = [self._blocks(f"weight_hh_{s}") for s in sides]
        if self.portable.options["bias"]:
            blocks["B"] = [np.concatenate([self._blocks(f"bias_ih_{s}"), self._blocks(f"bias_hh_{s}")]) for s in sides]
        if self.portable.kind == "PeepholeLSTM":
            blocks["P"] = [reorder(self.portable.arrays[f"weight_ch_{s}"], "ifo", PEEPHOLES) for s in sides]
        return {name: self._weight(f"{name}_l{k}", np.stack(parts)) for name, parts in blocks.items()}

    def _blocks(self, name: str) -> np.ndarray:
        return reorder(self.portable.arrays[name], self.portable.gates, ONNX_GATES[self.portable.kind])

    def _weight(self, name: str, value: np.ndarray) -> str:
        """A constant that the node reads in float32."""
        if value.dtype == np.float32:
            return self._constant(name, value)
        return self._add("Cast", [self._constant(f"{name}_float64", value)], name, to=self.onnx.TensorProto.FLOAT)

    def _constant(self, name: str, value) -> str:
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _add(self, operator: str, inputs: list[str], outputs, **attributes) -> str:
        outputs = [outputs] if isinstance(outputs, str) else outputs
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, outputs, name=outputs[0], **attributes))
        return outputs[0]
