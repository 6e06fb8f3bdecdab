"""The gradient explorer shows the numbers of `companion.reference`, by mouse and by keyboard, in every setting."""

import json
import re

import numpy as np
import pytest

from companion.reference import RNN
from companion.reference import jacobians as jac
from tests.book.live import MINUS, control, number, opened, press, says_name_and_value, settings, table, without_scripts

pytestmark = [pytest.mark.browser, pytest.mark.pages]

PAGE = "book/vanishing-exploding.html"
KINDS = {"linear": "linear", "tanh": "tanh", "sigmoid": "sigmoid", "ReLU": "relu"}


def reference(shown):
    """Norms of the gradient, found by the layers of the package, and the bounds."""
    U, x, T = shown["gain"] * np.array(shown["U"]), np.array(shown["x"]), shown["T"]
    kind, H = KINDS[shown["kind"]], len(shown["U"])
    dh = np.full((1, H), H**-0.5)
    if kind == "linear":
        norms = [np.linalg.norm(dh @ np.linalg.matrix_power(U, k)) for k in range(T + 1)]
    else:
        layer = RNN(H, H, nonlinearity=kind, bias=False)
        layer.load_state_dict({"weight_ih_l0": np.eye(H), "weight_hh_l0": U})
        states = np.concatenate([np.zeros((1, H)), layer(x)[0]])
        norms = [1.0]
        for k in range(1, T + 1):
            tape = layer.unroll(x[T - k :], states[T - k][None])
            norms.append(np.linalg.norm(layer.bptt(tape, None, dh).state))
    return np.array(norms), jac.bound(U, jac.STEEPEST[kind], np.arange(T + 1)), U


def values(figure):
    """What the figure publishes, once it agrees with the reference and with what the reader sees."""
    shown = json.loads(figure.get_attribute("data-values"))
    norms, bounds, U = reference(shown)
    np.testing.assert_allclose(np.array(shown["norms"], float), norms, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(np.array(shown["bounds"], float), bounds, rtol=1e-6)
    found = np.sort_complex(np.array(shown["eigenvalues"]) @ [1, 1j])
    np.testing.assert_allclose(np.abs(found).max(), jac.spectral_radius(U), rtol=1e-6)
    np.testing.assert_allclose(found.sum().real, np.trace(U), rtol=1e-6, atol=1e-6)
    assert shown["sigma"] == pytest.approx(np.linalg.norm(U, 2), rel=1e-6)

    rows = table(figure)
    assert [int(row[0]) for row in rows] == list(range(shown["T"] + 1))
    np.testing.assert_allclose([number(row[1]) for row in rows], norms, rtol=5.1e-3)
    np.testing.assert_allclose([number(row[2]) for row in rows], bounds, rtol=5.1e-3)
    said = figure.locator("[data-role=left]").text_content()
    after, most, peak = map(
        number, re.findall(rf"is ([{MINUS}\de.]*\d), at most ([{MINUS}\de.]*\d).*was ([{MINUS}\de.]*\d)", said)[0]
    )
    np.testing.assert_allclose([after, most, peak], [norms[-1], bounds[-1], norms.max()], rtol=5.1e-3)
    assert figure.locator("[data-value=eigenvalue]").count() == len(U)
    return shown


@settings
def figure(open_page, request):
    return opened(open_page, request, PAGE, "gradient")


def choose(figure, name):
    assert press(figure, name).get_attribute("aria-pressed") == "true"


def test_at_first_a_tanh_network_with_a_gaussian_matrix_is_shown(figure):
    shown = values(figure)
    assert (shown["kind"], shown["matrix"], shown["gain"], shown["T"]) == ("tanh", "Gaussian", 1, 40)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("matrix", ["Gaussian", "Orthogonal", "Not normal"])
def test_every_activation_and_matrix_is_chosen_by_the_keyboard(figure, kind, matrix):
    choose(figure, kind)
    choose(figure, matrix)
    shown = values(figure)
    assert (shown["kind"], shown["matrix"]) == (kind, matrix)


def test_the_keyboard_moves_both_sliders_to_their_ends(figure):
    for gain, T in (("Home", "Home"), ("End", "End")):
        control(figure, "gain").press(gain)
        control(figure, "T").press(T)
        values(figure)
    shown = values(figure)
    assert (shown["gain"], shown["T"]) == (3, 60)


def test_a_linear_network_with_an_orthogonal_matrix_keeps_its_gradient_at_gain_one(figure):
    choose(figure, "linear")
    choose(figure, "Orthogonal")
    assert np.ptp(values(figure)["norms"]) < 0.01
    control(figure, "gain").press("ArrowLeft")
    assert values(figure)["norms"][-1] == pytest.approx(0.95**40, rel=0.02)


def test_what_is_not_normal_grows_before_it_vanishes(figure):
    choose(figure, "linear")
    choose(figure, "Not normal")
    for _ in range(10):
        control(figure, "gain").press("ArrowLeft")
    control(figure, "T").press("End")
    shown = values(figure)
    assert shown["gain"] == pytest.approx(0.5)
    assert max(shown["norms"]) > 1 > shown["norms"][-1]


def test_every_slider_has_a_name_and_says_its_value(figure):
    for name in ("gain", "T"):
        assert says_name_and_value(control(figure, name))


def test_without_scripts_a_picture_with_numbers_is_there(open_page):
    texts = " ".join(without_scripts(open_page, PAGE, "gradient"))
    assert len(re.findall(r"gain [\d.]+: [\d.]+e", texts)) == 3
