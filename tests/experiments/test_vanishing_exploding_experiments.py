"""The experiments on gradients over many steps measure what they say; the judges of C08 to C12 follow their rules."""

import dataclasses

import numpy as np
import pytest

from companion.experiments import default_gradients, jacobians, squashing
from companion.experiments.claims import vanishing_exploding as judges
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS
from companion.reference import RNN
from companion.reference.jacobians import ACTIVATIONS, slope


@pytest.fixture(scope="module")
def measured():
    return Evidence.load("jacobians")


@pytest.fixture(scope="module")
def squashed():
    return Evidence.load("squashing")


def changed(data, **numbers):
    return dataclasses.replace(data, summary={**data.summary, **numbers})


# ---- what is measured ------------------------------------------------------------------------------------------------


def test_the_first_seed_is_measured_again(measured):
    now = jacobians.one(np.random.default_rng(0), jacobians.CONFIG)
    then = measured.results[0]
    for name in ("sigma", "rho", "gap"):
        np.testing.assert_allclose(now[name], then[name], rtol=1e-5, atol=1e-9, err_msg=name)
    quiet = [i for i, (_, kind, _, size) in enumerate(jacobians.labels(jacobians.CONFIG)) if kind == "linear" and size]
    for name in ("near", "far", "peak"):
        np.testing.assert_allclose(np.array(now[name], float)[quiet], np.array(then[name], float)[quiet], rtol=1e-4)


def test_the_matrices_are_what_their_names_say(rng):
    config = jacobians.CONFIG
    turn, shear = jacobians.orthogonal(rng, 8), jacobians.sheared(rng, 8, config["sheared"])
    np.testing.assert_allclose(turn @ turn.T, np.eye(8), atol=1e-12)
    assert np.abs(np.linalg.eigvals(jacobians.gaussian(rng, 8))).max() == pytest.approx(1)
    assert np.abs(np.linalg.eigvals(shear)).max() == pytest.approx(0.8)
    assert np.linalg.norm(shear, 2) > 2
    U, b, rest = jacobians.resting(rng, 8, config["nilpotent"])
    np.testing.assert_allclose(np.tanh(U @ rest + b), rest, atol=1e-12)
    np.testing.assert_allclose(U @ U, 0, atol=1e-12)


@pytest.mark.parametrize("kind", ["tanh", "sigmoid"])
def test_the_slopes_under_noise_are_those_of_the_reference_layer(rng, kind):
    U, x = rng.normal(size=(1, 4, 4)), rng.normal(size=(12, 4))
    found = jacobians.slopes_under_noise(U, [kind], np.array([0.5]), x, 2)
    layer = RNN(4, 4, nonlinearity=kind, rng=0)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    layer.load_state_dict(dict(zip(names, (np.eye(4), U[0], np.full(4, 0.5), np.zeros(4)), strict=True)))
    expected = slope(ACTIVATIONS[kind], layer(x)[0])[2:]
    np.testing.assert_allclose(found[:, 0], expected, rtol=1e-9)


def test_what_is_left_is_what_finite_differences_find():
    rng = np.random.default_rng(0)
    layer, x, dy = default_gradients.KINDS["gru"](2, 3, rng), rng.normal(size=(5, 1, 2)), rng.normal(size=(1, 3))
    sizes = []
    for t in (3, 4):
        moved = np.zeros(2)
        for i in range(2):
            step = np.zeros_like(x)
            step[t, 0, i] = 1e-6
            moved[i] = ((layer(x + step)[0] - layer(x - step)[0])[-1] * dy).sum() / 2e-6
        sizes.append(np.linalg.norm(moved))
    np.testing.assert_allclose(default_gradients.left(layer, x, dy, [1]), sizes[0] / sizes[1], rtol=1e-6)


def test_an_lstm_leaves_more_with_its_forget_gate_open():
    summary = Evidence.load("default_gradients").summary
    assert summary["lstm"]["k50"]["max"] < 1e-6 < 0.01 < summary["lstm_3"]["k50"]["min"]


def test_a_composition_with_weight_four_keeps_its_slope_in_the_middle(squashed):
    (run,) = (run for run in squashed.results if (run["weight"], run["bias"]) == (4.0, "centred"))
    assert run["steepest"] == pytest.approx([1.0] * len(squashing.CONFIG["layers"]))
    assert run["spread"][-1] < 0.3


# ---- the judges ------------------------------------------------------------------------------------------------------


def test_exponential_turns_with_its_condition(measured):
    cases = (
        measured,
        changed(measured, first_up=0, tanh_off=0),
        changed(measured, unsteady=0.2),
        changed(measured, from_radius=0.1),
    )
    assert [judges.exponential(data).label for data in cases] == [CONDITIONAL, HOLDS, FALSE, FALSE]


def test_slopes_turns_with_its_condition(measured):
    pairs = measured.summary["pairs"]
    always = pairs | {"driven": pairs["driven"] | {"tanh_longer": pairs["driven"]["of"]}}
    seldom = pairs | {"free": pairs["free"] | {"tanh_longer": 1}}
    cases = (
        measured,
        changed(measured, pairs=always),
        changed(measured, pairs=seldom),
        changed(measured, gap=1e-6),
    )
    assert [judges.slopes(data).label for data in cases] == [CONDITIONAL, HOLDS, FALSE, FALSE]


def test_quarter_turns_with_its_condition(squashed):
    cases = (squashed, changed(squashed, taken=0.25), changed(squashed, taken=0.25, error=1e-3))
    assert [judges.quarter(data).label for data in cases] == [FALSE, HOLDS, FALSE]


def test_flattened_turns_with_its_condition(squashed):
    cases = (
        squashed,
        changed(squashed, not_flat=[], flat=12),
        changed(squashed, not_flat=[[1.0, "plain"]]),
        changed(squashed, error=1.0),
    )
    assert [judges.flattened(data).label for data in cases] == [CONDITIONAL, HOLDS, FALSE, FALSE]


def test_size_turns_with_its_condition(measured):
    told = measured.summary["statements"]
    clean = {name: {"of": count["of"], "against": 0} for name, count in told["tanh"]["rho"].items()}
    spoilt = {name: {"of": 1, "against": 1} for name in clean}
    cases = (
        measured,
        changed(measured, statements={**told, "tanh": {**told["tanh"], "rho": clean}}),
        changed(measured, statements={**told, "linear": {"rho": spoilt, "sigma": spoilt}}),
    )
    assert [judges.size(data).label for data in cases] == [CONDITIONAL, HOLDS, FALSE]
