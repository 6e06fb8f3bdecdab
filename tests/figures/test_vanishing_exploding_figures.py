"""The chapter's pictures hold the numbers they were given, say them beside the lines, and have axes with names."""

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from companion.figures import vanishing_exploding as draw
from companion.figures.__main__ import gradient_data, gradient_walks
from companion.reference import RNN
from tests.figures.reading import has_named_axes, texts

SCRIPT = Path(__file__).resolve().parents[2] / "book" / "_assets" / "interactive" / "gradient.js"


def test_the_heat_map_has_a_row_a_state_and_a_column_a_character():
    axes = draw.heat("a$ b", {"before": np.array([-9.0, -6.0, -3.0, 0.0]), "after": np.zeros(4)})
    np.testing.assert_array_equal(axes.images[0].get_array(), [[-8.0, -6.0, -3.0, 0.0], [0.0] * 4])
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["before", "after"]
    assert len(axes.get_xticklabels()) == 4


def test_each_norm_is_named_and_its_bound_has_its_colour():
    lags, values = [0, 1, 2], {"one": np.array([1.0, 0.5, 0.2]), "two": np.array([1.0, 1e-4, 1e-9])}
    axes = draw.norms(lags, values, {"two": np.array([1.0, 1e-3, 1e-6])}, ylim=(1e-5, 2))
    assert texts(axes) == ["one", "two"]
    drawn, bound = axes.lines[1], axes.lines[2]
    np.testing.assert_array_equal(drawn.get_ydata(), values["two"])
    assert drawn.get_color() == bound.get_color()
    assert 1 < axes.texts[1].xy[0] < 2, "a line that leaves below is named where it leaves"
    assert has_named_axes(axes)


def test_the_crossing_of_the_slopes_is_marked():
    a = np.linspace(-3, 3, 61)
    axes = draw.slopes(a, {"tanh": 1 - np.tanh(a) ** 2, "sigmoid": 0.25 / np.cosh(a / 2) ** 2}, 1.663)
    assert texts(axes) == ["tanh: at most 1.00", "sigmoid: at most 0.25", "|a| = 1.66"]
    assert has_named_axes(axes)


def test_compositions_are_named_from_the_first_to_the_last():
    a = np.linspace(-1, 1, 5)
    axes = draw.composed(a, {1: a, 2: a / 2}, 0.659)
    assert texts(axes) == ["n = 1", "n = 2", "0.6590"]
    assert has_named_axes(axes)


def test_a_path_that_leaves_the_picture_is_named_inside_it():
    u, b = np.linspace(0, 2, 5), np.linspace(-1, 1, 4)
    stays = np.array([[1.0, 0.0], [1.2, 0.1]])
    leaves = np.array([[1.0, 0.0], [1.5, 9.0], [1.4, 8.0]])
    axes = draw.cliff(u, b, np.zeros((4, 5)), {"out": leaves, "in": stays})
    out, inside, start = axes.texts
    assert (out.get_text(), inside.get_text(), start.get_text()) == ("out", "in", "start")
    assert -1 < out.xy[1] < 1
    np.testing.assert_allclose(inside.xy, [1.2, 0.1])
    assert has_named_axes(axes)


def test_the_still_picture_says_what_the_reference_finds():
    text = draw.still(gradient_walks(), gradient_data())
    picture = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert picture.find(f"{space}title").text
    assert "#" not in text.replace("http://www.w3.org/2000/svg", "")
    data = gradient_data()
    U, x = np.array(data["matrices"]["Gaussian"]["U"]), np.array(data["x"])[:40]
    layer = RNN(6, 6, bias=False, rng=0)
    layer.load_state_dict({"weight_ih_l0": np.eye(6), "weight_hh_l0": 1.5 * U})
    back = layer.bptt(layer.unroll(x), None, np.full((1, 6), 6**-0.5)).state
    assert f"with gain 1.5 a gradient of 1 is {draw._short(np.linalg.norm(back))} after 40 steps" in text


def test_the_explorer_holds_the_data_that_the_package_makes():
    found = json.loads(re.search(r"const data = (\{.*?\n  \});", SCRIPT.read_text(encoding="utf-8"), re.DOTALL)[1])
    made = gradient_data()
    assert found["x"] == made["x"]
    for name, matrix in made["matrices"].items():
        assert found["matrices"][name]["U"] == matrix["U"]
        assert found["matrices"][name]["sigma"] == pytest.approx(matrix["sigma"], abs=1e-8)
        pairs = [sorted(one["eigenvalues"]) for one in (found["matrices"][name], matrix)]
        np.testing.assert_allclose(*pairs, atol=1e-7)
