"""The training loop: it does what a plain loop does, alone and side by side, and refuses what makes no sense."""

from itertools import repeat

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from companion import reference as ref
from companion.tasks import Batch, Echo
from companion.training import (
    Diverged,
    EarlyStop,
    Network,
    cross_entropy,
    fit,
    side_by_side,
    squared_error,
)

QUIET = {"mode": "silent"}


def network(seed=0, size=2, hidden=4, out=2):
    return Network(ref.RNN(size, hidden, rng=seed), ref.Linear(hidden, out, rng=seed + 100))


def numbers(rng, T=6, B=3):
    return Batch(rng.normal(size=(T, B, 2)), rng.normal(size=(T, B, 2)))


def copies(network):
    return {name: value.copy() for name, value in network.params.items()}


# ---- what it does --------------------------------------------------------------------------------------------------


def test_one_update_is_forward_back_clip_and_step(rng):
    batch, net, twin = numbers(rng), network(), network()
    history = fit(net, [batch], squared_error, ref.SGD(net.params, lr=0.1), 1, clip=0.01, decay=0.5, **QUIET)

    tape = twin.layer.unroll(batch.x)
    loss, dy = ref.mse(twin.head(tape.y), batch.y)
    head = twin.head.backward(tape.y, dy)
    layer = twin.layer.bptt(tape, head.x)
    grads = {f"layer.{k}": v for k, v in layer.params.items()} | {f"head.{k}": v for k, v in head.params.items()}
    grads = {k: v + 0.5 * twin.params[k] if "weight" in k else v for k, v in grads.items()}
    norm = np.sqrt(sum((grad**2).sum() for grad in grads.values()))

    assert_allclose(history.loss, [loss], rtol=1e-12)
    assert_allclose(history.norm, [norm], rtol=1e-12)
    for name, value in net.params.items():
        assert_allclose(value, twin.params[name] - 0.1 * 0.01 / norm * grads[name], rtol=1e-12)


def test_the_gradient_of_the_whole_network_is_right(rng):
    batch, net = numbers(rng), network()
    _, grads = net.gradients(batch, squared_error)
    for name, param in net.params.items():
        at = tuple(rng.integers(size) for size in param.shape)
        before, step = param[at], 1e-6
        param[at] = before + step
        up = net.gradients(batch, squared_error)[0]
        param[at] = before - step
        down = net.gradients(batch, squared_error)[0]
        param[at] = before
        assert_allclose(grads[name][at], (up - down) / (2 * step), rtol=1e-6, atol=1e-9)


def test_an_echo_is_learnt(rng):
    task = Echo(lag=1, symbols=2)
    net = network(hidden=8)
    batches = (task.batch(12, 16, rng) for _ in range(400))
    history = fit(net, batches, cross_entropy, ref.Adam(net.params, lr=0.02), 400, clip=1.0, **QUIET)
    test = task.batch(50, 20, rng)
    said = net(test.x).argmax(axis=-1)
    assert (said == test.y)[test.asked].mean() > 0.99
    assert history.loss[:5].mean() > 0.6 > 0.1 > history.loss[-5:].mean()
    assert history.loss.shape == history.norm.shape == (400,)
    assert (history.best, history.stopped, len(history.checked)) == (None, False, 0)
    assert history.seconds > 0


def test_networks_side_by_side_learn_what_each_learns_alone(rng):
    batch = numbers(rng)
    alone = [network(seed) for seed in range(3)]
    together = side_by_side(alone)
    assert together.runs == 3
    settings = {"clip": 0.5, "decay": 0.1, **QUIET}
    history = fit(together, repeat(batch), squared_error, ref.Adam(together.params, 0.05), 20, **settings)
    for s, net in enumerate(alone):
        own = fit(net, repeat(batch), squared_error, ref.Adam(net.params, 0.05), 20, **settings)
        assert_allclose(history.loss[:, s], own.loss, rtol=1e-9)
        assert_allclose(history.norm[:, s], own.norm, rtol=1e-9)
        for name, value in net.params.items():
            assert_allclose(together.params[name][s], value, rtol=1e-9)
        assert_allclose(together(batch.x)[s], net(batch.x), rtol=1e-9)


def test_putting_networks_side_by_side_leaves_them_alone():
    nets = [network(0), network(1)]
    together = side_by_side(nets)
    together.params["head.bias"][...] = 7
    assert not (nets[0].params["head.bias"] == 7).any()


def test_sequences_of_unequal_length_count_as_far_as_they_go(rng):
    x, y = rng.normal(size=(5, 2, 2)), rng.normal(size=(5, 2, 2))
    ragged = Batch(x, y, np.array([5, 3]))
    spoilt = Batch(x.copy(), y.copy(), np.array([5, 3]))
    spoilt.x[3:, 1] = spoilt.y[3:, 1] = 1e6
    one, two = (network().gradients(batch, squared_error) for batch in (ragged, spoilt))
    assert one[0] == two[0]
    for name, grad in one[1].items():
        assert_array_equal(grad, two[1][name])
    assert_array_equal(network()(x, lengths=ragged.lengths)[3:, 1], network().head.params["bias"] * np.ones((2, 1)))


def test_two_directions_start_at_each_sequences_own_end(rng):
    lengths = np.array([5, 3])
    x, y = rng.normal(size=(5, 2, 2)), rng.normal(size=(5, 2, 2))
    net = Network(ref.RNN(2, 3, bidirectional=True, rng=0), ref.Linear(6, 2, rng=1))
    together, grads = net.gradients(Batch(x, y, lengths), squared_error)
    alone = [net.gradients(Batch(x[:n, b : b + 1], y[:n, b : b + 1]), squared_error) for b, n in enumerate(lengths)]
    assert_allclose(together, (5 * alone[0][0] + 3 * alone[1][0]) / 8, rtol=1e-12)
    for name, grad in grads.items():
        assert_allclose(grad, (5 * alone[0][1][name] + 3 * alone[1][1][name]) / 8, rtol=1e-9, atol=1e-15)


# ---- early stop ----------------------------------------------------------------------------------------------------


def scripted(values):
    """A validation that gives these values one after the other, whatever the network is."""
    given = iter(values)
    return lambda network: next(given)


def test_the_best_weights_come_back(rng):
    batch, net = numbers(rng), network()
    seen = []

    def validate(net):
        seen.append(copies(net))
        return abs(len(seen) - 3)

    stop = EarlyStop(validate, every=2, patience=2)
    history = fit(net, repeat(batch), squared_error, ref.Adam(net.params), 50, early_stop=stop, **QUIET)
    assert history.stopped
    assert_array_equal(history.checked, [0, 2, 4, 6, 8])
    assert_array_equal(history.validation, [2, 1, 0, 1, 2])
    assert history.best == 4
    assert len(history.loss) == 8
    for name, value in net.params.items():
        assert_array_equal(value, seen[2][name])


def test_the_last_update_is_validated_too(rng):
    batch, net = numbers(rng), network()
    stop = EarlyStop(scripted([3.0, 2.0, 1.0]), every=5, patience=9)
    history = fit(net, repeat(batch), squared_error, ref.Adam(net.params), 10, early_stop=stop, **QUIET)
    assert_array_equal(history.checked, [0, 5, 10])
    assert (history.best, history.stopped) == (10, False)


def test_a_validation_that_is_not_a_number_is_never_the_best(rng):
    batch, net = numbers(rng), network()
    stop = EarlyStop(scripted([np.nan, 2.0, np.nan, np.inf]), every=1, patience=2)
    history = fit(net, repeat(batch), squared_error, ref.Adam(net.params), 10, early_stop=stop, **QUIET)
    assert history.best == 1


def test_each_network_side_by_side_stops_at_its_own_best(rng):
    batch = numbers(rng)
    net = side_by_side([network(0), network(1)])
    seen = []
    values = iter(np.array([[5, 1], [4, 2], [3, 3], [4, 4], [5, 5]], dtype=float))

    def validate(net):
        seen.append(copies(net))
        return next(values)

    stop = EarlyStop(validate, every=1, patience=2)
    history = fit(net, repeat(batch), squared_error, ref.Adam(net.params), 10, early_stop=stop, **QUIET)
    assert_array_equal(history.best, [2, 0])
    assert len(seen) == 5  # until all have waited long enough
    for name, value in net.params.items():
        assert_array_equal(value[0], seen[2][name][0])
        assert_array_equal(value[1], seen[0][name][1])


@pytest.mark.parametrize("name", ["every", "patience"])
def test_an_early_stop_waits_at_least_once(name):
    with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
        EarlyStop(scripted([]), **{name: 0})


# ---- what it refuses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"updates": 0}, "updates: expected at least 1, got 0"),
        ({"clip": 0}, "clip: expected a number above 0 or None, got 0"),
        ({"clip": float("nan")}, "clip: expected a number above 0"),
        ({"decay": -0.1}, "decay: expected at least 0, got -0.1"),
    ],
)
def test_settings_without_sense_are_refused(rng, changes, message):
    net = network()
    with pytest.raises(ValueError, match=message):
        fit(net, [numbers(rng)], squared_error, ref.SGD(net.params), **{"updates": 1, **changes}, **QUIET)


def test_an_optimiser_of_another_network_is_refused(rng):
    with pytest.raises(ValueError, match=r"optimiser: expected one made with network.params"):
        fit(network(), [numbers(rng)], squared_error, ref.SGD(network().params), 1, **QUIET)
    net = network()
    with pytest.raises(ValueError, match=r"optimiser: expected one made with network.params"):
        fit(net, [numbers(rng)], squared_error, ref.SGD(net.layer.params), 1, **QUIET)


def test_batches_that_end_too_early_are_an_error(rng):
    net = network()
    with pytest.raises(ValueError, match="batches: expected one for each of 3 updates, got 2"):
        fit(net, [numbers(rng)] * 2, squared_error, ref.SGD(net.params), 3, **QUIET)


@pytest.mark.parametrize(
    ("clip", "advice"), [(None, "clip the gradient, or lower the learning rate"), (1.0, "update 1$")]
)
def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_its_history(rng, clip, advice):
    net = network()
    good = numbers(rng)

    def loss(outputs, batch):
        value, gradient = squared_error(outputs, batch)
        return (value, gradient) if batch is good else (np.inf, gradient)

    with pytest.raises(Diverged, match=advice) as caught:
        fit(net, [good, numbers(rng)], loss, ref.SGD(net.params), 2, clip=clip, **QUIET)
    assert isinstance(caught.value, FloatingPointError)
    assert np.isfinite(caught.value.history.loss).tolist() == [True, False]
    assert len(caught.value.history.norm) == 2


def test_a_head_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"head: expected in_features = 8 \(the outputs of the layer\), got 4"):
        Network(ref.RNN(2, 4, bidirectional=True), ref.Linear(4, 1))


def test_networks_of_unequal_size_cannot_stand_side_by_side():
    with pytest.raises(ValueError, match="networks: expected a layer of one and the same kind"):
        side_by_side([network(hidden=4), network(hidden=5)])
    with pytest.raises(ValueError, match="networks: expected a head of one and the same kind"):
        side_by_side([network(out=1), network(out=2)])
    with pytest.raises(ValueError, match="networks: expected at least one"):
        side_by_side([])


def test_networks_of_another_activation_cannot_stand_side_by_side():
    unequal = [Network(ref.RNN(1, 4, nonlinearity=name), ref.Linear(4, 1)) for name in ("tanh", "relu")]
    with pytest.raises(TypeError, match="networks: expected a layer of one and the same kind .* got RNN"):
        side_by_side(unequal)


def test_targets_of_another_shape_are_refused(rng):
    net = network(out=3)
    with pytest.raises(ValueError, match="targets: expected shape"):
        fit(net, [numbers(rng)], squared_error, ref.SGD(net.params), 1, **QUIET)
