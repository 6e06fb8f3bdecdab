"""The chapter's pictures hold the numbers they were given, say them beside the lines, and have axes with names."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from companion.figures import recurrent_neuron as draw
from companion.figures import style
from companion.figures.palette import LIGHT
from tests.figures.reading import has_named_axes, texts


def test_the_series_is_drawn_as_it_is_with_a_band_over_each_later_period():
    years, values = np.arange(1700, 1720), np.arange(20.0)
    axes = draw.series(years, values, {"train": (1700, 1710), "test 1": (1711, 1714), "test 2": (1715, 1719)})
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), np.column_stack([years, values]))
    assert texts(axes) == ["train", "test 1", "test 2"]
    assert len(axes.patches) == 2
    assert has_named_axes(axes)


def test_two_futures_parts_the_years_by_the_sign_of_the_last_change():
    now, change, following = np.array([1.0, 2.0, 3.0]), np.array([1.0, -1.0, 1.0]), np.array([2.0, 1.0, 4.0])
    axes = draw.two_futures(now, change, following)
    up, down = (points.get_offsets() for points in axes.collections)
    np.testing.assert_array_equal(up, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(down, [[2, 1]])
    assert has_named_axes(axes)


def test_each_response_carries_its_weight_and_a_half_life_where_there_is_one():
    h = {u: u ** np.arange(6.0) for u in (-0.5, 0.5, 1.0)}
    axes = draw.responses(h, {0.5: 1.0})
    assert sorted(texts(axes)) == ["1.0 steps", "u = 0.5", "u = 1", "u = \u22120.5"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), h[-0.5])
    assert axes.get_ylim()[0] < -0.5
    assert has_named_axes(axes)


def test_resting_states_that_hold_are_filled_and_the_others_open():
    u, states = np.array([0.5, 2.0]), [np.array([0.0]), np.array([-0.9, 0.0, 0.9])]
    axes = draw.resting_states(u, states, [np.array([0.5]), np.array([0.2, 2.0, 0.2])])
    holds, fails = axes.lines[:2]
    np.testing.assert_array_equal(holds.get_xydata(), [[0.5, 0], [2, -0.9], [2, 0.9]])
    np.testing.assert_array_equal(fails.get_xydata(), [[2, 0]])
    assert fails.get_markerfacecolor() == "none"
    assert has_named_axes(axes)


def test_a_trace_has_the_input_above_and_each_output_named_below():
    x, h = np.array([1.0, 0.0, 0.0]), {"latch": np.array([0.9, 0.9, 0.9]), "leak": np.array([0.9, 0.5, 0.2])}
    above, below = draw.trace(x, h)
    np.testing.assert_array_equal(above.lines[0].get_ydata(), x)
    np.testing.assert_array_equal(below.lines[1].get_ydata(), h["leak"])
    assert texts(below) == ["latch", "leak"]
    assert above.get_ylabel()
    assert has_named_axes(below)


def test_errors_show_the_mean_and_its_interval_in_one_panel_a_period():
    rows = {
        "persistence": {"1921–1955": 0.4, "1956–1979": 0.9},
        "recurrent": {"1921–1955": {"mean": 0.1, "low": 0.09, "high": 0.12, "min": 0.05, "max": 0.2}, "1956–1979": 0.4},
    }
    first, second = draw.errors(rows, ours="recurrent")
    assert texts(first) == ["0.400", "0.100"]
    whole, band, dot = first.lines[3:6]
    np.testing.assert_array_equal(whole.get_xdata(), [0.05, 0.2])
    np.testing.assert_array_equal(band.get_xdata(), [0.09, 0.12])
    assert dot.get_color() == LIGHT["hidden"]
    assert first.lines[2].get_color() == LIGHT["muted"]
    assert second.get_title() == "1956–1979"
    assert [tick.get_text() for tick in first.get_yticklabels()] == ["persistence", "recurrent"]


def test_labels_are_moved_apart_upwards_and_no_further_than_needed():
    assert style.apart([0.0, 1.0, 0.1], 0.5) == [0.0, 1.0, 0.5]
    assert style.apart([0.2, 0.2, 0.2], 0.1) == pytest.approx([0.2, 0.3, 0.4])
    assert style.apart([], 0.1) == []


def test_the_still_picture_is_well_formed_names_itself_and_takes_the_colours_of_the_page():
    x = np.array([0.0, 1.0, 0.0, 0.0, 0.0])
    text = draw.still(x, {0.0: np.array([0, 0.7, 0, 0, 0]), 0.9: np.array([0, 0.7, 0.5, 0.4, 0.3])})
    picture = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert picture.find(f"{space}title").text
    assert "0.9 the output ends at 0.300" in picture.find(f"{space}desc").text
    assert "#" not in text.replace("http://www.w3.org/2000/svg", "")
    assert len(picture.findall(f"{space}polyline")) == 2
