"""What the chapter on vanishing and exploding gradients says in words, computed again and asked of the evidence."""

import numpy as np
import pytest

from companion.exercises import vanishing_exploding as exercises
from companion.experiments.claims import claim
from companion.experiments.evidence import Evidence
from companion.reference import jacobians as jac


def test_tanh_is_flatter_than_the_sigmoid_beyond_1_66():
    a = np.array([1.66, 1.67])
    tanh, sigmoid = (jac.slope(jac.ACTIVATIONS[name], jac.ACTIVATIONS[name](a)) for name in ("tanh", "sigmoid"))
    assert tanh[0] > sigmoid[0]
    assert tanh[1] < sigmoid[1]


def test_a_disturbed_eigenvalue_proves_a_hump():
    """The easy half of the Kreiss theorem, on random matrices: no bound is above the highest norm."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        U = np.triu(rng.normal(size=(6, 6)), 1) + 0.8 * np.eye(6)
        highest = max(np.linalg.norm(np.linalg.matrix_power(U, k), 2) for k in range(200))
        for size in (1e-4, 1e-2):
            E = rng.normal(size=(6, 6))
            moved = jac.spectral_radius(U + size * E / np.linalg.norm(E, 2))
            assert (moved - 1) / size <= highest * (1 + 1e-9)


def test_the_matrix_of_zeros_doubles_its_gradient():
    U, rest = np.array([[4.0, 4.0], [-4.0, -4.0]]), np.array([0.0, np.sqrt(0.5)])
    J = jac.step_jacobian(U, 1 - rest**2)
    np.testing.assert_allclose(J @ J, 2 * J, rtol=1e-12)
    np.testing.assert_allclose(np.abs(np.linalg.eigvals(U)), 0, atol=1e-6)
    assert jac.spectral_radius(J) == pytest.approx(2)


def test_a_weight_of_four_keeps_everything_at_best_and_six_explodes():
    assert jac.composed(np.array([0.5]), 5, 4.0, -2.0)[1][0] == pytest.approx(1)
    assert jac.composed(np.array([0.5]), 5, 6.0, -3.0)[1][0] == pytest.approx(1.5**5)


def test_what_the_text_says_of_the_claims():
    bounds, size = claim("C12").verdict().numbers, claim("C09").verdict().numbers
    for kind in ("linear", "tanh"):
        assert bounds[kind]["sigma"]["below_vanishes"]["against"] == 0
        assert bounds[kind]["sigma"]["explodes_above"]["against"] == 0
    for name in ("below_vanishes", "above_explodes", "explodes_above"):
        assert bounds["linear"]["rho"][name]["against"] == 0
        assert bounds["tanh"]["rho"][name]["against"] > 0
    assert size["free"]["tanh"]["half"][1] > size["free"]["sigmoid"]["half"][1]
    assert size["driven"]["tanh"]["rate"][0] < size["driven"]["sigmoid"]["rate"][0] < 0


def test_gated_networks_leave_more_than_tanh_and_as_good_as_nothing():
    summary = Evidence.load("default_gradients").summary
    for name in ("lstm", "gru"):
        assert summary["tanh"]["k50"]["max"] < summary[name]["k50"]["min"] < summary[name]["k50"]["max"] < 1e-8
    assert 0.3 < summary["lstm_3"]["k50"]["median"] < 0.4


def test_any_eigenvalue_from_0_89_to_0_9_makes_the_hump_of_the_exercise():
    for d in (0.89, 0.895, 0.9):
        assert all(exercises.walked(np.array([[d, 3.0], [0.0, d]])).values())
    for d in (0.85, 0.93):
        assert not all(exercises.walked(np.array([[d, 3.0], [0.0, d]])).values())


def test_the_pencil_exercise_is_true():
    matrices = {"A": [[0.9, 2.0], [0.0, 0.9]], "B": [[0.0, 0.9], [-0.9, 0.0]], "C": [[0.6, 0.6], [0.6, 0.6]]}
    for name, (fate, grows) in exercises.fates().items():
        U = np.array(matrices[name])
        assert (jac.spectral_radius(U) > 1) == (fate == "explodes")
        assert (np.linalg.norm(U, 2) > 1) == grows
