"""The numbered equations of the chapter on vanishing and exploding gradients, those on products of Jacobians."""

import numpy as np
import pytest
import torch

from companion.reference import RNN, neuron
from companion.reference import jacobians as jac

EPSILON = 1e-30
KINDS = ("tanh", "sigmoid", "relu")


def network(kind, rng, T=7, H=4):
    """A layer, an input and a first state."""
    layer = RNN(3, H, nonlinearity=kind, rng=rng)
    return layer, rng.normal(size=(T, 3)), rng.normal(size=H)


def slopes_of(layer, x, start):
    """The recurrent matrix, and the slopes (T, H) along the run."""
    kind = jac.ACTIVATIONS[layer.nonlinearity]
    return layer.params["weight_hh_l0"], jac.slope(kind, layer.unroll(x, start[None]).y)


def by_autograd(layer, x, start):
    """The derivative of the last state by the first, which PyTorch finds with its own layer or its own functions."""
    w = {name: torch.from_numpy(value) for name, value in layer.params.items()}
    phi = {"tanh": torch.tanh, "sigmoid": torch.sigmoid, "relu": torch.relu}[layer.nonlinearity]

    def last(h):
        for x_t in torch.from_numpy(x):
            h = phi(w["weight_ih_l0"] @ x_t + w["bias_ih_l0"] + w["bias_hh_l0"] + w["weight_hh_l0"] @ h)
        return h

    return torch.autograd.functional.jacobian(last, torch.from_numpy(start)).numpy()


@pytest.mark.parametrize("kind", KINDS)
def test_one_step_is_the_slopes_times_the_matrix(equation, rng, kind):
    layer, x, start = network(kind, rng, T=1)
    U, slopes = slopes_of(layer, x, start)
    shown = equation("eq-vanish-step", of=jac.step_jacobian)
    shown.close(jac.step_jacobian(U, slopes[0]), by_autograd(layer, x, start), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
def test_many_steps_are_the_product_of_single_ones(equation, rng, kind):
    layer, x, start = network(kind, rng)
    product = jac.chain(*slopes_of(layer, x, start))
    shown = equation("eq-vanish-product", of=jac.chain)
    shown.close(product, by_autograd(layer, x, start), rtol=1e-9, atol=1e-15)
    dh = rng.normal(size=4)
    back = layer.bptt(layer.unroll(x, start[None]), None, dh[None]).state[0]
    shown.close(product.T @ dh, back, rtol=1e-9, atol=1e-15)


def test_roots_of_the_norms_of_powers_tend_to_the_spectral_radius(equation, rng):
    U = rng.normal(size=(5, 5))
    power = U / np.linalg.norm(U, 2)
    logs = np.log(np.linalg.norm(U, 2))
    for _ in range(40):  # the power is squared and scaled: 2**40 steps, so that the root has no room to differ
        power = power @ power
        size = np.linalg.norm(power, 2)
        logs, power = 2 * logs + np.log(size), power / size
    equation("eq-vanish-power", of=jac.spectral_radius).close(jac.spectral_radius(U), np.exp(logs / 2**40), rtol=1e-9)


def test_the_growth_rate_is_the_logarithm_of_the_norm_by_the_number_of_steps(equation, rng):
    U, slopes = 1.8 * rng.normal(size=(6, 6)) / np.sqrt(6), rng.uniform(0.1, 1.0, size=(60, 6))
    whole = np.linalg.multi_dot([np.diag(slopes_t) @ U for slopes_t in slopes[::-1]])
    expected = np.log(np.linalg.svd(whole, compute_uv=False)[0]) / 60
    rate = jac.growth_rate(jac.log_norms(U, slopes, [0, 60]), [0, 60])
    equation("eq-vanish-lyapunov", of=jac.growth_rate).close(rate, expected, rtol=1e-9)


def test_in_the_long_run_orthogonalising_at_every_step_gives_the_same_rate(rng):
    T, U = 2000, 1.8 * rng.normal(size=(6, 6)) / np.sqrt(6)
    slopes = rng.uniform(0.1, 1.0, size=(T, 6))
    rate = jac.growth_rate(jac.log_norms(U, slopes, [0, T]), [0, T])
    Q, total = np.eye(6), np.zeros(6)
    for slopes_t in slopes:  # forwards, as programs for Lyapunov exponents do (Benettin and others)
        Q, R = np.linalg.qr(np.diag(slopes_t) @ U @ Q)
        total += np.log(np.abs(np.diagonal(R)))
    assert abs(rate - total.max() / T) < 5 / T, "the two norms differ by a factor that does not grow"


@pytest.mark.parametrize(("kind", "steepest"), [("tanh", 1.0), ("sigmoid", 0.25), ("relu", 1.0)])
def test_the_bound_is_reached_where_every_slope_is_the_steepest(equation, rng, kind, steepest):
    Q = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    slopes = np.full((9, 4), jac.STEEPEST[kind])
    reached = np.exp(jac.log_norms(0.7 * Q, slopes, [9]))[0]
    equation("eq-vanish-bound", of=jac.bound).close(jac.bound(0.7 * Q, steepest, 9), reached, rtol=1e-9)


@pytest.mark.parametrize("kind", KINDS)
def test_the_steepest_slope_is_found_nowhere_exceeded(kind):
    a = np.linspace(-8, 8, 20001)
    slopes = np.gradient(jac.ACTIVATIONS[kind](a), a)
    assert slopes.max() == pytest.approx(jac.STEEPEST[kind], rel=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_no_norm_is_above_the_bound(rng, kind):
    for _ in range(20):
        layer, x, start = network(kind, rng, T=12)
        U, slopes = slopes_of(layer, x, start)
        norms = [np.linalg.norm(jac.chain(U, slopes[12 - k :]), 2) for k in range(13)]
        assert (norms <= jac.bound(U, jac.STEEPEST[kind], np.arange(13)) * (1 + 1e-9)).all()
        np.testing.assert_allclose(np.exp(jac.log_norms(U, slopes, range(13))), norms, rtol=1e-9, atol=1e-300)


def test_after_the_half_life_the_bound_is_a_half(equation):
    U = np.diag([3.4, -1.0])
    half = neuron.half_life(0.25 * 3.4)
    equation("eq-vanish-half", of=neuron.half_life).close(jac.bound(U, 0.25, half), 0.5, rtol=1e-9)


@pytest.mark.parametrize(("n", "w", "b"), [(1, 1.0, 0.0), (3, 1.0, 0.0), (5, 6.0, -3.0), (4, -2.0, 0.7)])
def test_the_slope_of_a_composition_is_the_product_of_slopes(equation, n, w, b):
    a = np.linspace(-4, 4, 33)
    moved = a + EPSILON * 1j
    for _ in range(n):
        moved = 1 / (1 + np.exp(-(w * moved + b)))
    y, slopes = jac.composed(a, n, w, b)
    shown = equation("eq-vanish-composed", of=jac.composed)
    shown.close(slopes, moved.imag / EPSILON, rtol=1e-9, atol=1e-15)
    shown.close(y, moved.real, rtol=1e-9)


def test_networks_side_by_side_are_each_as_alone(rng):
    U, slopes = rng.normal(size=(3, 4, 4)), rng.uniform(size=(9, 3, 4))
    together = jac.log_norms(U, slopes, [0, 4, 9])
    for c in range(3):
        np.testing.assert_allclose(together[:, c], jac.log_norms(U[c], slopes[:, c], [0, 4, 9]), rtol=1e-12)
        np.testing.assert_allclose(jac.chain(U, slopes)[c], jac.chain(U[c], slopes[:, c]), rtol=1e-12)


def test_a_product_that_is_nothing_has_the_logarithm_of_nothing():
    U = np.array([[0.0, 1.0], [0.0, 0.0]])
    assert jac.log_norms(U, np.ones((3, 2)), [1, 2, 3]).tolist() == [0.0, -np.inf, -np.inf]
