"""Clipping, activations, normalisation and initial weights: cells against written-out ones, and seeds again."""

import copy
import dataclasses

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from companion.experiments import Evidence, activations, clipping, initialisation, normalisation, together
from companion.tasks import Adding, characters

# ---- clipping --------------------------------------------------------------------------------------------------------


def test_reading_characters_is_an_elman_layer_of_torch(rng):
    runs = [together.drawn_weights("default", 1.0, 9, 6, 9, np.random.default_rng(seed)) for seed in range(2)]
    params = together.stacked(runs)
    params["b"].data += torch.from_numpy(rng.normal(size=(2, 1, 6))).float()
    pieces = torch.from_numpy(rng.integers(9, size=(2, 8, 5)))
    found = clipping.read_characters(params, pieces).detach()
    for s in range(2):
        net = torch.nn.RNN(9, 6, nonlinearity="relu")
        own = {name: value[s].detach() for name, value in params.items()}
        net.load_state_dict(
            {
                "weight_ih_l0": own["W"].T,
                "weight_hh_l0": own["U"].T,
                "bias_ih_l0": own["b"][0],
                "bias_hh_l0": torch.zeros(6),
            }
        )
        said = net(torch.nn.functional.one_hot(pieces[s, :-1], 9).float())[0] @ own["V"] + own["c"]
        expected = torch.nn.functional.cross_entropy(said.flatten(0, 1), pieces[s, 1:].flatten())
        assert_allclose(found[s], expected.detach(), rtol=1e-5)


def test_a_piece_of_text_is_what_stands_there(rng):
    pieces = clipping.texts(np.arange(100) ** 2, 8, 50, rng)
    assert pieces.shape == (9, 50)
    assert_allclose(np.diff(np.sqrt(pieces), axis=0), 1)
    assert pieces.max() <= 99**2


def test_the_baseline_is_the_entropy_of_the_frequencies():
    text = characters.Characters("ab" * 900 + "aaab" * 25 + "abab" * 25)
    learnt = np.array([901, 901]) / 1802
    assert clipping.frequencies(text) == pytest.approx(-np.log(learnt[0]))


def test_some_thresholds_of_the_first_seed_are_measured_again():
    then = Evidence.load("clipping")
    if then.results[0]["characters"] != len(characters.load().text):
        pytest.skip("this Python's documentation has another length, and so other characters")
    config = copy.deepcopy(dict(then.config)) | {"norm": [1.0, 3.0], "value": [0.1]}
    (now,) = clipping.survival([0], config)
    at = [0, *(1 + then.config["norm"].index(t) for t in config["norm"])]
    at.append(1 + len(then.config["norm"]) + then.config["value"].index(0.1))
    first = then.results[0]
    assert now["first_norm"] == pytest.approx(first["first_norm"], rel=1e-4)
    assert now["baseline"] == pytest.approx(first["baseline"], rel=1e-9)
    assert now["finite_updates"][0] == pytest.approx(first["finite_updates"][0], abs=3)
    for loss, i in zip(now["loss"], at, strict=True):
        before = first["loss"][i]
        assert (loss is not None and loss < now["baseline"]) == (before is not None and before < first["baseline"])


# ---- activations -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "relu, usual"])
def test_deep_answers_are_those_of_layers_in_torch(rng, name):
    runs = [activations.deep_weights(4, 7, 1.3, np.random.default_rng(seed)) for seed in range(2)]
    params, x = together.stacked(runs), torch.from_numpy(rng.normal(size=(2, 5, 64))).float()
    phi = {"s": torch.nn.Sigmoid, "t": torch.nn.Tanh, "r": torch.nn.ReLU}[name[0]]
    for s, said in enumerate(activations.deep_answers(params, x, name)):
        layers = []
        for layer in range(5):
            W, b = params[f"W{layer}"][s], params[f"b{layer}"][s, 0]
            linear = torch.nn.Linear(*W.shape)
            linear.load_state_dict({"weight": W.T, "bias": b})
            layers += [linear, phi()]
        assert_allclose(said.detach(), torch.nn.Sequential(*layers[:-1])(x[s]).detach(), rtol=1e-4, atol=1e-5)


def test_the_scales_of_the_deep_networks_are_the_ones_named(rng):
    for name, gain in activations.CONFIG["deep"]["gains"].items():
        W = activations.deep_weights(2, 400, gain, rng)["W1"]
        assert W.std() * 20 == pytest.approx(gain, rel=0.02), name
    assert activations.CONFIG["deep"]["gains"]["relu, usual"] == pytest.approx(1 / np.sqrt(3), rel=1e-9)


def test_the_digits_to_learn_from_and_the_others_are_all_there_once():
    (x, y), (x_new, y_new) = activations.digits(1400)
    assert (x.shape, x_new.shape) == ((1400, 64), (397, 64))
    assert (x.min(), x.max()) == (0, 1)
    assert np.bincount(np.concatenate([y, y_new])).sum() == 1797


def test_two_depths_of_the_first_seed_are_measured_again():
    then = Evidence.load("activations")
    own = then.config["deep"]
    for name in ("sigmoid", "tanh"):
        (now,) = activations.through_layers(name, 3, [0], own)
        before = then.results[0]["deep"][name]["3"]
        assert now["reach"] == pytest.approx(before["reach"], rel=1e-3)
        assert now["accuracy"] == pytest.approx(before["accuracy"], abs=0.03)


# ---- normalisation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", normalisation.KINDS)
def test_each_normalised_cell_is_its_written_out_computation(rng, kind):
    params = normalisation.networks(kind, [1.0], [0, 1], normalisation.CONFIG)
    exact = {name: value.detach().double() for name, value in params.items()}
    exact["b"] += torch.from_numpy(rng.normal(size=(2, 1, 32)))
    x = rng.normal(size=(2, 6, 9, 2))
    found = normalisation.states(kind, exact, torch.from_numpy(x)).numpy()
    for s in range(2):
        own = {name: value[s].numpy() for name, value in exact.items()}
        assert_allclose(found[s], written(kind, own, x[s]), rtol=1e-9, atol=1e-12)


def written(kind, own, x):
    def over_batch(a):
        mean, var = a.mean(axis=0), a.var(axis=0)
        return np.stack([(row - mean) / np.sqrt(var + 1e-5) for row in a])

    h, states = np.zeros((x.shape[1], 32)), []
    everything = (x @ own["W"]).reshape(-1, 32)
    for x_t in x:
        Wx, Uh = x_t @ own["W"], h @ own["U"]
        if kind == "input":
            Wx = own["k"] * (Wx - everything.mean(axis=0)) / np.sqrt(everything.var(axis=0) + 1e-5)
        if kind in ("recurrent", "unit"):
            Wx, Uh = own["k"] * over_batch(Wx), own["g"] * over_batch(Uh)
        a = Wx + Uh
        if kind == "layer":
            a = own["g"] * over_batch(a.T).T
        h = np.tanh(a + own["b"])
        states.append(h)
    return np.stack(states)


def test_the_growth_of_a_plain_network_is_that_of_its_jacobians():
    params = normalisation.networks("none", [1.0], [0], normalisation.CONFIG)
    params = {name: value.detach().double() for name, value in params.items()}
    problem = together.drawn(Adding(12), 3, [np.random.default_rng(5)])
    problem = dataclasses.replace(problem, x=problem.x.double())
    (found,) = normalisation.growth("none", params, problem)
    own = {name: value[0].numpy() for name, value in params.items()}
    states, h = [], np.zeros((3, 32))
    for x_t in problem.x[0].numpy():
        h = np.tanh(x_t @ own["W"] + h @ own["U"])
        states.append(h)
    dh = np.random.default_rng(0).normal(size=(3, 32))
    sizes = [np.sqrt((dh**2).mean())]
    for h in states[:1:-1]:
        dh = (dh * (1 - h**2)) @ own["U"].T
        sizes.append(np.sqrt((dh**2).mean()))
    slope = np.polyfit(np.arange(11), np.log(sizes), 1)[0]
    assert found == pytest.approx(np.exp(slope), rel=1e-9)


def test_normalising_the_recurrence_divides_its_size_away():
    one, four = (normalisation.networks("unit", [gain], [0], normalisation.CONFIG) for gain in (1.0, 4.0))
    problem = together.drawn(Adding(10), 16, [np.random.default_rng(0)])
    assert_allclose(*(normalisation.states("unit", p, problem.x).detach() for p in (one, four)), atol=2e-2)


def test_the_factors_of_the_first_seed_are_measured_again():
    then = Evidence.load("normalisation")
    for kind in normalisation.KINDS:
        for i, gain in enumerate(then.config["gains"]):
            params = normalisation.networks(kind, [gain], [0], then.config)
            problem = together.drawn(Adding(then.config["back"]), then.config["batch"], [np.random.default_rng([0, 3])])
            (now,) = normalisation.growth(kind, params, problem)
            assert now == pytest.approx(then.results[0][kind]["growth"][i], rel=1e-3)


# ---- initialisation --------------------------------------------------------------------------------------------------


def test_the_first_seed_learns_again_what_is_quickly_learnt():
    then = Evidence.load("initialisation")
    config = copy.deepcopy(dict(then.config)) | {"lengths": [10], "gains": [0.25, 1.0]}
    config["ways"] = {"orthogonal, sgd": then.config["ways"]["orthogonal, sgd"]}
    (now,) = initialisation.measure([0], config)
    at = [then.config["gains"].index(gain) for gain in config["gains"]]
    new, old = (run["orthogonal, sgd"]["10"] for run in (now, then.results[0]))
    assert_allclose(np.array(new["reach"], dtype=float), np.array(old["reach"], dtype=float)[at], rtol=1e-2)
    solved = np.array(old["accuracy"])[at] >= 0.9
    assert ((np.array(new["accuracy"]) >= 0.9) == solved).all()


def test_the_reach_is_that_of_autograd_on_the_states():
    params = initialisation.networks([0], "gaussian", initialisation.CONFIG | {"gains": [1.0]})
    problem = together.drawn(initialisation.TemporalOrder(10), 7, [np.random.default_rng(1)])
    (found,) = initialisation.reach(params, problem)
    h, states = torch.zeros(7, 32), []
    for x_t in problem.x[0]:
        h = torch.tanh(x_t @ params["W"][0] + h @ params["U"][0] + params["b"][0])
        h.retain_grad()
        states.append(h)
    last = torch.stack([states[t][b] for b, t in enumerate(problem.last[0])])
    torch.nn.functional.cross_entropy(last @ params["V"][0] + params["c"][0], problem.y[0]).backward()
    at_last = torch.stack([states[t].grad[b] for b, t in enumerate(problem.last[0])])
    assert found == pytest.approx((states[0].grad.norm() / at_last.norm()).item(), rel=1e-4)
