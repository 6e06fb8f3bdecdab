"""The command line of the package."""

import runpy
import subprocess
import sys

import pytest

import companion
from companion.__main__ import main
from companion.experiments import CLAIMS, Evidence, experiment


def test_the_experiments_are_listed(capsys):
    assert main(["experiment", "--list"]) == 0
    listed = capsys.readouterr().out
    assert [line.split()[0] for line in listed.splitlines()] == list(experiment.EXPERIMENTS)
    assert "C01" in listed
    assert main(["experiment"]) == 0
    assert capsys.readouterr().out == listed


def test_an_experiment_is_run_and_saved(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("UNROLLED_EVIDENCE", str(tmp_path / "book" / "evidence"))
    assert main(["experiment", "impulse"]) == 0
    assert capsys.readouterr().out.startswith("impulse: 122 results, ")
    assert Evidence.load("impulse").claims == ("C01",)


def test_an_experiment_with_seeds_says_how_many(tmp_path, capsys, monkeypatch):
    measured = experiment.Experiment(
        "counting", "counting", (), {}, lambda seeds, config: [{"value": seed} for seed in seeds], seeds=9
    )
    monkeypatch.setattr(experiment, "find", lambda name: measured)
    monkeypatch.setenv("UNROLLED_EVIDENCE", str(tmp_path / "book" / "evidence"))
    assert main(["experiment", "counting", "--seeds", "2", "--folder", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("counting: 2 seeds, 2 results")
    assert (tmp_path / "counting.json").exists()


def test_every_claim_is_listed_with_its_verdict(capsys):
    assert main(["claims"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CLAIMS)
    assert lines[0].startswith("C01  holds ")
    assert lines[-1].startswith("C38  not yet measured ")
    assert max(map(len, lines)) < 120


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["experiment", "nothing"], "companion: no experiment 'nothing': there are "),
        (["experiment", "impulse", "--seeds", "3"], "companion: seeds: impulse has no chance in it"),
        (["claims", "--folder", "/nowhere"], "No such file or directory"),
    ],
)
def test_a_mistake_is_a_sentence_and_not_a_traceback(arguments, message, capsys):
    assert main(arguments) == 2
    assert message in capsys.readouterr().err


def test_the_stop_key_is_answered(capsys, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(experiment, "run", stop)
    assert main(["experiment", "impulse"]) == 130
    assert "goes on from here" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["companion", "--version"])
    monkeypatch.delitem(sys.modules, "companion.__main__")
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("companion", run_name="__main__")
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"companion {companion.__version__}\n"


def test_the_command_line_starts_without_the_heavy_packages():
    code = (
        "import sys, companion.__main__ as m; m.main(['claims']);"
        "print([name for name in ('torch', 'matplotlib', 'scipy', 'statsmodels') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
