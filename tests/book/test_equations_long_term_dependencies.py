"""The numbered equations of the chapter on long-term dependencies, each against a loop, torch or the complex step."""

import numpy as np
import pytest
import torch

from companion import reference as ref
from companion import tasks
from companion.exercises import long_term_dependencies as exercises
from companion.experiments import by_hand, intervals
from companion.training import cross_entropy


@pytest.mark.parametrize(("k", "n"), [(0, 20), (7, 20), (20, 20), (33, 50)])
def test_the_interval_ends_where_the_share_seen_is_just_believable(equation, k, n):
    """Its ends are the shares p whose distance from the one seen is z standard deviations of p itself."""
    z, seen = 1.959963984540054, k / n
    expected = np.sort(np.roots([1 + z**2 / n, -(2 * seen + z**2 / n), seen**2]).real)
    told = equation("eq-ld-wilson", of=intervals.wilson)
    found = intervals.wilson(k, n)
    told.close([found["low"], found["high"]], expected, rtol=1e-9, atol=1e-12)
    told.close(exercises.interval(k, n, z), expected, rtol=1e-9, atol=1e-12)


def test_a_latch_is_a_neuron_of_torch(equation, rng):
    u, w, s = 1.7, 0.6, rng.choice([-1.0, 0.0, 1.0], size=(30, 1, 1))
    torch_layer = torch.nn.RNN(1, 1, bias=False, dtype=torch.float64)
    weights = {"weight_ih_l0": [[w]], "weight_hh_l0": [[u]]}
    torch_layer.load_state_dict({name: torch.tensor(v, dtype=torch.float64) for name, v in weights.items()})
    expected = torch_layer(torch.from_numpy(s))[0].detach().numpy()
    net = by_hand.network([[w]], [[u]], [0], [[1]], 0)
    equation("eq-ld-latch", of=by_hand.network).close(net(s), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("u", [1.05, 1.5, 2.0, 4.0])
def test_a_pulse_turns_a_latch_over_if_it_is_above_u_times_its_state(equation, u):
    told = equation("eq-ld-turn", of=exercises.kept)
    rest = ref.neuron.fixed_points(u)[-1]
    for factor in (0.2, 0.9, 0.99, 1.01, 1.1, 3.0):
        h, w = rest, factor * u * rest
        for step in range(3000):
            h = np.tanh(u * h - (w if step == 0 else 0))
        last = float(exercises.kept(u, w))
        told.close(last, float(h < 0), rtol=0)
        told.close(last, float(factor > 1), rtol=0)


def test_the_adder_is_its_four_lines(equation):
    small, shut, batch = 1e-3, 20.0, tasks.Adding(T=60).batch(5, np.random.default_rng(0))
    p = q = s = np.zeros(5)
    answers = []
    for x, m in batch.x.transpose(0, 2, 1):
        s = np.tanh(s + p - q)
        p, q = np.tanh(small * x + shut * (m - 1)), np.tanh(shut * (m - 1))
        answers.append((s + p - q) / small)
    found = by_hand.adding(tasks.Adding(T=60))(batch.x)[..., 0]
    equation("eq-ld-adder", of=by_hand.adding).close(found, np.array(answers), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("T", [500, 2000])
def test_the_sum_loses_what_tanh_bends(equation, T):
    """The largest numbers at once: from then on the sum is as large as it can be, and loses most."""
    x = np.zeros((T, 1, 2))
    x[:2] = 1
    lost = 2 - by_hand.adding(tasks.Adding(T=T))(x)[-1, 0, 0]
    equation("eq-ld-bend", of=by_hand.adding).close(lost, 8 / 3 * 1e-6 * T, rtol=0.02)


def test_the_chain_hands_on_a_unit_a_step(equation):
    what = tasks.Copying(length=3, delay=4)
    batch, net = what.batch(6, np.random.default_rng(0)), by_hand.copying(what)
    states = net.layer.unroll(batch.x).y
    levels = np.array([-3.0, -1.0, 1.0, 3.0, 0.0, 0.0])[batch.x.argmax(-1)]
    expected = np.zeros_like(states)
    for t in range(what.T):
        value = np.tanh(1e-3 * levels[t])
        for j in range(min(net.layer.hidden_size, what.T - t)):
            expected[t + j, :, j] = value
            value = np.tanh(value)
    equation("eq-ld-chain", of=by_hand.copying).close(states, expected, rtol=1e-12, atol=1e-18)


def test_a_linear_head_names_the_nearest_level(equation, rng):
    z, net = rng.uniform(-4, 4, size=200), by_hand.copying(tasks.Copying(delay=0))
    levels = np.array([-3.0, -1.0, 1.0, 3.0])
    nearest = np.argmin((z[:, None] - levels) ** 2, axis=1)
    told = equation("eq-ld-nearest", of=by_hand.copying)
    told.close(np.argmax(2 * levels * z[:, None] - levels**2, axis=1), nearest.astype(float), rtol=0)
    states = np.zeros((200, net.layer.hidden_size))
    states[:, -1] = 1e-3 * z
    told.close(net.head(states).argmax(axis=1), nearest.astype(float), rtol=0)


@pytest.mark.parametrize(("u", "w", "n"), [(0.5, 0.3, 3), (0.98, 1.2, 10), (1.4, 0.1, 20), (2.0, 2.0, 80)])
def test_the_loss_of_two_latches_is_the_cross_entropy_of_the_network(equation, u, w, n):
    what = tasks.Agreement(distance=n)
    batch, net = what.batch(40, np.random.default_rng(0)), by_hand.agreement(what, u, w, 4.0)
    expected, _ = cross_entropy(net(batch.x), batch)
    loss, _ = by_hand.latch_loss(u, w, 4.0, n)
    equation("eq-ld-loss", of=by_hand.latch_loss).close(loss, expected, rtol=1e-9)


@pytest.mark.parametrize(("u", "w", "n"), [(0.5, 0.3, 3), (0.98, 1.2, 10), (1.4, 0.1, 20), (2.0, 2.0, 5)])
def test_the_slope_by_the_pulse_is_a_product(equation, u, w, n):
    h = [np.tanh(w)]
    for _ in range(n):
        h.append(np.tanh(u * h[-1]))
    product = (1 - h[0] ** 2) * np.prod([u * (1 - state**2) for state in h[1:]])

    def moved(u, w):
        state = np.tanh(w)
        for _ in range(n):
            state = np.tanh(u * state)
        return state.imag / 1e-30

    _, by_u, by_w = by_hand.latch(u, w, n)
    told = equation("eq-ld-slope", of=by_hand.latch)
    told.close(by_w, product, rtol=1e-9)
    told.close(by_w, moved(u, w + 1e-30j), rtol=1e-9)
    told.close(by_u, moved(u + 1e-30j, complex(w)), rtol=1e-9)


def test_the_gradient_of_the_loss_is_that_of_the_complex_step():
    u, w, v, n = 1.1, 0.4, 4.0, 12
    _, gradient = by_hand.latch_loss(u, w, v, n)
    for found, (du, dw) in zip(gradient, np.eye(2) * 1e-30j, strict=True):
        state = np.tanh(w + dw)
        for _ in range(n):
            state = np.tanh((u + du) * state)
        expected = (2 * np.log(1 + np.exp(-2 * v * state))).imag / 1e-30
        np.testing.assert_allclose(found, expected, rtol=1e-9)
