"""The pictures of the chapter on the GRU hold the numbers they were given, and its diagrams follow the theme."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from companion.figures import gru as draw
from companion.figures import gru_diagrams
from tests.figures.reading import texts

SVG = "{http://www.w3.org/2000/svg}"


def test_two_gates_are_drawn_against_each_other_with_the_line_of_tied_ones(rng):
    f, i = rng.uniform(size=(2, 9, 4))
    panels = draw.two_gates(f, i, [1, 3, 0])
    for panel, unit in zip(panels, (1, 3, 0), strict=True):
        np.testing.assert_array_equal(panel.lines[1].get_xydata(), np.stack([f[:, unit], i[:, unit]], axis=1))
        np.testing.assert_allclose(panel.lines[0].get_xydata().sum(axis=1), 1)
    assert texts(panels[0]) == ["i = 1 − f"]


def test_each_network_is_a_dot_in_its_row():
    results = [dict.fromkeys(draw.STEPS, 10.0**-k) for k in range(12)]
    axes = draw.differences(results)
    assert len(axes.lines) == len(draw.STEPS)
    for place, line in enumerate(axes.lines):
        np.testing.assert_allclose(line.get_xdata(), [10.0**-k for k in range(12)])
        assert np.abs(line.get_ydata() - place).max() < 0.5
    assert [tick.get_text() for tick in axes.get_yticklabels()] == list(draw.STEPS.values())


def test_every_forecast_is_named_beside_its_end():
    years = np.arange(1921, 1931)
    lines = {"right": np.full(10, 50.0), "wrong": np.full(10, 52.0)}
    axes = draw.ported(years, np.arange(10.0), lines, {"right": "hidden", "wrong": "gradient"})
    assert texts(axes) == ["right", "wrong"]
    assert abs(axes.texts[0].xy[1] - axes.texts[1].xy[1]) >= 22
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), np.full(10, 50.0))


def test_what_was_counted_is_drawn_step_by_step():
    axes = draw.counted(
        np.arange(1, 4), {"LSTM": np.arange(1.0, 4.0), "GRU": np.ones(3)}, dict.fromkeys(("LSTM", "GRU"), "cell")
    )
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1, 2, 3])
    assert texts(axes) == ["LSTM", "GRU"]


def test_the_times_stand_on_their_bars():
    panels = draw.times({"NumPy": {"LSTM": 55.3, "GRU": 51.0}, "PyTorch": {"LSTM": 17.8, "GRU": 85.4}})
    assert [texts(panel) for panel in panels] == [["55", "51"], ["18", "85"]]
    assert [bar.get_height() for bar in panels[1].patches] == [17.8, 85.4]


def test_the_readers_are_drawn_against_characters_and_against_seconds():
    curves = {"RNN": [5.0, 4.0], "GRU": [4.0, 2.0]}
    panels = draw.readers([100, 1000], curves, {"PyTorch": {"RNN": 2.0, "GRU": 10.0}}, counting=2.1)
    assert [panel.get_xlabel() for panel in panels] == ["characters read", "seconds, PyTorch"]
    np.testing.assert_allclose(panels[0].lines[1].get_xydata(), [[100, 4], [1000, 2]])
    np.testing.assert_allclose(panels[1].lines[1].get_xydata(), [[1e-3, 4], [1e-2, 2]])
    assert texts(panels[0]) == ["plain", "GRU", "counting"]
    assert set(panels[1].lines[-1].get_ydata()) == {2.1}


def test_every_character_has_the_colour_of_its_own_value(rng):
    text = "ab\ncde\n\nf"
    values = {"one": rng.uniform(-1, 1, len(text)), "two": rng.uniform(-1, 1, len(text))}
    panels = draw.trace(text, values)
    for panel, own in zip(panels, values.values(), strict=True):
        field = panel.images[0].get_array()
        assert field.shape == (4, 4)
        where = {(0, 0): 0, (0, 1): 1, (0, 2): 2, (1, 0): 3, (1, 3): 6, (2, 0): 7, (3, 0): 8}
        for place, at in where.items():
            assert field[place] == own[at]
        assert np.isnan(np.ma.filled(field, np.nan)[2, 1:]).all()
        assert "".join(texts(panel)) == "abcdef"


@pytest.mark.parametrize("reset", ["after", "before"])
def test_each_diagram_is_well_formed_and_takes_the_colours_of_the_page(reset):
    text = gru_diagrams.cell(reset)
    picture = ElementTree.fromstring(text)
    assert picture.find(f"{SVG}title").text
    assert picture.find(f"{SVG}desc").text
    words = [word.text for word in picture.iter(f"{SVG}text")]
    assert (words.count("σ"), words.count("U"), words.count("×")) == (2, 1, 3)
    assert "#" not in text.replace("http://www.w3.org/2000/svg", "").replace("url(#", "")


def test_the_product_stands_below_the_reset_gate_or_above_it():
    heights = {}
    for reset in ("after", "before"):
        words = ElementTree.fromstring(gru_diagrams.cell(reset)).iter(f"{SVG}text")
        heights[reset] = {word.text: float(word.get("y")) for word in words if word.get("x") == "290"}
    assert heights["after"]["U"] > heights["after"]["×"]
    assert heights["before"]["U"] < heights["before"]["×"]
