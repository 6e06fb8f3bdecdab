"""The pictures of the chapter on unfolding hold the numbers they were given and have axes with names."""

import re
import xml.etree.ElementTree as ElementTree

import numpy as np

from companion.figures import unfolding as draw
from companion.figures.__main__ import unrolled_impulse
from companion.figures.palette import LIGHT
from tests.figures.reading import has_named_axes, texts

SPACE = "{http://www.w3.org/2000/svg}"


def test_each_cycle_is_a_row_with_its_length_at_the_end_and_larger_dots_for_larger_numbers():
    axes = draw.cycles([1900, 1903, 1905], [np.array([1.0, 9.0, 2.0]), np.array([0.0, 3.0]), np.ones(1)])
    assert [len(row.get_offsets()) for row in axes.collections] == [3, 2, 1]
    sizes = axes.collections[0].get_sizes()
    assert sizes[1] > sizes[2] > sizes[0]
    assert texts(axes) == ["3", "2", "1"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["1900", "1905"]
    assert has_named_axes(axes)


def test_the_running_sum_of_the_shares_ends_at_the_whole():
    parts = np.array([0.0, 2.0, -0.5])
    axes = draw.shares(parts, 1.5, "u")
    assert [bar.get_height() for bar in axes.patches] == parts.tolist()
    np.testing.assert_allclose(axes.lines[0].get_ydata(), [0, 2, 1.5])
    assert axes.lines[2].get_ydata()[0] == 1.5
    assert axes.get_ylabel() == "gradient of u"
    assert has_named_axes(axes)


def test_memory_has_dots_that_were_measured_and_lines_that_were_predicted_in_megabytes():
    T = np.array([1, 2])
    axes = draw.memory(T, {"RNN": np.array([1e6, 2e6])}, {"RNN": np.array([1e6, 3e6])})
    predicted, measured = axes.lines
    assert predicted.get_ydata().tolist() == [1, 3]
    assert measured.get_ydata().tolist() == [1, 2]
    assert measured.get_linestyle() == "None"
    assert texts(axes) == ["RNN"]
    assert has_named_axes(axes)


def test_learning_shows_mean_interval_and_extremes_and_ours_in_the_colour_of_the_state():
    def value(mean):
        return {"mean": mean, "low": mean - 0.1, "high": mean + 0.1, "min": mean - 0.2, "max": mean + 0.15}

    axes = draw.learning([16, 64], {"shared": [value(0.8), value(0.9)], "unshared": [value(0.6), value(0.7)]}, "shared")
    assert [line.get_ydata().tolist() for line in axes.lines] == [[0.8, 0.9], [0.6, 0.7]]
    assert [line.get_color() for line in axes.lines] == [LIGHT["hidden"], LIGHT["muted"]]
    assert texts(axes) == ["shared", "unshared"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["16", "64"]
    assert has_named_axes(axes)


def test_the_still_picture_says_the_numbers_of_the_reference_on_its_edges():
    x, w, u, h = unrolled_impulse()
    picture = ElementTree.fromstring(draw.chain(x, w, u, h))
    said = [node.text for node in picture.iter(f"{SPACE}text")]
    for value in [*h, *(u * h[:-1]), *(w * x)]:
        assert f"{value:.3f}" in said
    assert [f"t = {t}" in said for t in range(len(h))] == [True] * len(h)
    assert picture.find(f"{SPACE}title").text
    assert f"{h[-1]:.3f}" in picture.find(f"{SPACE}desc").text


def test_the_still_picture_takes_its_colours_from_the_page_and_has_a_true_minus_sign():
    text = draw.chain(np.array([-1.0, 0.0]), 1.0, 0.5, np.tanh([-1.0, -0.4]))
    assert not re.search(r"#[0-9a-f]{3}", text.replace("http://www.w3.org/2000/svg", ""))
    assert "\u22121.000" in text
    assert ">-" not in text
