"""To Keras and back, and the same numbers from Keras itself, on its torch backend.

In float32: Keras 3 multiplies matrices in float32 even in a float64 layer (its promotion of two float64 is float32).
"""

import numpy as np
import pytest

from companion import reference as ref
from companion.interop import from_keras, open_forget_gate, to_keras
from tests.golden.vectors import HERE
from tests.interop.layers import CELLS, HIDDEN, INPUTS, SHAPES, assert_close, assert_same_layer, example, flat, make

HELD = [cell for cell in CELLS if cell not in ("lstm-1997", "peephole-old", "jordan")]
GRID = [(cell, shape) for cell in HELD for shape in SHAPES]
OPTIONS = {"rnn-relu": {"nonlinearity": "relu"}, "rnn-sigmoid": {"nonlinearity": "sigmoid"}}


def back(layer, cell, **more):
    """From Keras' arrays again, told what arrays do not show."""
    options = OPTIONS.get(cell, {}) | {"batch_first": layer.batch_first} | more
    if cell.startswith("gru") and not layer.bias:
        options["reset"] = layer.reset
    return from_keras(CELLS[cell][0], to_keras(layer), bidirectional=layer.bidirectional, **options)


@pytest.mark.parametrize(("cell", "shape"), GRID)
def test_there_and_back_keeps_the_function(cell, shape):
    layer = make(cell, shape)
    again = back(layer, cell)
    x, state = example(layer)
    assert_close(flat(again(x, state)), flat(layer(x, state)), rtol=1e-14)


@pytest.mark.parametrize(("cell", "shape"), GRID)
def test_from_then_on_nothing_changes(cell, shape):
    layer = back(make(cell, shape), cell)
    assert_same_layer(back(layer, cell), layer)
    for first, second in zip(to_keras(layer), to_keras(back(layer, cell)), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_gru_with_reset_after_keeps_both_biases_to_the_last_bit(shape):
    layer = make("gru-after", shape)
    assert_same_layer(back(layer, "gru-after"), layer)


def test_the_one_bias_comes_back_as_bias_ih():
    layer = make("lstm")
    again = back(layer, "lstm")
    np.testing.assert_array_equal(again.params["bias_ih_l0"], layer.params["bias_ih_l0"] + layer.params["bias_hh_l0"])
    assert not again.params["bias_hh_l0"].any()


# ---- Keras itself -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def keras(tmp_path_factory):
    """Keras on torch. Its settings go to a folder of the test, not to the home of whoever runs it."""
    pytest.importorskip("torch", reason="torch is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        keras = pytest.importorskip("keras", reason="Keras is not installed")
    if keras.backend.backend() != "torch":
        pytest.skip(f"Keras is already loaded with the backend {keras.backend.backend()}")
    return keras


def keras_layer(keras, cell, bias=True):
    """The Keras layer of a cell, giving all outputs and the final state."""
    kind, arguments = CELLS[cell]
    common = {"return_sequences": True, "return_state": True, "use_bias": bias}
    if kind == "GRU":
        common["reset_after"] = arguments.get("reset", "after") == "after"
    if kind == "RNN":
        return keras.layers.SimpleRNN(HIDDEN, activation=arguments.get("nonlinearity", "tanh"), **common)
    return getattr(keras.layers, kind)(HIDDEN, **common)


def from_torch_tensor(value):
    return value.detach().numpy()


KERAS = [cell for cell in HELD if not cell.startswith("peephole")]


@pytest.mark.parametrize("cell", KERAS)
@pytest.mark.parametrize("bias", [True, False])
def test_keras_computes_the_same(keras, cell, bias):
    layer = make(cell, "one" if bias else "no-bias")
    x, state = example(layer)
    theirs = keras_layer(keras, cell, bias)
    theirs.build((None, None, INPUTS))
    theirs.set_weights(to_keras(layer))
    start = [part[0] for part in (state if isinstance(state, tuple) else [state])]
    y, *final = (from_torch_tensor(part) for part in theirs(x.swapaxes(0, 1), initial_state=start))
    assert_close([y.swapaxes(0, 1), *(part[None] for part in final)], flat(layer(x, state)), rtol=1e-5)


@pytest.mark.parametrize("cell", KERAS)
def test_a_stack_of_bidirectional_keras_layers_computes_the_same(keras, cell):
    layer = make(cell, "everything")
    x, _ = example(layer)
    sizes = [(None, None, INPUTS), (None, None, 2 * HIDDEN)]
    theirs = []
    for size in sizes:
        inner = keras_layer(keras, cell)
        inner.return_state = False
        theirs.append(keras.layers.Bidirectional(inner))
        theirs[-1].build(size)
    model = keras.Sequential(theirs)
    model.build(sizes[0])
    model.set_weights(to_keras(layer))
    assert_close([from_torch_tensor(model(x))], [layer(x)[0]], rtol=1e-5)


@pytest.mark.parametrize("cell", KERAS)
def test_a_keras_layer_comes_over(keras, cell):
    theirs = keras_layer(keras, cell)
    theirs.build((None, None, INPUTS))
    rng = np.random.default_rng(5)
    theirs.set_weights([rng.uniform(-1, 1, w.shape) for w in theirs.get_weights()])
    layer = from_keras(type(theirs).__name__, theirs.get_weights(), batch_first=True, **OPTIONS.get(cell, {}))
    x = rng.uniform(-1, 1, (2, 5, INPUTS)).astype(np.float32)
    y, *final = (from_torch_tensor(part) for part in theirs(x))
    assert_close([y, *(part[None] for part in final)], flat(layer(x)), rtol=1e-5)


# ---- the peephole cell of TensorFlow, recorded --------------------------------------------------------------------


def peephole():
    with np.load(HERE / "frameworks" / "tensorflow-peephole.npz", allow_pickle=False) as file:
        return {key: file[key] for key in file.files}


@pytest.mark.parametrize("source", ["keras", "addons", "v1"])
def test_tensorflows_peephole_cells_read_the_new_cell_state_in_the_output_gate(source):
    recorded = peephole()
    layer = from_keras("PeepholeLSTMCell", [recorded[f"weights.{k}"] for k in range(6)])
    actual = flat(layer(recorded["x"], (recorded["state.h"][None], recorded["state.c"][None])))
    expected = [recorded[f"{source}.y"], recorded[f"{source}.h"][None], recorded[f"{source}.c"][None]]
    assert_close(actual, expected, rtol=1e-12)

    old = ref.PeepholeLSTM(layer.input_size, layer.hidden_size, output_peep="old")
    old.load_state_dict(layer.state_dict())
    other = flat(old(recorded["x"], (recorded["state.h"][None], recorded["state.c"][None])))
    assert np.abs(other[0] - expected[0]).max() > 0.01


def test_the_peephole_cell_of_keras_had_hard_sigmoid_gates_by_default():
    recorded = peephole()
    assert np.abs(recorded["keras_default.y"] - recorded["keras.y"]).max() > 0.01


def test_the_arrays_of_a_peephole_layer_are_in_the_order_of_the_old_cell():
    recorded = peephole()
    arrays = [recorded[f"weights.{k}"] for k in range(6)]
    for ours, theirs in zip(to_keras(from_keras("PeepholeLSTM", arrays)), arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)


# ---- what cannot be held, and what does not fit -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("jordan", "Keras has no cell that computes JordanRNN"),
        ("peephole-old", "Keras has no cell that computes PeepholeLSTM\\(output_peep='old'\\)"),
        ("lstm-1997", "Keras' LSTM cannot hold LSTM\\(forget_gate=False\\): it always has a forget gate"),
    ],
)
def test_a_cell_that_keras_lacks_is_refused(cell, message):
    with pytest.raises(ValueError, match=message):
        to_keras(make(cell))


def test_the_1997_cell_goes_over_with_its_forget_gate_open():
    layer = make("lstm-1997", "stack")
    again = from_keras("LSTM", to_keras(open_forget_gate(layer)), bidirectional=False)
    x, state = example(layer)
    assert_close(flat(again(x, state)), flat(layer(x, state)), rtol=1e-14)


def zeros(*shapes):
    return [np.zeros(shape) for shape in shapes]


@pytest.mark.parametrize(
    ("kind", "arrays", "options", "error", "message"),
    [
        ("ESN", [], {}, ValueError, "kind: expected one of .*'LSTM'.*, got 'ESN'"),
        ("LSTM", [], {}, ValueError, "are not those of a Keras LSTM"),
        ("LSTM", zeros((3,), (4,), (16,)), {}, ValueError, "are not those of a Keras LSTM"),
        ("LSTM", zeros((3, 16), (4, 12), (16,)), {}, ValueError, "are not those of a Keras LSTM"),
        ("LSTM", zeros((3, 16), (4, 16), (4,)), {}, ValueError, "are not those of a Keras LSTM"),
        ("GRU", zeros((3, 12), (4, 12), (3, 12)), {}, ValueError, "are not those of a Keras GRU"),
        ("LSTM", zeros((3, 16), (4, 16)), {"bias": True}, ValueError, "are not those of a Keras LSTM"),
        ("LSTM", zeros((4, 16), (4, 16), (16,)) * 2, {}, ValueError, "fit num_layers=2.* and num_layers=1, bid.*say"),
        ("GRU", zeros((3, 12), (4, 12)), {}, ValueError, "reset: a GRU without bias does not show it"),
        ("GRU", zeros((3, 12), (4, 12), (12,)), {"reset": "after"}, ValueError, "reset: expected 'before'"),
        ("GRU", zeros((3, 12), (4, 12), (12,), (4, 12), (4, 12), (2, 12)), {}, ValueError, "some GRU biases"),
        ("LSTM", zeros((3, 16), (4, 16), (16,)), {"reset": "after"}, TypeError, "unexpected arguments \\['reset'\\]"),
        ("LSTM", zeros((3, 16), (4, 16), (16,)), {"forget_gate": False}, TypeError, "unexpected .*'forget_gate'"),
        ("LSTM", [*zeros((3, 16), (4, 16)), np.zeros(16, np.float32)], {}, ValueError, "one dtype, got \\['float32'"),
        (
            "LSTM",
            [a.astype(int) for a in zeros((3, 16), (4, 16), (16,))],
            {},
            ValueError,
            "expected float32 or float64",
        ),
    ],
)
def test_arrays_that_do_not_fit_are_refused(kind, arrays, options, error, message):
    with pytest.raises(error, match=message):
        from_keras(kind, arrays, **options)


def test_two_layers_and_two_directions_are_told_apart_by_saying_so():
    arrays = [np.random.default_rng(k).uniform(-1, 1, s) for k, s in enumerate([(4, 16), (4, 16), (16,)] * 2)]
    stack, two_ways = (from_keras("LSTM", arrays, bidirectional=b) for b in (False, True))
    assert (stack.num_layers, stack.bidirectional) == (2, False)
    assert (two_ways.num_layers, two_ways.bidirectional) == (1, True)


def test_a_gru_without_bias_is_what_the_caller_says():
    arrays = zeros((3, 12), (4, 12))
    assert [from_keras("GRU", arrays, reset=side).reset for side in ("after", "before")] == ["after", "before"]


def test_half_precision_becomes_float32():
    assert from_keras("LSTM", [a.astype(np.float16) for a in zeros((3, 16), (4, 16), (16,))]).dtype == np.float32
