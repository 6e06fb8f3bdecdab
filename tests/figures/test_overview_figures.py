"""The pictures of the overview hold the numbers they were given, and its diagrams follow the theme."""

import re
import xml.etree.ElementTree as ElementTree

import pytest

from companion.figures import overview as draw
from companion.figures import overview_diagrams as diagrams
from companion.figures.palette import LIGHT
from tests.figures.reading import texts

SPACE = "{http://www.w3.org/2000/svg}"
DIAGRAMS = {"growth": diagrams.growth, "shapes": diagrams.shapes, "sights": diagrams.sights}


def test_a_bar_for_each_letter_and_a_mark_for_the_space():
    one, other = draw.next_letters({"n": {" ": 0.5, "t": 0.25}, "in": {"g": 0.75, "\n": 0.125}})
    assert [bar.get_height() for bar in one.patches] == [0.5, 0.25]
    assert [tick.get_text() for tick in one.get_xticklabels()] == ["␣", "t"]
    assert [tick.get_text() for tick in other.get_xticklabels()] == ["g", "↵"]
    assert (one.get_title("left"), other.get_title("left")) == ("…n", "…in")
    assert one.get_xlabel()
    assert one.get_ylabel()


def test_windows_shows_every_task_and_the_loop_with_its_extremes():
    looped = {"echo 1": {"mean": 1.0, "min": 1.0, "max": 1.0}, "parity": {"mean": 0.9, "min": 0.7, "max": 1.0}}
    axes = draw.windows({"echo 1": {1: 0.5, 2: 1.0}, "parity": {1: 0.5, 4: 0.51}}, looped)
    lines = {tuple(line.get_ydata()): line.get_color() for line in axes.lines}
    assert lines[0.5, 1.0] == LIGHT["input"]
    assert lines[0.5, 0.51] == LIGHT["output"]
    assert lines[(0.9,)] == LIGHT["hidden"]
    spans = [segment[:, 1].tolist() for group in axes.collections for segment in group.get_segments()]
    assert spans == [[1.0, 1.0], [0.7, 1.0]]
    assert sorted(texts(axes)) == ["echo 1", "echo 1", "guessing", "parity", "parity"]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "3", "4", "loop"]
    assert axes.get_xlabel()
    assert axes.get_ylabel()


def test_machines_shows_each_move_once_with_its_bit():
    moves = [("0", 0, "0"), ("0", 1, "1"), ("0", 1, "1"), ("1", 1, "0"), ("1", 0, "1")]
    (axes,) = draw.machines({"parity": moves})
    bits = [text for text in texts(axes) if text]
    assert sorted(bits) == ["0", "0", "0", "1", "1", "1"]  # two states, and the bits of four moves
    assert axes.get_title("left") == "parity"


def test_states_lie_so_that_neighbours_differ_in_one_bit():
    assert sorted(["00", "01", "10", "11"], key=draw._gray) == ["00", "01", "11", "10"]


@pytest.mark.parametrize("name", DIAGRAMS)
def test_a_diagram_is_svg_with_a_title_and_the_colours_of_the_page(name):
    text = DIAGRAMS[name]()
    picture = ElementTree.fromstring(text)
    assert picture.find(f"{SPACE}title").text
    assert picture.find(f"{SPACE}desc").text.endswith(".")
    assert not re.search(r"#[0-9a-f]{3}", text.replace("http://www.w3.org/2000/svg", ""))
    assert set(re.findall(r"--u-(\w+)", text)) <= set(LIGHT)


@pytest.mark.parametrize("name", DIAGRAMS)
def test_nothing_of_a_diagram_lies_outside_its_frame(name):
    picture = ElementTree.fromstring(DIAGRAMS[name]())
    _, _, width, height = map(float, picture.get("viewBox").split())
    for node in picture.iter(f"{SPACE}text"):
        half = 3.6 * len(node.text)
        x, y = float(node.get("x")), float(node.get("y"))
        left = x - half if node.get("text-anchor") == "middle" else x
        assert left >= 0
        assert left + 2 * half <= width
        assert 0 <= y <= height
    for node in picture.iter(f"{SPACE}rect"):
        x, y = float(node.get("x")), float(node.get("y"))
        assert 0 <= x <= width - float(node.get("width"))
        assert 0 <= y <= height - float(node.get("height"))


def test_the_growing_network_names_twelve_chapters_in_the_order_of_the_course():
    names = [node.text for node in ElementTree.fromstring(diagrams.growth()).iter(f"{SPACE}text") if len(node.text) > 1]
    assert len(names) == 12
    assert names[0] == "Overview"
    assert names[-1] == "Long distances"
