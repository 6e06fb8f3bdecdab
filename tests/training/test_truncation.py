"""Truncated backpropagation: the window's meaning, against the reference and against the definition written out."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from companion import nn
from companion import reference as ref
from companion.tasks import Batch, Echo
from companion.training import TorchNetwork, gradients, windows

CELLS = ["RNN", "LSTM", "PeepholeLSTM", "GRU"]
SIZES = st.fixed_dictionaries({"T": st.integers(1, 9), "k1": st.integers(1, 6), "more": st.integers(0, 6)})


def network(kind="RNN", seed=0, layers=1, out=2):
    torch.manual_seed(seed)
    layer = getattr(nn, kind)(2, 3, num_layers=layers, dtype=torch.float64)
    return TorchNetwork(layer, torch.nn.Linear(3, out, dtype=torch.float64))


def twin(net, kind, layers=1):
    """The same layer in NumPy."""
    layer = getattr(ref, kind)(2, 3, num_layers=layers)
    layer.load_state_dict(net.layer.state_dict())
    return layer


def numbers(seed, T, B=2, out=2):
    rng = np.random.default_rng(seed)
    return Batch(rng.normal(size=(T, B, 2)), rng.normal(size=(T, B, out)))


def upstream(net, batch, loss_of=F.mse_loss):
    """The gradient of the loss in the outputs of the layer, which the truncation does not touch."""
    y, _ = net.layer(torch.as_tensor(batch.x))
    y = y.detach().requires_grad_()
    loss = loss_of(net.head(y), torch.as_tensor(batch.y))
    return torch.autograd.grad(loss, y)[0].numpy()


def written_out(layer, x, dy, k1, k2):
    """The definition in NumPy: for each block, back from its end to k2 - k1 steps before its beginning."""
    total = {name: np.zeros_like(value) for name, value in layer.params.items()}
    for begin in range(0, len(x), k1):
        end = min(begin + k1, len(x))
        first = max(begin - (k2 - k1), 0)
        state = layer(x[:first])[1] if first else None
        part = np.zeros_like(dy[first:end])
        part[begin - first :] = dy[begin:end]
        grads = layer.bptt(layer.unroll(x[first:end], state), part)
        for name, grad in grads.params.items():
            total[name] += grad
    return total


# ---- what a window means -------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(sizes=SIZES, kind=st.sampled_from(CELLS), layers=st.integers(1, 2))
def test_the_gradient_is_that_of_the_definition_written_out(sizes, kind, layers):
    T, k1, k2 = sizes["T"], sizes["k1"], sizes["k1"] + sizes["more"]
    net, batch = network(kind, layers=layers), numbers(T, T)
    _, grads = gradients(net, batch, F.mse_loss, k1, k2)
    expected = written_out(twin(net, kind, layers), batch.x, upstream(net, batch), k1, k2)
    for name, grad in expected.items():
        assert_allclose(grads[f"layer.{name}"], grad, rtol=1e-9, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize("k", [1, 2, 5, 8, 11])
def test_a_block_of_one_step_is_the_horizon_of_the_reference(kind, k):
    net, batch = network(kind), numbers(0, 8)
    _, grads = gradients(net, batch, F.mse_loss, 1, k)
    layer = twin(net, kind)
    expected = layer.bptt(layer.unroll(batch.x), upstream(net, batch), horizon=k).params
    for name, grad in expected.items():
        assert_allclose(grads[f"layer.{name}"], grad, rtol=1e-9, atol=1e-14, err_msg=name)


@pytest.mark.parametrize("kind", CELLS)
@pytest.mark.parametrize(("k1", "k2"), [(8, 8), (20, 20), (2, 8), (4, 9), (3, 9), (1, 8), (8, 12)])
def test_windows_as_long_as_the_sequence_give_full_backpropagation(kind, k1, k2):
    net, batch = network(kind), numbers(0, 8)
    loss, grads = gradients(net, batch, F.mse_loss, k1, k2)
    exact_loss, exact = gradients(net, batch, F.mse_loss)
    assert_allclose(loss, exact_loss, rtol=1e-12)
    for name, grad in exact.items():
        assert_allclose(grads[name], grad, rtol=1e-9, atol=1e-14, err_msg=name)


def test_chunks_and_a_sliding_window_of_one_length_differ():
    net, batch = network(), numbers(0, 8)
    chunks, sliding = (gradients(net, batch, F.mse_loss, k1, 4)[1]["layer.weight_hh_l0"] for k1 in (4, 1))
    assert (chunks - sliding).norm() > 1e-3 * sliding.norm()


@pytest.mark.parametrize(("k1", "k2"), [(1, 1), (1, 4), (2, 5), (3, 3), (4, 6)])
def test_each_loss_reaches_as_many_steps_as_the_book_says(k1, k2):
    T = 12
    net, x = network(), torch.as_tensor(numbers(0, T).x).requires_grad_()
    for window in windows(net, x, k1, k2):
        last = window.steps.stop - 1
        for t in range(window.steps.start, window.steps.stop):
            out = window.outputs[t - window.steps.start].sum()
            (dx,) = torch.autograd.grad(out, x, retain_graph=True)
            felt = np.flatnonzero(dx.abs().sum(dim=(1, 2)))
            steps = k2 - (last - t)
            assert felt.tolist() == list(range(max(t + 1 - steps, 0), t + 1))


def test_the_outputs_are_those_of_one_run_while_the_weights_rest():
    net, x = network("LSTM"), torch.as_tensor(numbers(0, 11).x)
    whole, end = net(x)
    parts = list(windows(net, x, 3, 7))
    assert_allclose(torch.cat([part.outputs for part in parts]).detach(), whole.detach(), rtol=1e-12)
    assert [part.reach for part in parts] == [3, 6, 7, 6]
    for actual, expected in zip(parts[-1].state, end, strict=True):
        assert not actual.requires_grad
        assert_allclose(actual, expected.detach(), rtol=1e-12)


def test_the_weights_may_change_after_every_block():
    net, batch = network("LSTM"), numbers(0, 30)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.05)
    y, losses = torch.as_tensor(batch.y), []
    for _ in range(12):
        for window in windows(net, torch.as_tensor(batch.x), 3, 8):
            loss = F.mse_loss(window.outputs, y[window.steps])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            losses.append(loss.item())
    assert np.mean(losses[-10:]) < np.mean(losses[:10])


@settings(max_examples=15)
@given(k1=st.integers(1, 3), more=st.integers(0, 5), cuts=st.lists(st.integers(0, 4), max_size=3))
def test_a_sequence_in_pieces_gives_the_windows_of_the_whole(k1, more, cuts):
    net, x = network("GRU"), torch.as_tensor(numbers(0, 14).x)
    whole = list(windows(net, x, k1, k1 + more))
    places = [0, *sorted({cut * k1 for cut in cuts if 0 < cut * k1 < 14}), 14]
    carried, parts = None, []
    for begin, end in zip(places, places[1:], strict=False):
        for window in windows(net, x[begin:end], k1, k1 + more, carried=carried):
            parts.append(window)
            carried = window.carried
    assert [part.reach for part in parts] == [part.reach for part in whole]
    for part, expected in zip(parts, whole, strict=True):
        found, wanted = (torch.autograd.grad(w.outputs.sum(), list(net.parameters())) for w in (part, expected))
        for grad, exact in zip(found, wanted, strict=True):
            assert_allclose(grad, exact, rtol=1e-9, atol=1e-13)


def test_a_first_state_that_is_learnt_gets_the_gradient_of_the_windows_that_begin_with_it():
    net, batch = network(), numbers(0, 6)
    start = torch.zeros(1, 2, 3, dtype=torch.float64, requires_grad=True)
    reaches = []
    for window in windows(net, torch.as_tensor(batch.x), 2, 4, state=start):
        (grad,) = torch.autograd.grad(window.outputs.sum(), start, allow_unused=True)
        reaches.append(grad is not None)
    assert reaches == [True, True, False]


def test_jordans_network_and_a_bare_layer_are_cut_as_well():
    torch.manual_seed(0)
    x = torch.randn(6, 2, 2, dtype=torch.float64)
    for layer in (nn.JordanRNN(2, 3, 2, dtype=torch.float64), torch.nn.LSTM(2, 3, dtype=torch.float64)):
        outputs = torch.cat([window.outputs for window in windows(layer, x, 2, 3)])
        assert_allclose(outputs.detach(), layer(x)[0].detach(), rtol=1e-12)


def test_sequences_of_unequal_length_count_their_own_steps_only():
    net, batch = network(out=2), numbers(0, 7, B=3)
    ragged = Batch(batch.x, batch.y, np.array([7, 3, 5]))
    loss, grads = gradients(net, ragged, F.mse_loss, 7)
    packed_loss, packed = gradients(net, ragged, F.mse_loss)
    assert_allclose(loss, packed_loss, rtol=1e-12)
    for name, grad in packed.items():
        assert_allclose(grads[name], grad, rtol=1e-9, atol=1e-14)
    outputs = net(torch.as_tensor(batch.x))[0].detach().numpy()
    assert_allclose(loss, ref.mse(outputs, batch.y, lengths=ragged.lengths)[0], rtol=1e-12)


def test_steps_without_a_target_do_not_count(rng):
    net, batch = network(), Echo(lag=3).batch(8, 4, rng)
    loss, _ = gradients(net, batch, F.cross_entropy, 2, 4)
    outputs = net(torch.as_tensor(batch.x))[0].detach().numpy()
    assert_allclose(loss, ref.softmax_cross_entropy(outputs, batch.y, mask=batch.asked)[0], rtol=1e-12)


def test_two_directions_are_trained_with_full_backpropagation():
    torch.manual_seed(0)
    layer = nn.GRU(2, 3, bidirectional=True, dtype=torch.float64)
    batch = Batch(*(np.random.default_rng(0).normal(size=(5, 2, size)) for size in (2, 6)), np.array([5, 3]))
    _, grads = gradients(TorchNetwork(layer), batch, F.mse_loss)
    reference = ref.GRU(2, 3, bidirectional=True)
    reference.load_state_dict(layer.state_dict())
    tape = reference.unroll(batch.x, lengths=batch.lengths)
    expected = reference.bptt(tape, ref.mse(tape.y, batch.y, lengths=batch.lengths)[1]).params
    for name, grad in expected.items():
        assert_allclose(grads[f"layer.{name}"], grad, rtol=1e-9, atol=1e-14, err_msg=name)


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("k1", "k2", "message"),
    [
        (0, None, "k1: expected at least 1, got 0"),
        (4, 3, "k2: expected at least k1 = 4, got 3"),
        (None, 3, "k1: expected a number of steps where k2 is given, got None"),
    ],
)
def test_lengths_that_make_no_sense_are_refused(k1, k2, message):
    with pytest.raises(ValueError, match=message):
        gradients(network(), numbers(0, 5), F.mse_loss, k1, k2)


def test_models_that_cannot_be_cut_are_refused():
    x = torch.zeros(4, 1, 2)
    with pytest.raises(ValueError, match="model: expected one direction .* got bidirectional=True"):
        next(windows(nn.RNN(2, 3, bidirectional=True), x, 2))
    with pytest.raises(ValueError, match="model: expected one with time first, got batch_first=True"):
        next(windows(nn.RNN(2, 3, batch_first=True), x, 2))
    with pytest.raises(ValueError, match="layer: expected one with time first, got batch_first=True"):
        TorchNetwork(nn.RNN(2, 3, batch_first=True))


def test_inputs_and_targets_that_do_not_fit_are_refused():
    net = network()
    x = torch.zeros(4, 1, 2, dtype=torch.float64)
    first = next(windows(net, x, 2))
    with pytest.raises(ValueError, match="state: expected None where `carried` is given"):
        next(windows(net, x, 2, state=first.state, carried=first.carried))
    for shape in ((0, 1, 2), (4, 2)):
        with pytest.raises(ValueError, match=r"x: expected shape \(T, B, I\) with at least one step"):
            next(windows(net, torch.zeros(shape), 2))
    with pytest.raises(ValueError, match="targets: expected .* numbers a step as the outputs have"):
        gradients(net, numbers(0, 4, out=1), F.mse_loss)
    with pytest.raises(ValueError, match="batch: expected at least one target, got none"):
        gradients(net, Batch(np.zeros((2, 1, 2)), np.full((2, 1), -1)), F.cross_entropy)
