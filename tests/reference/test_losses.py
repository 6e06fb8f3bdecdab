"""Losses and the dense layer: against torch, against the complex step, and at the edge of what floats hold."""

import numpy as np
import pytest
import torch

from companion import reference as ref


def by_torch(logits, targets, counts):
    a = torch.tensor(logits, requires_grad=True)
    loss = torch.nn.functional.cross_entropy(a[torch.tensor(counts)], torch.tensor(targets[counts]))
    loss.backward()
    return loss.item(), a.grad.numpy()


@pytest.mark.parametrize("lengths", [None, [4, 0, 2]])
@pytest.mark.parametrize("masked", [False, True])
def test_cross_entropy_is_that_of_torch_over_what_counts(lengths, masked, rng):
    logits, targets = 3 * rng.standard_normal((4, 3, 5)), rng.integers(0, 5, (4, 3))
    mask = rng.random((4, 3)) < 0.7 if masked else None
    counts = np.ones((4, 3), bool) if mask is None else mask.copy()
    counts &= np.arange(4)[:, None] < ([4] * 3 if lengths is None else lengths)
    loss, dlogits = ref.softmax_cross_entropy(logits, targets, lengths, mask)
    expected, expected_gradient = by_torch(logits, targets, counts)
    assert loss == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(dlogits, expected_gradient, rtol=1e-12, atol=1e-17)


@pytest.mark.parametrize("loss", ["cross entropy", "mse"])
def test_gradients_agree_with_the_complex_step(loss, rng):
    y, mask = rng.standard_normal((3, 2, 4)), np.array([[True, False], [True, True], [False, True]])
    targets = rng.integers(0, 4, (3, 2)) if loss == "cross entropy" else rng.standard_normal(y.shape)
    function = ref.softmax_cross_entropy if loss == "cross entropy" else ref.mse
    _, gradient = function(y, targets, mask=mask)
    for index in np.ndindex(y.shape):
        nudged = y.astype(complex)
        nudged[index] += 1e-30j
        aim = targets if loss == "cross entropy" else targets.astype(complex)
        assert function(nudged, aim, mask=mask)[0].imag / 1e-30 == pytest.approx(gradient[index], rel=1e-12, abs=1e-18)


@pytest.mark.parametrize("size", [1e4, 1e300])
def test_large_logits_are_safe(size):
    loss, dlogits = ref.softmax_cross_entropy(np.array([[size, 0.0], [-size, size]]), np.array([0, 0]))
    assert loss == pytest.approx(size)
    np.testing.assert_allclose(dlogits, [[0, 0], [-0.5, 0.5]])


def test_padding_may_hold_anything(rng):
    logits, targets = rng.standard_normal((3, 2, 4)), rng.integers(0, 4, (3, 2))
    clean = ref.softmax_cross_entropy(logits, targets, [3, 1])
    logits[1:, 1], targets[1:, 1] = np.nan, -100
    np.testing.assert_equal(ref.softmax_cross_entropy(logits, targets, [3, 1]), clean)
    y, aim = rng.standard_normal((3, 2, 4)), rng.standard_normal((3, 2, 4))
    clean = ref.mse(y, aim, [3, 1])
    y[1:, 1], aim[1:, 1] = np.inf, np.nan
    np.testing.assert_equal(ref.mse(y, aim, [3, 1]), clean)


def test_mse_is_that_of_torch(rng):
    y, aim = rng.standard_normal((4, 3, 2)), rng.standard_normal((4, 3, 2))
    a = torch.tensor(y, requires_grad=True)
    expected = torch.nn.functional.mse_loss(a, torch.tensor(aim))
    expected.backward()
    loss, gradient = ref.mse(y, aim)
    assert loss == pytest.approx(expected.item(), rel=1e-14)
    np.testing.assert_allclose(gradient, a.grad, rtol=1e-13)
    shorter, _ = ref.mse(y, aim, [4, 2, 0])
    assert shorter == pytest.approx(np.mean(np.concatenate([(y - aim)[:, 0], (y - aim)[:2, 1]]) ** 2), rel=1e-13)


def test_single_precision_stays_single(rng):
    y = rng.standard_normal((3, 2, 4)).astype(np.float32)
    assert ref.mse(y, y)[1].dtype == np.float32
    assert ref.softmax_cross_entropy(y, np.zeros((3, 2), int))[1].dtype == np.float32
    assert ref.mse(np.float64(3.0), np.float64(1.0)) == (4.0, 4.0)


LOGITS, TARGETS = np.zeros((3, 2, 4)), np.zeros((3, 2), int)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((LOGITS.astype(int), TARGETS), TypeError, "logits: expected floating-point numbers, got dtype int64"),
        ((LOGITS, TARGETS.astype(float)), TypeError, "targets: expected integer classes, got dtype float64"),
        ((LOGITS, TARGETS[:2]), ValueError, r"targets: expected shape \(3, 2\).*got \(2, 2\)"),
        ((LOGITS, TARGETS + 4), ValueError, "targets: expected classes from 0 to 3, got 4 to 4"),
        ((LOGITS, TARGETS - 1), ValueError, "targets: expected classes from 0 to 3"),
        ((np.zeros((3, 2, 0)), TARGETS), ValueError, "at least one class"),
        ((np.float64(0.0), TARGETS), ValueError, "logits"),
        ((LOGITS, TARGETS, [3, 4]), ValueError, "lengths: expected each from 0 to T = 3"),
        ((LOGITS, TARGETS, [3.0, 1.0]), TypeError, "lengths: expected integers"),
        ((LOGITS, TARGETS, [0, 0]), ValueError, "at least one position that counts, got none of 6"),
        ((LOGITS, TARGETS, None, TARGETS), TypeError, "mask: expected booleans, got dtype int64"),
        ((LOGITS, TARGETS, None, np.ones((3, 1), bool)), ValueError, r"mask: expected shape \(3, 2\)"),
        ((LOGITS[0], TARGETS[0], [1, 1]), ValueError, r"lengths: expected with positions \(T, B\) only"),
    ],
)
def test_bad_input_of_cross_entropy(arguments, error, message):
    with pytest.raises(error, match=message):
        ref.softmax_cross_entropy(*arguments)


def test_bad_input_of_mse():
    with pytest.raises(ValueError, match=r"targets: expected shape \(3, 2, 4\) \(that of y\), got \(3, 2\)"):
        ref.mse(LOGITS, np.zeros((3, 2)))
    with pytest.raises(TypeError, match="y: expected floating-point numbers, got dtype int64"):
        ref.mse(TARGETS, LOGITS)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("leading", [(), (6,), (5, 2)])
def test_the_dense_layer_is_that_of_torch(leading, bias, rng):
    ours, theirs = ref.Linear(3, 4, bias, rng=0), torch.nn.Linear(3, 4, bias, dtype=torch.float64)
    assert list(ours.params) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    x, dy = rng.standard_normal((*leading, 3)), rng.standard_normal((*leading, 4))
    x_in = torch.tensor(x, requires_grad=True)
    y = theirs(x_in)
    y.backward(torch.tensor(dy))
    grads = ours.backward(x, dy)
    np.testing.assert_allclose(ours(x), y.detach(), rtol=1e-12)
    np.testing.assert_allclose(grads.x, x_in.grad, rtol=1e-12)
    for name, value in theirs.named_parameters():
        np.testing.assert_allclose(grads.params[name], value.grad, rtol=1e-12, atol=1e-14)
    np.testing.assert_equal(ours.state_dict(), {k: v.numpy() for k, v in theirs.state_dict().items()})


def test_dense_layers_side_by_side(rng):
    layers = [ref.Linear(3, 4, rng=seed) for seed in range(2)]
    together = ref.stack(layers)
    x, dy = rng.standard_normal((2, 5, 3)), rng.standard_normal((2, 5, 4))
    grads = together.backward(x, dy)
    for s, layer in enumerate(layers):
        np.testing.assert_allclose(together(x)[s], layer(x[s]), rtol=1e-14)
        one = layer.backward(x[s], dy[s])
        np.testing.assert_allclose(grads.x[s], one.x, rtol=1e-14)
        for name, value in one.params.items():
            np.testing.assert_allclose(grads.params[name][s], value, rtol=1e-13)
    with pytest.raises(ValueError, match=r"x: expected \(S = 2, …, 3\), got shape \(3, 3\)"):
        together(np.zeros((3, 3)))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda layer: layer(np.zeros((5, 4))), ValueError, r"x: expected \(…, in_features = 3\), got shape \(5, 4\)"),
        (lambda layer: layer(np.float64(1)), ValueError, "x: expected"),
        (lambda layer: layer(np.zeros((5, 3), np.float32)), TypeError, "x: expected dtype float64, got float32"),
        (lambda layer: layer.backward(np.zeros((5, 3)), np.zeros((5, 3))), ValueError, r"dy: expected shape \(5, 4\)"),
        (lambda layer: ref.Linear(0, 4), ValueError, "in_features: expected at least 1, got 0"),
        (lambda layer: ref.Linear(3, 2.0), TypeError, "out_features: expected an integer, got float"),
        (lambda layer: layer.load_state_dict({"weight": np.zeros((4, 3))}), KeyError, r"missing \['bias'\]"),
    ],
)
def test_bad_input_of_the_dense_layer(call, error, message):
    with pytest.raises(error, match=message):
        call(ref.Linear(3, 4, rng=0))
