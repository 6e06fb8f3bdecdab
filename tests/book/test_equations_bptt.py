"""The numbered equations of the chapter on backpropagation through time, each against the complex step or autograd."""

import numpy as np
import pytest
import torch

from companion.experiments import bptt
from companion.reference import RNN
from companion.reference.cells import RNNCell
from companion.reference.rtrl import rtrl, sensitivity
from companion.reference.unroll import input_gradient, scan_back, weight_gradients

EPSILON = 1e-30


@pytest.fixture(params=[0, 1, 2])
def problem(request):
    """A small network with a loss on every output and one on the final state."""
    return bptt.drawn(request.param, bptt.CONFIG)


def torch_graph(problem):
    """Every quantity of the unrolled network as a tensor that keeps its gradient, after going back from the loss."""
    w = {name: torch.tensor(value, requires_grad=True) for name, value in problem.weights.items()}
    x, first = (torch.tensor(value, requires_grad=True) for value in (problem.x, problem.h))
    a, h = [], [first]
    for x_t in x:
        a.append(w["W"] @ x_t + w["U"] @ h[-1] + w["b"])
        h.append(torch.tanh(a[-1]))
    for tensor in (*a, *h[1:]):
        tensor.retain_grad()
    y = torch.stack(h[1:])
    loss = ((y - torch.from_numpy(problem.target)) ** 2).sum() / 2
    (loss + ((h[-1] - torch.from_numpy(problem.goal)) ** 2).sum() / 2).backward()
    gradients = {"a": a, "h": h[1:]}
    found = {name: np.stack([tensor.grad.numpy() for tensor in many]) for name, many in gradients.items()}
    return found | {"x": x.grad.numpy(), "first": first.grad.numpy(), **{name: v.grad.numpy() for name, v in w.items()}}


def walked(problem):
    """The run, da (H, T, 1) and the gradient of the first state, out of the reference."""
    tape = bptt.layer_of(problem).unroll(problem.x, problem.h[None])
    (run,) = tape.graph.runs[0]
    dy, dh = bptt.upstream(problem, tape.y)
    da, (first,) = scan_back(run, dy.T[:, :, None], (dh[:, None],))
    return run, tape.y, da, first


def test_the_total_derivative_of_a_state_is_the_immediate_one_and_what_came_before(equation):
    x, w, u = (0.5, -0.3, 0.8, 0.1), 0.7, -1.3
    h, P, moved = 0.0, np.zeros((1, 1, 3)), 0.0
    for x_t in x:
        before, h = h, np.tanh(w * x_t + u * h)
        P = sensitivity(P, np.array([[u]]), np.array([x_t, before, 1.0]), np.array([1 - h**2]))
        moved = np.tanh(w * x_t + (u + EPSILON * 1j) * moved)
    equation("eq-bptt-total", of=sensitivity).close(P[0, 0, 1], moved.imag / EPSILON, rtol=1e-12)


def test_a_state_answers_for_its_own_loss_and_for_all_that_comes_later(equation, problem):
    _, y, da, first = walked(problem)
    dh = da[..., 0].T / (1 - y**2)
    equation("eq-bptt-hidden", of=scan_back).close(dh, torch_graph(problem)["h"], rtol=1e-9, atol=1e-12)


def test_the_way_back_through_the_tanh_is_its_slope(equation, problem):
    graph = torch_graph(problem)
    y = bptt.layer_of(problem)(problem.x, problem.h[None])[0]
    da, _ = RNNCell().step_back((graph["h"].T,), (y.T,), None, Weights(problem.weights["U"]))
    equation("eq-bptt-da", of=RNNCell.step_back).close(da.T, graph["a"], rtol=1e-9, atol=1e-12)


class Weights:
    """The one parameter that the cell's step back asks for."""

    def __init__(self, U):
        self.U = U


@pytest.mark.parametrize("name", ["W", "U", "b"])
def test_the_gradient_of_a_weight_is_the_sum_over_its_steps(equation, problem, name):
    run, _, da, _ = walked(problem)
    found = weight_gradients(run, da)[bptt.NAMES[name].removesuffix("_l0")]
    expected = bptt.by_complex_step(problem, range(len(problem.x)), EPSILON)[name]
    equation("eq-bptt-weights", of=weight_gradients).close(np.ravel(found), expected.ravel(), rtol=1e-9, atol=1e-12)


def test_the_gradient_leaves_the_layer_by_its_inputs_and_its_first_state(equation, problem):
    run, _, da, first = walked(problem)
    graph, shown = torch_graph(problem), equation("eq-bptt-input", of=input_gradient)
    shown.close(input_gradient(run, da)[..., 0].T, graph["x"], rtol=1e-9, atol=1e-12)
    shown.close(first[:, 0], graph["first"], rtol=1e-9, atol=1e-12)


def test_the_share_of_a_step_is_the_derivative_by_that_step_alone(equation, problem):
    for t, share in enumerate(bptt.shares(problem)):
        alone = bptt.by_complex_step(problem, [t], EPSILON)
        equation("eq-bptt-shares", of=bptt.shares).close(share["U"], alone["U"], rtol=1e-9, atol=1e-12)


def test_going_forward_finds_the_derivative_of_every_unit_by_every_weight(equation, problem):
    H, T = len(problem.h), len(problem.x)
    for i in (0, H - 1):
        dy = np.zeros((T, H))
        dy[-1, i] = 1.0
        found = rtrl(*problem.weights.values(), problem.x, dy, problem.h)[0]["U"]
        expected = np.empty((H, H))
        for index in np.ndindex(H, H):
            U, h = problem.weights["U"].astype(complex), problem.h
            U[index] += EPSILON * 1j
            for x_t in problem.x:
                h = np.tanh(problem.weights["W"] @ x_t + U @ h + problem.weights["b"])
            expected[index] = h[i].imag / EPSILON
        equation("eq-bptt-rtrl", of=rtrl).close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("T", "I", "H"), [(1, 1, 1), (9, 3, 5), (6, 4, 2)])
def test_going_forward_gives_the_gradient_of_going_back(rng, T, I, H):  # noqa: E741
    layer = RNN(I, H, rng=rng)
    W, U, b_ih, b_hh = layer.params.values()
    x, dy, h = rng.normal(size=(T, I)), rng.normal(size=(T, H)), rng.normal(size=H)
    found, states = rtrl(W, U, b_ih + b_hh, x, dy, h)
    tape = layer.unroll(x, h[None])
    back = layer.bptt(tape, dy).params
    np.testing.assert_allclose(states, tape.y, rtol=1e-12)
    for name, long in bptt.NAMES.items():
        np.testing.assert_allclose(found[name], back[long], rtol=1e-9, atol=1e-12)
