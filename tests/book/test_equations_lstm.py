"""The numbered equations of the chapter on the LSTM, each against autograd, the complex step or a hand-made loop."""

import numpy as np
import pytest
import torch

from companion import reference as ref
from companion.exercises import lstm as exercises
from companion.experiments import carousel
from companion.reference import neuron
from companion.reference.cells import LSTM1997Cell, LSTMCell
from companion.reference.unroll import scan_back
from tests.book.gated_cell import BLOCKS, H, I, T, drawn, gradients, numbers


@pytest.fixture(params=[0, 1, 2])
def problem(request):
    return drawn(ref.LSTM, request.param)


def graph(problem):
    """Every quantity of every step as a tensor, by torch, and the loss."""
    layer, x, (h, c), dy, (dh, dc) = problem
    W, U, b_ih, b_hh = (torch.tensor(value, requires_grad=True) for value in layer.params.values())
    h, c = (torch.tensor(value, requires_grad=True) for value in (h, c))
    found, loss = {name: [] for name in ("a", *BLOCKS, "c", "h", "c_prev", "h_prev")}, 0.0
    for x_t, dy_t in zip(torch.from_numpy(x), torch.from_numpy(dy), strict=True):
        a = W @ x_t + b_ih + U @ h + b_hh
        rows = a.split(H)
        i, f, o = (torch.sigmoid(rows[k]) for k in (0, 1, 3))
        g = torch.tanh(rows[2])
        made = {"a": a, "i": i, "f": f, "g": g, "o": o, "c_prev": c, "h_prev": h}
        c = f * c + i * g
        h = o * torch.tanh(c)
        for name, value in (made | {"c": c, "h": h}).items():
            value.retain_grad()
            found[name].append(value)
        loss = loss + h @ dy_t
    loss = loss + h @ torch.from_numpy(dh) + c @ torch.from_numpy(dc)
    return found, loss, {"U": U, "W": W}


class Weights:
    """What the cell's steps ask for."""

    def __init__(self, U):
        self.U = U


def test_the_carousel_adds_and_its_derivative_is_one(equation, rng):
    c = rng.standard_normal((H, 1)) + 1e-30j
    a = np.concatenate([np.full((H, 1), 800.0), rng.standard_normal((H, 1)), np.zeros((H, 1))])  # i is exactly 1
    (_, new), _ = LSTM1997Cell().step(a, (np.zeros((H, 1)), c), Weights(np.zeros((3 * H, H))))
    told = equation("eq-lstm-constant", of=LSTM1997Cell.step)
    told.close(new.real, c.real + np.tanh(a[H : 2 * H]), rtol=1e-12)
    told.close(new.imag / 1e-30, np.ones((H, 1)), rtol=1e-15)


def test_the_cell_of_1997_is_a_loop_of_its_two_lines(equation, rng):
    layer = ref.LSTM(I, H, forget_gate=False, rng=rng)
    W, U, b_ih, b_hh = (torch.from_numpy(value) for value in layer.params.values())
    x, h, c = rng.standard_normal((T, I)), torch.zeros(H, dtype=U.dtype), torch.zeros(H, dtype=U.dtype)
    cells, outputs = [], []
    for x_t in torch.from_numpy(x):
        i, g, o = (W @ x_t + b_ih + U @ h + b_hh).split(H)
        c = c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        cells.append(c)
        outputs.append(h)
    tape, told = layer.unroll(x), equation("eq-lstm-carousel", of=LSTM1997Cell.step)
    told.close(tape["c"], numbers(cells), rtol=1e-12)
    told.close(tape["h"], numbers(outputs), rtol=1e-12)


def test_gates_cell_and_output_are_those_of_torch(equation, problem):
    layer, x, (h, c), _, _ = problem
    found, _, _ = graph(problem)
    tape = layer.unroll(x, (h[None], c[None]))
    labels = ("eq-lstm-input-gate", "eq-lstm-forget-gate", "eq-lstm-candidate", "eq-lstm-output-gate")
    for name, label in zip(BLOCKS, labels, strict=True):
        equation(label, of=LSTMCell.step).close(tape[name], numbers(found[name]), rtol=1e-12)
    equation("eq-lstm-cell", of=LSTMCell.step).close(tape["c"], numbers(found["c"]), rtol=1e-12)
    equation("eq-lstm-hidden", of=LSTMCell.step).close(tape["h"], numbers(found["h"]), rtol=1e-12)


def test_two_gradients_meet_at_the_cell(equation, problem):
    found, loss, _ = graph(problem)
    loss.backward()
    told = equation("eq-lstm-back-cell", of=exercises.step_back)
    for t in range(T):
        after = gradients(found["c"])[t]
        i, f, g, o, c_prev, c = (numbers(found[name])[t] for name in ("i", "f", "g", "o", "c_prev", "c"))
        dh = gradients(found["h"])[t]
        later = after - dh * o * (1 - np.tanh(c) ** 2)  # what the next step left
        da, before = exercises.step_back(dh, later, c_prev, i, f, g, o, c)
        told.close(before / f, after, rtol=1e-9, atol=1e-12)
        told.close(da[3] / (o * (1 - o)), gradients(found["o"])[t], rtol=1e-9, atol=1e-12)


def test_the_sum_hands_its_gradient_to_gates_and_to_the_cell_before(equation, problem):
    layer, x, state, dy, last = problem
    found, loss, _ = graph(problem)
    loss.backward()
    told = equation("eq-lstm-back-gates", of=LSTMCell.step_back)
    records = {name: numbers(found[name]) for name in (*BLOCKS, "c")}
    for t in range(T):
        i, f, g, o, c = (records[name][t][:, None] for name in (*BLOCKS, "c"))
        dh = gradients(found["h"])[t][:, None]
        whole = gradients(found["c"])[t][:, None]
        later = whole - dh * o * (1 - np.tanh(c) ** 2)
        prev = tuple(numbers(found[name])[t][:, None] for name in ("h_prev", "c_prev"))
        w = Weights(layer.params["weight_hh_l0"])
        da, (_, before) = LSTMCell().step_back((dh, later), (i, f, g, o, np.tanh(c)), prev, w)
        by_gate = [
            rows / slope for rows, slope in zip(np.split(da, 4), (i * (1 - i), f * (1 - f), 1 - g**2), strict=False)
        ]
        for rows, name in zip(by_gate, "ifg", strict=True):
            told.close(rows[:, 0], gradients(found[name])[t], rtol=1e-9, atol=1e-12)
        told.close(before[:, 0], (whole * f)[:, 0], rtol=1e-9, atol=1e-12)


def test_the_way_back_reaches_every_pre_activation(equation, problem):
    layer, x, (h, c), dy, (dh, dc) = problem
    found, loss, _ = graph(problem)
    loss.backward()
    (run,) = layer.unroll(x, (h[None], c[None])).graph.runs[0]
    da, _ = scan_back(run, dy.T[:, :, None], (dh[:, None], dc[:, None]))
    equation("eq-lstm-back-da", of=LSTMCell.step_back).close(da[..., 0].T, gradients(found["a"]), rtol=1e-9, atol=1e-12)


def test_the_way_back_reaches_the_output_before_and_the_weights(equation, problem):
    layer, x, (h, c), dy, (dh, dc) = problem
    found, loss, weights = graph(problem)
    loss.backward()
    grads = layer.bptt(layer.unroll(x, (h[None], c[None])), dy, (dh[None], dc[None]))
    told = equation("eq-lstm-back-hidden", of=LSTMCell.step_back)
    told.close(grads.state[0][0], found["h_prev"][0].grad, rtol=1e-9, atol=1e-12)
    told.close(grads.params["weight_hh_l0"], weights["U"].grad, rtol=1e-9, atol=1e-12)


def test_along_the_path_the_forget_gates_multiply(equation, problem):
    layer, x, _, _, _ = problem
    f = layer.unroll(x)["f"]
    for k, path in zip((1, 3, T), carousel.along_the_path(layer, x, [1, 3, T]), strict=True):
        equation("eq-lstm-path", of=exercises.worth).close(exercises.worth(f, k), path, rtol=1e-12)


def test_the_whole_derivative_of_one_step_is_the_path_and_the_gates(equation, problem):
    layer, x, (h, c), _, _ = problem
    W, U, b_ih, b_hh = (torch.from_numpy(value) for value in layer.params.values())
    tape = layer.unroll(x, (h[None], c[None]))
    t = 3

    def new_cell(before):
        shown = torch.from_numpy(tape["o"][t - 1].copy()) * torch.tanh(before)
        i, f, g, _ = (W @ torch.from_numpy(x[t]) + b_ih + U @ shown + b_hh).split(H)
        return torch.sigmoid(f) * before + torch.sigmoid(i) * torch.tanh(g)

    expected = torch.autograd.functional.jacobian(new_cell, torch.from_numpy(tape["c"][t - 1].copy()))
    found = carousel.step_jacobian(
        layer.params["weight_hh_l0"], tape["c"][t - 1], tape["o"][t - 1], *(tape[name][t] for name in "ifg")
    )
    equation("eq-lstm-whole", of=carousel.step_jacobian).close(found, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("b", [0.0, 1.0, 3.0, 5.0])
def test_a_forget_bias_is_a_half_life(equation, b):
    steps = neuron.half_life(1 / (1 + np.exp(-b)))
    left = (1 / (1 + np.exp(-b))) ** steps
    equation("eq-lstm-half", of=neuron.half_life).close(left, 0.5, rtol=1e-12)


def test_chrono_biases_lose_a_part_in_so_many_at_each_step(equation):
    layer = ref.LSTM(1, 2000, rng=0)
    ref.init.chrono(layer, 100, rng=0)
    i, f, _, _ = np.split(layer.params["bias_ih_l0"] + layer.params["bias_hh_l0"], 4)
    steps = 1 + np.random.default_rng(0).uniform(1, 99, 2000)
    told = equation("eq-lstm-chrono", of=ref.init.chrono)
    told.close(1 / (1 + np.exp(-f)), 1 - 1 / steps, rtol=1e-12)
    told.close(i, -f, rtol=1e-12)


@pytest.mark.parametrize(("inputs", "hidden"), [(1, 1), (3, 5), (10, 64)])
def test_the_weights_are_those_of_four_dense_layers(equation, inputs, hidden):
    of_torch = sum(p.numel() for p in torch.nn.LSTM(inputs, hidden).parameters())
    told = equation("eq-lstm-count", of=exercises.cost)
    told.close(exercises.cost(inputs, hidden)[1], float(of_torch), rtol=0)
    told.close(4 * hidden * (inputs + hidden + 1), float(of_torch - 4 * hidden), rtol=0)
