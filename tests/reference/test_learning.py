"""What is done with a gradient: optimisers and clipping against torch, initialisations against their definitions."""

import numpy as np
import pytest
import torch

from companion import reference as ref
from tests.reference.kinds import make


@pytest.mark.parametrize(
    ("ours", "theirs", "options"),
    [
        (ref.SGD, torch.optim.SGD, {"lr": 0.1}),
        (ref.SGD, torch.optim.SGD, {"lr": 0.1, "momentum": 0.9}),
        (ref.Adam, torch.optim.Adam, {}),
        (ref.Adam, torch.optim.Adam, {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-3}),
    ],
)
def test_optimisers_walk_as_those_of_torch(ours, theirs, options, rng):
    params = {"a": rng.standard_normal((3, 2)), "b": rng.standard_normal(4)}
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    mine, other = ours(params, **options), theirs(tensors.values(), **options)
    for _ in range(5):
        grads = {name: rng.standard_normal(value.shape) for name, value in params.items()}
        before = {name: value.copy() for name, value in grads.items()}
        mine.step(grads)
        for name, tensor in tensors.items():
            tensor.grad = torch.tensor(grads[name])
        other.step()
        np.testing.assert_equal(grads, before)
        for name, tensor in tensors.items():
            np.testing.assert_allclose(params[name], tensor.detach(), rtol=1e-12)


def test_an_optimiser_holds_the_layers_own_arrays(rng):
    layer, head = ref.RNN(3, 4, rng=0), ref.Linear(4, 2, rng=0)
    before = layer.state_dict()
    optimiser = ref.SGD(layer.params | head.params, lr=1.0)
    grads = {name: np.ones_like(value) for name, value in (layer.params | head.params).items()}
    optimiser.step(grads)
    np.testing.assert_allclose(layer.params["weight_hh_l0"], before["weight_hh_l0"] - 1)
    layer.load_state_dict(before)
    optimiser.step(grads)
    np.testing.assert_allclose(layer.params["weight_hh_l0"], before["weight_hh_l0"] - 1)


def test_a_network_learns_with_what_is_here(rng):
    """Running parity of two steps: no straight line can do it, and a small network does."""
    x = rng.integers(0, 2, (8, 64, 1)).astype(float)
    targets = (x[..., 0] + np.concatenate([np.zeros((1, 64)), x[:-1, :, 0]])).astype(int) % 2
    layer, head = ref.LSTM(1, 8, rng=1), ref.Linear(8, 2, rng=1)
    optimiser, losses = ref.Adam(layer.params | head.params, lr=0.03), []
    for _ in range(150):
        tape = layer.unroll(x)
        loss, dlogits = ref.softmax_cross_entropy(head(tape.y), targets)
        above = head.backward(tape.y, dlogits)
        grads = layer.bptt(tape, above.x).params | above.params
        ref.clip_grad_norm(grads, 1.0)
        optimiser.step(grads)
        losses.append(loss)
    assert losses[0] > 0.6
    assert losses[-1] < 0.1


@pytest.mark.parametrize(
    ("make_one", "error", "message"),
    [
        (lambda p: ref.SGD(p, lr=-1), ValueError, "lr: expected a finite number of at least 0, got -1"),
        (lambda p: ref.SGD(p, momentum=np.nan), ValueError, "momentum"),
        (lambda p: ref.Adam(p, lr=np.inf), ValueError, "lr"),
        (lambda p: ref.Adam(p, eps=-1e-8), ValueError, "eps"),
        (lambda p: ref.Adam(p, betas=(0.9, 1.0)), ValueError, r"betas: expected two numbers.*got \(0.9, 1.0\)"),
        (lambda p: ref.Adam(p, betas=(0.9,)), ValueError, "betas"),
        (lambda p: ref.SGD(list(p.values())), TypeError, "params: expected a mapping.*, got list of 1"),
        (lambda p: ref.SGD({"a": 1.0}), TypeError, "params"),
        (lambda p: ref.SGD(p).step({}), KeyError, r"grads: expected the names \['a'\], got \[\]"),
        (lambda p: ref.Adam(p).step({"a": np.zeros(2)}), ValueError, r"expected shape \(3,\), got \(2,\)"),
    ],
)
def test_bad_input_of_optimisers(make_one, error, message):
    with pytest.raises(error, match=message):
        make_one({"a": np.zeros(3)})


def test_clipping_by_norm_keeps_the_direction(rng):
    grads = {"a": rng.standard_normal((3, 2)), "b": rng.standard_normal(4)}
    before = {name: value.copy() for name, value in grads.items()}
    tensors = [torch.tensor(value) for value in before.values()]
    expected = float(torch.cat([tensor.flatten() for tensor in tensors]).norm())
    assert ref.clip_grad_norm(grads, 0.5) == pytest.approx(expected, rel=1e-14)
    for name, value in grads.items():
        np.testing.assert_allclose(value, before[name] * 0.5 / expected, rtol=1e-14)
    assert ref.clip_grad_norm(list(grads.values()), 10.0) == pytest.approx(0.5, rel=1e-14)
    for name, value in grads.items():
        np.testing.assert_allclose(value, before[name] * 0.5 / expected, rtol=1e-14)


def test_the_norm_of_large_single_precision_gradients_does_not_overflow():
    grads = np.full(4, 1e30, np.float32)
    assert ref.clip_grad_norm(grads, 1.0) == pytest.approx(2e30, rel=1e-6)
    np.testing.assert_allclose(grads, 0.5, rtol=1e-6)
    assert ref.clip_grad_norm({}, 1.0) == 0
    assert ref.clip_grad_norm(np.zeros(3), 1.0) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_norm_that_is_not_finite_is_told_and_nothing_is_changed(bad):
    grads = {"a": np.array([1.0, bad]), "b": np.array([3.0])}
    norm = ref.clip_grad_norm(grads, 1.0)
    assert np.isnan(norm) if np.isnan(bad) else norm == np.inf
    np.testing.assert_equal(grads, {"a": np.array([1.0, bad]), "b": np.array([3.0])})
    with pytest.raises(FloatingPointError, match="grads: expected a finite norm"):
        ref.clip_grad_norm(grads, 1.0, error_if_nonfinite=True)


def test_nan_beside_infinity_is_nan():
    assert np.isnan(ref.clip_grad_norm([np.array([np.inf]), np.array([np.nan])], 1.0))
    assert np.isnan(ref.clip_grad_norm([np.array([np.nan]), np.array([np.inf])], 1.0))
    assert np.isnan(ref.clip_grad_norm([np.array([1.0]), np.array([np.nan])], 1.0))


def test_clipping_by_value_bends():
    grads = {"a": np.array([-3.0, 0.2, np.inf, np.nan])}
    assert ref.clip_grad_value(grads, 0.5) is None
    np.testing.assert_equal(grads["a"], [-0.5, 0.2, 0.5, np.nan])


@pytest.mark.parametrize("clip", [ref.clip_grad_norm, ref.clip_grad_value])
def test_bad_input_of_clipping(clip):
    for limit in (0, -1, np.nan):
        with pytest.raises(ValueError, match="expected a number above 0, got"):
            clip(np.ones(2), limit)
    with pytest.raises(TypeError, match="grads: expected arrays of floating-point numbers, got list"):
        clip([[1.0]], 1.0)
    with pytest.raises(TypeError, match="grads"):
        clip([np.ones(2, int)], 1.0)


@pytest.mark.parametrize("kind", ["rnn-tanh", "lstm", "gru-before", "jordan-linear-tanh"])
def test_the_default_is_uniform_and_fills_its_range(kind):
    layer = type(make(kind))(3, 100, 50) if kind.startswith("jordan") else type(make(kind))(3, 100)
    values = np.concatenate([value.ravel() for value in layer.params.values()])
    assert 0.099 < np.abs(values).max() <= 0.1
    assert abs(values.mean()) < 0.002
    assert values.std() == pytest.approx(0.1 / np.sqrt(3), rel=0.02)


def test_a_seed_decides_and_a_generator_goes_on():
    one, same, other = (ref.LSTM(3, 4, rng=seed).state_dict() for seed in (1, 1, 2))
    np.testing.assert_equal(one, same)
    assert not np.array_equal(one["weight_hh_l0"], other["weight_hh_l0"])
    rng = np.random.default_rng(1)
    first, second = ref.LSTM(3, 4, rng=rng).state_dict(), ref.LSTM(3, 4, rng=rng).state_dict()
    np.testing.assert_equal(first, one)
    assert not np.array_equal(first["weight_hh_l0"], second["weight_hh_l0"])
    assert not np.array_equal(ref.LSTM(3, 4).params["bias_hh_l0"], ref.LSTM(3, 4).params["bias_hh_l0"])


@pytest.mark.parametrize("kind", ["rnn-relu", "lstm", "gru-after", "peephole-old"])
def test_orthogonal_is_orthogonal_gate_by_gate(kind):
    layer = make(kind, num_layers=2, bidirectional=True)
    before = layer.state_dict()
    ref.init.orthogonal(layer, rng=0, gain=0.5)
    seen = []
    for name, value in layer.params.items():
        if "weight_hh" not in name:
            np.testing.assert_array_equal(value, before[name])
            continue
        for block in value.reshape(-1, 4, 4):
            np.testing.assert_allclose(block @ block.T, 0.25 * np.eye(4), atol=1e-14)
            seen.append(block)
    assert len({block.tobytes() for block in seen}) == len(seen)


def test_orthogonal_of_a_matrix_that_is_not_square():
    wide, tall = ref.JordanRNN(3, 4, 6, rng=0), ref.JordanRNN(3, 6, 4, rng=0)
    ref.init.orthogonal(wide)
    ref.init.orthogonal(tall)
    np.testing.assert_allclose(wide.params["weight_yh"] @ wide.params["weight_yh"].T, np.eye(4), atol=1e-14)
    np.testing.assert_allclose(tall.params["weight_yh"].T @ tall.params["weight_yh"], np.eye(4), atol=1e-14)


def test_the_identity_keeps_a_positive_state_for_ever():
    layer = make("rnn-relu")
    ref.init.identity(layer)
    state = np.full((1, 1, 4), 0.7)
    y, _ = layer(np.zeros((1000, 1, 3)), state)
    np.testing.assert_array_equal(y[-1], state[0])
    ref.init.identity(layer, gain=0.5)
    np.testing.assert_array_equal(layer.params["weight_hh_l0"], 0.5 * np.eye(4))


@pytest.mark.parametrize("kind", ["lstm", "peephole-new"])
def test_the_forget_bias_counts_once(kind):
    layer = make(kind, num_layers=2, bidirectional=True)
    before = layer.state_dict()
    ref.init.forget_bias(layer, 3.0)
    for name, value in layer.params.items():
        expected = before[name]
        if name.startswith("bias"):
            expected[4:8] = 3.0 if name.startswith("bias_ih") else 0.0
        np.testing.assert_array_equal(value, expected)


@pytest.mark.parametrize("kind", ["lstm", "peephole-new"])
def test_chrono_spreads_the_time_scales(kind):
    layer = make(kind)
    ref.init.chrono(layer, 50, rng=0)
    b_f, b_i = layer.params["bias_ih_l0"][4:8], layer.params["bias_ih_l0"][:4]
    assert ((np.exp(b_f) >= 1) & (np.exp(b_f) <= 49)).all()
    assert len(set(b_f)) == 4
    np.testing.assert_array_equal(b_i, -b_f)
    np.testing.assert_array_equal(layer.params["bias_hh_l0"][:8], 0)


def test_chrono_of_a_gru_is_on_the_gate_that_keeps():
    layer = make("gru-after")
    before = layer.state_dict()
    ref.init.chrono(layer, 50, rng=0)
    assert (layer.params["bias_ih_l0"][4:8] > 0).all()
    np.testing.assert_array_equal(layer.params["bias_hh_l0"][4:8], 0)
    for part in (slice(0, 4), slice(8, 12)):
        np.testing.assert_array_equal(layer.params["bias_ih_l0"][part], before["bias_ih_l0"][part])


@pytest.mark.parametrize(
    ("kind", "call", "message"),
    [
        ("gru-after", ref.init.forget_bias, "layer: expected one with a bias for the gate f"),
        ("lstm-1997", ref.init.forget_bias, "gate f"),
        ("lstm-1997", lambda layer: ref.init.chrono(layer, 10), "gate f"),
        ("rnn-tanh", lambda layer: ref.init.chrono(layer, 10), "gate f"),
        ("lstm", lambda layer: ref.init.chrono(layer, 1.5), "longest: expected at least 2 steps, got 1.5"),
    ],
)
def test_initialisations_that_do_not_fit(kind, call, message):
    with pytest.raises(ValueError, match=message):
        call(make(kind))


def test_without_biases_there_is_nothing_to_set():
    with pytest.raises(ValueError, match="gate f"):
        ref.init.forget_bias(make("lstm", bias=False))


def test_initialisations_work_side_by_side():
    together = ref.stack([make("lstm", rng=seed) for seed in range(3)])
    ref.init.forget_bias(together, 2.0)
    np.testing.assert_array_equal(together.params["bias_ih_l0"][:, 4:8], 2.0)
    ref.init.orthogonal(together, rng=0)
    block = together.params["weight_hh_l0"][1, 4:8]
    np.testing.assert_allclose(block @ block.T, np.eye(4), atol=1e-14)


def test_each_run_takes_networks_one_by_one(rng):
    logits, targets = rng.standard_normal((3, 4, 2, 5)), rng.integers(0, 5, (3, 4, 2))
    losses, gradients = ref.each_run(ref.softmax_cross_entropy, logits, targets, lengths=[4, 2])
    for s in range(3):
        loss, gradient = ref.softmax_cross_entropy(logits[s], targets[s], [4, 2])
        assert losses[s] == loss
        np.testing.assert_array_equal(gradients[s], gradient)
    grads = {"a": rng.standard_normal((3, 2, 2)), "b": rng.standard_normal((3, 4))}
    norms = ref.each_run(ref.clip_grad_norm, grads, max_norm=0.1)
    assert norms.shape == (3,)
    assert ref.each_run(ref.clip_grad_norm, grads, max_norm=1.0) == pytest.approx([0.1] * 3)
    assert ref.each_run(ref.clip_grad_value, grads, clip_value=1e-3) is None
    assert np.abs(grads["a"]).max() == 1e-3
    with pytest.raises(ValueError, match=r"one S for the leading axis of all, got \[2, 3\]"):
        ref.each_run(ref.mse, logits, logits[:2])


def test_stack_and_unstack_are_inverse_and_copy():
    layers = [make("gru-before", rng=seed) for seed in range(2)]
    together = ref.stack(layers)
    assert together.runs == 2
    assert layers[0].runs is None
    for one, back in zip(layers, ref.unstack(together), strict=True):
        np.testing.assert_equal(back.params, one.params)
    together.params["weight_hh_l0"][...] = 0
    assert np.abs(layers[0].params["weight_hh_l0"]).max() > 0


@pytest.mark.parametrize("alone", [ref.RNN(3, 5, rng=0), ref.Linear(2, 4, rng=0), ref.JordanRNN(2, 3, 4, rng=0)])
def test_one_network_alone_is_not_taken_apart(alone):
    with pytest.raises(ValueError, match=r"layer: expected networks side by side, with parameters \(S, …\), got"):
        ref.unstack(alone)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([], ValueError, "layers: expected at least one, got none"),
        ([ref.RNN(3, 4), ref.LSTM(3, 4)], TypeError, r"expected all as the first, RNN\(.*got LSTM\("),
        ([ref.RNN(3, 4), ref.RNN(3, 4, nonlinearity="relu")], TypeError, "relu"),
        ([ref.RNN(3, 4), ref.RNN(3, 5)], ValueError, "expected parameters"),
        ([ref.RNN(3, 4), ref.RNN(3, 4, dtype=np.float32)], ValueError, "float32"),
        ([ref.RNN(3, 4), ref.RNN(3, 4, batch_first=True)], ValueError, "batch_first"),
    ],
)
def test_what_cannot_stand_side_by_side(layers, error, message):
    with pytest.raises(error, match=message):
        ref.stack(layers)
