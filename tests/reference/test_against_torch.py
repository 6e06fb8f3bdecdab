"""Against torch.nn, where it has the cell, and against autograd on a second writing of every cell."""

import numpy as np
import pytest
import torch

from tests.reference.engines import with_autograd, with_torch_nn
from tests.reference.kinds import KINDS, SHAPES, T, assert_close, both_ways, inputs, make, random_like

NATIVE = ["rnn-tanh", "rnn-relu", "lstm", "gru-after"]
LENGTHS = {"full": None, "lengths": [3, T, 1], "an empty one": [2, 0, T]}


def example(layer, rng, lengths=None):
    x, state = inputs(layer, rng)
    y, final = layer(x, state, lengths)
    return x, state, lengths, random_like(y, rng), random_like(final, rng)


@pytest.mark.parametrize("lengths", ["full", "lengths"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", NATIVE)
def test_everything_agrees_with_torch_nn(kind, shape, batch_first, lengths, rng):
    layer = make(kind, batch_first=batch_first, **SHAPES[shape])
    case = example(layer, rng, LENGTHS[lengths])
    assert_close(both_ways(layer, *case), with_torch_nn(layer, *case))


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_everything_agrees_with_autograd(kind, shape, lengths, rng):
    layer = make(kind, **SHAPES[shape])
    case = example(layer, rng, LENGTHS[lengths])
    assert_close(both_ways(layer, *case), with_autograd(layer, *case))


@pytest.mark.parametrize("kind", KINDS)
def test_single_precision_stays_single_and_near(kind, rng):
    layer = make(kind, dtype=np.float32, scale=1.0, num_layers=2, bidirectional=True)
    case = example(layer, rng)
    ours = both_ways(layer, *case)
    assert {value.dtype for value in ours.values()} == {np.dtype(np.float32)}
    double = make(kind, scale=1.0, num_layers=2, bidirectional=True)
    double.load_state_dict(layer.state_dict())
    wide = [np.asarray(part, np.float64) if isinstance(part, np.ndarray) else part for part in case]
    wide[1], wide[4] = (
        tuple(np.asarray(q, np.float64) for q in s) if isinstance(s, tuple) else np.asarray(s, np.float64)
        for s in (case[1], case[4])
    )
    assert_close(ours, with_autograd(double, *wide), rtol=1e-5)


@pytest.mark.parametrize("kind", NATIVE)
def test_one_sequence_without_a_batch_agrees_with_torch_nn(kind, rng):
    layer = make(kind, num_layers=2, bidirectional=True)
    x, state = rng.standard_normal((T, 3)), rng.standard_normal((4, 4))
    state = (state, rng.standard_normal((4, 4))) if kind == "lstm" else state
    y, final = layer(x, state)
    case = (x, state, None, random_like(y, rng), random_like(final, rng))
    assert_close(both_ways(layer, *case), with_torch_nn(layer, *case))


@pytest.mark.parametrize(("kind", "name"), [("rnn-tanh", "RNN"), ("lstm", "LSTM"), ("gru-after", "GRU")])
@pytest.mark.parametrize("shape", SHAPES)
def test_names_shapes_and_order_are_those_of_torch_nn(kind, name, shape):
    theirs = getattr(torch.nn, name)(3, 4, **SHAPES[shape]).state_dict()
    ours = make(kind, **SHAPES[shape]).state_dict()
    assert [(key, value.shape) for key, value in ours.items()] == [(k, tuple(v.shape)) for k, v in theirs.items()]


@pytest.mark.parametrize("kind", ["peephole-new", "peephole-old", "lstm-1997"])
def test_what_torch_nn_does_not_have_is_named_after_it(kind):
    shapes = {name: value.shape for name, value in make(kind, num_layers=2, bidirectional=True).params.items()}
    rows = 12 if kind == "lstm-1997" else 16
    assert shapes["weight_hh_l1_reverse"] == (rows, 4)
    assert shapes["weight_ih_l1"] == (rows, 8)
    assert shapes.get("weight_ch_l1_reverse") == (None if kind == "lstm-1997" else (12,))
