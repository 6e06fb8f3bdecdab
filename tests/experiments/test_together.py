"""Many networks at once are the networks they would be alone, and the counts have the right intervals."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from companion import reference as ref
from companion.experiments import together
from companion.tasks import Adding, TemporalOrder


def network(kind="default", seeds=(0, 1, 2), I=3, H=5, O=2):  # noqa: E741
    runs = [together.drawn_weights(kind, 1.0, I, H, O, np.random.default_rng(seed)) for seed in seeds]
    params = together.stacked(runs)
    return {name: value.detach().double().requires_grad_() for name, value in params.items()}


def as_layer(params, s, nonlinearity="tanh"):
    layer = ref.RNN(3, 5, nonlinearity=nonlinearity)
    own = {name: value[s].detach().numpy() for name, value in params.items()}
    layer.load_state_dict(
        {
            "weight_ih_l0": own["W"].T,
            "weight_hh_l0": own["U"].T,
            "bias_ih_l0": own["b"][0],
            "bias_hh_l0": np.zeros(5),
        }
    )
    return layer


@pytest.mark.parametrize(("phi", "name"), [(torch.tanh, "tanh"), (torch.relu, "relu")])
def test_each_run_has_the_states_of_the_reference(rng, phi, name):
    params = network()
    params["b"].data += torch.from_numpy(rng.normal(size=(3, 1, 5)))
    x = rng.normal(size=(3, 7, 4, 3))
    states = together.states(params, torch.from_numpy(x), phi).detach()
    for s in range(3):
        assert_allclose(states[s], as_layer(params, s, name)(x[s])[0], rtol=1e-9, atol=1e-12)


def test_the_head_reads_the_last_step_of_each_sequence(rng):
    params, h = network(), torch.from_numpy(rng.normal(size=(3, 7, 4, 5)))
    last = torch.from_numpy(rng.integers(7, size=(3, 4)))
    said = together.answers(params, h, last).detach()
    for s in range(3):
        for b in range(4):
            expected = h[s, last[s, b], b] @ params["V"][s] + params["c"][s, 0]
            assert_allclose(said[s, b], expected.detach(), rtol=1e-12)


def test_losses_are_those_of_torch_run_by_run(rng):
    said = torch.from_numpy(rng.normal(size=(3, 6, 4)))
    labels, numbers = torch.from_numpy(rng.integers(4, size=(3, 6))), torch.from_numpy(rng.normal(size=(3, 6, 4)))
    by_label, by_number = together.losses(said, labels), together.losses(said, numbers)
    for s in range(3):
        assert_allclose(by_label[s], torch.nn.functional.cross_entropy(said[s], labels[s]), rtol=1e-12)
        assert_allclose(by_number[s], torch.nn.functional.mse_loss(said[s], numbers[s]), rtol=1e-12)


@pytest.mark.parametrize("way", ["norm", "value"])
def test_each_run_is_clipped_as_torch_clips_it(rng, way):
    params = network()
    for value in params.values():
        value.grad = torch.from_numpy(rng.normal(size=tuple(value.shape)))
    limits = torch.tensor([0.5, 3.0, float("inf")], dtype=torch.float64)
    expected = []
    for s, limit in enumerate(limits.tolist()):
        own = [torch.nn.Parameter(value[s].detach().clone()) for value in params.values()]
        for param, value in zip(own, params.values(), strict=True):
            param.grad = value.grad[s].clone()
        if way == "norm":
            torch.nn.utils.clip_grad_norm_(own, limit)
        else:
            torch.nn.utils.clip_grad_value_(own, limit)
        expected.append([param.grad for param in own])
    (together.clip_norm if way == "norm" else together.clip_value)(params, limits)
    for s in range(3):
        for value, other in zip(params.values(), expected[s], strict=True):
            assert_allclose(value.grad[s], other, rtol=1e-5)  # torch adds 1e-6 to the norm


def test_a_run_that_is_lost_takes_no_other_along(rng):
    both, alone = network(seeds=(0, 1)), network(seeds=(0,))
    both["U"].data[1] = float("nan")
    x = torch.from_numpy(rng.normal(size=(1, 7, 4, 3)))

    def trained(params):
        def loss(update):
            return together.states(params, x.expand(len(params["U"]), -1, -1, -1)).pow(2).mean((1, 2, 3))

        limit = torch.full((len(params["U"]),), 0.1, dtype=torch.float64)
        params = {name: value for name, value in params.items() if name in "WUb"}
        optimiser = torch.optim.SGD(params.values(), lr=0.5)
        return together.train(params, loss, 5, optimiser, lambda own: together.clip_norm(own, limit))

    norms, expected = trained(both), trained(alone)
    assert_allclose(norms[:, 0], expected[:, 0], rtol=1e-12)
    assert norms[:, 1].isnan().all()
    assert_allclose(both["U"][0].detach(), alone["U"][0].detach(), rtol=1e-12)


@pytest.mark.parametrize("task", [Adding(12), TemporalOrder(10)])
def test_a_problem_asks_what_the_task_asks_and_serves_each_setting_alike(task):
    problem = together.drawn(task, 6, [np.random.default_rng(3), np.random.default_rng(4)], times=2)
    for s, seed in enumerate((3, 3, 4, 4)):
        batch = task.batch(6, np.random.default_rng(seed))
        assert_allclose(problem.x[s], batch.x, rtol=1e-6)
        assert (problem.last[s].numpy() == np.argmax(batch.asked, axis=0)).all()
        asked = batch.y[problem.last[s], np.arange(6)]
        assert_allclose(problem.y[s].reshape(6), asked.reshape(6), rtol=1e-6)


def test_recurrent_matrices_are_what_they_are_called(rng):
    orthogonal = together.recurrent("orthogonal", 8, 1.5, rng)
    assert_allclose(orthogonal @ orthogonal.T, 2.25 * np.eye(8), atol=1e-12)
    assert_allclose(together.recurrent("identity", 4, 0.5, rng), 0.5 * np.eye(4))
    default = together.recurrent("default", 100, 1.0, rng)
    assert 0.099 < np.abs(default).max() <= 0.1
    gaussian = together.recurrent("gaussian", 400, 2.0, rng)
    assert np.abs(np.linalg.eigvals(gaussian)).max() == pytest.approx(2, rel=0.1)
    with pytest.raises(ValueError, match="kind"):
        together.recurrent("uniform", 4, 1.0, rng)


def test_shares_are_those_of_every_setting():
    assert together.shares([[True, False], [True, True]])[0]["share"] == 1


@pytest.mark.parametrize(("ours", "theirs"), [(together.Descent, torch.optim.SGD), (together.Adam, torch.optim.Adam)])
def test_optimisers_step_as_those_of_torch_with_a_rate_for_each_run(rng, ours, theirs):
    params, rates = network(), [0.3, 0.1, 0.01]
    own = [{name: torch.nn.Parameter(value[s].detach().clone()) for name, value in params.items()} for s in range(3)]
    twins = [theirs(each.values(), lr=rate) for each, rate in zip(own, rates, strict=True)]
    optimiser = ours(params, torch.tensor(rates, dtype=torch.float64))
    for _ in range(4):
        optimiser.zero_grad()
        for name, value in params.items():
            value.grad = torch.from_numpy(rng.normal(size=tuple(value.shape)))
            for s in range(3):
                own[s][name].grad = value.grad[s].clone()
        optimiser.step()
        for twin in twins:
            twin.step()
    for s in range(3):
        for name, value in params.items():
            assert_allclose(value[s].detach(), own[s][name].detach(), rtol=1e-6)
