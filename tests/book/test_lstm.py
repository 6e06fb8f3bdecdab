"""The interactive cell shows the numbers of `companion.reference`, by mouse and by keyboard."""

import json
import re

import numpy as np
import pytest

from companion.reference import LSTM
from tests.book.live import MINUS, control, number, opened, press, says_name_and_value, settings, table, without_scripts

pytestmark = [pytest.mark.browser, pytest.mark.pages]

PAGE = "book/lstm.html"
NAMES = ("i", "f", "o", "g", "c", "h", "left")


def reference(a):
    """What an LSTM finds whose pre-activations are its inputs, and what a change of c is worth at the last step."""
    cell = LSTM(4, 1, bias=False, dtype=np.float64)
    cell.load_state_dict({"weight_ih_l0": np.eye(4), "weight_hh_l0": np.zeros((4, 1))})
    x = np.stack([a[gate] for gate in "ifgo"], axis=1).astype(float)
    tape = cell.unroll(x)
    found = {name: tape[name][:, 0] for name in NAMES[:-1]}
    found["left"] = []
    for t in range(len(x)):
        if t == len(x) - 1:
            found["left"].append(1.0)
            continue
        state = tuple(tape[name][t][None] for name in ("h", "c"))
        later = cell.unroll(x[t + 1 :], state)
        found["left"].append(cell.bptt(later, None, (np.zeros((1, 1)), np.ones((1, 1)))).state[1].item())
    return found


def values(figure):
    """What the figure publishes, once it agrees with the reference and with what the reader sees."""
    shown = json.loads(figure.get_attribute("data-values"))
    right, t = reference(shown["a"]), shown["t"]
    for name in NAMES:
        np.testing.assert_allclose(shown[name], right[name], rtol=1e-9, atol=1e-12, err_msg=name)
    rows = table(figure)
    for j, row in enumerate(rows):
        np.testing.assert_allclose([number(v) for v in row[1:]], [right[n][j] for n in NAMES], atol=5.1e-4)
    said = figure.locator("[data-role=gates]").text_content()
    assert said.startswith(f"Step {t}:")
    for name in "ifog":
        assert number(re.search(rf"{name} = ([{MINUS}\d.]+)", said)[1]) == pytest.approx(right[name][t], abs=5.1e-4)
    for role in ("c", "h"):
        line = figure.locator(f"[data-role={role}]").text_content()
        assert number(re.search(rf"= ([{MINUS}\d.]+)$", line)[1]) == pytest.approx(right[role][t], abs=5.1e-4)
    left = figure.locator("[data-role=left]").text_content()
    assert number(re.search(rf"([{MINUS}\d.]+) is left", left)[1]) == pytest.approx(right["left"][t], abs=5.1e-4)
    for name in ("i", "f", "o"):
        heights = figure.locator(f'rect[data-value="{name}"]').evaluate_all(
            "all => all.map(r => +r.getAttribute('height'))"
        )
        np.testing.assert_allclose(np.array(heights) / 18, right[name], atol=1e-6)
    return shown


@settings
def figure(open_page, request):
    return opened(open_page, request, PAGE, "cell")


def test_at_first_it_stores_holds_and_shows(figure):
    shown = values(figure)
    assert (shown["t"], shown["name"]) == (2, "Store, hold, show")
    assert np.argmax(np.abs(shown["h"])) == 12
    assert shown["c"][15] > 0.85


@pytest.mark.parametrize("name", ["Forget at step 8", "All gates open", "As it comes", "Store, hold, show"])
def test_every_preset_is_what_the_reference_makes_of_it(figure, name):
    press(figure, name)
    shown = values(figure)
    assert shown["name"] == name
    button = figure.get_by_role("button", name=name, exact=True)
    assert button.get_attribute("aria-pressed") == "true"


def test_the_keyboard_moves_every_slider_at_the_chosen_step(figure):
    control(figure, "t").press("ArrowRight")
    for name, key in (("i", "End"), ("f", "Home"), ("o", "End"), ("g", "ArrowLeft")):
        before = values(figure)
        control(figure, name).press(key)
        shown = values(figure)
        assert shown["t"] == 3
        changed = [t for t in range(16) if shown["a"][name][t] != before["a"][name][t]]
        assert changed == [3]
    assert (shown["a"]["i"][3], shown["a"]["f"][3]) == (8, -8)


def test_a_shut_forget_gate_cuts_the_gradient(figure):
    control(figure, "t").press("ArrowRight")
    control(figure, "f").press("Home")
    shown = values(figure)
    assert max(shown["left"][:3]) < 0.001
    assert min(shown["left"][3:]) > 0.9


def test_the_gates_of_a_step_are_kept_from_there_on(figure):
    control(figure, "o").press("End")
    press(figure, "The same gates from here on")
    shown = values(figure)
    for gate in "ifo":
        assert set(shown["a"][gate][2:]) == {shown["a"][gate][2]}
    assert shown["a"]["o"][:2] == [-6, -6]


def test_the_mouse_chooses_a_step(figure):
    bars = figure.locator('rect[data-value="f"]')
    box = bars.nth(10).bounding_box()
    figure.page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert values(figure)["t"] == 10


def test_every_slider_has_a_name_and_says_its_value(figure):
    for name in ("t", "g", "i", "f", "o"):
        assert says_name_and_value(control(figure, name))


def test_without_scripts_a_picture_with_the_same_numbers_is_there(open_page):
    texts = " ".join(without_scripts(open_page, PAGE, "cell"))
    heard = [0.3, -0.8, 1.5, -0.4, 0.9, -1.2, 0.2, -0.6, 1.1, -1.5, 0.5, -0.3, 0.8, -1.0, 0.4, -0.7]
    a = {"g": heard, "i": [-6] * 16, "f": [6] * 16, "o": [-6] * 16}
    a["i"][2], a["o"][12] = 6, 6
    right = reference(a)
    found = re.search(rf"c at the end ([{MINUS}\d.]+), h at step 12 ([{MINUS}\d.]+)", texts)
    np.testing.assert_allclose([number(v) for v in found.groups()], [right["c"][-1], right["h"][12]], atol=5.1e-4)
