"""The pictures of the chapter on the LSTM hold the numbers they were given, and their axes have names."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from companion.figures import lstm as draw
from companion.figures import lstm_diagrams
from companion.figures.__main__ import stored_and_shown
from tests.figures.reading import has_named_axes, texts

SVG = "{http://www.w3.org/2000/svg}"


def test_the_distances_are_shares_of_what_is_still_open():
    axes = draw.distances(np.array([1, 2, 3, 30]), [2])
    np.testing.assert_allclose(axes.lines[1].get_xydata(), [[2, 50]])
    assert has_named_axes(axes)


def test_both_units_and_the_value_to_keep_are_drawn():
    axes = draw.weights_at_odds(np.arange(3), np.array([0.0, 1.5, 0.2]), {"a": np.ones(3), "b": np.zeros(3)}, store=1)
    assert {"a", "b", "keep this"} == set(texts(axes))
    assert has_named_axes(axes)


def test_the_stream_is_drawn_by_tenths_with_its_medians():
    runs = [{"x": {"cell": [k] * 10, "repeat": [0.1 * k] * 10}} for k in (1, 2, 9)]
    left, right = draw.stream(runs, {"x": "cell"})
    np.testing.assert_array_equal(left.lines[-1].get_ydata(), np.full(10, 2))
    np.testing.assert_allclose(right.lines[-1].get_ydata(), np.full(10, 0.2))
    assert has_named_axes(left)
    assert has_named_axes(right)


def test_what_is_left_is_named_at_the_last_point_inside():
    axes = draw.fading([1, 10, 100], {"a": [1, 0.1, 1e-9], "b": [1, 1, 1]}, {"a": "hidden", "b": "cell"}, (1e-3, 2))
    assert [text.xy for text in axes.texts] == [(10, 0.1), (100, 1)]
    assert has_named_axes(axes)


def test_path_and_whole_are_drawn_for_both_cells():
    row = {f"k{k}": {"median": 1.0 / k, "min": 0.5 / k, "max": 2.0 / k} for k in (1, 3, 10, 30)}
    kind = {"path": row, "whole": row}
    panels = draw.carousel({"1997": kind, "bias_3": kind}, [1, 3, 10, 30])
    for axes in panels:
        np.testing.assert_allclose(axes.lines[0].get_ydata(), [1, 1 / 3, 0.1, 1 / 30])
        assert set(texts(axes)) == {"in all", "along the path"}


def test_the_traces_name_stores_and_questions():
    trace = {name: [0.1, 0.2, 0.3] for name in "ifoch"} | {"cue": [1, 0, 2], "symbol": [2, 0, 1]}
    panels = draw.traces(trace)
    assert texts(panels[0]) == ["C", "?"]
    assert sorted(texts(panels[3])) == ["c", "h"]
    assert [bar.get_height() for bar in panels[1].patches] == [0.1, 0.2, 0.3]


def test_the_faults_have_a_bar_for_each_gate():
    one = {name: {"mean": 0.25, "low": 0.2, "high": 0.3} for name in ("stored", "persists", "shown", "mute")}
    panels = draw.faults(dict.fromkeys(("free", "i_mean", "f_mean", "o_mean"), one))
    for axes in panels:
        assert [bar.get_height() for bar in axes.patches] == [25.0] * 4


def test_the_still_picture_says_what_the_cell_ends_with():
    picture = ElementTree.fromstring(draw.still(stored_and_shown()))
    assert picture.find(f"{SVG}title").text
    assert "h at step 12 0.705" in picture.find(f"{SVG}desc").text


def test_the_still_cell_is_the_one_of_equations_written_out():
    found, c = stored_and_shown(), 0.0
    for i, f, g, o, cell, h in zip(*(found[name] for name in "ifgoch"), strict=True):
        c = f * c + i * g
        assert (c, o * np.tanh(c)) == pytest.approx((cell, h), rel=1e-12)
    assert found["left"][0] == pytest.approx(np.prod(found["f"][1:]), rel=1e-12)


@pytest.mark.parametrize("stage", ["carousel", "1997", "forget"])
def test_each_diagram_is_well_formed_and_takes_the_colours_of_the_page(stage):
    text = lstm_diagrams.cell(stage)
    picture = ElementTree.fromstring(text)
    assert picture.find(f"{SVG}title").text
    assert picture.find(f"{SVG}desc").text
    gates = sum(word.text == "σ" for word in picture.iter(f"{SVG}text"))
    assert gates == {"carousel": 0, "1997": 2, "forget": 3}[stage]
    assert "#" not in text.replace("http://www.w3.org/2000/svg", "").replace("url(#", "")
