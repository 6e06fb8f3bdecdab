"""The numbered equations of the chapter on truncated backpropagation, against autograd or a count of all cases."""

import itertools

import numpy as np
import pytest
import torch

from companion.reference import RNN, truncated

T, H = 7, 3


@pytest.fixture(params=[0, 1])
def problem(request):
    """A small layer's U, states, first state, gradients of the states, and all it takes to run it again."""
    rng = np.random.default_rng(request.param)
    layer = RNN(2, H, rng=rng)
    layer.params["weight_hh_l0"] *= 1.7
    x, first, dy = rng.normal(size=(T, 2)), rng.uniform(-1, 1, H), rng.normal(size=(T, H))
    return layer, x, layer(x, first[None])[0], first, dy


def steps(problem, copies):
    """The states as tensors, each step with its own copy of U."""
    layer, x, _, first, _ = problem
    W, b = layer.params["weight_ih_l0"], layer.params["bias_ih_l0"] + layer.params["bias_hh_l0"]
    h, states, before = torch.from_numpy(first), [], []
    for x_t, U in zip(x, copies, strict=True):
        before.append(torch.from_numpy(W @ x_t + b) + U @ h)
        h = torch.tanh(before[-1])
        states.append(h)
    return states, before


def by_loss_and_step(problem):
    """What each loss says of the use of U at each step, by autograd on the unrolled graph: (loss, step, H, H)."""
    layer, *_, dy = problem
    U = layer.params["weight_hh_l0"]
    found = np.zeros((T, T, H, H))
    for t in range(T):
        copies = [torch.tensor(U, requires_grad=True) for _ in range(T)]
        states, _ = steps(problem, copies)
        (states[t] * torch.from_numpy(dy[t])).sum().backward()
        for s in range(t + 1):
            found[t, s] = copies[s].grad.numpy()
    return found


def by_lag(problem):
    """The same, added up by lag."""
    found = by_loss_and_step(problem)
    return np.stack([sum(found[t, t - lag] for t in range(lag, T)) for lag in range(T)])


def test_one_lag_further_is_one_step_further_back(equation, problem):
    layer, _, h, _, dy = problem
    U = layer.params["weight_hh_l0"]
    da = dy * (1 - h**2)
    for lag in range(1, T):
        da = truncated.one_lag_further(U, h, da)
        expected = np.zeros((T, H))
        for t in range(lag, T):
            states, before = steps(problem, [torch.from_numpy(U).requires_grad_() for _ in range(T)])
            loss = (states[t] * torch.from_numpy(dy[t])).sum()
            expected[t - lag] = torch.autograd.grad(loss, before[t - lag])[0].numpy()
        equation("eq-tbptt-lag", of=truncated.one_lag_further).close(da, expected, rtol=1e-9, atol=1e-12)


def test_the_gradient_is_the_sum_of_the_lags_shares(equation, problem):
    layer, x, h, first, dy = problem
    shares = truncated.lag_shares(layer.params["weight_hh_l0"], h, first, dy)
    shown = equation("eq-tbptt-sum", of=truncated.lag_shares)
    shown.close(shares, by_lag(problem), rtol=1e-9, atol=1e-12)
    exact = layer.bptt(layer.unroll(x, first[None]), dy).params["weight_hh_l0"]
    shown.close(shares.sum(axis=0), exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("k", [1, 3, T, T + 4])
def test_a_window_keeps_the_lags_below_its_length(equation, problem, k):
    layer, x, h, first, dy = problem
    shares = truncated.lag_shares(layer.params["weight_hh_l0"], h, first, dy)
    found = truncated.windowed(shares, k)
    shown = equation("eq-tbptt-window", of=truncated.windowed)
    shown.close(found, by_lag(problem)[:k].sum(axis=0), rtol=1e-9, atol=1e-12)
    horizon = layer.bptt(layer.unroll(x, first[None]), dy, horizon=k).params["weight_hh_l0"]
    shown.close(found, horizon, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 5, T + 2])
def test_chunks_keep_of_a_lag_what_crosses_no_border(equation, problem, k):
    found = by_loss_and_step(problem)
    mean = 0.0
    for offset in range(k):
        chunk = [(step - offset) // k for step in range(T)]
        mean = mean + sum(found[t, s] for t in range(T) for s in range(t + 1) if chunk[t] == chunk[s]) / k
    weights = truncated.chunk_weight(np.arange(T), k)
    expected = np.tensordot(weights, by_lag(problem), 1)
    equation("eq-tbptt-chunk", of=truncated.chunk_weight).close(expected, mean, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, T])
def test_factors_of_chunks_cut_where_the_chunks_of_the_layer_end(problem, k):
    layer, x, h, first, dy = problem
    state, total = first[None], 0.0
    for start in range(0, T, k):
        tape = layer.unroll(x[start : start + k], state)
        total = total + layer.bptt(tape, dy[start : start + k]).params["weight_hh_l0"]
        state = tape.state
    U = layer.params["weight_hh_l0"]
    found = truncated.with_cuts(U, h, first, dy, truncated.chunk_factors(T, k))
    np.testing.assert_allclose(found, total, rtol=1e-9, atol=1e-12)


def coins(cut, places):
    """Every way that some coins can fall, each with its chance."""
    for goes_on in itertools.product([0.0, 1.0], repeat=places):
        goes_on = np.array(goes_on)
        yield goes_on, np.prod(np.where(goes_on, 1 - cut, cut))


@pytest.mark.parametrize("cut", [0.2, 0.6])
def test_cuts_at_random_are_right_on_average_over_all_ways_to_cut(equation, problem, cut):
    layer, x, h, first, dy = problem
    U = layer.params["weight_hh_l0"]
    mean = sum(
        chance * truncated.with_cuts(U, h, first, dy, goes_on / (1 - cut)) for goes_on, chance in coins(cut, T - 1)
    )
    exact = layer.bptt(layer.unroll(x, first[None]), dy).params["weight_hh_l0"]
    equation("eq-tbptt-random", of=truncated.with_cuts).close(mean, exact, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cut", [0.1, 0.5])
def test_the_weight_of_a_lag_varies_more_the_longer_it_is(equation, cut):
    for lag in (0, 1, 4, 7):
        weights = [(np.prod(goes_on / (1 - cut)), chance) for goes_on, chance in coins(cut, lag)]
        mean = sum(chance * weight for weight, chance in weights)
        variance = sum(chance * (weight - mean) ** 2 for weight, chance in weights)
        assert mean == pytest.approx(1, rel=1e-12)
        found = truncated.random_spread(lag, cut)
        equation("eq-tbptt-variance", of=truncated.random_spread).close(found, variance, rtol=1e-9, atol=1e-12)


def test_a_gradient_has_the_angle_and_the_length_of_its_arrays_together():
    exact = [np.array([[3.0, 0.0]]), np.array([4.0])]
    assert truncated.cosine_and_length(exact, exact) == pytest.approx((1.0, 1.0))
    cosine, length = truncated.cosine_and_length([np.array([[3.0, 0.0]]), np.array([0.0])], exact)
    assert (cosine, length) == pytest.approx((0.6, 0.6))
