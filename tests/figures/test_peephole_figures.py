"""The pictures of the chapter on peepholes hold the numbers they were given, and their axes have names."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np

from companion.exercises.peephole import clock, run_clock
from companion.figures import peephole as draw

SVG = "{http://www.w3.org/2000/svg}"


def heights(axes):
    return [patch.get_height() for patch in axes.patches]


def test_every_length_has_its_bar():
    axes = draw.line_lengths(np.array([1, 3, 3]), (2, 3))
    assert heights(axes)[:4] == [0, 1, 0, 2]
    assert axes.get_xlabel()
    assert axes.get_ylabel()


def test_the_clock_is_drawn_row_by_row():
    tape = {name: run_clock(*clock(4), 8)[name][:, 0] for name in "cfoh"}
    axes = draw.clock({"a": tape, "b": tape})
    assert axes.shape == (4, 2)
    for row, name in enumerate("cfoh"):
        np.testing.assert_allclose(heights(axes[row, 1]), tape[name])
        assert axes[row, 0].get_ylabel() == name
    assert [panel.get_title() for panel in axes[0]] == ["a", "b"]


def test_shares_and_intervals_are_those_of_the_summary():
    share = {"share": 0.5, "low": 0.3, "high": 0.7}
    other = {"share": 0.1, "low": 0.0, "high": 0.2}
    keys = [f"{task}_{hidden}" for task in ("timed_spikes", "spike_delays") for hidden in (1, 2)]
    left, right = draw.timing({key: {"LSTM": share, "PeepholeLSTM": other} for key in keys})
    assert heights(left) == heights(right) == [50, 10, 50, 10]
    np.testing.assert_allclose(left.lines[1].get_ydata(), [0, 20])
    assert left.get_ylabel()


def test_the_diagram_has_three_peepholes_and_is_the_file_in_the_book():
    root = ElementTree.fromstring(draw.diagram())
    dashed = [path for path in root.iter(f"{SVG}path") if path.get("stroke-dasharray")]
    assert len(dashed) == 3
    assert root.find(f"{SVG}title").text == "The cell with peepholes"
    file = Path(__file__).resolve().parents[2] / "book" / "_assets" / "diagrams" / "peephole.svg"
    assert file.read_text(encoding="utf-8") == draw.diagram()
