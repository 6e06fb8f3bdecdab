"""The chapter's pictures hold the numbers they were given, say them beside the lines, and have axes with names."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from companion.figures import bptt as draw
from companion.figures.__main__ import walked_back
from tests.figures.reading import has_named_axes, texts


def test_the_miss_leads_from_the_last_state_to_what_came():
    years, x, h = np.arange(1950, 1954), np.array([0.1, 0.2, 0.3, 0.1]), np.array([0.1, 0.15, 0.2, 0.15])
    axes = draw.missed(years, x, h, 0.7)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), x)
    np.testing.assert_array_equal(axes.lines[1].get_xydata(), np.column_stack([years, h]))
    np.testing.assert_array_equal(axes.lines[2].get_xydata(), [[1954, 0.15], [1954, 0.7]])
    assert {"what came", "the miss", "state h", "input x"} == set(texts(axes))
    assert has_named_axes(axes)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_shares_add_up_from_the_last_step_to_the_first(sign):
    parts = sign * np.array([0.0, 1.0, 2.0, 4.0])
    axes = draw.shares(np.arange(4), parts, parts.sum())
    assert [bar.get_height() for bar in axes.patches] == parts.tolist()
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), sign * np.array([7.0, 7.0, 6.0, 4.0]))
    low, high = axes.get_ylim()
    assert low <= min(parts.sum(), 0) <= max(parts.sum(), 0) <= high
    assert has_named_axes(axes)


def test_what_is_kept_is_drawn_for_each_way_with_its_name():
    axes = draw.kept([25, 100], {"going back": [7.0, 29.0], "RTRL": [43.0, 43.0], "checkpoints": [1.0, 3.0]})
    assert texts(axes) == ["going back", "RTRL", "checkpoints"]
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [43.0, 43.0])
    assert has_named_axes(axes)


def test_the_still_picture_is_well_formed_names_itself_and_takes_the_colours_of_the_page():
    text = draw.way_back(*walked_back())
    picture = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert picture.find(f"{space}title").text
    assert "step 4 adds \u22120.223" in picture.find(f"{space}desc").text
    assert "#" not in text.replace("http://www.w3.org/2000/svg", "")


def test_the_still_picture_shows_the_gradient_of_the_complex_step():
    x, h, dh, da, parts = walked_back()
    state = 0.0
    for x_t in x:
        state = np.tanh(x_t + (0.8 + 1e-30j) * state)
    assert ((state - 1) ** 2 / 2).imag / 1e-30 == pytest.approx(parts.sum(), rel=1e-12)
    np.testing.assert_allclose(da, dh * (1 - h**2), rtol=1e-12)
