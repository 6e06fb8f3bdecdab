"""To Flax and back, and the numbers that Flax itself gave (recorded by tests/golden/frameworks/record_flax.py)."""

import numpy as np
import pytest

from companion.interop import from_flax, open_forget_gate, to_flax
from tests.golden.vectors import HERE
from tests.interop.layers import CELLS, SHAPES, assert_close, assert_same_layer, example, flat, make

HELD = ["rnn-tanh", "rnn-relu", "rnn-sigmoid", "lstm", "gru-after"]
GRID = [(cell, shape) for cell in HELD for shape in SHAPES]
RECORDED = {"simple": {}, "simple_relu": {"nonlinearity": "relu"}, "lstm": {}, "optimized_lstm": {}, "gru": {}}


def back(layer):
    options = {"nonlinearity": layer.nonlinearity} if hasattr(layer, "nonlinearity") else {}
    return from_flax(to_flax(layer), batch_first=layer.batch_first, **options)


@pytest.mark.parametrize(("cell", "shape"), GRID)
def test_there_and_back_keeps_the_function(cell, shape):
    layer = make(cell, shape)
    x, state = example(layer)
    assert_close(flat(back(layer)(x, state)), flat(layer(x, state)), rtol=1e-14)


@pytest.mark.parametrize(("cell", "shape"), GRID)
def test_from_then_on_nothing_changes(cell, shape):
    layer = back(make(cell, shape))
    assert_same_layer(back(layer), layer)


def recorded(name):
    with np.load(HERE / "frameworks" / "flax-cells.npz", allow_pickle=False) as file:
        return {key.removeprefix(f"{name}."): file[key] for key in file.files if key.startswith(f"{name}.")}


def tree_of(arrays):
    """The nested tree out of names like `params/hi/kernel`."""
    tree = {}
    for key, value in arrays.items():
        if key.startswith("params/"):
            _, cell, leaf = key.split("/")
            tree.setdefault(cell, {})[leaf] = value
    return tree


@pytest.mark.parametrize("name", RECORDED)
def test_the_cells_of_linen_compute_the_same(name):
    arrays = recorded(name)
    layer = from_flax({"params": tree_of(arrays)}, **RECORDED[name])
    state = [arrays[f"state.{part}"][None] for part in ("h", "c") if f"state.{part}" in arrays]
    final = [arrays[f"final.{part}"][None] for part in ("h", "c") if f"final.{part}" in arrays]
    actual = flat(layer(arrays["x"], tuple(state) if len(state) == 2 else state[0]))
    assert_close(actual, [arrays["y"], *final], rtol=1e-12)


@pytest.mark.parametrize("name", RECORDED)
def test_the_tree_is_the_one_that_linen_has(name):
    tree = tree_of(recorded(name))
    ours = to_flax(from_flax(tree, **RECORDED[name]))["l0"]
    assert {k: sorted(v) for k, v in ours.items()} == {k: sorted(v) for k, v in tree.items()}
    for cell, leaves in tree.items():
        for leaf, value in leaves.items():
            np.testing.assert_array_equal(ours[cell][leaf], value, err_msg=f"{cell}/{leaf}")


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("jordan", "Flax has no cell that computes JordanRNN"),
        ("peephole-new", "Flax has no cell that computes PeepholeLSTM\\(\\)"),
        ("peephole-old", "Flax has no cell that computes PeepholeLSTM\\(output_peep='old'\\)"),
        ("gru-before", "Flax has no cell that computes GRU\\(reset='before'\\)"),
        ("lstm-1997", "Flax's LSTM cannot hold LSTM\\(forget_gate=False\\): it always has a forget gate"),
    ],
)
def test_a_cell_that_flax_lacks_is_refused(cell, message):
    with pytest.raises(ValueError, match=message):
        to_flax(make(cell))


def test_the_1997_cell_goes_over_with_its_forget_gate_open():
    layer = make("lstm-1997")
    x, state = example(layer)
    assert_close(flat(from_flax(to_flax(open_forget_gate(layer)))(x, state)), flat(layer(x, state)), rtol=1e-14)


def cell_tree(cell="lstm"):
    return to_flax(make(cell))["l0"]


@pytest.mark.parametrize(
    ("tree", "error", "message"),
    [
        ({}, ValueError, "expected the names l0"),
        ([1, 2], TypeError, "tree: expected a mapping, got list"),
        ({"l0": cell_tree(), "l2": cell_tree()}, ValueError, "expected the names l0.*got \\['l0', 'l2'\\]"),
        ({"l0": cell_tree(), "l1": cell_tree("gru-after")}, ValueError, "of one kind, got \\['GRU', 'LSTM'\\]"),
        ({"dense": {"kernel": np.zeros((2, 2))}}, ValueError, "\\['dense'\\] are not those of SimpleCell"),
        ({"i": {"bias": np.zeros(2)}, "h": {"kernel": np.zeros((2, 2))}}, ValueError, "tree: i has no kernel"),
    ],
)
def test_a_tree_that_does_not_fit_is_refused(tree, error, message):
    with pytest.raises(error, match=message):
        from_flax(tree)


def test_an_argument_that_the_kind_does_not_have_is_refused():
    with pytest.raises(TypeError, match="LSTM: unexpected arguments \\['reset'\\]"):
        from_flax(cell_tree(), reset="before")


def test_every_cell_is_either_held_or_refused():
    assert set(HELD) | {"jordan", "peephole-new", "peephole-old", "gru-before", "lstm-1997"} == set(CELLS)
