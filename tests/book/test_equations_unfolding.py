"""The numbered equations of the chapter on unfolding, each against something that was made another way."""

import functools
import math
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from companion import reference as ref
from companion.experiments import unfolding as experiment
from companion.reference import unfolded, unroll


def torch_twin(layer):
    """The layer of torch.nn with the same weights."""
    kind = {"RNNCell": torch.nn.RNN, "LSTMCell": torch.nn.LSTM, "GRUCell": torch.nn.GRU}[type(layer.cell).__name__]
    made = kind(layer.input_size, layer.hidden_size, dtype=torch.float64)
    made.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in layer.params.items()})
    return made


@pytest.mark.parametrize("kind", [ref.RNN, ref.GRU, ref.LSTM])
@pytest.mark.parametrize("T", [1, 2, 17])
def test_one_scan_runs_every_cell_over_every_length_as_pytorch_does(equation, rng, kind, T):
    layer = kind(3, 5, rng=rng)
    x = rng.normal(size=(T, 4, 3))
    expected, _ = torch_twin(layer)(torch.from_numpy(x))
    equation("eq-unfold-scan", of=unroll.scan).close(layer(x)[0], expected.detach(), rtol=1e-9, atol=1e-13)


def test_the_last_state_is_the_composition_of_all_steps(equation, rng):
    layer = ref.RNN(3, 5, rng=rng)
    W, U, b_ih, b_hh = (value.tolist() for value in layer.params.values())
    x, h = rng.normal(size=(9, 3)), rng.normal(size=5)

    def filled_in(x_t):
        def f_t(before):
            sums = (
                b_ih[j] + b_hh[j] + sum(map(float.__mul__, W[j], x_t)) + sum(map(float.__mul__, U[j], before))
                for j in range(5)
            )
            return [math.tanh(a) for a in sums]

        return f_t

    steps = [filled_in(x_t) for x_t in x.tolist()]
    composed = functools.reduce(lambda inner, outer: lambda state: outer(inner(state)), steps)
    _, last = layer(x, h[None])
    equation("eq-unfold-chain", of=unroll.scan).close(last[0], composed(h.tolist()), rtol=1e-12)


def test_layers_with_weights_of_their_own_make_what_a_list_of_pytorch_cells_makes(equation, rng):
    layers = [ref.RNN(3, 5, rng=rng) for _ in range(6)]
    x = rng.normal(size=(6, 4, 3))
    h, expected = torch.zeros(4, 5, dtype=torch.float64), []
    for layer, x_t in zip(layers, torch.from_numpy(x), strict=True):
        cell = torch.nn.RNNCell(3, 5, dtype=torch.float64)
        cell.load_state_dict({name[:-3]: torch.from_numpy(value) for name, value in layer.params.items()})
        h = cell(x_t, h)
        expected.append(h.detach().numpy())
    made = [tape.y[0] for tape in unfolded.forward(layers, x)]
    equation("eq-unfold-explicit", of=unfolded.forward).close(made, np.stack(expected), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("seed", range(8))
def test_the_shared_gradient_is_the_sum_of_the_copies_gradients_that_autograd_finds(equation, seed):
    kind, layer, arrays = experiment.drawn(seed, experiment.CONFIG)
    pairs = (("h", "c"), ("dh", "dc"))
    state, dstate = ((arrays[h], arrays[c]) if kind == "LSTM" else arrays[h] for h, c in pairs)
    whole = layer.bptt(layer.unroll(arrays["x"], state), arrays["dy"], dstate).params
    _, shares, _ = experiment.explicit(kind, layer, arrays)
    for name in whole:
        added = sum(share[name] for share in shares)
        close = equation("eq-unfold-sum", of=unroll.weight_gradients).close
        close(whole[name], added, rtol=1e-9, atol=1e-12 * np.abs(added).max())


@pytest.mark.parametrize("kind", [ref.RNN, ref.LSTM, ref.GRU, ref.PeepholeLSTM])
def test_the_gradients_of_companion_copies_add_up_too(rng, kind):
    layer = kind(3, 5, rng=rng)
    x, dy = rng.normal(size=(6, 4, 3)), rng.normal(size=(6, 4, 5))
    copies = unfolded.copies(layer, 6)
    tapes = unfolded.forward(copies, x)
    found = unfolded.backward(copies, tapes, list(dy[:, None]))
    whole = layer.bptt(layer.unroll(x), dy)
    for name, value in unfolded.summed(found).items():
        np.testing.assert_allclose(value, whole.params[name], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(np.concatenate([each.x for each in found]), whole.x, rtol=1e-9, atol=1e-13)


def test_networks_side_by_side_are_unfolded_as_each_alone(rng):
    alone = [ref.RNN(2, 3, rng=rng) for _ in range(3)]
    x = rng.normal(size=(3, 5, 4, 2))
    together = unfolded.forward(unfolded.copies(ref.stack(alone), 5), x)
    for s, layer in enumerate(alone):
        y = np.concatenate([tape.y[s] for tape in together])
        np.testing.assert_allclose(y, layer(x[s])[0], rtol=1e-12)


def test_copies_are_copies_and_a_wrong_number_of_them_is_told(rng):
    layer = ref.RNN(2, 3, rng=rng)
    copies = unfolded.copies(layer, 3)
    copies[0].params["weight_hh_l0"] += 1
    np.testing.assert_array_equal(copies[1].params["weight_hh_l0"], layer.params["weight_hh_l0"])
    with pytest.raises(ValueError, match="each of the 3 layers, got 4"):
        unfolded.forward(copies, np.zeros((4, 2, 2)))


@pytest.mark.parametrize(("I", "H", "T"), [(1, 8, 1), (3, 5, 7), (28, 128, 100)])
def test_the_parameters_are_those_that_pytorch_counts(equation, I, H, T):  # noqa: E741
    made = sum(value.numel() for value in torch.nn.RNN(I, H).parameters())
    counted = [unfolded.numbers(ref.RNN(I, H)), unfolded.numbers(ref.RNN(I, H), T)]
    equation("eq-unfold-count", of=unfolded.numbers).close(counted, [made, T * made], rtol=1e-15)
    assert made == H * I + H**2 + 2 * H


@pytest.mark.parametrize(("T", "B", "I", "H"), [(1, 1, 1, 1), (6, 4, 3, 5), (50, 2, 4, 8)])
@pytest.mark.parametrize(("dtype", "s"), [(np.float64, 8), (np.float32, 4)])
def test_the_tape_holds_what_the_formula_says(equation, rng, T, B, I, H, dtype, s):  # noqa: E741
    layer = ref.RNN(I, H, rng=rng, dtype=dtype)
    held = unfolded.held_bytes(layer.unroll(rng.normal(size=(T, B, I)).astype(dtype)))
    assert s * unfolded.tape_numbers(layer, T, B) == s * B * (T * I + (T + 1) * H)
    predicted = np.array([s * unfolded.tape_numbers(layer, T, B)])
    equation("eq-unfold-memory", of=unfolded.tape_numbers).close(predicted, np.array([held]), rtol=1e-15)


@given(T=st.integers(1, 20), B=st.integers(1, 5), I=st.integers(1, 4), H=st.integers(1, 6), kind=st.integers(0, 3))
def test_the_count_holds_for_every_cell_and_size(T, B, I, H, kind):  # noqa: E741
    layer = (ref.RNN, ref.GRU, ref.LSTM, ref.PeepholeLSTM)[kind](I, H, rng=0)
    tape = layer.unroll(np.ones((T, B, I)))
    assert unfolded.held_bytes(tape) == 8 * unfolded.tape_numbers(layer, T, B)


@pytest.mark.parametrize("kind", [ref.RNN, ref.GRU, ref.LSTM])
def test_pythons_memory_tracer_finds_as_much(kind):
    layer, x = kind(4, 32, rng=0), np.random.default_rng(0).normal(size=(400, 16, 4))
    layer.unroll(x[:2])
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tape = layer.unroll(x)
    traced = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    held = unfolded.held_bytes(tape)
    own = held - (x.nbytes if shares_memory(tape, x) else 0)
    assert own <= traced < 1.1 * own


def shares_memory(tape, x):
    return any(np.shares_memory(run.x, x) for row in tape.graph.runs for run in row)


def test_a_stack_of_layers_is_not_counted():
    with pytest.raises(ValueError, match="one layer and one direction"):
        unfolded.tape_numbers(ref.RNN(2, 3, num_layers=2), 4, 1)
