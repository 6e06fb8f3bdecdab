"""The numbered equations of the chapter "Rosetta", each against something that was made another way."""

import math

import numpy as np
import pytest
import torch

from companion import interop
from companion import reference as ref
from companion.experiments.rosetta import recorded
from companion.interop import portable
from companion.reference import cells
from companion.reference.activations import sigmoid

T, B, INPUTS, HIDDEN = 6, 2, 3, 4


def drawn(kind, rng, **arguments):
    """A layer whose weights and biases are all different from zero."""
    layer = getattr(ref, kind)(INPUTS, HIDDEN, dtype=np.float64, **arguments)
    layer.load_state_dict({name: rng.uniform(-1, 1, value.shape) for name, value in layer.params.items()})
    return layer


def logistic(a):
    return 1 / (1 + math.exp(-a))


def gru_in_floats(layer, x, h, candidate):
    """One sequence through a GRU, one unit at a time. `candidate` gives the recurrent part of a unit's n."""
    W, U, b, c = (value.tolist() for value in layer.params.values())
    states = []
    for x_t in x.tolist():

        def given(row, x_t=x_t):
            return sum(w * x_i for w, x_i in zip(W[row], x_t, strict=True)) + b[row]

        def recurrent(row, h=h):
            return sum(u * h_j for u, h_j in zip(U[row], h, strict=True)) + c[row]

        r = [logistic(given(k) + recurrent(k)) for k in range(HIDDEN)]
        z = [logistic(given(HIDDEN + k) + recurrent(HIDDEN + k)) for k in range(HIDDEN)]
        n = [
            math.tanh(given(2 * HIDDEN + k) + candidate(U[2 * HIDDEN + k], c[2 * HIDDEN + k], r, h, k))
            for k in range(HIDDEN)
        ]
        h = [(1 - z_k) * n_k + z_k * h_k for z_k, n_k, h_k in zip(z, n, h, strict=True)]
        states.append(h)
    return np.array(states)


def reset_after(row, bias, r, h, k):
    return r[k] * (sum(u * h_j for u, h_j in zip(row, h, strict=True)) + bias)


def reset_before(row, bias, r, h, k):
    return sum(u * r_j * h_j for u, r_j, h_j in zip(row, r, h, strict=True)) + bias


@pytest.mark.parametrize(("kind", "target"), [("GRU", "zrn"), ("LSTM", "ifgo")])
def test_keras_has_the_blocks_permuted_and_turned(equation, rng, kind, target):
    layer = drawn(kind, rng)
    source = portable.GATES[kind]
    P = np.kron([[float(a == b) for b in source] for a in target], np.eye(HIDDEN))
    assert (P.sum(axis=0) == 1).all()
    assert (P.sum(axis=1) == 1).all()
    kernel, recurrent, _ = interop.to_keras(layer)
    blocks = equation("eq-rosetta-blocks", of=portable.reorder)
    blocks.close(kernel, (P @ layer.params["weight_ih_l0"]).T, rtol=1e-15)
    blocks.close(recurrent, (P @ layer.params["weight_hh_l0"]).T, rtol=1e-15)


def test_only_the_sum_of_an_lstms_biases_acts(equation, rng):
    layer = drawn("LSTM", rng)
    theirs = torch.nn.LSTM(INPUTS, HIDDEN, dtype=torch.float64)
    kernel, recurrent, bias = interop.to_keras(layer)
    theirs.load_state_dict(
        {
            "weight_ih_l0": torch.from_numpy(kernel.T.copy()),
            "weight_hh_l0": torch.from_numpy(recurrent.T.copy()),
            "bias_ih_l0": torch.from_numpy(bias),
            "bias_hh_l0": torch.zeros(4 * HIDDEN, dtype=torch.float64),
        }
    )
    x = rng.normal(size=(T, B, INPUTS))
    expected, _ = theirs(torch.from_numpy(x))
    equation("eq-rosetta-bias", of=interop.to_keras).close(layer(x)[0], expected, rtol=1e-10)


def test_pytorch_resets_after_the_product(equation, rng):
    layer = drawn("GRU", rng)
    x, h = rng.normal(size=(T, B, INPUTS)), rng.normal(size=(1, B, HIDDEN))
    expected, _ = interop.to_torch(layer)(torch.from_numpy(x), torch.from_numpy(h))
    after = equation("eq-rosetta-after", of=cells.GRUCell.step)
    after.close(layer(x, h)[0], expected, rtol=1e-10)
    in_floats = gru_in_floats(layer, x[:, 0], h[0, 0].tolist(), reset_after)
    after.close(layer(x[:, :1], h[:, :1])[0][:, 0], in_floats, rtol=1e-10)


def test_reset_before_is_what_floats_make_of_it(equation, rng):
    layer = drawn("GRU", rng, reset="before")
    x, h = rng.normal(size=(T, 1, INPUTS)), rng.normal(size=(1, 1, HIDDEN))
    in_floats = gru_in_floats(layer, x[:, 0], h[0, 0].tolist(), reset_before)
    equation("eq-rosetta-before", of=cells.ResetBeforeGRUCell.step).close(layer(x, h)[0][:, 0], in_floats, rtol=1e-10)


def test_no_weights_but_diagonal_ones_make_the_two_resets_agree(rng):
    after, before = drawn("GRU", rng), drawn("GRU", rng, reset="before")
    weights = after.state_dict() | {"bias_hh_l0": np.zeros(3 * HIDDEN)}
    x = rng.normal(size=(T, B, INPUTS))
    for U_n, agree in ((weights["weight_hh_l0"][-HIDDEN:], False), (np.diag([0.5, -2.0, 1.0, 3.0]), True)):
        U = np.concatenate([weights["weight_hh_l0"][:-HIDDEN], U_n])
        for layer in (after, before):
            layer.load_state_dict(weights | {"weight_hh_l0": U})
        assert np.allclose(after(x)[0], before(x)[0], rtol=0, atol=1e-12) == agree


@pytest.mark.parametrize("bias", [-40.0, 40.0])
def test_an_update_gate_near_1_keeps_the_old_state_and_one_near_0_takes_the_candidate(equation, rng, bias):
    """With z at 0 or 1 to the last digit, h is the candidate (a tanh layer's, reset open) or what it was."""
    layer = drawn("GRU", rng)
    b_ih = layer.params["bias_ih_l0"].copy()
    b_ih[:HIDDEN], b_ih[HIDDEN : 2 * HIDDEN] = 60.0, bias
    layer.load_state_dict(layer.state_dict() | {"bias_ih_l0": b_ih})
    x, h = rng.normal(size=(1, B, INPUTS)), rng.normal(size=(1, B, HIDDEN))
    parts = {name: value[-HIDDEN:] for name, value in layer.state_dict().items()}
    plain = torch.nn.RNN(INPUTS, HIDDEN, dtype=torch.float64)
    plain.load_state_dict({name: torch.from_numpy(value) for name, value in parts.items()})
    expected = h if bias > 0 else plain(torch.from_numpy(x), torch.from_numpy(h))[0]
    equation("eq-rosetta-update", of=cells.GRUCell.step).close(layer(x, h)[0], expected, rtol=1e-9)


def test_a_gate_of_the_opposite_weights_is_the_opposite_gate(equation):
    a = np.linspace(-12, 12, 241)
    in_floats = [1 - logistic(value) for value in a]
    equation("eq-rosetta-turn", of=sigmoid).close(sigmoid(-a), in_floats, rtol=1e-9)


@pytest.mark.parametrize("engine", ["keras", "addons", "v1"])
def test_tensorflows_output_gate_reads_the_new_cell_state(equation, engine):
    arrays = recorded("tensorflow-peephole")
    layer = interop.from_keras("PeepholeLSTMCell", [arrays[f"weights.{k}"] for k in range(6)])
    y, (h, c) = layer(arrays["x"], (arrays["state.h"][None], arrays["state.c"][None]))
    peephole = equation("eq-rosetta-peephole", of=cells.PeepholeLSTMCell.step)
    peephole.close(y, arrays[f"{engine}.y"], rtol=1e-12)
    peephole.close(h[0], arrays[f"{engine}.h"], rtol=1e-12)
    peephole.close(c[0], arrays[f"{engine}.c"], rtol=1e-12)
