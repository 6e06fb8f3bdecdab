"""The PyTorch loop: it does what a plain loop does and what the NumPy loop does, and says what is wrong."""

import subprocess
import sys
from itertools import repeat

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from companion import nn, training
from companion import reference as ref
from companion.tasks import Batch, Echo
from companion.training import (
    Batches,
    Diverged,
    EarlyStop,
    Network,
    TorchNetwork,
    evaluate,
    fit,
    squared_error,
    train,
    windows,
)

QUIET = {"mode": "silent"}
DOUBLE = {"dtype": torch.float64}


def network(kind="LSTM", seed=0, out=2, **options):
    torch.manual_seed(seed)
    layer = getattr(nn, kind)(2, 4, **{**DOUBLE, **options})
    return TorchNetwork(layer, torch.nn.Linear(4, out, dtype=options.get("dtype", torch.float64)))


def numbers(rng, T=6, B=3, lengths=None):
    return Batch(rng.normal(size=(T, B, 2)), rng.normal(size=(T, B, 2)), lengths)


def sgd(model, lr=0.1):
    return torch.optim.SGD(model.parameters(), lr=lr)


def weights(model):
    return {name: value.clone() for name, value in model.state_dict().items()}


def assert_same(model, expected, **tolerance):
    for name, value in model.state_dict().items():
        assert_allclose(value, expected[name], err_msg=name, **tolerance)


# ---- what it does --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "PeepholeLSTM", "GRU"])
def test_it_takes_the_numpy_loop_s_steps(rng, kind):
    model = network(kind)
    twin = Network(getattr(ref, kind)(2, 4), ref.Linear(4, 2))
    twin.layer.load_state_dict(model.layer.state_dict())
    twin.head.load_state_dict(model.head.state_dict())
    batches = [numbers(rng, lengths=np.array([6, 2, 4])) for _ in range(8)]
    expected = fit(twin, batches, squared_error, ref.Adam(twin.params, lr=0.02), 8, **QUIET)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    history = train(model, batches, F.mse_loss, optimiser, 8, **QUIET)
    assert_allclose(history.loss, expected.loss, rtol=1e-9)
    assert_allclose(history.norm, expected.norm, rtol=1e-9)
    assert_same(model, {name: torch.from_numpy(value) for name, value in twin.params.items()}, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "PeepholeLSTM", "GRU"])
def test_every_engine_takes_the_same_steps(rng, kind):
    batches = [numbers(rng, T=9) for _ in range(3)]
    eager, fused = (network(kind, engine=engine) for engine in ("eager", "fused"))
    for model in (eager, fused):
        train(model, batches, F.mse_loss, sgd(model), 9, k1=3, k2=5, carry=True, **QUIET)
    assert_same(fused, eager.state_dict(), rtol=1e-9, atol=1e-13)


@settings(max_examples=12)
@given(T=st.integers(1, 9), k1=st.integers(1, 5), more=st.integers(0, 4), carry=...)
def test_truncated_it_is_the_loop_over_windows(T, k1, more, carry: bool):
    rng = np.random.default_rng(T)
    model, twin, batches = network(), network(), [numbers(rng, T) for _ in range(2)]
    plain, carried, losses = sgd(twin), None, []
    for batch in batches:
        y = torch.from_numpy(batch.y)
        for window in windows(twin, torch.from_numpy(batch.x), k1, k1 + more, carried=carried if carry else None):
            loss = F.mse_loss(window.outputs, y[window.steps])
            plain.zero_grad()
            loss.backward()
            plain.step()
            losses.append(loss.item())
            if carry:
                carried = window.carried
        carried = carried if carry else None
    options = {"k1": k1, "k2": k1 + more, "carry": carry}
    history = train(model, batches, F.mse_loss, sgd(model), len(losses), **options, **QUIET)
    assert_allclose(history.loss, losses, rtol=1e-9)
    assert_same(model, twin.state_dict(), rtol=1e-9, atol=1e-13)


def test_a_stream_in_batches_is_learnt_as_it_is_in_one(rng):
    whole = numbers(rng, T=24)
    pieces = [Batch(whole.x[i : i + 6], whole.y[i : i + 6]) for i in range(0, 24, 6)]
    one, many = network("GRU"), network("GRU")
    expected = train(one, [whole], F.mse_loss, sgd(one), 12, k1=2, k2=5, **QUIET)
    history = train(many, pieces, F.mse_loss, sgd(many), 12, k1=2, k2=5, carry=True, **QUIET)
    assert_allclose(history.loss, expected.loss, rtol=1e-12)
    assert_same(many, one.state_dict(), rtol=1e-12)


def test_a_carried_state_begins_anew_with_each_pass(rng):
    stream = [numbers(rng) for _ in range(2)]
    model = network()
    still = sgd(model, lr=0.0)
    history = train(model, Batches(lambda _: stream), F.mse_loss, still, 6, carry=True, **QUIET)
    assert_array_equal(history.loss, np.tile(history.loss[:2], 3))
    alone = train(model, stream[1:], F.mse_loss, still, 1, **QUIET)
    assert alone.loss[0] != history.loss[1]


def test_an_echo_is_learnt_with_a_window_that_is_long_enough(rng):
    task = Echo(lag=1)
    model = network("GRU", seed=0, dtype=torch.float32)
    batches = Batches(lambda rng: [task.batch(12, 16, rng)])
    optimiser = torch.optim.Adam(model.parameters(), lr=0.03)
    history = train(model, batches, F.cross_entropy, optimiser, 400, k1=4, k2=6, clip=1.0, carry=True, **QUIET)
    assert history.loss[:5].mean() > 0.6 > 0.1 > history.loss[-5:].mean()
    assert evaluate(model, [task.batch(40, 8, rng)], F.cross_entropy) < 0.1


def test_blocks_without_targets_move_the_state_and_make_no_update(rng):
    batch = Echo(lag=5).batch(9, 3, rng)
    model = network()
    history = train(model, [batch], F.cross_entropy, sgd(model, lr=0.0), 2, k1=3, **QUIET)
    outputs = model(torch.from_numpy(batch.x))[0].detach().numpy()
    expected = [
        ref.softmax_cross_entropy(outputs[t : t + 3], batch.y[t : t + 3], mask=batch.asked[t : t + 3])[0]
        for t in (3, 6)
    ]
    assert_allclose(history.loss, expected, rtol=1e-12)


def test_jordans_network_is_trained_too(rng):
    torch.manual_seed(0)
    model = TorchNetwork(nn.JordanRNN(2, 4, 2, **DOUBLE))
    history = train(model, repeat(numbers(rng)), F.mse_loss, sgd(model), 30, k1=3, **QUIET)
    assert history.loss[-2:].sum() < history.loss[:2].sum()


@pytest.mark.parametrize(("name", "size"), [("clip", 0.01), ("clip_value", 0.002)])
def test_the_gradient_is_clipped_after_its_norm_was_taken(rng, name, size):
    batch, model = numbers(rng), network()
    before = weights(model)
    _, grads = training.gradients(model, batch, F.mse_loss)
    norm = torch.sqrt(sum((grad**2).sum() for grad in grads.values()))
    history = train(model, [batch], F.mse_loss, sgd(model, lr=1.0), 1, **{name: size}, **QUIET)
    assert_allclose(history.norm, [norm], rtol=1e-9)
    for key, value in model.state_dict().items():
        # torch.nn.utils.clip_grad_norm_ divides by the norm and a millionth
        moved = grads[key] * size / (norm + 1e-6) if name == "clip" else grads[key].clamp(-size, size)
        assert_allclose(before[key] - value, moved, rtol=1e-9, atol=1e-13)


# ---- schedules, early stop ------------------------------------------------------------------------------------------


def test_a_schedule_makes_a_step_after_each_update(rng):
    model = network()
    optimiser = sgd(model, lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, 2, gamma=0.1)
    train(model, repeat(numbers(rng)), F.mse_loss, optimiser, 5, schedule=schedule, clip=0.001, **QUIET)
    assert_allclose(schedule.get_last_lr(), [0.01])


def test_a_schedule_that_waits_for_the_validation_gets_it(rng):
    model = network()
    optimiser = sgd(model)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimiser, factor=0.5, patience=0)
    stop = EarlyStop(lambda _: 1.0, every=2, patience=100)
    train(model, repeat(numbers(rng)), F.mse_loss, optimiser, 6, schedule=schedule, early_stop=stop, **QUIET)
    assert schedule.num_bad_epochs == 0
    assert_allclose(optimiser.param_groups[0]["lr"], 0.1 * 0.5**3)


def test_early_stop_brings_the_best_weights_back(rng):
    model, seen = network(), []
    values = iter([5.0, 3.0, float("nan"), 4.0, 3.5, 1.0])

    def validate(net):
        seen.append(weights(net))
        return next(values)

    stop = EarlyStop(validate, every=2, patience=3)
    history = train(model, repeat(numbers(rng)), F.mse_loss, sgd(model), 100, early_stop=stop, **QUIET)
    assert history.stopped
    assert history.checked.tolist() == [0, 2, 4, 6, 8]
    assert history.best == 2
    assert history.loss.shape == (8,)
    assert_same(model, seen[1], rtol=0)


def test_without_early_stop_the_last_weights_stay(rng):
    model = network()
    history = train(model, repeat(numbers(rng)), F.mse_loss, sgd(model), 3, **QUIET)
    assert not history.stopped
    assert history.best is None
    assert history.seconds > 0


# ---- precision -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "PeepholeLSTM", "GRU"])
@pytest.mark.parametrize("options", [{}, {"k1": 2, "k2": 5, "carry": True}])
def test_bfloat16_takes_nearly_the_same_steps(rng, kind, options):
    batches = [numbers(rng) for _ in range(3)]
    exact, rough = (network(kind, dtype=torch.float32) for _ in range(2))
    expected = train(exact, batches, F.mse_loss, sgd(exact), 3, **options, **QUIET)
    history = train(rough, batches, F.mse_loss, sgd(rough), 3, precision="bfloat16", **options, **QUIET)
    assert_allclose(history.loss, expected.loss, rtol=0.02)
    assert_allclose(history.norm, expected.norm, rtol=0.05)
    assert (history.loss != expected.loss).any()
    assert {value.dtype for value in rough.state_dict().values()} == {torch.float32}


def test_float16_clips_the_gradient_at_its_own_size(rng):
    batch = numbers(rng)
    exact, rough = (network("PeepholeLSTM", dtype=torch.float32) for _ in range(2))
    expected = train(exact, [batch], F.mse_loss, sgd(exact), 1, clip=0.01, **QUIET)
    history = train(rough, [batch], F.mse_loss, sgd(rough), 1, clip=0.01, precision="float16", **QUIET)
    assert_allclose(history.norm, expected.norm, rtol=0.01)
    assert_same(rough, exact.state_dict(), atol=1e-4)


def test_float16_leaves_out_an_update_that_overflows(rng):
    batch = numbers(rng)
    huge = Batch(batch.x, batch.y * 1e3)
    model = network("PeepholeLSTM", dtype=torch.float32)
    optimiser = sgd(model)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, 1)
    before = weights(model)
    history = train(model, [huge], F.mse_loss, optimiser, 1, precision="float16", schedule=schedule, **QUIET)
    assert np.isfinite(history.loss).all()
    assert not np.isfinite(history.norm).any()
    assert_same(model, before, rtol=0)
    assert schedule.last_epoch == 0


# ---- evaluation ----------------------------------------------------------------------------------------------------


def test_the_evaluation_is_the_mean_over_all_targets(rng):
    model = network()
    batches = [numbers(rng, lengths=np.array([6, 2, 4])), numbers(rng, T=3)]
    each = [(model(torch.from_numpy(b.x))[0].detach().numpy() - b.y)[b.mask] ** 2 for b in batches]
    assert_allclose(evaluate(model, batches, F.mse_loss), np.concatenate(each).mean(), rtol=1e-12)


def test_the_evaluation_carries_a_state_and_leaves_the_modes_as_they_were(rng):
    model = network(num_layers=2, dropout=0.5)
    model.head.eval()
    whole = numbers(rng, T=8)
    pieces = [Batch(whole.x[i : i + 2], whole.y[i : i + 2]) for i in range(0, 8, 2)]
    value = evaluate(model, [whole], F.mse_loss)
    assert_allclose(evaluate(model, pieces, F.mse_loss, carry=True), value, rtol=1e-12)
    assert abs(evaluate(model, pieces, F.mse_loss) - value) > 1e-6
    assert model.training
    assert not model.head.training
    with pytest.raises(ValueError, match="batches: expected at least one target, got none"):
        evaluate(model, [], F.mse_loss)


# ---- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"updates": 0}, "updates: expected at least 1, got 0"),
        ({"clip": 0.0}, "clip: expected a number above 0 or None, got 0.0"),
        ({"clip_value": -1}, "clip_value: expected a number above 0 or None, got -1"),
        ({"clip": 1.0, "clip_value": 2.0}, "clip_value: expected None where clip = 1.0 is given, got 2.0"),
        ({"k1": 0}, "k1: expected at least 1, got 0"),
        ({"k2": 4}, "k1: expected a number of steps where k2 is given"),
        ({"precision": "half"}, "precision: expected .* got 'half'"),
        ({"updates": 3}, "batches: expected enough for 3 updates, got 2"),
        ({"checkpoint": training.Checkpoint("run")}, "batches: expected Batches, which know their place"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(rng, options, message):
    model = network()
    with pytest.raises(ValueError, match=message):
        train(model, [numbers(rng)] * 2, F.mse_loss, sgd(model), **{"updates": 1, **options, **QUIET})


def test_optimisers_and_schedules_of_others_are_refused(rng):
    model, other, batches = network(), network(), [numbers(rng)]
    with pytest.raises(ValueError, match=r"optimiser: expected one made with model\.parameters\(\)"):
        train(model, batches, F.mse_loss, sgd(other), 1, **QUIET)
    schedule = torch.optim.lr_scheduler.StepLR(sgd(model), 1)
    with pytest.raises(ValueError, match="schedule: expected one made with this optimiser"):
        train(model, batches, F.mse_loss, sgd(model), 1, schedule=schedule, **QUIET)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(sgd(model))
    with pytest.raises(ValueError, match="schedule: expected an early_stop"):
        train(model, batches, F.mse_loss, plateau.optimizer, 1, schedule=plateau, **QUIET)


def test_a_model_that_takes_no_lengths_is_named(rng):
    layer = nn.RNN(2, 2, **DOUBLE)
    batch = numbers(rng, lengths=np.array([6, 2, 4]))
    with pytest.raises(TypeError, match=r"model: expected one called .* such as TorchNetwork\(RNN\), got RNN"):
        train(layer, [batch], F.mse_loss, sgd(layer), 1, **QUIET)
    with pytest.raises(ValueError, match="batches: expected whole sequences where they are cut and carried on"):
        train(layer, [batch], F.mse_loss, sgd(layer), 1, k1=2, carry=True, **QUIET)
    assert train(layer, [batch], F.mse_loss, sgd(layer), 1, k1=2, **QUIET).loss.shape == (1,)


def test_two_directions_cannot_be_cut_or_carried(rng):
    model = nn.RNN(2, 1, bidirectional=True, **DOUBLE)
    for options in ({"k1": 2}, {"carry": True}):
        with pytest.raises(ValueError, match="model: expected one direction"):
            train(model, [numbers(rng)], F.mse_loss, sgd(model), 1, **options, **QUIET)
    assert np.isfinite(train(model, [numbers(rng)], F.mse_loss, sgd(model), 1, **QUIET).loss).all()


@pytest.mark.parametrize(("clip", "advice"), [(None, "at update 1; clip the gradient, or"), (1.0, "at update 1$")])
def test_a_loss_that_is_not_finite_ends_the_run_with_its_history(rng, clip, advice):
    good = numbers(rng)
    bad = Batch(good.x * np.inf, good.y)
    model = network()
    with pytest.raises(Diverged, match=advice) as caught:
        train(model, [good, bad], F.mse_loss, sgd(model), 2, clip=clip, **QUIET)
    assert np.isfinite(caught.value.history.loss).tolist() == [True, False]
    assert caught.value.history.norm[1] == np.inf


def test_outputs_of_another_shape_are_refused(rng):
    class Last(torch.nn.Linear):
        def forward(self, x, state):
            return super().forward(x)[-1:], state

    model = Last(2, 2, **DOUBLE)
    with pytest.raises(ValueError, match=r"outputs: expected \(T, B, …\) with \(T, B\) = \(6, 3\)"):
        train(model, [numbers(rng)], F.mse_loss, sgd(model), 1, **QUIET)


# ---- the package ---------------------------------------------------------------------------------------------------


def test_every_public_name_is_there_and_no_other():
    for name in training.__all__:
        assert getattr(training, name).__doc__
        assert name in dir(training)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        training.nothing  # noqa: B018


def test_the_numpy_loop_loads_without_torch():
    program = """
import sys
sys.modules["torch"] = None
from companion import training
assert training.fit and "train" in dir(training)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_without_torch_the_rest_says_what_it_needs(monkeypatch):
    monkeypatch.delitem(training.__dict__, "train", raising=False)
    monkeypatch.setattr(training, "find_spec", lambda _: None)
    with pytest.raises(
        ImportError, match=r'companion\.training\.train needs PyTorch: pip install "companion\[training\]"'
    ):
        training.train  # noqa: B018
