"""Progress in a terminal, in a log and in a notebook."""

import io
import sys
from types import SimpleNamespace

import pytest

from companion.training.progress import Lines, place, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(mode, stream, steps=3):
    with progress(steps, "sums", mode, stream) as bar:
        for _ in range(steps):
            bar.update()


def test_a_terminal_gets_one_bar_that_is_drawn_over():
    stream = Terminal()
    run("terminal", stream)
    assert "\r" in stream.getvalue()
    assert stream.getvalue().count("\n") == 1
    assert "3/3" in stream.getvalue()


def test_a_log_gets_lines_and_nothing_that_moves_the_cursor():
    stream = io.StringIO()
    run("log", stream)
    lines = stream.getvalue().splitlines()
    assert "\r" not in stream.getvalue()
    assert lines[0].startswith("sums: 0 of 3")
    assert lines[-1].startswith("sums: 3 of 3")
    assert len(lines) <= 3


def test_a_log_gets_few_lines_however_many_steps_there_are():
    stream = io.StringIO()
    run("log", stream, steps=500)
    assert len(stream.getvalue().splitlines()) <= 3


@pytest.mark.parametrize("mode", ["notebook", "silent"])
def test_a_notebook_gets_nothing(mode, capfd):
    stream = Terminal()
    run(mode, stream)
    assert stream.getvalue() == ""
    assert capfd.readouterr() == ("", "")


def test_the_place_is_found_out(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert place(Terminal()) == "terminal"
    assert place(io.StringIO()) == "log"
    shell = SimpleNamespace()
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    assert place(Terminal()) == "terminal"
    shell.kernel = object()
    assert place(Terminal()) == "notebook"


def test_standard_error_is_used_unless_told(monkeypatch):
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    assert place() == "log"
    run(None, None)
    assert "sums: 3 of 3" in stream.getvalue()


def test_an_unknown_place_is_refused():
    with pytest.raises(ValueError, match="mode: expected .* got 'paper'"):
        progress(1, "sums", "paper")


@pytest.mark.parametrize("mode", ["terminal", "log"])
def test_what_was_done_before_is_not_counted_as_speed(mode):
    with progress(100, "sums", mode, Terminal(), done=90) as bar:
        bar.update()
        assert (bar.n, bar.format_dict["initial"]) == (91, 90)


def test_lines_can_be_flushed():
    stream = io.StringIO()
    lines = Lines(stream)
    assert lines.write("\rone\r \n") == 7
    lines.flush()
    assert stream.getvalue() == "one\n"
