"""The pictures on clipping, activations, normalisation and gains hold what they were given, and name it."""

import numpy as np

from companion.figures import keeping_gradients as draw
from tests.figures.reading import has_named_axes, texts


def shares(*values):
    return [{"share": value, "low": max(value - 0.1, 0), "high": min(value + 0.1, 1)} for value in values]


def lines(axes):
    return [line.get_ydata() for line in axes.lines]


def test_a_run_that_is_lost_ends_where_its_last_number_is():
    lost, fine = np.array([1.0, 9.0, 99.0, np.nan, np.nan]), np.array([1.0, 2.0, 1.0, 2.0, 1.0])
    axes = draw.blow_up({"without": lost, "with": fine}, threshold=1.0)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1.0, 9.0, 99.0])
    assert axes.lines[1].get_xydata().tolist() == [[2.0, 99.0]]
    np.testing.assert_array_equal(axes.lines[2].get_ydata(), fine)
    assert texts(axes) == ["without", "with"]
    assert axes.get_yscale() == "log"
    assert has_named_axes(axes)


def test_survival_has_a_panel_for_each_way_and_the_cosine_beside_the_second():
    by_norm, by_value = [0.1, 1.0, 10.0], [0.01, 0.1]
    left, right = draw.survival(by_norm, shares(0.1, 1, 0.5), by_value, shares(0.2, 0.9), [0.3, 0.8], shares(0.0)[0])
    np.testing.assert_array_equal(lines(left)[0], [0.1, 1, 0.5])
    np.testing.assert_array_equal(lines(right)[0], [0.2, 0.9])
    np.testing.assert_array_equal(lines(right)[1], [0.3, 0.8])
    assert texts(left) == ["without clipping"]
    assert set(texts(right)) == {"cosine", "survive"}
    assert has_named_axes(left)


def test_lags_begin_without_clipping_and_name_every_line():
    rows = {key: shares(0.0, 0.2, value) for key, value in (("a", 0.3), ("b", 0.4), ("c", 0.9), ("d", 1.0))}
    axes = draw.lags([0.1, 1.0], rows, {key: f"line {key}" for key in rows})
    assert [label.get_text() for label in axes.get_xticklabels()] == ["none", "0.1", "1"]
    np.testing.assert_array_equal(lines(axes)[3], [0.0, 0.2, 1.0])
    assert texts(axes) == ["line a", "line b", "line c", "line d"]
    assert has_named_axes(axes)


def test_activations_stand_by_length_and_by_depth():
    lag = {
        "tanh, usual": dict(zip("36", shares(0, 0), strict=True)),
        "relu, usual": dict(zip("36", shares(1, 0.5), strict=True)),
    }
    deep = {"sigmoid": dict(zip(("3", "20"), shares(1, 0), strict=True))}
    left, right = draw.activations(lag, deep)
    np.testing.assert_array_equal(left.lines[1].get_xydata(), [[3, 1], [6, 0.5]])
    np.testing.assert_array_equal(right.lines[0].get_xydata(), [[3, 1], [20, 0]])
    assert texts(left) == ["tanh, usual", "ReLU, usual"]
    assert (left.get_xlabel(), right.get_xlabel()) == ("time steps", "hidden layers")


def test_normalisation_shows_factor_and_success_of_every_kind():
    found = {
        kind: {"growth": [0.5, value], "solved": shares(0, value)} for kind, value in (("none", 0.9), ("layer", 1.0))
    }
    left, right = draw.normalisation([1.0, 4.0], found, {"none": "nothing", "layer": "layers"})
    np.testing.assert_array_equal(lines(left)[0], [0.5, 0.9])
    np.testing.assert_array_equal(lines(right)[1], [0, 1.0])
    assert texts(left) == texts(right) == ["nothing", "layers"]
    assert all(map(has_named_axes, (left, right)))


def test_maps_write_every_number_in_its_field():
    share = np.array([[0.0, 1.0], [0.25, 0.5]])
    reach = np.array([[1e-5, 1.0], [1e-30, 1e300]])
    grid = draw.maps([0.5, 1.0], [10, 20], {"a": share, "b": share, "c": share}, reach).ravel()
    assert texts(grid[0]) == ["\u22125", "0", "\u221230", "+99"]
    assert texts(grid[1]) == ["0", "100", "25", "50"]
    np.testing.assert_array_equal(grid[2].images[0].get_array(), share)
    assert [axes.get_title() for axes in grid[1:]] == ["% solved: a", "% solved: b", "% solved: c"]
