"""The check runner goes on after a failure, says what failed, and tells the truth in its exit status."""

import json
import sys

import pytest

from tools import check


def part(name, *programs):
    return check.Part(name, f"{name} is checked", lambda: [[sys.executable, "-c", program] for program in programs])


@pytest.fixture
def reports(tmp_path, monkeypatch):
    monkeypatch.setattr(check, "REPORTS", tmp_path)
    return tmp_path


@pytest.fixture
def three_parts(reports, monkeypatch):
    parts = (part("good", "print('3 passed in 0.10s')"), part("bad", "raise SystemExit(3)"), part("empty"))
    monkeypatch.setattr(check, "PARTS", parts)
    return reports


def test_a_failing_part_does_not_stop_the_others_and_fails_the_whole(three_parts, capsys):
    assert check.main([]) == 1
    shown = capsys.readouterr().out
    assert 'Failed: bad. To see it again: make test PARTS="bad"' in shown
    parts = json.loads((three_parts / "run.json").read_text())["parts"]
    assert [(p["name"], p["outcome"]) for p in parts] == [
        ("good", "passed"),
        ("bad", "failed"),
        ("empty", "nothing to check"),
    ]
    assert parts[0]["detail"] == "3 passed"


def test_parts_that_pass_give_a_zero(three_parts, capsys):
    assert check.main(["good", "empty"]) == 0
    assert "Everything passed." in capsys.readouterr().out


def test_a_part_that_was_not_run_keeps_its_result(three_parts):
    check.main([])
    check.main(["good"])
    parts = json.loads((three_parts / "run.json").read_text())["parts"]
    assert [p["outcome"] for p in parts] == ["passed", "failed", "nothing to check"]


def test_one_failing_command_fails_its_part(reports):
    assert check.run_part(part("half", "", "raise SystemExit(1)", "")).outcome == "failed"


def test_an_unknown_part_is_named_beside_the_known_ones():
    with pytest.raises(SystemExit, match=r"no part everything(.|\n)*lint") as stopped:
        check.main(["everything"])
    assert stopped.value.code != 0


@pytest.mark.parametrize(
    ("line", "summary"),
    [
        ("9 passed in 0.11s", "9 passed"),
        ("===== 2 failed, 9 passed, 1 warning in 75.03s (0:01:15) =====", "2 failed, 9 passed, 1 warning"),
        ("\x1b[32m3 passed\x1b[0m\x1b[32m in 1.0s\x1b[0m", "3 passed"),
        ("all 3 passed in review", ""),
    ],
)
def test_the_last_line_of_pytest_is_found(line, summary):
    assert check.run_command([sys.executable, "-c", f"print({line!r})"]) == (0, summary)


def test_the_times_of_the_notebooks_are_added_up_by_chapter(tmp_path):
    (tmp_path / "notebooks.xml").write_text(
        '<testsuites><testsuite><testcase classname="book.lstm" name="cell 1" time="1.25"/>'
        '<testcase classname="book.lstm" name="cell 2" time="0.5"/>'
        '<testcase classname="book.recurrent-neuron" name="cell 1" time="2"/></testsuite></testsuites>'
    )
    assert check.notebook_times(tmp_path / "notebooks.xml") == {"lstm": 1.8, "recurrent-neuron": 2.0}


def test_where_no_notebook_ran_there_are_no_times(tmp_path):
    assert check.notebook_times(tmp_path / "none.xml") == {}
