"""The numbered equations on clipping, activations, normalisation and initial weights, each made another way too."""

import numpy as np
import pytest
import torch

from companion import reference as ref
from companion.experiments import normalisation, together
from companion.reference.cells import RNNCell


@pytest.mark.parametrize("threshold", [0.3, 1.0, 50.0])
def test_clipping_by_the_norm_makes_of_all_gradients_what_torch_makes(equation, rng, threshold):
    grads = [rng.normal(size=shape) for shape in [(4, 3), (4, 4), (4,)]]
    params = [torch.nn.Parameter(torch.zeros(grad.shape, dtype=torch.float64)) for grad in grads]
    for param, grad in zip(params, grads, strict=True):
        param.grad = torch.from_numpy(grad.copy())
    torch.nn.utils.clip_grad_norm_(params, threshold)
    ref.clip_grad_norm(grads, threshold)
    actual = np.concatenate([grad.ravel() for grad in grads])
    expected = torch.cat([param.grad.flatten() for param in params])
    equation("eq-vanish-clip", of=ref.clip_grad_norm).close(actual, expected, rtol=1e-5)  # torch adds 1e-6 to the norm
    by_hand = np.random.default_rng(0).normal(size=32)
    by_hand *= min(1, threshold / np.sqrt((by_hand**2).sum()))
    equation("eq-vanish-clip", of=ref.clip_grad_norm).close(actual, by_hand, rtol=1e-12)


def test_relu_lets_a_gradient_through_where_its_unit_is_on_as_autograd_does(equation, rng):
    layer = ref.RNN(3, 6, nonlinearity="relu", rng=rng)
    W, U, b_ih, b_hh = (torch.from_numpy(value) for value in layer.params.values())
    h = torch.from_numpy(rng.uniform(size=6)).requires_grad_()
    x, dh = rng.normal(size=(1, 3)), rng.normal(size=6)
    after = torch.relu(W @ torch.from_numpy(x[0]) + U @ h + b_ih + b_hh)
    after.backward(torch.from_numpy(dh))
    tape = layer.unroll(x, h.detach().numpy()[None])
    back = layer.bptt(tape, None, dh[None]).state[0]
    written = U.numpy().T @ ((tape.y[0] > 0) * dh)
    assert 0 < (tape.y[0] > 0).sum() < 6
    equation("eq-vanish-relu", of=RNNCell.step_back).close(back, h.grad, rtol=1e-12)
    equation("eq-vanish-relu", of=RNNCell.step_back).close(written, h.grad, rtol=1e-12)


def test_the_identity_hands_a_gradient_on_as_it_is_while_all_units_are_on(equation, rng):
    layer = ref.RNN(2, 4, nonlinearity="relu", rng=rng)
    layer.params["weight_hh_l0"][...] = np.eye(4)
    layer.params["weight_ih_l0"][...] = np.abs(layer.params["weight_ih_l0"])
    for name in ("bias_ih_l0", "bias_hh_l0"):
        layer.params[name][...] = 0.1
    dh = rng.normal(size=4)
    back = layer.bptt(layer.unroll(rng.uniform(size=(100, 2))), None, dh[None]).state[0]
    equation("eq-vanish-relu", of=RNNCell.step_back).close(back, dh, rtol=1e-12)


def test_normalising_is_what_torch_calls_batch_and_layer_normalisation(equation, rng):
    a = rng.normal(2.0, 3.0, size=(16, 5))
    scale, shift = rng.normal(size=(2, 5))
    x, weight, bias = map(torch.from_numpy, (a, scale, shift))
    over_batch = torch.nn.functional.batch_norm(x, None, None, weight, bias, training=True)
    over_units = torch.nn.functional.layer_norm(x, (5,), weight, bias)
    for axis, expected in ((0, over_batch), (1, over_units)):
        actual = scale * normalisation.normalised(x, axis).numpy() + shift
        equation("eq-vanish-norm", of=normalisation.normalised).close(actual, expected, rtol=1e-9)


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_an_orthogonal_matrix_changes_every_length_by_its_gain(equation, rng, gain):
    matrix = together.recurrent("orthogonal", 16, gain, rng)
    da = rng.normal(size=(16, 10))
    lengths = np.linalg.norm(matrix.T @ da, axis=0)
    equation("eq-vanish-orthogonal", of=together.recurrent).close(
        lengths, gain * np.linalg.norm(da, axis=0), rtol=1e-12
    )
    assert np.linalg.norm(together.recurrent("gaussian", 16, gain, rng).T @ da, axis=0) != pytest.approx(lengths)
