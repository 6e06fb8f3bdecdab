"""To ONNX and back: what ONNX Runtime computes, that no bit is lost, and what is refused."""

import io

import numpy as np
import pytest

from companion import reference as ref
from companion.interop import from_onnx, from_torch, open_forget_gate, to_onnx
from tests.golden.vectors import NAMES, load
from tests.interop.layers import (
    BATCH,
    CELLS,
    HIDDEN,
    INPUTS,
    SHAPES,
    STEPS,
    assert_close,
    assert_same_layer,
    example,
    flat,
    make,
)

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

HELD = [cell for cell in CELLS if cell not in ("lstm-1997", "peephole-old", "jordan")]
GRID = [(cell, shape) for cell in HELD for shape in SHAPES]


def session(path):
    """ONNX Runtime, silent about inputs that have a default."""
    options = runtime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    return runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feed(x, state=None, lengths=None) -> dict:
    """The model's inputs by name."""
    inputs = {"x": x.astype(np.float32)}
    if state is not None:
        parts = state if isinstance(state, tuple) else (state,)
        inputs |= {f"{name}_0": part.astype(np.float32) for name, part in zip("hc", parts, strict=False)}
    return inputs if lengths is None else inputs | {"lengths": np.asarray(lengths, np.int64)}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "layer.onnx"


# ---- what ONNX Runtime computes -----------------------------------------------------------------------------------


@pytest.mark.parametrize("lengths", [None, [4, 6, 1], [0, 2, 6]], ids=["full", "lengths", "empty"])
@pytest.mark.parametrize(("cell", "shape"), GRID)
def test_onnx_runtime_computes_what_the_reference_computes_in_float32(path, cell, shape, lengths):
    layer = make(cell, shape, np.float32)
    x, state = example(layer)
    to_onnx(layer, path)
    expected = flat(layer(x, state, None if lengths is None else np.array(lengths)))
    assert_close(session(path).run(None, feed(x, state, lengths)), expected, rtol=1e-5)


@pytest.mark.parametrize("cell", HELD)
def test_what_is_left_out_is_zero_and_full_length(path, cell):
    layer = make(cell, "two-ways", np.float32)
    x, _ = example(layer)
    to_onnx(layer, path)
    model = session(path)
    assert [value.name for value in model.get_inputs()] == ["x"]
    assert_close(model.run(None, feed(x)), flat(layer(x)), rtol=1e-5)


def test_one_file_runs_batches_and_sequences_of_any_size(path):
    layer = make("lstm", "everything", np.float32)
    to_onnx(layer, path)
    model = session(path)
    for batch, steps in [(1, 1), (2, 9), (7, 3)]:
        x = np.random.default_rng(batch).uniform(-1, 1, (batch, steps, INPUTS)).astype(np.float32)
        assert_close(model.run(None, feed(x)), flat(layer(x)), rtol=1e-5)


@pytest.mark.parametrize("name", [n for n in NAMES if not n.startswith(("jordan", "lstm-1997", "peephole-old"))])
def test_onnx_runtime_agrees_with_the_golden_vectors(path, name):
    vector = load(name)
    layer = getattr(ref, vector.about["layer"])(**vector.arguments)
    layer.load_state_dict(vector.group("param"))
    to_onnx(layer, path)
    actual = session(path).run(None, feed(vector["x"], tuple(vector.group("state").values()), vector.get("lengths")))
    assert_close(actual, [vector["y"], *vector.group("final").values()], rtol=1e-5)


def test_a_float64_layer_runs_in_float32(path):
    layer = make("gru-before")
    x, state = example(layer)
    to_onnx(layer, path)
    actual = session(path).run(None, feed(x, state))
    assert {part.dtype for part in actual} == {np.dtype(np.float32)}
    assert_close(actual, flat(layer(x, state)), rtol=1e-5)


def test_the_1997_cell_runs_with_its_forget_gate_open(path):
    layer = make("lstm-1997", "everything", np.float32)
    x, state = example(layer)
    to_onnx(open_forget_gate(layer), path)
    assert_close(session(path).run(None, feed(x, state)), flat(layer(x, state)), rtol=1e-5)


def test_an_open_forget_gate_forgets_nothing_in_a_thousand_steps(path):
    layer = ref.LSTM(1, 2, forget_gate=False, dtype=np.float32, rng=0)
    layer.load_state_dict({k: np.where(k.startswith("bias_ih"), -1000, 0) * v for k, v in ones(layer).items()})
    to_onnx(open_forget_gate(layer), path)
    c = np.array([[[0.3, -1.7]]], np.float32)
    _, _, after = session(path).run(None, feed(np.zeros((1000, 1, 1)), (0 * c, c)))
    np.testing.assert_array_equal(after, c)


def ones(layer):
    return {name: np.ones_like(value) for name, value in layer.state_dict().items()}


def test_a_trained_module_runs_in_onnx_runtime(path):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    module = torch.nn.LSTM(INPUTS, HIDDEN, num_layers=2, batch_first=True)
    x = torch.randn(BATCH, STEPS, INPUTS)
    to_onnx(module, path)
    with torch.no_grad():
        y, (h, c) = module(x)
    assert_close(session(path).run(None, feed(x.numpy())), [y.numpy(), h.numpy(), c.numpy()], rtol=1e-5)


# ---- back again ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("cell", "shape"), GRID)
def test_there_and_back_changes_no_bit(path, cell, shape, dtype):
    layer = make(cell, shape, dtype)
    to_onnx(layer, path)
    assert_same_layer(from_onnx(path), layer)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "bidirectional": True, "batch_first": True}, {"bias": False}]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning", "ignore::torch.jit.TracerWarning")
def test_what_torch_exports_comes_back(path, kind, options):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    module = getattr(torch.nn, kind)(INPUTS, HIDDEN, **options).eval()
    file = io.BytesIO()
    axes = {"input_names": ["x"], "dynamic_axes": {"x": {0: "T", 1: "B"}}}
    torch.onnx.export(module, (torch.zeros(STEPS, BATCH, INPUTS),), file, dynamo=False, **axes)
    path.write_bytes(file.getvalue())
    layer, expected = from_onnx(path), from_torch(module)
    x = np.random.default_rng(0).uniform(-1, 1, (STEPS, BATCH, INPUTS)).astype(np.float32)
    assert_close(flat(layer(x)), flat(expected(x)), rtol=1e-6)
    for name, value in layer.params.items():  # the exporter writes zeros where there is no bias
        np.testing.assert_array_equal(value, expected.params.get(name, np.zeros_like(value)))


# ---- the file -----------------------------------------------------------------------------------------------------


def test_the_model_is_valid_and_its_operator_set_is_pinned(path):
    to_onnx(make("peephole-new"), path)
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 17)]
    assert model.ir_version == 8


def test_the_same_layer_gives_the_same_bytes(path, tmp_path):
    to_onnx(make("lstm"), path)
    to_onnx(make("lstm"), tmp_path / "again.onnx")
    assert path.read_bytes() == (tmp_path / "again.onnx").read_bytes()


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(path, monkeypatch):
    to_onnx(make("lstm"), path)
    before = path.read_bytes()

    def full(self, data):
        with open(self, "wb") as file:
            file.write(data[:10])
        raise OSError("no space left on device")

    monkeypatch.setattr(type(path), "write_bytes", full)
    with pytest.raises(OSError, match="no space"):
        to_onnx(make("gru-after"), path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_a_text_path_will_do(path):
    to_onnx(make("lstm"), str(path))
    assert_same_layer(from_onnx(str(path)), make("lstm"))


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("jordan", "ONNX has no operator for JordanRNN"),
        ("peephole-old", 'ONNX cannot hold output_peep="old": the output gate of its LSTM reads the new cell state'),
        ("lstm-1997", "ONNX's LSTM cannot hold LSTM\\(forget_gate=False\\): it always has a forget gate"),
    ],
)
def test_a_cell_that_onnx_lacks_is_refused_and_nothing_is_written(path, cell, message):
    with pytest.raises(ValueError, match=message):
        to_onnx(make(cell), path)
    assert not path.exists()


def test_what_is_no_layer_is_a_type_error(path):
    with pytest.raises(TypeError, match="layer: expected one of RNN"):
        to_onnx(object(), path)


# ---- files that are not understood --------------------------------------------------------------------------------


def test_a_missing_file_is_a_missing_file(path):
    with pytest.raises(FileNotFoundError):
        from_onnx(path)


@pytest.mark.parametrize("data", [b"", b"no model at all", b"\x08\x08"], ids=["empty", "text", "no graph"])
def test_a_file_that_is_no_model_is_refused(path, data):
    path.write_bytes(data)
    with pytest.raises(ValueError, match="not (a valid|an) ONNX model"):
        from_onnx(path)


def change(path, cell="lstm", shape="one"):
    """The model of a layer, to be spoilt."""
    to_onnx(make(cell, shape, np.float32), path)
    return onnx.load(path)


def recurrent(model, k=0):
    return [node for node in model.graph.node if node.op_type in ("RNN", "LSTM", "GRU")][k]


def refuse(model, path, message):
    onnx.save(model, path)
    with pytest.raises(ValueError, match=message):
        from_onnx(path)


def test_weights_in_another_file_are_not_opened(path):
    model = change(path)
    onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    with pytest.raises(ValueError, match="keeps its weights in other files"):
        from_onnx(path)


def test_a_graph_without_a_recurrent_node_is_refused(path):
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Identity", ["x"], ["y"])], "g", [value("x", 1, [1])], [value("y", 1, [1])]
    )
    refuse(onnx.helper.make_model(graph), path, "expected a graph of RNN, LSTM or GRU nodes, got none")


def test_a_graph_that_computes_more_is_refused_and_the_operator_named(path):
    model = change(path)
    model.graph.node[-1].output[0] = "before"
    model.graph.node.append(onnx.helper.make_node("Relu", ["before"], ["c_n"]))
    refuse(model, path, "expected a graph of RNN, LSTM or GRU nodes, got Relu")


@pytest.mark.parametrize(
    ("cell", "attribute", "message"),
    [
        ("lstm", {"clip": 1.0}, "clip=1.0 has no counterpart"),
        ("lstm", {"input_forget": 1}, "input_forget=1 has no counterpart"),
        ("lstm", {"layout": 1}, "layout=1 has no counterpart"),
        ("lstm", {"activations": ["Sigmoid", "Relu", "Tanh"]}, "activations \\['sigmoid', 'relu', 'tanh'\\], expected"),
        ("lstm", {"activation_alpha": [0.1, 0.2, 0.3]}, "activation_alpha=.* has no counterpart"),
        ("gru-after", {"activations": ["HardSigmoid", "Tanh"]}, "activations \\['hardsigmoid', 'tanh'\\], expected"),
        ("rnn-tanh", {"activations": ["Elu"]}, "activations \\['elu'\\], expected \\['tanh'\\]"),
        ("lstm", {"direction": "reverse"}, "direction='reverse' alone"),
    ],
)
def test_an_attribute_without_counterpart_is_refused(path, cell, attribute, message):
    model = change(path, cell)
    node = recurrent(model)
    (name,) = attribute
    for old in [a for a in node.attribute if a.name == name]:
        node.attribute.remove(old)
    node.attribute.append(onnx.helper.make_attribute(name, attribute[name]))
    refuse(model, path, message)


def test_weights_that_are_an_input_are_refused(path):
    model = change(path)
    (weight,) = [t for t in model.graph.initializer if t.name == "W_l0"]
    model.graph.input.append(onnx.helper.make_tensor_value_info("W_l0", weight.data_type, weight.dims))
    model.graph.initializer.remove(weight)
    refuse(model, path, "its W is not a constant of the model")


@pytest.mark.parametrize("shape", [(4 * HIDDEN, INPUTS), (2, 4 * HIDDEN, INPUTS), (1, 4 * HIDDEN, INPUTS + 1, 1)])
def test_weights_of_another_shape_are_refused(path, shape):
    model = change(path)
    (weight,) = [t for t in model.graph.initializer if t.name == "W_l0"]
    weight.CopyFrom(onnx.numpy_helper.from_array(np.zeros(shape, np.float32), "W_l0"))
    refuse(model, path, "its W has shape .*, expected 1 rows, one a direction")


def test_weights_of_an_unknown_type_are_refused(path):
    model = change(path)
    (weight,) = [t for t in model.graph.initializer if t.name == "W_l0"]
    weight.data_type = 77
    refuse(model, path, "W_l0: no tensor has the data type 77|not a valid ONNX model")


def test_weights_for_another_number_of_units_are_refused(path):
    model = change(path)
    (weight,) = [t for t in model.graph.initializer if t.name == "R_l0"]
    weight.CopyFrom(onnx.numpy_helper.from_array(np.zeros((1, 4 * HIDDEN, 3), np.float32), "R_l0"))
    refuse(model, path, r"LSTM: weight_ih_l0 has shape \(16, 3\), expected \(12, 3\)")


def test_fixed_lengths_are_refused(path):
    model = change(path)
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.array([3, 2, 1], np.int32), "fixed"))
    recurrent(model).input[4] = "fixed"
    refuse(model, path, "its sequence_lens is a constant")


def test_an_operator_of_another_domain_is_refused(path):
    model = change(path)
    model.graph.node[0].domain = "strange"
    model.opset_import.append(onnx.helper.make_opsetid("strange", 1))
    refuse(model, path, "expected a graph of RNN, LSTM or GRU nodes, got strange.Shape")


def test_weights_that_are_computed_are_refused(path):
    model = change(path)
    recurrent(model).input[1] = "turned"
    model.graph.node.insert(0, onnx.helper.make_node("Transpose", ["W_l0"], ["turned"], perm=[0, 1, 2]))
    refuse(model, path, "its W is not a constant of the model")


@pytest.mark.parametrize("where", ["h_0", "c_0"])
def test_an_initial_state_that_is_not_zero_is_refused(path, where):
    model = change(path)
    (state,) = [t for t in model.graph.initializer if t.name == where]
    state.CopyFrom(onnx.numpy_helper.from_array(np.ones((1, 1, HIDDEN), np.float32), where))
    refuse(model, path, f"its initial_{where[0]} is a constant that is not zero")


@pytest.mark.parametrize("fill", [None, 0.0, 1.0])
def test_an_initial_state_of_one_repeated_value_is_read(path, fill):
    model = change(path)
    tensor = {} if fill is None else {"value": onnx.numpy_helper.from_array(np.array([fill], np.float32))}
    recurrent(model).input[5] = "filled"
    model.graph.node.insert(
        next(k for k, node in enumerate(model.graph.node) if node.op_type == "LSTM"),
        onnx.helper.make_node("ConstantOfShape", ["state_shape"], ["filled"], **tensor),
    )
    if fill:
        refuse(model, path, "its initial_h is a constant that is not zero")
    else:
        onnx.save(model, path)
        assert_same_layer(from_onnx(path), make("lstm", dtype=np.float32))


def test_a_second_layer_of_another_kind_is_refused(path):
    model = change(path, "gru-after", "stack")
    node = recurrent(model, 1)
    node.attribute[[a.name for a in node.attribute].index("linear_before_reset")].i = 0
    refuse(model, path, "are not layers of one kind")


def test_a_second_layer_that_does_not_read_the_first_is_refused(path):
    model = change(path, "rnn-tanh", "stack")
    later = recurrent(model, 1)
    later.input[0] = recurrent(model, 0).input[0]
    refuse(model, path, "x: expected the re-arranged output Y of Y_l0")


def test_directions_in_the_wrong_order_are_refused(path):
    model = change(path, "rnn-tanh", "two-ways")
    (node,) = [n for n in model.graph.node if n.op_type == "Transpose"]
    node.attribute[0].ints[:] = [0, 1, 2, 3]
    refuse(model, path, "y: expected the re-arranged output Y of Y_l0")


def test_outputs_merged_in_a_fixed_shape_are_refused(path):
    model = change(path, "rnn-tanh")
    (shape,) = [t for t in model.graph.initializer if t.name == "merged"]
    shape.CopyFrom(onnx.numpy_helper.from_array(np.array([STEPS, BATCH, -1]), "merged"))
    refuse(model, path, "y: expected the re-arranged output Y of Y_l0")


def squeeze(model, axes):
    """Merge the one direction by a Squeeze in the place of the Reshape."""
    nodes = model.graph.node
    where = next(k for k, node in enumerate(nodes) if node.op_type == "Reshape")
    del nodes[where]
    if axes is not None:
        model.graph.initializer.append(onnx.numpy_helper.from_array(np.array(axes), "axes"))
    inputs = ["Y_l0"] if axes is None else ["Y_l0", "axes"]
    nodes.insert(where, onnx.helper.make_node("Squeeze", inputs, ["y"]))
    return model


def test_a_squeezed_direction_is_read(path):
    onnx.save(squeeze(change(path), [1]), path)
    assert_same_layer(from_onnx(path), make("lstm", dtype=np.float32))


@pytest.mark.parametrize("axes", [None, [0]])
def test_any_other_squeeze_is_refused(path, axes):
    refuse(squeeze(change(path), axes), path, "y: expected the re-arranged output Y of Y_l0")


def test_a_squeeze_of_an_old_operator_set_is_read(path):
    model = squeeze(change(path), None)
    (node,) = [n for n in model.graph.node if n.op_type == "Squeeze"]
    node.attribute.append(onnx.helper.make_attribute("axes", [1]))
    from companion.interop.onnx_reader import _axes, _Graph

    assert _axes(_Graph(onnx, model.graph), node) == [1]


def test_batch_first_on_one_side_only_is_refused(path):
    model = change(path, "rnn-tanh", "batch-first")
    (last,) = [n for n in model.graph.node if n.output[0] == "y"]
    model.graph.node.remove(last)
    model.graph.output[0].name = last.input[0]
    refuse(model, path, "takes batch_first input or gives batch_first output, but not both")


def test_a_first_layer_that_reads_no_input_is_refused(path):
    model = change(path, "rnn-tanh")
    model.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((1, 1, INPUTS), np.float32), "fixed"))
    recurrent(model).input[0] = "fixed"
    refuse(model, path, "fixed: expected the first layer to read an input of the graph")


def test_weights_in_a_constant_node_or_behind_an_identity_are_read(path):
    model = change(path)
    (weight,) = [t for t in model.graph.initializer if t.name == "W_l0"]
    model.graph.initializer.remove(weight)
    model.graph.node.insert(0, onnx.helper.make_node("Identity", ["stored"], ["W_l0"]))
    model.graph.node.insert(0, onnx.helper.make_node("Constant", [], ["stored"], value=weight))
    onnx.save(model, path)
    assert_same_layer(from_onnx(path), make("lstm", dtype=np.float32))


def test_a_constant_of_another_form_is_no_weight(path):
    model = change(path)
    recurrent(model).input[1] = "numbers"
    model.graph.node.insert(0, onnx.helper.make_node("Constant", [], ["numbers"], value_floats=[1.0, 2.0]))
    refuse(model, path, "its W is not a constant of the model")


def test_usual_activations_may_be_spelt_out(path):
    model = change(path)
    recurrent(model).attribute.append(onnx.helper.make_attribute("activations", ["Sigmoid", "Tanh", "Tanh"]))
    onnx.save(model, path)
    assert_same_layer(from_onnx(path), make("lstm", dtype=np.float32))
