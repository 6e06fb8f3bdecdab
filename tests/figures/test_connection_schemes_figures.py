"""The pictures of the chapter on connection schemes hold the numbers they were given and have axes with names."""

import numpy as np
import pytest

from companion.figures import connection_schemes as draw
from companion.figures.palette import LIGHT
from tests.figures.reading import texts


def value(mean):
    return {"mean": mean, "low": mean * 0.95, "high": mean * 1.05, "min": mean * 0.9, "max": mean * 1.1}


def test_what_comes_back_is_drawn_for_both_networks():
    years, spots = np.arange(1950, 1954), np.array([80.0, 60, 30, 10])
    hidden, output = np.linspace(-1, 1, 12).reshape(4, 3), spots / 100
    rows = draw.carried(years, spots, hidden, output)
    np.testing.assert_array_equal(rows[0].lines[0].get_ydata(), spots)
    np.testing.assert_array_equal([line.get_ydata() for line in rows[1].lines], hidden.T)
    np.testing.assert_array_equal(rows[2].lines[0].get_ydata(), output)
    assert rows[2].get_xlabel()
    assert all(axes.get_ylabel() for axes in rows)
    assert "3 numbers" in rows[1].get_title(loc="left") + rows[1].get_title()


def test_lags_have_a_line_and_a_label_each_and_tasks_a_dot_for_each_network():
    names = ["hidden", "own", "taught"]
    rows = {name: [value(0.9 - 0.1 * place), value(0.6)] for place, name in enumerate(names)}
    kept = {name: {"latch": value(0.8), "parity": value(0.7)} for name in names}
    left, right = draw.lags([0, 4], rows, kept)
    assert [line.get_ydata()[0] for line in left.lines[1:]] == pytest.approx([0.9, 0.8, 0.7])
    assert texts(left) == names
    assert [line.get_ydata().tolist() for line in right.lines[1:]] == [[0.8, 0.7]] * 3
    assert [tick.get_text() for tick in right.get_xticklabels()] == ["latch", "parity"]
    assert left.get_xlabel()
    assert left.get_ylabel()


def test_times_have_a_panel_for_each_library():
    ways = {"hidden loop": [1.0, 8.0], "taught": [0.5, 1.0], "output loop": [1.1, 9.0]}
    panels = draw.times([8, 64], {"NumPy": ways, "PyTorch": ways})
    for axes in panels:
        assert [line.get_ydata().tolist() for line in axes.lines] == list(ways.values())
        assert texts(axes) == list(ways)
        assert axes.get_xscale() == axes.get_yscale() == "log"
        assert axes.get_xlabel()
    assert panels[0].get_ylabel()


def test_exposure_has_a_line_for_each_plan_and_a_dashed_one_for_the_teacher():
    ways = {name: [value(0.01), value(0.1 * place)] for place, name in enumerate(["taught", "own", "then"], start=1)}
    panels = draw.exposure([1, 20], {"quiet": ways, "loud": ways}, {"quiet": 0.001, "loud": 0.002})
    for axes, forced in zip(panels, (0.001, 0.002), strict=True):
        assert [line.get_ydata()[1] for line in axes.lines[:3]] == pytest.approx([0.1, 0.2, 0.3])
        assert axes.lines[3].get_ydata()[0] == forced
        assert texts(axes)[:3] == list(ways)
        assert axes.get_yscale() == "log"


def test_waiting_shows_one_direction_over_the_delays_and_two_at_once():
    axes = draw.waiting([0, 1, 2], [value(0.5), value(0.5), value(1.0)], value(1.0))
    assert axes.lines[1].get_ydata().tolist() == [0.5, 0.5, 1.0]
    assert axes.lines[1].get_color() == LIGHT["hidden"]
    assert axes.lines[2].get_xydata().tolist() == [[0.0, 1.0]]
    assert texts(axes) == ["one direction", "two directions, at once"]
    assert axes.get_xlabel()
    assert axes.get_ylabel()
