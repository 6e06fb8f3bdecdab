"""The numbered equations of the chapter on peepholes, each against autograd, the complex step or a hand-made loop."""

import numpy as np
import pytest
import torch

from companion import reference as ref
from companion.exercises import peephole as exercises
from companion.reference.cells import PeepholeLSTMCell
from tests.book.gated_cell import BLOCKS, H, I, T, drawn, gradients, numbers


@pytest.fixture(params=[0, 1, 2])
def problem(request):
    return drawn(ref.PeepholeLSTM, request.param)


def graph(problem):
    """Every quantity of every step as a tensor, by torch, the loss, and the peepholes."""
    layer, x, (h, c), dy, (dh, dc) = problem
    W, U, b_ih, b_hh, p = (torch.tensor(value, requires_grad=True) for value in layer.params.values())
    h, c = (torch.tensor(value, requires_grad=True) for value in (h, c))
    p_i, p_f, p_o = p.split(H)
    found, loss = {name: [] for name in ("a", "a_o", *BLOCKS, "c", "h", "c_prev", "h_prev")}, 0.0
    for x_t, dy_t in zip(torch.from_numpy(x), torch.from_numpy(dy), strict=True):
        a = W @ x_t + b_ih + U @ h + b_hh
        rows = a.split(H)
        made = {"a": a, "c_prev": c, "h_prev": h}
        i, f, g = torch.sigmoid(rows[0] + p_i * c), torch.sigmoid(rows[1] + p_f * c), torch.tanh(rows[2])
        c = f * c + i * g
        a_o = rows[3] + p_o * c
        o = torch.sigmoid(a_o)
        h = o * torch.tanh(c)
        for name, value in (made | {"i": i, "f": f, "g": g, "a_o": a_o, "o": o, "c": c, "h": h}).items():
            value.retain_grad()
            found[name].append(value)
        loss = loss + h @ dy_t
    loss = loss + h @ torch.from_numpy(dh) + c @ torch.from_numpy(dc)
    return found, loss, p


def test_gates_that_hear_a_shut_cell_say_the_same_whatever_it_holds(equation, rng):
    layer = ref.LSTM(I, H, rng=rng)
    W, _, b_ih, b_hh = layer.params.values()
    x, told = rng.standard_normal((1, I)), equation("eq-ph-blind", of=ref.LSTM.unroll)
    for c in (np.zeros(H), rng.standard_normal(H), np.full(H, 50.0)):
        tape = layer.unroll(x, (np.zeros((1, H)), c[None]))
        expected = 1 / (1 + np.exp(-(W @ x[0] + b_ih + b_hh)))
        for name, rows in (("i", slice(0, H)), ("f", slice(H, 2 * H)), ("o", slice(3 * H, None))):
            told.close(tape[name][0], expected[rows], rtol=1e-12)


def test_gates_cell_and_output_are_those_of_torch(equation, problem):
    layer, x, (h, c), _, _ = problem
    found, _, _ = graph(problem)
    tape = layer.unroll(x, (h[None], c[None]))
    for name in "ifg":
        equation("eq-ph-gates", of=PeepholeLSTMCell.step).close(tape[name], numbers(found[name]), rtol=1e-12)
    for name in "och":
        equation("eq-ph-output", of=PeepholeLSTMCell.step).close(tape[name], numbers(found[name]), rtol=1e-12)


def test_the_weights_are_counted(equation):
    told = equation("eq-ph-count", of=exercises.count)
    for inputs, hidden in ((1, 1), (3, 5), (8, 2)):
        layer = ref.PeepholeLSTM(inputs, hidden)
        one_bias = sum(value.size for value in layer.params.values()) - 4 * hidden
        told.close(float(exercises.count(inputs, hidden)[0]), one_bias, rtol=0)


@pytest.mark.parametrize("n", [2, 5, 40])
def test_the_edge_lies_half_a_step_below_the_last_count(equation, n):
    tape = exercises.run_clock(*exercises.clock(n), 5 * n)
    counted = np.tile(np.arange(1, n + 1) / n, 5)
    told = equation("eq-ph-clock", of=exercises.clock)
    told.close(tape["c"][:, 0], counted, rtol=1e-7)
    told.close(tape["o"][:, 0], (counted > (n - 0.5) / n).astype(float), atol=1e-8, rtol=0)
    before = np.concatenate([[0.0], counted[:-1]])
    told.close(tape["f"][:, 0], (before < (n - 0.5) / n).astype(float), atol=1e-8, rtol=0)


def walked(problem):
    """The gradients of pre-activations and states by the reference, step by step, over (T, H), (T + 1, H)."""
    layer, x, (h, c), dy, (dh, dc) = problem
    tape = layer.unroll(x, (h[None], c[None]))
    return tape, layer.bptt(tape, dy, (dh[None], dc[None]))


def by_hand(problem):
    """The lines of the chapter in their order: dc_t, da, dc_(t-1) of every step, in NumPy."""
    layer, x, (h0, c0), dy, (dh, dc) = problem
    tape = layer.unroll(x, (h0[None], c0[None]))
    U, (p_i, p_f, p_o) = layer.params["weight_hh_l0"], np.split(layer.params["weight_ch_l0"], 3)
    before, found = np.concatenate([c0[None], tape["c"][:-1]]), []
    for t in reversed(range(T)):
        i, f, g, o, tanh_c = (tape[name][t] for name in ("i", "f", "g", "o", "tanh_c"))
        dh = dh + dy[t]
        da_o = dh * tanh_c * o * (1 - o)
        dc = dc + dh * o * (1 - tanh_c**2) + da_o * p_o
        da_i, da_f, da_g = dc * g * i * (1 - i), dc * before[t] * f * (1 - f), dc * i * (1 - g**2)
        after, dc = dc, dc * f + da_i * p_i + da_f * p_f
        found.append((np.concatenate([da_i, da_f, da_g, da_o]), after, dc))
        dh = U.T @ found[-1][0]
    return [np.array(values) for values in zip(*found[::-1], strict=True)]


def test_three_gradients_meet_at_the_new_cell_state(equation, problem):
    found, loss, _ = graph(problem)
    loss.backward()
    _, after, _ = by_hand(problem)
    equation("eq-ph-back-new", of=PeepholeLSTMCell.step_back).close(after, gradients(found["c"]), rtol=1e-9, atol=1e-12)


def test_three_ways_lead_to_the_old_cell_state(equation, problem):
    layer, _, _, _, _ = problem
    found, loss, _ = graph(problem)
    loss.backward()
    da, _, before = by_hand(problem)
    told = equation("eq-ph-back-old", of=PeepholeLSTMCell.step_back)
    _, back = walked(problem)
    told.close(back.state[1][0], before[0], rtol=1e-9, atol=1e-12)
    told.close(back.x, da @ layer.params["weight_ih_l0"], rtol=1e-9, atol=1e-12)


def test_a_peephole_gets_what_it_read_times_what_it_fed(equation, problem):
    _, loss, p = graph(problem)
    loss.backward()
    da, _, _ = by_hand(problem)
    tape, back = walked(problem)
    before = np.concatenate([problem[2][1][None], tape["c"][:-1]])
    i, f, _, o = np.split(da, 4, axis=1)
    made = np.concatenate([(i * before).sum(0), (f * before).sum(0), (o * tape["c"]).sum(0)])
    told = equation("eq-ph-back-weights", of=PeepholeLSTMCell)
    told.close(made, p.grad.numpy(), rtol=1e-9, atol=1e-12)
    told.close(back.params["weight_ch_l0"], p.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_the_factor_on_the_line_has_three_summands(equation, problem):
    layer, x, (h, c), _, _ = problem
    _, _, _, _, p = layer.params.values()
    tape = layer.unroll(x[:1], (h[None], c[None]))
    i, f, g = (tape[name][0] for name in "ifg")
    p_i, p_f, _ = np.split(p, 3)
    wanted = f + p_i * i * (1 - i) * g + p_f * f * (1 - f) * c
    slope = np.empty(H)
    W, U, b_ih, b_hh, _ = layer.params.values()
    for unit in range(H):
        nudged = c + 1e-30j * np.eye(H)[unit]
        _, after = exercises.step(x[0], h, nudged, W, U, b_ih + b_hh, p)
        slope[unit] = after[unit].imag / 1e-30
    equation("eq-ph-factor", of=exercises.step).close(slope, wanted, rtol=1e-9)


def test_the_reference_walks_back_as_the_lines_say(problem):
    layer, *_ = problem
    da, _, _ = by_hand(problem)
    _, back = walked(problem)
    np.testing.assert_allclose(back.params["bias_ih_l0"], da.sum(axis=0), rtol=1e-9, atol=1e-12)
    assert layer.cell == PeepholeLSTMCell()
