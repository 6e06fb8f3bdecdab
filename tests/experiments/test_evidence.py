"""The evidence file: written in one piece, read back as it was, with addresses for its numbers."""

import json
import os
import platform
import re

import numpy as np
import pytest

import companion
from companion.experiments.evidence import Evidence, evidence_folder, hardware, lookup, today, versions, write_json


def sample(**changes):
    values = {
        "experiment": "sample",
        "claims": ("C01",),
        "config": {"T": 3},
        "seeds": (0, 1),
        "results": ({"seed": 0, "error": 0.25}, {"seed": 1, "error": 0.5}),
        "summary": {"error": {"mean": 0.375}},
        "versions": {"numpy": "2"},
        "hardware": "1 x abacus",
        "seconds": 1.5,
        "date": "2026-01-02",
    }
    return Evidence(**(values | changes))


def test_what_is_saved_is_loaded(tmp_path):
    path = sample().save(tmp_path)
    assert path == tmp_path / "sample.json"
    assert Evidence.load("sample", tmp_path) == sample()
    assert Evidence.load(path) == sample()


def test_evidence_without_chance_has_no_seeds(tmp_path):
    sample(seeds=None).save(tmp_path)
    assert Evidence.load("sample", tmp_path).seeds is None


def test_the_default_folder_is_the_books(monkeypatch, tmp_path):
    monkeypatch.setenv("UNROLLED_EVIDENCE", str(tmp_path))
    assert evidence_folder() == tmp_path
    assert sample().save().parent == tmp_path
    monkeypatch.delenv("UNROLLED_EVIDENCE")
    assert evidence_folder().parts[-2:] == ("book", "evidence")
    assert evidence_folder().is_dir()


def test_without_the_book_the_working_directory_is_taken(monkeypatch, tmp_path):
    monkeypatch.setattr("companion.experiments.evidence.__file__", str(tmp_path / "a" / "b" / "c.py"))
    monkeypatch.chdir(tmp_path)
    assert evidence_folder() == tmp_path / "book" / "evidence"


def test_what_was_not_measured_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        Evidence.load("nothing", tmp_path)


@pytest.mark.parametrize("data", [[1], {"experiment": "a"}, {"experiment": "a", "results": [], "colour": 1}])
def test_another_file_is_not_evidence(tmp_path, data):
    (tmp_path / "a.json").write_text(json.dumps(data))
    with pytest.raises(ValueError, match=r"a.json is not evidence"):
        Evidence.load("a", tmp_path)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = sample().save(tmp_path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        sample(seconds=9.0).save(tmp_path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["sample.json"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("nan"), np.array([1.0, np.inf])])
def test_numbers_that_json_does_not_know_are_refused(tmp_path, value):
    with pytest.raises(ValueError, match="finite numbers only"):
        write_json(tmp_path / "a.json", {"a": [value]})


def test_arrays_and_numpy_numbers_become_plain(tmp_path):
    data = {"a": np.arange(3), 2: np.float32(0.5), "c": (np.True_, "é"), "d": 1 / 3}
    path = write_json(tmp_path / "new" / "a.json", data)
    assert json.loads(path.read_text("utf-8")) == {
        "a": [0, 1, 2],
        "2": 0.5,
        "c": [True, "é"],
        "d": 0.333333333333,
    }


def test_every_result_has_a_line_of_its_own(tmp_path):
    results = tuple({"seed": seed, "errors": [0.1] * 10} for seed in range(40))
    text = sample(results=results, config={"weights": [0.5] * 90}).save(tmp_path).read_text("utf-8")
    assert sum(line.lstrip().startswith('{"seed"') for line in text.splitlines()) == 40
    assert Evidence.load("sample", tmp_path).results == results


def test_numbers_have_addresses():
    assert sample().number("summary.error.mean") == 0.375
    assert sample().number("results.1.error") == 0.5
    with pytest.raises(KeyError, match=r"no 'median' on the way of 'summary.error.median'; there is mean"):
        sample().number("summary.error.median")
    for path in ("results.7.error", "results.first", "seconds.0"):
        with pytest.raises(KeyError, match=path):
            sample().number(path)
    assert lookup({"a": [1, [2]]}, "a.1.0") == 2


def test_the_circumstances_are_recorded(monkeypatch):
    found = versions(("numpy", "no-such-package"))
    assert found["numpy"] == np.__version__
    assert found["companion"] == companion.__version__
    assert found["no-such-package"] == "not installed"
    assert re.fullmatch(r"\d+ × .+", hardware())
    assert ("GiB" in hardware()) == hasattr(os, "sysconf")
    assert platform.node() not in hardware()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", today())


def test_a_machine_that_tells_less_is_described_as_far_as_it_goes(monkeypatch):
    def unknown(*_, **__):
        raise OSError

    monkeypatch.setattr("pathlib.Path.read_text", unknown)
    monkeypatch.setattr(os, "sysconf", unknown, raising=False)
    assert re.fullmatch(r"\d+ × [^,]+", hardware())
