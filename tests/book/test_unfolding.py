"""The unroll player shows the numbers of `companion.reference` on every edge, by mouse and by keyboard."""

import json
import re

import numpy as np
import pytest

from companion.reference import RNN
from tests.book.live import MINUS, control, number, opened, press, says_name_and_value, settings, table, without_scripts

pytestmark = [pytest.mark.browser, pytest.mark.pages]

PAGE = "book/unfolding.html"
SHOWN = """chart => [...chart.querySelectorAll('g[data-step]')].map(step => Object.fromEntries(
    [...step.querySelectorAll('[data-value]')].map(node => [node.dataset.value, node.textContent])))"""
OVERLAPS = """chart => {
    const boxes = [...chart.querySelectorAll('[data-value]')].map(node => node.getBoundingClientRect());
    let count = 0;
    for (let i = 0; i < boxes.length; i++) for (let j = 0; j < i; j++) {
        const [a, b] = [boxes[i], boxes[j]];
        if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3) count++;
    }
    return count;
}"""


def reference(shown):
    """The states that the reference computes from what the figure says it has."""
    layer = RNN(1, 1, bias=False, dtype=np.float64)
    layer.load_state_dict(
        {name: np.full((1, 1), float(shown[key])) for name, key in {"weight_ih_l0": "w", "weight_hh_l0": "u"}.items()}
    )
    return layer(np.array(shown["x"], dtype=float)[:, None])[0][:, 0]


def values(figure):
    """What the figure publishes, once it agrees with the reference, the edges and the table."""
    shown = json.loads(figure.get_attribute("data-values"))
    h = reference(shown)
    before = np.concatenate([[0.0], h[:-1]])
    expected = {"x": shown["x"], "wx": shown["w"] * np.array(shown["x"]), "uh": shown["u"] * before, "h": h}
    expected["a"] = expected["wx"] + expected["uh"]
    for name, value in expected.items():
        np.testing.assert_allclose(shown[name], value, rtol=1e-12, atol=1e-15)
    assert len(h) == shown["T"]

    on_edges = figure.locator("[data-role=chart]").evaluate(SHOWN)
    assert len(on_edges) == shown["done"]
    for t, edges in enumerate(on_edges):
        assert set(edges) == {"x", "wx", "uh", "h"}
        for name, text in edges.items():
            decimals = len(text.partition(".")[2])
            assert decimals >= 2
            assert number(text) == pytest.approx(expected[name][t], abs=0.51 * 10**-decimals)

    rows = table(figure)
    assert [int(row[0]) for row in rows] == list(range(shown["done"]))
    for t, row in enumerate(rows):
        for name, text in zip(("x", "wx", "uh", "a", "h"), row[1:], strict=True):
            assert number(text) == pytest.approx(expected[name][t], abs=5.1e-3 if name == "x" else 5.1e-4)
    if shown["done"]:
        said = figure.locator("[data-role=sum]").text_content()
        assert number(re.search(rf"= ([{MINUS}\d.]+)$", said)[1]) == pytest.approx(h[shown["done"] - 1], abs=5.1e-4)
    return shown


@settings
def figure(open_page, request):
    return opened(open_page, request, PAGE, "unroll")


def test_at_first_one_step_of_an_impulse_is_done_and_nothing_moves(figure):
    shown = values(figure)
    assert (shown["T"], shown["done"], shown["w"], shown["u"], shown["playing"]) == (5, 1, 1, 0.5, False)
    figure.page.wait_for_timeout(1100)
    assert values(figure) == shown


def test_the_keyboard_steps_forward_to_the_end_and_back_to_the_start(figure):
    for done in (2, 3, 4, 5):
        press(figure, "Step forward")
        assert values(figure)["done"] == done
    assert figure.get_by_role("button", name="Step forward", exact=True).is_disabled()
    press(figure, "Step back")
    assert values(figure)["done"] == 4
    press(figure, "To the start")
    assert values(figure)["done"] == 0
    assert figure.get_by_role("button", name="Step back", exact=True).is_disabled()


def test_it_plays_on_demand_only_and_stops_by_itself(figure):
    press(figure, "To the start")
    press(figure, "Play")
    assert values(figure)["playing"]
    figure.get_by_role("button", name="Play", exact=True).wait_for(timeout=9000)
    shown = values(figure)
    assert (shown["done"], shown["playing"]) == (5, False)


def test_pause_stops_it(figure):
    press(figure, "To the start")
    press(figure, "Play")
    press(figure, "Pause")
    done = values(figure)["done"]
    figure.page.wait_for_timeout(1200)
    assert values(figure)["done"] == done


def test_a_longer_run_keeps_the_numbers_of_the_steps_that_were_there(figure):
    program = figure.locator("[data-role=program]").text_content()
    short = values(figure)["h"]
    control(figure, "T").press("End")
    shown = values(figure)
    assert shown["T"] == 8
    assert shown["h"][: len(short)] == short
    control(figure, "T").press("Home")
    assert (values(figure)["T"], values(figure)["done"]) == (1, 1)
    assert figure.locator("[data-role=program]").text_content() == program


def test_one_weight_serves_all_steps(figure):
    for _ in range(4):
        press(figure, "Step forward")
    before = values(figure)["h"]
    control(figure, "w").press("End")
    assert values(figure)["w"] == 2
    assert all(a != b for a, b in zip(values(figure)["h"], before, strict=True))
    control(figure, "u").press("Home")
    assert values(figure)["u"] == -2


@pytest.mark.parametrize("name", ["One impulse", "A step", "Sunspots from 1700"])
def test_the_numbers_stand_apart_whatever_is_read(figure, name):
    press(figure, name)
    control(figure, "u").press("Home")
    for end in ("End", "Home"):
        control(figure, "T").press(end)
        for _ in range(8 - values(figure)["done"]):
            if figure.get_by_role("button", name="Step forward", exact=True).is_enabled():
                press(figure, "Step forward")
        values(figure)
        assert figure.locator("[data-role=chart]").evaluate(OVERLAPS) == 0


def test_a_click_on_a_box_runs_up_to_it(figure):
    box = figure.locator("svg.u-chart").bounding_box()
    chart = figure.locator("svg.u-chart")
    chart.click(position={"x": 0.98 * box["width"], "y": 0.45 * box["height"]})
    assert values(figure)["done"] == 5
    place = figure.locator("g[data-step='2'] rect").bounding_box()
    figure.page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    assert values(figure)["done"] == 3


def test_every_slider_has_a_name_and_says_its_value(figure):
    for name in ("T", "w", "u"):
        assert says_name_and_value(control(figure, name))


def test_without_scripts_a_picture_with_the_same_numbers_is_there(open_page):
    said = without_scripts(open_page, PAGE, "unroll")
    for value in reference({"w": 1.0, "u": 0.5, "x": np.eye(1, 5)[0]}):
        assert f"{value:.3f}" in said
