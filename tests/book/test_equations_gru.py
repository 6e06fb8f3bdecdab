"""The numbered equations of the chapter on the GRU, each against autograd, PyTorch or a hand-made loop."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from companion import reference as ref
from companion.exercises import gru as exercises
from companion.exercises import lstm as lstm_exercises
from companion.experiments import gru_from_lstm, writer
from companion.reference.activations import sigmoid
from companion.reference.cells import GRUCell, ResetBeforeGRUCell
from companion.reference.unroll import scan_back

I, H, T = 3, 4, 6  # noqa: E741
RESETS = ("after", "before")


class Problem:
    """A GRU, an input, a state, random gradients for every output and the final state; and the same graph in torch."""

    def __init__(self, seed, reset):
        rng = np.random.default_rng(seed)
        self.reset, self.layer = reset, ref.GRU(I, H, reset=reset, rng=rng)
        self.x, self.h = rng.standard_normal((T, I)), rng.uniform(-1, 1, H)
        self.dy, self.dh = rng.standard_normal((T, H)), rng.standard_normal(H)
        self.found, self.U = self.graph()
        self.tape = self.layer.unroll(self.x, self.h[None])

    def graph(self):
        """Every quantity of every step as a tensor, with its gradient, by torch."""
        W, U, b_ih, b_hh = (torch.tensor(value, requires_grad=True) for value in self.layer.params.values())
        found = {name: [] for name in ("h_prev", "a_r", "a_z", "r", "z", "v", "rh", "a_n", "n", "h")}
        h, loss = torch.tensor(self.h, requires_grad=True), 0.0
        for x_t, dy_t in zip(torch.from_numpy(self.x), torch.from_numpy(self.dy), strict=True):
            w_r, w_z, w_n = (W @ x_t + b_ih).split(H)
            c_r, c_z, c_n = b_hh.split(H)
            U_r, U_z, U_n = U.split(H)
            made = {"h_prev": h, "a_r": w_r + U_r @ h + c_r, "a_z": w_z + U_z @ h + c_z}
            made |= {"r": torch.sigmoid(made["a_r"]), "z": torch.sigmoid(made["a_z"])}
            made |= {"v": U_n @ h + c_n, "rh": made["r"] * h}
            heard = made["r"] * made["v"] if self.reset == "after" else U_n @ made["rh"] + c_n
            made["a_n"] = w_n + heard
            made["n"] = torch.tanh(made["a_n"])
            h = made["h"] = (1 - made["z"]) * made["n"] + made["z"] * h
            for name, value in made.items():
                value.retain_grad()
                found[name].append(value)
            loss = loss + h @ dy_t
        (loss + h @ torch.from_numpy(self.dh)).backward()
        return found, U

    def values(self, name, t=None):
        each = np.stack([tensor.detach().numpy() for tensor in self.found[name]])
        return each if t is None else each[t]

    def grads(self, name, t=None):
        each = np.stack([tensor.grad.numpy() for tensor in self.found[name]])
        return each if t is None else each[t]

    def back(self, t):
        """What the cell's step back makes of step t: the gradients of r, z, v and n, and of the state before."""
        records = tuple(self.values(name, t)[:, None] for name in "rzvn")
        prev, dh = (self.values("h_prev", t)[:, None],), (self.grads("h", t)[:, None],)
        da, (before,) = GRUCell().step_back(dh, records, prev, SimpleNamespace(U=self.U.detach().numpy()))
        return da.reshape(4, H), before[:, 0]


@pytest.fixture(params=[0, 1, 2])
def after(request):
    return Problem(request.param, "after")


@pytest.fixture(params=[0, 1, 2])
def before(request):
    return Problem(request.param, "before")


def test_gates_candidate_and_state_are_those_of_torch(equation, after):
    tape = after.tape
    equation("eq-gru-reset-gate", of=GRUCell.step).close(tape["r"], after.values("r"), rtol=1e-12)
    equation("eq-gru-update-gate", of=GRUCell.step).close(tape["z"], after.values("z"), rtol=1e-12)
    equation("eq-gru-candidate", of=GRUCell.step).close(tape["n"], after.values("n"), rtol=1e-12)
    theirs = torch.nn.GRU(I, H, dtype=torch.float64)
    theirs.load_state_dict({name: torch.from_numpy(value) for name, value in after.layer.params.items()})
    y, _ = theirs(torch.from_numpy(after.x), torch.from_numpy(after.h[None]))
    equation("eq-gru-hidden", of=GRUCell.step).close(tape["h"], y.detach(), rtol=1e-12, atol=1e-15)


def test_before_the_product_is_what_the_paper_writes(equation, before):
    told = equation("eq-gru-candidate-before", of=ResetBeforeGRUCell.step)
    told.close(before.tape["n"], before.values("n"), rtol=1e-12)
    told.close(before.tape["h"], before.values("h"), rtol=1e-12, atol=1e-15)


def test_the_two_products_differ_by_the_differences_of_the_gates(equation, rng):
    for size in (2, 5, 8):
        U, h, r = rng.standard_normal((size, size)), rng.standard_normal(size), rng.uniform(size=size)
        direct = r * (U @ h) - U @ (r * h)
        equation("eq-gru-gap", of=exercises.reset_gap).close(
            exercises.reset_gap(U, r, h), direct, rtol=1e-9, atol=1e-14
        )
    same = exercises.reset_gap(U, np.full(8, 0.3), h)
    np.testing.assert_allclose(same, 0, atol=1e-14)  # one reset for all: the order does not matter
    np.testing.assert_allclose(exercises.reset_gap(U[:1, :1], r[:1], h[:1]), 0, atol=1e-15)


def test_a_pre_activation_of_the_other_sign_is_the_gate_turned_round(equation, rng):
    a = rng.normal(scale=5, size=100)
    equation("eq-gru-turned", of=sigmoid).close(sigmoid(-a), 1 - torch.sigmoid(torch.from_numpy(a)), rtol=1e-9)


@pytest.mark.parametrize("reset", RESETS)
def test_the_state_never_leaves_the_widest_of_one_and_its_start(equation, rng, reset):
    layer = ref.GRU(I, H, reset=reset, rng=rng)
    for value in layer.params.values():
        value *= 10
    start = rng.normal(scale=3, size=(1, H))
    size = np.abs(layer(rng.normal(scale=5, size=(200, I)), start)[0])
    bound = np.maximum(1, np.abs(start))
    equation("eq-gru-bound", of=GRUCell.step).close(np.maximum(size, bound), np.broadcast_to(bound, size.shape), rtol=0)


def test_the_restricted_lstm_is_the_gru_that_never_resets(equation, rng):
    layer, x = ref.GRU(I, H, rng=rng), rng.standard_normal((T, 2, I))
    gru = gru_from_lstm.blocks(layer)
    found = gru_from_lstm.shows_all(gru_from_lstm.lstm_from(gru), x)
    (W_z, U_z, b_z), (W_n, U_n, b_n) = gru["z"], gru["n"]
    c, expected = np.zeros((2, H)), []
    for x_t in x:
        f, g = 1 / (1 + np.exp(-(x_t @ W_z.T + c @ U_z.T + b_z))), np.tanh(x_t @ W_n.T + c @ U_n.T + b_n)
        c = f * c + (1 - f) * g
        expected.append(c)
    told = equation("eq-gru-tied", of=gru_from_lstm.shows_all)
    told.close(found, np.stack(expected), rtol=1e-9, atol=1e-14)
    told.close(found, gru_from_lstm.never_resets(layer)(x)[0], rtol=1e-9, atol=1e-14)


def test_an_output_gate_before_the_product_is_a_reset_gate(equation, rng):
    layer, x = ref.GRU(I, H, reset="before", rng=rng), rng.standard_normal((T, 2, I))
    found = gru_from_lstm.gate_moved(gru_from_lstm.blocks(layer), x)
    equation("eq-gru-moved", of=gru_from_lstm.gate_moved).close(found, layer(x)[0], rtol=1e-9, atol=1e-14)


def test_the_mixture_hands_its_gradient_to_candidate_and_gate(equation, after):
    told = equation("eq-gru-back-mix", of=GRUCell.step_back)
    for t in range(T):
        da, _ = after.back(t)
        n, z = (after.values(name, t) for name in "nz")
        told.close(da[3] / (1 - n**2), after.grads("n", t), rtol=1e-9, atol=1e-12)
        told.close(da[1] / (z * (1 - z)), after.grads("z", t), rtol=1e-9, atol=1e-12)


def test_the_candidate_hands_it_to_the_reset_and_to_what_is_reset(equation, after):
    told = equation("eq-gru-back-candidate", of=GRUCell.step_back)
    for t in range(T):
        da, _ = after.back(t)
        r = after.values("r", t)
        told.close(da[3], after.grads("a_n", t), rtol=1e-9, atol=1e-12)
        told.close(da[2], after.grads("v", t), rtol=1e-9, atol=1e-12)
        told.close(da[0] / (r * (1 - r)), after.grads("r", t), rtol=1e-9, atol=1e-12)


def test_the_way_back_reaches_both_gates(equation, after):
    (run,) = after.tape.graph.runs[0]
    da, _ = scan_back(run, after.dy.T[:, :, None], (after.dh[:, None],))
    a_r, a_z, _, _ = np.split(da[..., 0], 4)
    told = equation("eq-gru-back-gates", of=GRUCell.step_back)
    told.close(a_r.T, after.grads("a_r"), rtol=1e-9, atol=1e-12)
    told.close(a_z.T, after.grads("a_z"), rtol=1e-9, atol=1e-12)


def test_the_state_before_is_reached_on_four_ways(equation, after):
    grads = after.layer.bptt(after.tape, after.dy, after.dh[None])
    told = equation("eq-gru-back-hidden", of=GRUCell.step_back)
    told.close(grads.state[0], after.grads("h_prev", 0), rtol=1e-9, atol=1e-12)
    told.close(grads.params["weight_hh_l0"], after.U.grad, rtol=1e-9, atol=1e-12)
    for t in range(1, T):
        told.close(after.back(t)[1] + after.dy[t - 1], after.grads("h", t - 1), rtol=1e-9, atol=1e-12)


def test_with_the_reset_before_the_way_back_leads_through_the_product_first(equation, before):
    U, told = before.U.detach().numpy(), equation("eq-gru-back-before", of=exercises.step_back)
    for t in range(T):
        records = (before.values(name, t) for name in ("h_prev", "r", "z", "n"))
        da, back = exercises.step_back(before.grads("h", t), *records, U)
        expected = before.grads("h_prev", 0) if t == 0 else before.grads("h", t - 1) - before.dy[t - 1]
        told.close(back, expected, rtol=1e-9, atol=1e-12)
        told.close(da, np.stack([before.grads(f"a_{name}", t) for name in "rzn"]), rtol=1e-9, atol=1e-12)
    grads = before.layer.bptt(before.tape, before.dy, before.dh[None])
    told.close(grads.state[0], before.grads("h_prev", 0), rtol=1e-9, atol=1e-12)
    told.close(grads.params["weight_hh_l0"], before.U.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("k", [1, 3, T])
def test_along_its_own_path_the_update_gates_multiply(equation, after, k):
    z, n = torch.from_numpy(after.values("z")), torch.from_numpy(after.values("n"))
    start = torch.tensor(after.values("h_prev", T - k), requires_grad=True)
    h = start
    for t in range(T - k, T):
        h = (1 - z[t]) * n[t] + z[t] * h
    h.sum().backward()
    product = lstm_exercises.worth(after.tape["z"], k)
    equation("eq-gru-path", of=lstm_exercises.worth).close(product, start.grad, rtol=1e-12)


@pytest.mark.parametrize(("inputs", "hidden"), [(1, 1), (3, 5), (10, 64)])
def test_a_gru_has_three_blocks_and_two_biases(equation, inputs, hidden):
    ours = sum(value.size for value in ref.GRU(inputs, hidden, rng=0).params.values())
    theirs = sum(p.numel() for p in torch.nn.GRU(inputs, hidden).parameters())
    told = equation("eq-gru-count", of=ref.GRU)
    told.close(float(ours), float(theirs), rtol=0)
    told.close(float(ours), 3.0 * hidden * (inputs + hidden + 2), rtol=0)


def test_the_bits_are_those_that_a_code_would_need(equation):
    """A text of T characters costs log2 of one over its whole probability; torch's cross-entropy is in nats."""
    model = writer.Writer(ref.GRU(4, 5, rng=0), ref.Linear(5, 4, rng=1), "abcd")
    words = "abacadbcdd"
    numbers = torch.tensor(["abcd".index(symbol) for symbol in words])
    nats = torch.nn.functional.cross_entropy(torch.from_numpy(model.read(words)[1])[:-1], numbers[1:])
    equation("eq-gru-bits", of=writer.Writer.bits).close(model.bits(words).mean(), nats / np.log(2), rtol=1e-12)


def test_a_temperature_raises_the_probabilities_to_a_power(equation, rng):
    logits = 3 * rng.standard_normal((6, 5))
    p = torch.softmax(torch.from_numpy(logits), dim=-1)
    for temperature in (0.3, 1.0, 2.5):
        raised = p ** (1 / temperature)
        expected = raised / raised.sum(dim=-1, keepdim=True)
        actual = writer.chances(logits, temperature)
        equation("eq-gru-temperature", of=writer.chances).close(actual, expected, rtol=1e-12)
