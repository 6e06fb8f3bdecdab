"""The interactive neuron shows the numbers of `companion.reference`, whether it is moved by mouse or by keyboard."""

import json
import re

import numpy as np
import pytest

from companion.reference import RNN
from tests.book.live import MINUS, control, number, opened, press, says_name_and_value, settings, table, without_scripts

pytestmark = [pytest.mark.browser, pytest.mark.pages]

PAGE = "book/recurrent-neuron.html"
DOTS = """chart => [...chart.querySelectorAll('circle[r="3.5"]')].map(dot => {
    const place = dot.getBoundingClientRect();
    return [place.x + place.width / 2, place.y + place.height / 2];
})"""


def reference(shown, u=None):
    """What the reference computes from the weights and the input that the figure says it has."""
    layer = RNN(1, 1, dtype=np.float64)
    weights = {"weight_ih_l0": shown["w"], "weight_hh_l0": shown["u"] if u is None else u}
    layer.load_state_dict(
        {name: np.full((1, 1), float(value)) for name, value in weights.items()}
        | {"bias_ih_l0": np.array([float(shown["b"])]), "bias_hh_l0": np.zeros(1)}
    )
    return layer(np.array(shown["x"], dtype=float)[:, None])[0][:, 0]


def values(figure):
    """What the figure publishes, once it agrees with the reference and with what the reader sees."""
    shown = json.loads(figure.get_attribute("data-values"))
    h = reference(shown)
    np.testing.assert_allclose(shown["h"], h, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(shown["without"], reference(shown, u=0.0), rtol=1e-12, atol=1e-15)

    sums = figure.locator("[data-role=squash]").text_content()
    assert number(re.search(rf"= ([{MINUS}\d.]+)$", sums)[1]) == pytest.approx(h[shown["t"]], abs=5.1e-4)
    rows = table(figure)
    assert [int(step) for step, _, _ in rows] == list(range(len(h)))
    np.testing.assert_allclose([number(x) for _, x, _ in rows], shown["x"], atol=5.1e-3)
    np.testing.assert_allclose([number(out) for _, _, out in rows], h, atol=5.1e-4)
    return shown


@settings
def figure(open_page, request):
    return opened(open_page, request, PAGE, "neuron")


def test_at_first_it_shows_one_impulse_and_its_trace(figure):
    shown = values(figure)
    assert (shown["w"], shown["u"], shown["b"]) == (1, 0.9, 0)
    assert shown["x"] == [1.0 if t == 2 else 0.0 for t in range(20)]


def test_the_keyboard_moves_every_weight_and_the_input(figure):
    control(figure, "w").press("Home")
    assert values(figure)["w"] == -2
    control(figure, "u").press("End")
    for _ in range(4):
        control(figure, "u").press("ArrowLeft")
    assert values(figure)["u"] == pytest.approx(1.8)
    control(figure, "b").press("ArrowRight")
    assert values(figure)["b"] == pytest.approx(0.05)
    control(figure, "t").press("End")
    control(figure, "x").press("Home")
    assert (values(figure)["t"], values(figure)["x"][19]) == (19, -1)


def test_every_slider_has_a_name_and_says_its_value(figure):
    for name in ("w", "u", "b", "t", "x"):
        assert says_name_and_value(control(figure, name))


def test_a_signal_is_chosen_by_keyboard_and_the_latch_holds_it(figure):
    for name, key, times in (("u", "End", 1), ("w", "End", 1)):
        for _ in range(times):
            control(figure, name).press(key)
    press(figure, "Set, then reset")
    shown = values(figure)
    assert (np.array(shown["h"][2:11]) > 0.9).all()
    assert shown["h"][19] < -0.9
    assert shown["without"][19] == 0


def test_the_mouse_drags_an_input_and_chooses_a_step(figure):
    box = figure.locator("svg.u-chart").bounding_box()
    points = figure.locator("svg.u-chart").evaluate(DOTS)
    x, y = points[7]
    mouse = figure.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y - 20, steps=4)
    mouse.up()
    shown = values(figure)
    assert shown["t"] == 7
    assert 0.3 < shown["x"][7] <= 1
    mouse.move(points[12][0], points[12][1] - 20)  # the button is up: nothing may move
    assert values(figure) == shown
    mouse.click(points[3][0], box["y"] + 0.75 * box["height"])
    assert values(figure)["t"] == 3
    assert values(figure)["x"] == shown["x"]


def test_the_mouse_moves_a_slider(figure):
    box = control(figure, "u").bounding_box()
    figure.page.mouse.click(box["x"] + 2, box["y"] + box["height"] / 2)
    assert values(figure)["u"] == -2


def test_without_scripts_a_picture_with_the_same_numbers_is_there(open_page):
    said = re.findall(r"u = ([\d.]+), h = ([\d.]+)", " ".join(without_scripts(open_page, PAGE, "neuron")))
    assert len(said) == 4
    for u, h in said:
        impulse = {"w": 1.0, "u": float(u), "b": 0.0, "x": np.eye(1, 20, 2)[0]}
        assert float(h) == pytest.approx(reference(impulse)[-1], abs=5.1e-4)
