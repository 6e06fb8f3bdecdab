"""The numbered equations of the chapter on the recurrent neuron, each against something that was made another way."""

import math

import numpy as np
import pytest
import torch

from companion.reference import RNN, neuron
from companion.reference.cells import RNNCell


def layer(w, u, b=0.0, nonlinearity="tanh"):
    """One recurrent neuron out of the reference, in float64."""
    made = RNN(1, 1, nonlinearity=nonlinearity, dtype=np.float64)
    parameters = {"weight_ih_l0": w, "weight_hh_l0": u, "bias_ih_l0": b, "bias_hh_l0": 0.0}
    shapes = {name: array.shape for name, array in made.state_dict().items()}
    made.load_state_dict({name: np.full(shapes[name], value) for name, value in parameters.items()})
    return made


def states(made, x, h=0.0):
    return made(np.reshape(x, (-1, 1)), np.full((1, 1), float(h)))[0][:, 0]


def test_the_neuron_makes_what_python_floats_make(equation, rng):
    x, (w, u, b, h) = rng.normal(size=12), (1.3, -0.7, 0.2, 0.4)
    expected, before = [], h
    for x_t in x.tolist():
        before = math.tanh(w * x_t + u * before + b)
        expected.append(before)
    equation("eq-rn-step", of=RNNCell.step).close(states(layer(w, u, b), x, h), expected, rtol=1e-12)


def test_a_layer_of_neurons_makes_what_pytorch_makes(equation, rng):
    T, B, I, H = 7, 3, 4, 5  # noqa: E741
    theirs = torch.nn.RNN(I, H, dtype=torch.float64)
    ours = RNN(I, H, dtype=np.float64)
    ours.load_state_dict(theirs.state_dict())
    x, h = rng.normal(size=(T, B, I)), rng.normal(size=(1, B, H))
    expected, _ = theirs(torch.from_numpy(x), torch.from_numpy(h))
    equation("eq-rn-layer", of=RNNCell.step).close(ours(x, h)[0], expected, rtol=1e-10)


@pytest.mark.parametrize("u", [0.5, 0.9, 1.0, 1.1])
def test_the_answer_of_a_linear_neuron_to_an_impulse_is_a_power(equation, u):
    impulse = np.eye(1, 30)[0]
    run = states(layer(1.4, u, nonlinearity="relu"), impulse)  # nothing is negative here, where ReLU changes nothing
    equation("eq-rn-impulse", of=neuron.impulse_response).close(neuron.impulse_response(1.4, u, 30), run, rtol=1e-12)


def test_the_answer_of_a_linear_neuron_is_a_sum_over_its_past(equation, rng):
    x, w, u, h = rng.uniform(size=40), 0.6, 0.8, 0.7
    run = states(layer(w, u, nonlinearity="relu"), x, h)
    equation("eq-rn-response", of=neuron.linear_response).close(neuron.linear_response(x, w, u, h), run, rtol=1e-12)


@pytest.mark.parametrize("u", [-0.5, 0.1, 0.5, 0.9, 0.99])
def test_after_one_half_life_half_of_the_trace_is_left(equation, u):
    k = equation("eq-rn-half-life", of=neuron.half_life)
    k.close(abs(u) ** neuron.half_life(u), 0.5, rtol=1e-12)


@pytest.mark.parametrize("u", [0.0, 1.0, -1.0, 1.5])
def test_a_trace_that_does_not_shrink_or_is_not_there_has_no_half_life(u):
    with pytest.raises(ValueError, match="0 < "):
        neuron.half_life(u)


@pytest.mark.parametrize(
    ("u", "b", "count"), [(-3, 0.4, 1), (0.5, 0, 1), (0.5, 0.3, 1), (2, 0, 3), (2, 0.3, 3), (2, -0.6, 1), (1.05, 0, 3)]
)
def test_a_state_that_solves_the_equation_stays_and_every_run_ends_in_one(equation, u, b, count):
    found = neuron.fixed_points(u, b)
    assert len(found) == count
    one_step_on = np.tanh(u * found + b)
    equation("eq-rn-rest", of=neuron.fixed_points).close(found, one_step_on, rtol=1e-12, atol=1e-15)
    lasting = found[np.abs(neuron.slope(found, u)) < 1]
    silence = np.zeros(4000)
    ends = (
        [states(layer(1.0, u, b), silence, start)[-1] for start in np.linspace(-1, 1, 9) if start or b]
        if len(lasting)
        else []
    )
    reached = np.unique(np.round(ends, 9))
    np.testing.assert_allclose(reached, np.round(lasting, 9), atol=2e-9)


def test_at_the_edge_of_one_bit_two_of_three_states_have_met():
    assert len(neuron.fixed_points(2.0, neuron.fold(2.0))) == 2


@pytest.mark.parametrize(("u", "b"), [(0.5, 0.0), (2.0, 0.0), (2.0, 0.3), (-1.5, 0.2)])
def test_the_slope_is_what_the_complex_step_finds(equation, u, b):
    found = neuron.fixed_points(u, b)
    by_complex_step = np.tanh(u * (found + 1e-30j) + b).imag / 1e-30
    equation("eq-rn-slope", of=neuron.slope).close(neuron.slope(found, u), by_complex_step, rtol=1e-9)


@pytest.mark.parametrize("u", [1.2, 2.0, 3.0])
def test_the_fold_is_the_largest_bias_that_has_a_resting_state_below_zero(equation, u):
    below = np.linspace(-0.999, 0, 400_000)
    bias_that_rests_there = np.arctanh(below) - u * below
    equation("eq-rn-fold", of=neuron.fold).close(neuron.fold(u), bias_that_rests_there.max(), rtol=1e-8)


@pytest.mark.parametrize("u", [1.2, 2.0, 3.0])
def test_a_push_below_the_fold_leaves_the_bit_alone_and_one_above_turns_it_over(u):
    h = layer(1.0, u)
    rest = neuron.fixed_points(u)[0]
    assert states(h, np.full(3000, 0.99 * neuron.fold(u)), rest)[-1] < 0
    assert states(h, np.full(3000, 1.01 * neuron.fold(u)), rest)[-1] > 0


def test_a_weak_loop_has_no_fold():
    assert neuron.fold(1.0) == 0
    with pytest.raises(ValueError, match="at least 1"):
        neuron.fold(0.9)
