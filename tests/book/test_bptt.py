"""The player of the way back shows the numbers of `companion.reference`, by mouse, by keyboard and while it plays."""

import json
import re

import numpy as np
import pytest

from companion.reference import RNN
from tests.book.live import MINUS, control, number, opened, press, says_name_and_value, settings, table, without_scripts

pytestmark = [pytest.mark.browser, pytest.mark.pages]

PAGE = "book/bptt.html"


def reference(shown):
    """What the reference finds for the network that the figure says it has: states, gradients and shares."""
    layer = RNN(1, 1, bias=False, dtype=np.float64)
    weights = {"weight_ih_l0": shown["w"], "weight_hh_l0": shown["u"]}
    layer.load_state_dict({name: np.full((1, 1), float(value)) for name, value in weights.items()})
    tape = layer.unroll(np.array(shown["x"], dtype=float)[:, None])
    h = tape.y[:, 0]
    counts = np.full(len(h), float(shown["every"]))
    counts[-1] = 1.0
    dy = counts * (h - shown["target"])
    # the gradient of an input of weight 1 is da; dh comes from da, but for the last step's, which is its own dy
    free = RNN(1, 1, bias=False, dtype=np.float64)
    free.load_state_dict({"weight_ih_l0": np.ones((1, 1)), "weight_hh_l0": np.full((1, 1), float(shown["u"]))})
    pre = shown["w"] * np.array(shown["x"], dtype=float)
    da = free.bptt(free.unroll(pre[:, None]), dy[:, None]).x[:, 0]
    grads = layer.bptt(tape, dy[:, None]).params
    before = np.concatenate([[0.0], h[:-1]])
    next_ = np.concatenate([shown["u"] * da[1:], [0.0]])
    return {
        "h": h,
        "dy": dy,
        "da": da,
        "next": next_,
        "dh": dy + next_,
        "partU": da * before,
        "partW": da * np.array(shown["x"], dtype=float),
        "whole": (grads["weight_hh_l0"][0, 0], grads["weight_ih_l0"][0, 0]),
    }


def values(figure):
    """What the figure publishes, once it agrees with the reference and with what the reader sees."""
    shown = json.loads(figure.get_attribute("data-values"))
    right = reference(shown)
    for name in ("h", "dy", "next", "dh", "da", "partU", "partW"):
        np.testing.assert_allclose(shown[name], right[name], rtol=1e-9, atol=1e-12, err_msg=name)
    T, done = shown["T"], shown["done"]
    walked = slice(T - done, T)
    sums = right["partU"][walked].sum(), right["partW"][walked].sum()
    np.testing.assert_allclose([shown["dU"], shown["dW"]], sums, rtol=1e-9, atol=1e-12)
    if done == T:
        np.testing.assert_allclose(sums, right["whole"], rtol=1e-9, atol=1e-12)

    said = figure.locator("[data-role=sum]").text_content()
    np.testing.assert_allclose([number(v) for v in re.findall(rf"= ([{MINUS}\d.]+)", said)], sums, atol=5.1e-4)
    if done:
        for role, name in (("dh", "dh"), ("da", "da")):
            line = figure.locator(f"[data-role={role}]").text_content()
            assert number(re.search(rf"([{MINUS}\d.]+)$", line)[1]) == pytest.approx(right[name][T - done], abs=5.1e-4)
    rows = table(figure)
    assert [int(row[0]) for row in rows] == list(range(T - 1, T - 1 - done, -1))
    for row in rows:
        t = int(row[0])
        columns = [right[name][t] for name in ("h", "dy", "next", "dh", "da", "partU", "partW")]
        np.testing.assert_allclose([number(cell) for cell in row[1:]], columns, atol=5.1e-4)
    for name, key in (("h", "h"), ("dh", "dh"), ("da", "da"), ("part", "partU")):
        drawn = [number(text) for text in figure.locator(f"[data-value={name}]").all_text_contents()]
        np.testing.assert_allclose(drawn, right[key] if name == "h" else right[key][walked], atol=5.1e-3)
    return shown


@settings
def figure(open_page, request):
    return opened(open_page, request, PAGE, "bptt")


def test_at_first_nothing_has_gone_back_and_nothing_moves(figure):
    shown = values(figure)
    assert (shown["T"], shown["done"], shown["w"], shown["u"], shown["target"]) == (5, 0, 1, 0.8, 1)
    figure.page.wait_for_timeout(1300)
    assert values(figure) == shown


def test_the_keyboard_goes_back_step_by_step_and_undoes(figure):
    for done in range(1, 6):
        press(figure, "Go back a step")
        assert values(figure)["done"] == done
    assert figure.get_by_role("button", name="Go back a step", exact=True).is_disabled()
    press(figure, "Undo a step", 2)
    assert values(figure)["done"] == 3
    press(figure, "Start again")
    assert values(figure)["done"] == 0


def test_the_keyboard_moves_every_slider(figure):
    press(figure, "Go back a step", 3)
    control(figure, "w").press("Home")
    control(figure, "u").press("End")
    control(figure, "target").press("ArrowLeft")
    shown = values(figure)
    assert (shown["w"], shown["u"], shown["target"]) == (-2, 2, pytest.approx(0.95))
    control(figure, "T").press("End")
    assert (values(figure)["T"], values(figure)["done"]) == (6, 3)
    control(figure, "T").press("Home")
    assert (values(figure)["T"], values(figure)["done"]) == (1, 1)


def test_a_loss_at_every_step_and_another_input_are_chosen(figure):
    press(figure, "Loss at every step")
    press(figure, "Alternating")
    press(figure, "Go back a step", 5)
    shown = values(figure)
    assert shown["every"]
    assert shown["x"] == [1, -1, 1, -1, 1]
    assert np.count_nonzero(shown["dy"]) == 5
    press(figure, "Loss at the end")
    assert np.count_nonzero(values(figure)["dy"]) == 1


def test_without_a_loop_nothing_goes_further_back(figure):
    for _ in range(16):
        control(figure, "u").press("ArrowLeft")
    press(figure, "Go back a step", 5)
    shown = values(figure)
    assert shown["u"] == pytest.approx(0)
    np.testing.assert_allclose(shown["da"][:-1], 0, atol=1e-12)


def test_the_mouse_chooses_how_far_back(figure):
    chart = figure.locator("svg.u-chart")
    centres = chart.evaluate(
        """chart => [...chart.querySelectorAll('[data-value="h"]')].map(text => {
        const box = text.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })"""
    )
    figure.page.mouse.click(*centres[2])
    assert values(figure)["done"] == 3
    figure.page.mouse.click(*centres[0])
    assert values(figure)["done"] == 5


def test_it_plays_on_demand_and_stops_at_the_first_step(figure):
    press(figure, "Play")
    assert values(figure)["playing"]
    figure.page.wait_for_function(
        "figure => JSON.parse(figure.dataset.values).done === 5", arg=figure.element_handle(), timeout=12000
    )
    assert not values(figure)["playing"]


def test_every_slider_has_a_name_and_says_its_value(figure):
    for name in ("T", "w", "u", "target"):
        assert says_name_and_value(control(figure, name))


def test_without_scripts_a_picture_with_the_same_numbers_is_there(open_page):
    texts = " ".join(without_scripts(open_page, PAGE, "bptt"))
    right = reference({"w": 1.0, "u": 0.8, "target": 1.0, "every": False, "x": [1, 0, 0, 0, 0]})
    for name in ("h", "dh", "da"):
        said = [number(v) for v in re.findall(rf"(?<!\w){name} ([{MINUS}\d.]+)", texts)]
        np.testing.assert_allclose(said, right[name], atol=5.1e-4)
    assert number(re.search(rf"dL/du = ([{MINUS}\d.]+)", texts)[1]) == pytest.approx(right["whole"][0], abs=5.1e-4)
