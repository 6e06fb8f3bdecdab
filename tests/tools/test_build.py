"""Building says how to open the book; a build with warnings fails, and the next one names them again."""

import pytest

from tools import build


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setattr(build, "HTML", tmp_path / "html")
    monkeypatch.setattr(build, "DOCTREES", tmp_path / ".doctrees")
    for folder in (build.HTML, build.DOCTREES):
        folder.mkdir()
    return tmp_path


def test_a_build_says_how_to_open_the_book(house, monkeypatch, capsys):
    monkeypatch.setattr(build, "jupyter_book", lambda *options, **streams: 0)
    assert build.build(fresh=False) == 0
    assert str(build.HTML / "index.html") in capsys.readouterr().out
    assert build.DOCTREES.exists()


def test_warnings_are_asked_to_be_errors_and_none_is_lost(house, monkeypatch, capsys):
    asked = []
    monkeypatch.setattr(build, "jupyter_book", lambda *options, **streams: asked.extend(options) or 1)
    assert build.build(fresh=False) == 1
    assert {"--warningiserror", "--nitpick", "--keep-going"} <= set(asked)
    assert not build.DOCTREES.exists()
    assert "warnings" in capsys.readouterr().err


def test_a_fresh_build_begins_with_nothing(house, monkeypatch):
    monkeypatch.setattr(build, "jupyter_book", lambda *options, **streams: int(build.HTML.exists()))
    assert build.build(fresh=True) == 0


def test_the_command_line_builds_asks_links_or_says_what_it_knows(monkeypatch, capsys):
    monkeypatch.setattr(build, "build", lambda fresh: "fresh" if fresh else "changed")
    monkeypatch.setattr(build, "check_links", lambda: "links")
    assert [build.main(arguments) for arguments in ([], ["--fresh"], ["--links"])] == ["changed", "fresh", "links"]
    with pytest.raises(SystemExit, match="2"):
        build.main(["--frehs"])
    assert "--fresh" in capsys.readouterr().err
