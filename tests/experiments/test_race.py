"""Networks that race side by side learn what each learns alone, by torch's arithmetic."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from companion import reference as ref
from companion.experiments import race
from companion.tasks import Adding, AnBn, Copying

TASKS = {"numbers": (Adding(T=6), 1), "symbols": (Copying(length=2, delay=2, symbols=3), 3), "unequal": (AnBn(1, 4), 4)}


def make(rng, inputs):
    return ref.LSTM(inputs, 3, rng=rng, dtype=np.float64)


def start(name, seeds, rate=0.01, clip=1e-2):
    task, outputs = TASKS[name]
    data = race.drawn(task, 5, [np.random.default_rng([seed, 1]) for seed in seeds])
    data = race.Data(data.x.astype(np.float64), data.y, data.asked)
    inputs = data.x.shape[-1]
    return race.runner(lambda rng: make(rng, inputs), outputs, seeds, rate, clip), data


@pytest.mark.parametrize("name", TASKS)
def test_an_update_is_that_of_torch_for_each_network(name):
    seeds, rate, clip = [3, 4], 0.01, 1e-2
    networks, data = start(name, seeds, rate, clip)
    before = {key: value.copy() for key, value in networks.network.params.items()}
    losses = networks.update(data)
    for s in range(len(seeds)):
        layer = torch.nn.LSTM(data.x.shape[-1], 3, dtype=torch.float64)
        head = torch.nn.Linear(3, TASKS[name][1], dtype=torch.float64)
        for part, module in (("layer", layer), ("head", head)):
            module.load_state_dict({key: torch.from_numpy(before[f"{part}.{key}"][s]) for key in module.state_dict()})
        params = [*layer.parameters(), *head.parameters()]
        asked, y = torch.from_numpy(data.asked[s]), torch.from_numpy(data.y[s])
        said = head(layer(torch.from_numpy(data.x[s]))[0])[asked]
        wrong = torch.nn.functional.cross_entropy if data.labels else torch.nn.functional.mse_loss
        loss = wrong(said, y[asked])
        loss.backward()
        assert torch.nn.utils.clip_grad_norm_(params, clip) > clip
        torch.optim.Adam(params, lr=rate).step()
        assert_allclose(losses[s], loss.item(), rtol=1e-9)
        for part, module in (("layer", layer), ("head", head)):
            for key, value in module.state_dict().items():
                assert_allclose(networks.network.params[f"{part}.{key}"][s], value, rtol=1e-4, err_msg=key)


@pytest.mark.parametrize("name", TASKS)
def test_the_gradient_of_the_loss_is_that_of_torch(name, rng):
    _, data = start(name, [0, 1])
    outputs = rng.standard_normal((*data.x.shape[:3], TASKS[name][1]))
    loss, found = race.loss_of(outputs, data)
    for s in range(2):
        said, asked = torch.tensor(outputs[s], requires_grad=True), torch.from_numpy(data.asked[s])
        wrong = torch.nn.functional.cross_entropy if data.labels else torch.nn.functional.mse_loss
        expected = wrong(said[asked], torch.from_numpy(data.y[s])[asked])
        expected.backward()
        assert_allclose(loss[s], expected.item(), rtol=1e-12)
        assert_allclose(found[s], said.grad, rtol=1e-9, atol=1e-15)


def test_a_gradient_is_shortened_for_each_network_alone(rng):
    grads = {"a": rng.standard_normal((3, 2, 2)), "b": rng.standard_normal((3, 4))}
    grads["a"][1] *= 1e-3
    grads["b"][1] *= 1e-3
    expected = [{name: grad[s].copy() for name, grad in grads.items()} for s in range(3)]
    for own in expected:
        ref.clip_grad_norm(own, 0.5)
    race.shorten(grads, 0.5)
    for s, own in enumerate(expected):
        for name in grads:
            assert_allclose(grads[name][s], own[name], rtol=1e-5)


def test_a_score_counts_the_steps_that_are_asked():
    x, asked = np.zeros((2, 2, 2, 1)), np.array([[[1, 1], [0, 1]], [[1, 0], [0, 0]]], bool)
    symbols = race.Data(x, np.array([[[0, 1], [1, 1]], [[1, 1], [-1, -1]]]), asked)
    outputs = np.zeros((2, 2, 2, 2))
    outputs[..., 1] = 1
    assert_allclose(race.score(outputs, symbols), [2 / 3, 1])
    outputs[1, 1, 1, 0] = np.nan
    assert_array_equal(race.score(outputs, symbols), [2 / 3, np.nan])
    numbers = race.Data(x, np.where(asked, 3.0, np.nan)[..., None], asked)
    assert_allclose(race.score(np.ones((2, 2, 2, 1)), numbers), [4, 4])


def test_rows_of_unequal_length_are_filled_up():
    data = race.drawn(AnBn(1, 6), 2, [np.random.default_rng(seed) for seed in range(4)])
    for s in range(4):
        own = AnBn(1, 6).batch(2, np.random.default_rng(s))
        T = len(own.x)
        assert_array_equal(data.x[s, :T], own.x)
        assert_array_equal(data.asked[s, :T], own.asked)
        assert_array_equal(data.y[s][data.asked[s]], own.y[own.asked])
        assert not data.asked[s, T:].any()


@pytest.mark.parametrize("wanted", [1, 7, 500, 10_000])
def test_the_size_is_the_one_whose_count_is_nearest(wanted):
    def count(H):
        return 3 * H * H + 7 * H + 2

    off = [abs(count(H) - wanted) for H in range(1, 1000)]
    assert race.size_for(wanted, count) == 1 + int(np.argmin(off))
