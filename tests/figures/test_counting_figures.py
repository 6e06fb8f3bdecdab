"""The pictures of counting hold the numbers they were given, and their axes have names."""

import numpy as np
from matplotlib.colors import to_hex

from companion.figures import counting as draw
from companion.figures.palette import LIGHT
from tests.figures.reading import has_named_axes, texts

SUMMARY = {
    "RNN": {"reaches": [0, 9, 12], "median": 9.0, "largest": 12},
    "LSTM": {"reaches": [10, 40, 1000], "median": 40.0, "largest": 1000},
}


def test_every_run_is_a_dot_at_its_reach_and_the_median_a_line():
    axes = draw.reaches(SUMMARY)
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["LSTM", "tanh"]
    lstm, rnn = axes.lines
    assert (lstm.get_xdata().tolist(), rnn.get_xdata().tolist()) == ([10, 40, 1000], [5, 9, 12])
    assert (lstm.get_color(), rnn.get_color()) == (LIGHT["cell"], LIGHT["hidden"])
    assert (np.diff(lstm.get_ydata()) > 0).all()
    assert (rnn.get_ydata() > 0.5).all()
    assert [group.get_segments()[0][0, 0] for group in axes.collections] == [40, 9]
    assert axes.get_xlim()[1] >= 1000
    assert axes.get_xlabel()


def test_the_lessons_are_marked():
    axes = draw.reaches(SUMMARY, longest=7)
    (span,) = axes.patches
    assert (span.get_x(), span.get_width()) == (3.5, 3.5)
    assert texts(axes) == ["lessons"]


def test_a_trace_is_drawn_with_the_place_where_it_says_the_end():
    found = {"LSTM": {"state": [0, 1, 2, 1, 0], "says": 2}, "GRU": {"state": [0.0, 0.3, 0.4, 0.3, 0.2], "says": None}}
    lstm, gru = draw.traces(found)
    assert lstm.lines[0].get_ydata().tolist() == [0, 1, 2, 1, 0]
    assert [value[0] for value in lstm.lines[1].get_data()] == [4, 0]
    assert to_hex(lstm.lines[1].get_color()) == LIGHT["output"]
    assert len(gru.lines) == 1
    assert [axes.get_title() for axes in (lstm, gru)] == ["LSTM", "GRU"]
    assert (lstm.get_ylabel(), gru.get_ylabel()) == ("c", "h")
    assert has_named_axes(gru)
