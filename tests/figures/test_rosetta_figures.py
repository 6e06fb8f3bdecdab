"""The pictures of "Rosetta" hold the numbers they were given, say them beside the lines, and have axes with names."""

import numpy as np

from companion.figures import rosetta as draw
from companion.figures.palette import LIGHT
from tests.figures.reading import texts


def test_two_ports_are_two_lines_beside_what_was_observed():
    years, observed = np.arange(1921, 1926), np.array([1.0, 5.0, 2.0, 8.0, 3.0])
    axes = draw.two_ports(years, observed, {"in NumPy": observed + 1, "in Keras": 2 * observed})
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), observed)
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), observed + 1)
    np.testing.assert_array_equal(axes.lines[2].get_ydata(), 2 * observed)
    assert texts(axes) == ["observed", "in NumPy", "in Keras"]
    assert axes.get_xlabel() == "year"
    assert axes.get_ylabel()


def test_errors_of_the_two_precisions_have_a_row_an_engine_and_two_colours():
    axes = draw.engine_errors({"ours float64": [1e-16, 4e-15], "theirs float32": [1e-7]})
    first, second = axes.lines[2:]
    np.testing.assert_array_equal(first.get_xdata(), [1e-16, 4e-15])
    np.testing.assert_array_equal(second.get_ydata(), [1])
    assert (first.get_color(), second.get_color()) == (LIGHT["hidden"], LIGHT["gate"])
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["ours float64", "theirs float32"]
    assert [line.get_xdata()[0] for line in axes.lines[:2]] == [np.finfo(np.float64).eps, np.finfo(np.float32).eps]
    assert axes.get_xscale() == "log"
    assert axes.get_xlabel()


def test_a_name_has_a_filled_dot_in_each_release_that_offers_it():
    axes = draw.offered({"a.b.LSTM": {"2.0": True, "Keras 3.0": True}, "a.b.Cell": {"2.0": True, "Keras 3.0": False}})
    rows = [(line.get_ydata()[0], line.get_markerfacecolor()) for line in axes.lines]
    assert rows == [(0, LIGHT["hidden"]), (0, LIGHT["hidden"]), (1, LIGHT["hidden"]), (1, "none")]
    assert [line.get_xdata()[0] for line in axes.lines] == [*axes.get_xticks(), *axes.get_xticks()]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["LSTM", "Cell"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["2.0", "Keras\n3.0"]
