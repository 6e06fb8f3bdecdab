"""The numbered equations of the cells, each against plain Python floats: one unit at a time, one sum at a time."""

import math

import numpy as np
import pytest

from companion import reference as ref
from companion.reference import activations
from companion.reference.cells import (
    GRUCell,
    JordanCell,
    LSTM1997Cell,
    LSTMCell,
    OldPeepholeLSTMCell,
    PeepholeLSTMCell,
    ResetBeforeGRUCell,
    RNNCell,
)
from tests.reference.kinds import H, I, T, make


def σ(a):
    return 1 / (1 + math.exp(-a))


class ByHand:
    """The numbers of one sequence as lists of Python floats, and sums over them written out."""

    def __init__(self, layer, rng):
        self.x = rng.standard_normal((T, I))
        width = getattr(layer, "output_size", H)
        state = tuple(rng.standard_normal((1, width)) for _ in layer.cell.state)
        self.tape = layer.unroll(self.x, state if len(state) > 1 else state[0])
        self.p = {name.removesuffix("_l0"): value.tolist() for name, value in layer.params.items()}
        self.start = dict(zip(layer.cell.state, state, strict=True))

    def before(self, name):
        """The values of a state that enter each step."""
        return np.concatenate([self.start[name], self.tape[name][:-1]]).tolist()

    def sum(self, weight, row, values, bias=None):
        total = self.p[bias][row] if bias else 0.0
        for w, value in zip(self.p[weight][row], values, strict=True):
            total += w * value
        return total

    def both(self, row, t, h):
        """W x_t + b + U h_{t-1} for one row, with both biases."""
        return self.sum("weight_ih", row, self.x[t].tolist(), "bias_ih") + self.sum("weight_hh", row, h[t], "bias_hh")

    def each(self, value):
        """value(t, unit) for all steps and units."""
        return [[value(t, j) for j in range(H)] for t in range(T)]


PHI = {"rnn-tanh": math.tanh, "rnn-sigmoid": σ, "rnn-relu": lambda a: max(a, 0)}


@pytest.mark.parametrize("kind", PHI)
def test_the_step_of_a_simple_network(kind, equation, rng):
    phi = PHI[kind]
    hand = ByHand(make(kind), rng)
    h = hand.before("h")
    expected = hand.each(lambda t, j: phi(hand.both(j, t, h)))
    equation("eq-rn-step", of=RNNCell.step).close(hand.tape["h"], expected, rtol=1e-12)


LSTM_GATES = {
    "eq-lstm-input-gate": ("i", 0, σ),
    "eq-lstm-forget-gate": ("f", 1, σ),
    "eq-lstm-candidate": ("g", 2, math.tanh),
    "eq-lstm-output-gate": ("o", 3, σ),
}


@pytest.mark.parametrize("label", LSTM_GATES)
def test_the_gates_of_an_lstm(label, equation, rng):
    hand = ByHand(make("lstm"), rng)
    name, block, squash = LSTM_GATES[label]
    h = hand.before("h")
    expected = hand.each(lambda t, j: squash(hand.both(block * H + j, t, h)))
    equation(label, of=LSTMCell.step).close(hand.tape[name], expected, rtol=1e-12)


def test_the_states_of_an_lstm(equation, rng):
    hand = ByHand(make("lstm"), rng)
    tape, c_prev = hand.tape, hand.before("c")
    c = hand.each(lambda t, j: float(tape["f"][t, j]) * c_prev[t][j] + float(tape["i"][t, j]) * float(tape["g"][t, j]))
    equation("eq-lstm-cell", of=LSTMCell.step).close(tape["c"], c, rtol=1e-12)
    h = hand.each(lambda t, j: float(tape["o"][t, j]) * math.tanh(c[t][j]))
    equation("eq-lstm-hidden", of=LSTMCell.step).close(tape["h"], h, rtol=1e-12)


def test_the_cell_of_1997_only_adds(equation, rng):
    hand = ByHand(make("lstm-1997"), rng)
    tape, c_prev, h = hand.tape, hand.before("c"), hand.before("h")
    blocks = {"i": (0, σ), "g": (1, math.tanh), "o": (2, σ)}
    made = {
        name: hand.each(lambda t, j, k=k, squash=squash: squash(hand.both(k * H + j, t, h)))
        for name, (k, squash) in blocks.items()
    }
    c = hand.each(lambda t, j: c_prev[t][j] + made["i"][t][j] * made["g"][t][j])
    equation("eq-lstm-carousel", of=LSTM1997Cell.step).close(tape["c"], c, rtol=1e-12)
    np.testing.assert_allclose(tape["h"], hand.each(lambda t, j: made["o"][t][j] * math.tanh(c[t][j])), rtol=1e-12)


@pytest.mark.parametrize(
    ("label", "gate", "block", "peep", "reads"),
    [
        ("eq-peephole-input-gate", "i", 0, 0, "c_prev"),
        ("eq-peephole-forget-gate", "f", 1, 1, "c_prev"),
        ("eq-peephole-output-gate", "o", 3, 2, "c"),
    ],
)
def test_the_gates_of_a_peephole_lstm(label, gate, block, peep, reads, equation, rng):
    hand = ByHand(make("peephole-new"), rng)
    c, h = hand.tape["c"].tolist() if reads == "c" else hand.before("c"), hand.before("h")
    p = hand.p["weight_ch"]
    expected = hand.each(lambda t, j: σ(hand.both(block * H + j, t, h) + p[peep * H + j] * c[t][j]))
    equation(label, of=PeepholeLSTMCell.step).close(hand.tape[gate], expected, rtol=1e-12)


def test_the_output_gate_that_reads_the_old_cell_state(equation, rng):
    hand = ByHand(make("peephole-old"), rng)
    c, h, p = hand.before("c"), hand.before("h"), hand.p["weight_ch"]
    expected = hand.each(lambda t, j: σ(hand.both(3 * H + j, t, h) + p[2 * H + j] * c[t][j]))
    equation("eq-peephole-output-gate-old", of=OldPeepholeLSTMCell.step).close(hand.tape["o"], expected, rtol=1e-12)


@pytest.mark.parametrize(("label", "block"), [("eq-gru-reset-gate", 0), ("eq-gru-update-gate", 1)])
def test_the_gates_of_a_gru(label, block, equation, rng):
    hand = ByHand(make("gru-after"), rng)
    h = hand.before("h")
    expected = hand.each(lambda t, j: σ(hand.both(block * H + j, t, h)))
    equation(label, of=GRUCell.step).close(hand.tape["rz"[block]], expected, rtol=1e-12)


def test_the_states_of_a_gru_that_resets_after_the_product(equation, rng):
    hand = ByHand(make("gru-after"), rng)
    tape, h = hand.tape, hand.before("h")

    def candidate(t, j):
        inside = hand.sum("weight_hh", 2 * H + j, h[t], "bias_hh")
        return math.tanh(hand.sum("weight_ih", 2 * H + j, hand.x[t], "bias_ih") + float(tape["r"][t, j]) * inside)

    n = hand.each(candidate)
    equation("eq-gru-candidate", of=GRUCell.step).close(tape["n"], n, rtol=1e-12)
    z = tape["z"].tolist()
    expected = hand.each(lambda t, j: (1 - z[t][j]) * n[t][j] + z[t][j] * h[t][j])
    equation("eq-gru-hidden", of=GRUCell.step).close(tape["h"], expected, rtol=1e-12)


def test_the_candidate_of_a_gru_that_resets_before_the_product(equation, rng):
    hand = ByHand(make("gru-before"), rng)
    h, r = hand.before("h"), hand.tape["r"].tolist()
    rh = [[r_j * h_j for r_j, h_j in zip(*row, strict=True)] for row in zip(r, h, strict=True)]
    expected = hand.each(lambda t, j: math.tanh(hand.both(2 * H + j, t, rh)))
    equation("eq-gru-candidate-before", of=ResetBeforeGRUCell.step).close(hand.tape["n"], expected, rtol=1e-12)


def test_the_step_of_a_jordan_network(equation, rng):
    hand = ByHand(make("jordan-sigmoid-tanh"), rng)
    y = hand.before("y")
    h = hand.each(
        lambda t, j: math.tanh(hand.sum("weight_ih", j, hand.x[t], "bias_h") + hand.sum("weight_yh", j, y[t]))
    )
    equation("eq-jordan-hidden", of=JordanCell.step).close(hand.tape["h"], h, rtol=1e-12)
    expected = [[σ(hand.sum("weight_hy", k, h[t], "bias_y")) for k in range(2)] for t in range(T)]
    equation("eq-jordan-output", of=JordanCell.step).close(hand.tape["y"], expected, rtol=1e-12)


def test_the_way_back_of_one_neuron_by_hand(equation):
    """Three steps of h = tanh(w x + u h), the loss is the last h: every line with a pencil."""
    w, u, x = 0.6, -0.9, [1.0, -0.5, 2.0]
    h = [0.3]
    for x_t in x:
        h.append(math.tanh(w * x_t + u * h[-1]))
    da_3 = 1 - h[3] ** 2
    da_2 = da_3 * u * (1 - h[2] ** 2)
    da_1 = da_2 * u * (1 - h[1] ** 2)
    layer = ref.RNN(1, 1, bias=False)
    layer.load_state_dict({"weight_ih_l0": [[w]], "weight_hh_l0": [[u]]})
    tape = layer.unroll(np.reshape(x, (3, 1)), np.array([[0.3]]))
    grads = layer.bptt(tape, np.array([[0.0], [0.0], [1.0]]))
    back = equation("eq-bptt-hidden", of=RNNCell.step_back)
    back.close(grads.x[:, 0], [da_1 * w, da_2 * w, da_3 * w], rtol=1e-12)
    back.close(grads.state, [[da_1 * u]], rtol=1e-12)
    shares = da_1 * h[0] + da_2 * h[1] + da_3 * h[2]
    equation("eq-bptt-weights", of=ref.Layer.bptt).close(grads.params["weight_hh_l0"], [[shares]], rtol=1e-12)
    np.testing.assert_allclose(grads.params["weight_ih_l0"], [[da_1 * x[0] + da_2 * x[1] + da_3 * x[2]]], rtol=1e-12)


@pytest.mark.parametrize("a", [0.0, 1.0, -2.5, 30.0, -30.0, 800.0, -800.0])
def test_the_logistic_function(a):
    expected = 1 / (1 + math.exp(-a)) if a > -700 else 0.0
    assert activations.sigmoid(np.array([a]))[0] == pytest.approx(expected, rel=1e-12, abs=1e-16)


def test_activations_keep_nan_and_do_not_overflow():
    a = np.array([[np.nan], [1e4], [-1e4]])
    for f in (activations.sigmoid, activations.relu, activations.tanh):
        assert np.isnan(f(a)[0])
        assert np.isfinite(f(a)[1:]).all()
    np.testing.assert_array_equal(activations.relu(np.array([-1.0, -0.0, 2.0])), [0, 0, 2])
    np.testing.assert_allclose(activations.softmax(a[1:]), [[1], [0]])
    np.testing.assert_array_equal(activations.relu(np.array([-1 + 1j, 2 + 1j])), [0, 2 + 1j])
