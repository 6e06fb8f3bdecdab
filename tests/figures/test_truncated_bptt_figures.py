"""The chapter's pictures hold the numbers they were given, say them beside the lines, and have axes with names."""

import numpy as np
import pytest

from companion.figures import truncated_bptt as draw
from tests.figures.reading import has_named_axes, texts


def bands(name="mean", **middle):
    found = ((cut.strip("k"), value) for cut, value in middle.items())
    return {cut: {name: value, "low": value - 0.1, "high": value + 0.1} for cut, value in found}


def test_what_characters_share_is_drawn_for_the_text_and_for_a_shuffled_one():
    axes = draw.shared([1, 10], [1.0, 0.1], [0.01, 0.01])
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1.0, 0.1])
    assert texts(axes) == ["the text", "shuffled"]
    assert has_named_axes(axes)


def test_the_weights_of_the_lags_are_named_at_their_ends():
    ways = {"windows": np.array([1.0, 1.0, 0.0]), "chunks": np.array([1.0, 0.5, 0.0])}
    axes = draw.weights(np.arange(3), ways, 2)
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [1.0, 0.5, 0.0])
    assert texts(axes) == ["windows", "chunks"]
    assert has_named_axes(axes)


def test_the_cost_of_a_step_is_drawn_by_length_and_by_chunk():
    left, right = draw.costs([10, 100], [20.0, 11.0], bands("median", k5=4.0, k50=1.0))
    np.testing.assert_array_equal(left.lines[0].get_ydata(), [20.0, 11.0])
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [4.0, 1.0])
    assert has_named_axes(left)
    assert has_named_axes(right)


def test_the_map_says_every_count_and_the_stroke_stands_where_the_gradient_begins_to_reach():
    won = {"chunks": np.array([[0, 3, 5], [1, 0, 4]]), "windows": np.zeros((2, 3), int)}
    axes, _ = draw.frontier([1, 2], [1, 2, 3], won, [5, 0], 5)
    assert texts(axes) == ["5", "0", "0", "1", "3", "0", "5", "4"]
    (stroke,) = (patch for patch in axes.patches if hasattr(patch, "get_data"))
    np.testing.assert_array_equal(stroke.get_data().values, [1.5, 2.5])  # below row 2, k = 2, and row 3, k = 3
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["frozen", "1", "2", "3"]


def test_angle_and_length_are_drawn_for_both_nets_and_both_ways():
    one = {"cosine": bands(k1=0.5, k2=1.0), "length": bands(k1=0.8, k2=1.0)}
    left, right = draw.off({net: {"windows": one, "chunks": one} for net in ("untrained", "trained")})
    assert len(left.lines) == 4
    np.testing.assert_allclose(left.lines[0].get_ydata(), [60.0, 0.0], atol=1e-9)
    np.testing.assert_array_equal(right.lines[0].get_ydata(), [0.8, 1.0])
    assert has_named_axes(left)


def test_the_running_mean_of_the_draws_is_drawn_with_the_truth():
    axes = draw.estimates(np.arange(20.0), 9.5, 5.0)
    assert axes.lines[0].get_ydata()[-1] == pytest.approx(9.5)
    assert texts(axes) == ["exact", "chunks"]
    assert has_named_axes(axes)


def test_bits_are_drawn_by_cut_with_names():
    axes = draw.text_bits({"a": bands(k1=3.0, k5=2.5), "b": bands(k5=2.0, k50=2.2)})
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [2.0, 2.2])
    assert texts(axes) == ["a", "b"]
    assert has_named_axes(axes)
