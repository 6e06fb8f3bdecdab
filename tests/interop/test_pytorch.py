"""To torch and back: torch.nn's own modules where it has the cell, the same numbers, and no bit lost."""

import numpy as np
import pytest

from companion import reference as ref
from companion.interop import from_torch, open_forget_gate, to_flax, to_keras, to_torch
from tests.interop.layers import CELLS, SHAPES, assert_close, assert_same_layer, example, flat, make

torch = pytest.importorskip("torch", reason="torch is not installed")
NATIVE = ["rnn-tanh", "rnn-relu", "lstm", "gru-after"]
OURS = [cell for cell in CELLS if cell not in NATIVE]
GRID = [
    (cell, shape)
    for cell in CELLS
    for shape in SHAPES
    if cell != "jordan" or shape in ("one", "no-bias", "batch-first")
]


def run(module, x, state):
    """The module's outputs and final state, as arrays."""
    state = tuple(map(torch.from_numpy, state)) if isinstance(state, tuple) else torch.from_numpy(state)
    with torch.no_grad():
        y, final = module(torch.from_numpy(x), state)
    return flat((y.numpy(), tuple(part.numpy() for part in final) if isinstance(final, tuple) else final.numpy()))


@pytest.mark.parametrize(("cell", "shape"), GRID)
def test_there_and_back_changes_no_bit(cell, shape):
    layer = make(cell, shape)
    assert_same_layer(from_torch(to_torch(layer)), layer)


@pytest.mark.parametrize(("cell", "shape"), GRID)
def test_the_module_computes_what_the_reference_computes(cell, shape):
    layer = make(cell, shape)
    x, state = example(layer)
    assert_close(run(to_torch(layer), x, state), flat(layer(x, state)), rtol=1e-12)


@pytest.mark.parametrize("cell", CELLS)
def test_the_module_is_torch_nns_own_where_that_has_the_cell(cell):
    module = to_torch(make(cell))
    home = "torch.nn" if cell in NATIVE else "companion.nn"
    assert type(module).__module__.startswith(home)
    assert type(module).__name__ == CELLS[cell][0]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_stays(dtype):
    module = to_torch(make("lstm", dtype=dtype))
    assert {str(p.dtype) for p in module.parameters()} == {f"torch.{np.dtype(dtype)}"}
    assert from_torch(module).dtype == dtype


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32_and_keeps_every_number(dtype):
    module = torch.nn.GRU(3, 4, dtype=dtype)
    layer = from_torch(module)
    assert layer.dtype == np.float32
    for name, value in module.state_dict().items():
        np.testing.assert_array_equal(layer.params[name], value.float().numpy())


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_module_of_torch_nn_comes_over_with_all_its_arguments(kind):
    module = getattr(torch.nn, kind)(3, 4, num_layers=2, bias=False, batch_first=True, bidirectional=True, dropout=0.5)
    layer = from_torch(module)
    assert isinstance(layer, getattr(ref, kind))
    assert (layer.num_layers, layer.bias, layer.batch_first, layer.bidirectional) == (2, False, True, True)
    x, state = example(layer)
    assert_close(run(module.eval(), x, state), flat(layer(x, state)), rtol=1e-5)


@pytest.mark.parametrize("cell", OURS)
def test_a_module_of_companion_nn_comes_over_and_goes_back(cell):
    module = to_torch(make(cell))
    again = to_torch(module)
    assert type(again) is type(module)
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), module.parameters(), strict=True))


def test_the_weights_are_copies():
    layer = make("lstm")
    before = layer.state_dict()
    with torch.no_grad():
        for parameter in to_torch(layer).parameters():
            parameter.zero_()
    for name, value in before.items():
        np.testing.assert_array_equal(layer.params[name], value)


@pytest.mark.parametrize("cell", ["gru-after", "peephole-new", "lstm"])
def test_arrays_out_of_a_module_do_not_change_with_it(cell):
    def leaves(module):
        flax = to_flax(module)["l0"] if cell != "peephole-new" else {}
        return [*to_keras(module), *(leaf for part in flax.values() for leaf in part.values())]

    module = to_torch(make(cell))
    arrays = leaves(module)
    before = [array.copy() for array in arrays]
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.zero_()
    for array, value in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(array, value)


def test_projections_are_refused():
    with pytest.raises(ValueError, match="proj_size=2"):
        from_torch(torch.nn.LSTM(3, 4, proj_size=2))


@pytest.mark.parametrize("thing", [torch.nn.Linear(2, 2), torch.nn.LSTMCell(2, 2), "LSTM", None])
def test_what_is_no_recurrent_layer_is_a_type_error_that_names_the_type(thing):
    with pytest.raises(TypeError, match=f"expected one of RNN, LSTM.* got .*{type(thing).__name__}"):
        from_torch(thing)


def test_many_networks_side_by_side_are_refused():
    layer = ref.RNN(3, 4, rng=0)
    layer.params = {name: np.stack([value, value]) for name, value in layer.params.items()}
    with pytest.raises(ValueError, match=r"weight_ih_l0 has shape \(2, 4, 3\), expected \(4, 3\)"):
        to_torch(layer)


def test_a_strange_parameter_is_named():
    module = torch.nn.RNN(3, 4)
    module.scale = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="unknown parameters \\['scale'\\], missing \\[\\]"):
        from_torch(module)


def test_a_complex_parameter_is_refused():
    module = torch.nn.RNN(3, 4)
    module.weight_ih_l0.data = module.weight_ih_l0.data.to(torch.complex64)
    with pytest.raises(ValueError, match="weight_ih_l0: expected float32 or float64, got complex64"):
        from_torch(module)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_an_open_forget_gate_never_forgets_and_gives_the_1997_cells_numbers(shape, dtype):
    layer = make("lstm-1997", shape, dtype)
    opened = open_forget_gate(layer)
    assert (opened.forget_gate, opened.bias, opened.dtype) == (True, True, dtype)
    x, state = example(layer)
    gates = [series["f"] for directions in opened.unroll(x, state).layers for series in directions]
    assert len(gates) == len(opened.params) // 4
    assert all(np.all(gate == 1) for gate in gates)
    assert_close(flat(opened(x, state)), flat(layer(x, state)), rtol=4 * np.finfo(dtype).eps)
    assert_close(run(to_torch(opened), x, state), flat(layer(x, state)), rtol=1e-12 if dtype is np.float64 else 1e-5)


@pytest.mark.parametrize("cell", ["lstm", "gru-after", "rnn-tanh"])
def test_only_the_1997_cell_gets_its_forget_gate_opened(cell):
    with pytest.raises(ValueError, match="expected an LSTM with forget_gate=False"):
        open_forget_gate(make(cell))
