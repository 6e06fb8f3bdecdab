"""The pictures of the chapter on long-term dependencies hold the numbers they were given, and their axes have names."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from companion.figures import long_term_dependencies as draw
from tests.figures.reading import has_named_axes, texts

SVG = "{http://www.w3.org/2000/svg}"


def row(share):
    return {"share": share, "low": share / 2, "high": (1 + share) / 2}


@pytest.fixture
def summary():
    shares = dict(zip(draw.CELLS, (0.0, 0.25, 0.5, 0.75, 1.0), strict=True))
    return {
        name: {cell: {"rate": 0.01, "lags": {"2": row(1.0), "5": row(share)}} for cell, share in shares.items()}
        for name in draw.TASKS
    }


def test_information_has_its_line_and_its_floor():
    axes = draw.information(np.array([1, 10]), np.array([1.0, 0.2]), 0.01)
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [1.0, 0.2])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [0.01, 0.01])
    assert has_named_axes(axes)


def test_success_has_a_row_a_task_and_a_column_a_cell(summary):
    axes = draw.success(summary, ["adding", "copying"])
    assert axes.shape == (2, 5)
    assert [panel.get_title() for panel in axes[0]] == list(draw.CELLS.values())
    np.testing.assert_array_equal(axes[1, 3].lines[0].get_ydata(), [100, 75])
    np.testing.assert_array_equal(axes[1, 3].lines[0].get_xdata(), [2, 5])
    band = axes[0, 2].collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (25.0, 100.0)
    assert "copying" in axes[1, 0].get_ylabel()


def test_learning_shows_the_better_rate(summary):
    config = {"curves": dict.fromkeys(draw.TASKS, 5), "every": 100, "updates": 300}
    curves = {f"{name}/5/{cell}/0.01": [0.2, 0.4, 0.9] for name in draw.TASKS for cell in draw.CELLS}
    runs = [{"curves": curves}, {"curves": curves}]
    axes = draw.learning(SimpleNamespace(config=config, summary=summary, results=runs))
    for panel in axes.flat:
        np.testing.assert_array_equal(panel.lines[0].get_ydata(), [0.2, 0.4, 0.9])
        np.testing.assert_array_equal(panel.lines[0].get_xdata(), [100, 200, 300])
        assert has_named_axes(panel)
    assert texts(axes[0, 0]) == list(draw.CELLS.values())


def test_a_curve_that_ended_stays_where_it_was():
    steps, low, middle, high = draw.quartiles([[0.0, 1.0], [0.0, 0.5, None]], 10)
    np.testing.assert_array_equal(steps, [10, 20, 30])
    np.testing.assert_array_equal(middle, [0.0, 0.75, 1.0])
    assert (low <= high).all()


def test_latches_are_drawn_below_their_pulses():
    pulses, states = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.9, 0.95])
    axes = draw.latches(np.arange(3), pulses, {"a": states, "b": -states})
    assert len(axes) == 3
    np.testing.assert_array_equal(axes[2].lines[0].get_ydata(), -states)
    assert texts(axes[1]) == ["a"]


def test_the_map_names_its_marks_and_the_slope_is_beside_it():
    u, w = np.linspace(0, 2, 5), np.linspace(0, 3, 4)
    loss, slope = np.add.outer(w, u), np.geomspace(1e-6, 1, 5)
    slopes = {"by u": slope, "by w": slope / 10}
    left, right = draw.surface(u, w, loss, slopes, {"starts": ((-0.1, 0.1), 0.1), "by hand": (2.0, 2.0)})
    assert texts(left) == ["starts", "by hand"]
    np.testing.assert_array_equal(right.lines[1].get_ydata(), slope / 10)
    assert texts(right) == ["by u", "by w"]
    assert has_named_axes(left)


def test_norms_are_drawn_over_the_rounding():
    axes = draw.heard([2, 5], {"all": [1.0, 0.5], "some": [1e-2, 1e-5]}, 1e-7)
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [1e-2, 1e-5])
    assert has_named_axes(axes)


def test_starts_have_their_loss_and_both_shares():
    rows = {
        f"at_{100 * a:.0f}": {"share": a, "loss": 2 * a, "before": row(1 - a), "after": row(1.0 if a < 0.6 else 0.0)}
        for a in (0.0, 0.5, 1.0)
    }
    above, below = draw.starts({"starts": rows})
    np.testing.assert_array_equal(above.lines[0].get_ydata(), [0, 1, 2])
    np.testing.assert_array_equal(below.lines[0].get_ydata(), [100, 50, 0])
    np.testing.assert_array_equal(below.lines[1].get_ydata(), [100, 100, 0])
    assert below.get_xlabel()


def test_beginnings_have_a_bar_each_and_a_panel_a_distance():
    begun = {"RNN": {"d10": row(0.0), "d20": row(0.25)}, "RNN_orthogonal": {"d10": row(1.0), "d20": row(0.5)}}
    left, right = draw.beginnings({"begun": begun}, {"RNN": "tanh", "RNN_orthogonal": "tanh, orthogonal"})
    assert [bar.get_width() for bar in left.patches] == [0, 100]
    assert [bar.get_width() for bar in right.patches] == [25, 50]
    assert [text.get_text() for text in left.get_yticklabels()] == ["tanh", "tanh, orthogonal"]


def test_the_diagram_names_its_three_ideas_and_is_the_file_in_the_book():
    root = ElementTree.fromstring(draw.diagram())
    words = [text.text for text in root.iter(f"{SVG}text")]
    assert {"a latch", "a sum", "a chain"} <= set(words)
    file = Path(__file__).resolve().parents[2] / "book" / "_assets" / "diagrams" / "by-hand.svg"
    assert file.read_text(encoding="utf-8") == draw.diagram()
