"""The pictures of "Speed" hold the numbers they were given, say them beside the lines, and have axes with names."""

import numpy as np
import pytest

from companion.figures import speed as draw
from companion.figures.palette import LIGHT
from tests.figures.reading import texts


def around(value):
    return {"median": value, "low": 0.9 * value, "high": 1.1 * value}


def test_every_program_has_a_dot_with_its_number_and_the_floor_is_grey():
    axes = draw.ladder({"floor": 0.25, "native": 4.0, "loop": 111.0}, "floor", "ms")
    assert [float(line.get_xdata()[0]) for line in axes.lines] == [0.25, 4.0, 111.0]
    assert [line.get_color() for line in axes.lines] == [LIGHT["muted"], LIGHT["hidden"], LIGHT["hidden"]]
    assert texts(axes) == ["0.25", "4", "111"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["floor", "native", "loop"]
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "ms")


def test_growth_draws_both_series_and_the_slope_of_the_work():
    sizes = [{"chain": around(5.0), "free": around(4.0)}, {"chain": around(9.0), "free": around(7.0)}]
    left, right = draw.growth([16, 32], {"one": sizes, "many": sizes})
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [5.0, 9.0])
    np.testing.assert_array_equal(right.lines[1].get_ydata(), [4.0, 7.0])
    low, high = left.lines[2].get_ydata()
    assert high / low == pytest.approx(4)
    assert {"step after step", "all at once", "as the\nwork"} <= set(texts(left))
    assert (left.get_title(loc="left"), right.get_title(loc="left")) == ("one", "many")
    assert left.get_xlabel()
    assert left.get_ylabel()


def test_the_time_of_a_sequence_is_that_of_the_step_over_the_batch():
    left, right = draw.batch_and_length(
        [1, 2, 4], [around(v) for v in (5, 6, 8)], [10, 20], [around(v) for v in (1e3, 2e3)]
    )
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [5, 6, 8])
    np.testing.assert_array_equal(left.lines[1].get_ydata(), [5, 3, 2])
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [1, 2])
    assert texts(left) == ["a step", "per sequence"]
    for axes in (left, right):
        assert axes.get_xlabel()
        assert axes.get_ylabel()
