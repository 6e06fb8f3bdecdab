"""The numbered equations of the chapter on connection schemes, each against something that was made another way."""

import math

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from companion import reference as ref
from companion.reference import schemes
from companion.reference.cells import JordanCell, RNNCell
from companion.reference.jordan import teach
from companion.reference.stack import forward_stack


def tensors(layer):
    return {name: torch.from_numpy(value.copy()) for name, value in layer.params.items()}


def torch_twin(layer):
    """The layer of torch.nn with the same weights."""
    made = torch.nn.RNN(
        layer.input_size,
        layer.hidden_size,
        num_layers=layer.num_layers,
        bidirectional=layer.bidirectional,
        dtype=torch.float64,
    )
    made.load_state_dict(tensors(layer))
    return made


def weighted(matrix, vector):
    return [math.fsum(w * v for w, v in zip(row, vector, strict=True)) for row in matrix.tolist()]


def jordan_by_lists(layer, x, fed=None):
    """Outputs of an output loop for one sequence, number by number; `fed` is what the steps read, else its own."""
    W, U, b, V, d = layer.params.values()
    y, outputs = [0.0] * layer.output_size, []
    for t, x_t in enumerate(x.tolist()):
        y = y if fed is None else fed[t].tolist()
        h = [math.tanh(sum(parts)) for parts in zip(weighted(W, x_t), weighted(U, y), b.tolist(), strict=True)]
        y = [one + other for one, other in zip(weighted(V, h), d.tolist(), strict=True)]
        outputs.append(y)
    return np.array(outputs)


def test_the_hidden_loop_is_pytorchs_layer_with_a_dense_one_behind_it(equation, rng):
    layer, head = ref.RNN(3, 5, rng=rng), ref.Linear(5, 2, rng=rng)
    x, h = rng.normal(size=(7, 4, 3)), rng.normal(size=(1, 4, 5))
    dense = torch.nn.Linear(5, 2, dtype=torch.float64)
    dense.load_state_dict(tensors(head))
    expected = dense(torch_twin(layer)(torch.from_numpy(x), torch.from_numpy(h))[0])
    equation("eq-scheme-hidden", of=RNNCell.step).close(head(layer(x, h)[0]), expected, rtol=1e-9, atol=1e-13)


def test_the_output_loop_is_its_equation_number_by_number(equation, rng):
    layer = ref.JordanRNN(3, 5, 2, rng=rng)
    x = rng.normal(size=(8, 3))
    equation("eq-scheme-output", of=JordanCell.step).close(layer(x)[0], jordan_by_lists(layer, x), rtol=1e-11)


def test_taught_steps_read_the_right_answer_of_the_step_before(equation, rng):
    layer = ref.JordanRNN(3, 5, 2, rng=rng)
    x, right, before = rng.normal(size=(8, 3)), rng.normal(size=(8, 2)), rng.normal(size=(1, 2))
    made = layer.unroll(x, before, targets=right).y
    expected = jordan_by_lists(layer, x, np.concatenate([before, right[:-1]]))
    equation("eq-scheme-taught", of=teach).close(made, expected, rtol=1e-11)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu", "sigmoid"])
@pytest.mark.parametrize(("H", "O"), [(5, 2), (4, 4), (6, 1)])
def test_an_output_loop_is_a_hidden_loop_of_a_rank_no_larger_than_its_outputs(equation, rng, nonlinearity, H, O):  # noqa: E741
    layer = ref.JordanRNN(3, H, O, nonlinearity=nonlinearity, rng=rng)
    loop, head = schemes.as_hidden_loop(layer)
    x, before = rng.normal(size=(9, 4, 3)), rng.normal(size=(1, 4, O))
    states, _ = loop(x, schemes.start(layer, before))
    close = equation("eq-scheme-same", of=schemes.as_hidden_loop).close
    close(head(states), layer(x, before)[0], rtol=1e-9, atol=1e-11)
    assert np.linalg.matrix_rank(loop.params["weight_hh_l0"]) <= O
    np.testing.assert_allclose(head(schemes.start(layer, before)), before, rtol=1e-9, atol=1e-12)


def test_every_hidden_loop_of_low_rank_is_an_output_loop(rng):
    """The other way round: from the singular vectors of its recurrent matrix."""
    layer = ref.RNN(3, 6, rng=rng)
    left, sizes, right = np.linalg.svd(rng.normal(size=(6, 2)) @ rng.normal(size=(2, 6)))
    layer.params["weight_hh_l0"][...] = left[:, :2] * sizes[:2] @ right[:2]
    jordan = ref.JordanRNN(3, 6, 2)
    b = layer.params["bias_ih_l0"] + layer.params["bias_hh_l0"]
    weights = layer.params["weight_ih_l0"], left[:, :2] * sizes[:2], b, right[:2], np.zeros(2)
    jordan.load_state_dict(dict(zip(jordan.params, weights, strict=True)))
    x = rng.normal(size=(9, 3))
    np.testing.assert_allclose(jordan.unroll(x)["h"], layer(x)[0], rtol=1e-9, atol=1e-12)


def test_what_is_no_hidden_loop_is_told():
    for options in ({"output": "softmax"}, {"bias": False}):
        with pytest.raises(ValueError, match="expected linear outputs and a bias"):
            schemes.as_hidden_loop(ref.JordanRNN(2, 3, 2, **options))


def test_with_linear_outputs_both_loops_are_one(equation, rng):
    W, U, R, V = (rng.normal(size=shape) / 2 for shape in [(5, 3), (5, 5), (5, 2), (2, 5)])
    b, d, x = rng.normal(size=5), rng.normal(size=2), rng.normal(size=(9, 3))
    cell = torch.nn.RNNCell(3, 5, dtype=torch.float64)
    with torch.no_grad():
        for name, value in {"weight_ih": W, "weight_hh": U + R @ V, "bias_ih": b, "bias_hh": R @ d}.items():
            getattr(cell, name).copy_(torch.from_numpy(value))
    h, states = torch.zeros(1, 5, dtype=torch.float64), []
    for x_t in torch.from_numpy(x):
        h = cell(x_t[None], h)
        states.append(h[0].detach().numpy())
    made, y = schemes.both_loops(x, W, U, R, b, V, d)
    equation("eq-scheme-both", of=schemes.both_loops).close(made, np.array(states), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(y, made @ V.T + d, rtol=1e-12)


def test_two_directions_are_pytorchs(equation, rng):
    layer = ref.RNN(3, 5, bidirectional=True, rng=rng)
    x, h = rng.normal(size=(7, 4, 3)), rng.normal(size=(2, 4, 5))
    expected, _ = torch_twin(layer)(torch.from_numpy(x), torch.from_numpy(h))
    equation("eq-scheme-two", of=forward_stack).close(layer(x, h)[0], expected, rtol=1e-9, atol=1e-13)


def test_a_stack_is_pytorchs(equation, rng):
    layer = ref.RNN(3, 5, num_layers=3, rng=rng)
    x, h = rng.normal(size=(7, 4, 3)), rng.normal(size=(3, 4, 5))
    expected, _ = torch_twin(layer)(torch.from_numpy(x), torch.from_numpy(h))
    equation("eq-scheme-stack", of=forward_stack).close(layer(x, h)[0], expected, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize(("I", "H", "O"), [(1, 1, 1), (4, 64, 4), (3, 5, 11)])
def test_the_multiply_adds_are_those_that_pytorch_counts(equation, I, H, O):  # noqa: E741
    x, h, y = torch.zeros(1, I), torch.zeros(1, H), torch.zeros(1, O)
    shapes = {"W": (I, H), "U": (H, H), "R": (O, H), "V": (H, O)}
    made = {name: torch.zeros(shape) for name, shape in shapes.items()}

    def count(products):
        with FlopCounterMode(display=False) as counter:
            for vector, name in products:
                vector @ made[name]
        return counter.get_total_flops() / 2

    expected = [count([(x, "W"), (h, "U"), (h, "V")]), count([(x, "W"), (y, "R"), (h, "V")])]
    counted = list(schemes.multiply_adds(I, H, O).values())
    equation("eq-scheme-count", of=schemes.multiply_adds).close(counted, expected, rtol=1e-15)
