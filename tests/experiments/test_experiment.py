"""How experiments are run: seeds in order, resumed where they were stopped, side by side in processes."""

import dataclasses
import json

import pytest

from companion.experiments import Evidence
from companion.experiments import experiment as module
from companion.experiments.experiment import EXPERIMENTS, Experiment, find, run

QUIET = {"mode": "silent"}


class Counter:
    """An experiment that counts what it is asked to measure, and breaks down at a seed."""

    def __init__(self, breaks_at=None):
        self.asked = []
        self.breaks_at = breaks_at

    def __call__(self, seeds, config):
        if self.breaks_at in seeds:
            raise KeyboardInterrupt
        self.asked.append(list(seeds))
        return [{"value": seed * config["factor"]} for seed in seeds]


def counting(counter, **changes):
    settings = {
        "name": "counting",
        "title": "counting",
        "claims": ("C38",),
        "config": {"factor": 10},
        "measure": counter,
        "summarise": lambda results: {"sum": sum(result["value"] for result in results)},
        "seeds": 5,
        "together": 2,
    }
    return Experiment(**(settings | changes))


@pytest.fixture
def folders(tmp_path):
    return {"folder": tmp_path / "evidence", "working": tmp_path / "working", **QUIET}


def test_all_seeds_are_measured_in_order_and_saved(folders):
    counter = Counter()
    evidence = run(counting(counter), **folders)
    assert counter.asked == [[0, 1], [2, 3], [4]]
    assert evidence.seeds == (0, 1, 2, 3, 4)
    assert [result["value"] for result in evidence.results] == [0, 10, 20, 30, 40]
    assert [result["seed"] for result in evidence.results] == [0, 1, 2, 3, 4]
    assert evidence.summary == {"sum": 100}
    assert Evidence.load("counting", folders["folder"]) == evidence
    assert list(folders["working"].iterdir()) == []


def test_the_number_of_seeds_can_be_chosen(folders):
    assert run(counting(Counter()), seeds=3, **folders).seeds == (0, 1, 2)
    with pytest.raises(ValueError, match="seeds: expected at least 1, got 0"):
        run(counting(Counter()), seeds=0, **folders)


def test_an_experiment_without_chance_is_measured_once(folders):
    asked = []

    def measure(seeds, config):
        asked.append(list(seeds))
        return [{"a": 1}, {"a": 2}]

    evidence = run(counting(None, measure=measure, seeds=None, summarise=lambda results: {}), **folders)
    assert asked == [[None]]
    assert evidence.seeds is None
    assert evidence.results == ({"a": 1}, {"a": 2})
    with pytest.raises(ValueError, match="counting has no chance in it, so it takes none, got 3"):
        run(counting(None, measure=measure, seeds=None), seeds=3, **folders)


def test_a_run_that_was_stopped_goes_on_where_it_was(folders):
    with pytest.raises(KeyboardInterrupt):
        run(counting(Counter(breaks_at=4)), **folders)
    assert not folders["folder"].exists()
    counter = Counter()
    evidence = run(counting(counter), **folders)
    assert counter.asked == [[4]]
    assert len(evidence.results) == 5
    assert evidence.seconds >= 0


def test_more_seeds_do_not_measure_the_first_ones_anew(folders):
    with pytest.raises(KeyboardInterrupt):
        run(counting(Counter(breaks_at=2)), **folders)
    counter = Counter()
    run(counting(counter), seeds=7, **folders)
    assert counter.asked == [[2, 3], [4, 5], [6]]


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("{"), lambda path: path.unlink()])
def test_a_working_file_that_cannot_be_read_is_not_used(folders, spoil):
    with pytest.raises(KeyboardInterrupt):
        run(counting(Counter(breaks_at=4)), **folders)
    spoil(folders["working"] / "counting.json")
    counter = Counter()
    run(counting(counter), **folders)
    assert counter.asked == [[0, 1], [2, 3], [4]]


def test_a_working_file_with_other_settings_is_not_used(folders):
    with pytest.raises(KeyboardInterrupt):
        run(counting(Counter(breaks_at=4)), **folders)
    counter = Counter()
    evidence = run(counting(counter, config={"factor": 2}), **folders)
    assert counter.asked == [[0, 1], [2, 3], [4]]
    assert evidence.summary == {"sum": 20}


def test_a_run_goes_on_where_a_setting_has_more_digits_than_are_kept(folders):
    settings = {"factor": 10, "third": 1 / 3}
    with pytest.raises(KeyboardInterrupt):
        run(counting(Counter(breaks_at=4), config=settings), **folders)
    counter = Counter()
    run(counting(counter, config=settings), **folders)
    assert counter.asked == [[4]]


def test_processes_side_by_side_give_the_same_results(folders, monkeypatch):
    entry = counting(times_ten)
    monkeypatch.setattr(module, "find", lambda name: entry)
    monkeypatch.setattr(module, "_in_process", lambda name, batch: times_ten(batch, {}))
    from joblib import parallel_config

    with parallel_config("threading"):
        evidence = run(entry, jobs=2, **folders)
    assert [result["value"] for result in evidence.results] == [0, 10, 20, 30, 40]


def test_what_takes_times_has_no_second_process_beside_it(folders):
    counter = Counter()
    run(counting(counter, timed=True), jobs=2, **folders)
    assert counter.asked == [[0, 1], [2, 3], [4]]  # asked here, not in another process


def times_ten(seeds, config):
    return [{"value": seed * 10} for seed in seeds]


def test_a_process_finds_its_experiment_by_name():
    (first, *_) = module._in_process("impulse", [None])
    assert first["u"] == -1.5


def test_the_working_file_lies_in_the_build_folder_unless_told(monkeypatch, tmp_path):
    monkeypatch.setenv("UNROLLED_EVIDENCE", str(tmp_path / "book" / "evidence"))
    seen = []

    def measure(seeds, config):
        seen.extend((tmp_path / "_build" / "experiments").glob("*"))
        return times_ten(seeds, config)

    run(counting(None, measure=measure), **QUIET)
    assert [path.name for path in seen] == ["counting.json"] * 2
    assert (tmp_path / "book" / "evidence" / "counting.json").exists()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_is_complete_and_its_settings_are_json(name):
    entry = find(name)
    assert entry.name == name
    assert json.loads(json.dumps(entry.config)) == entry.config
    assert entry.title
    assert dataclasses.is_dataclass(entry)


def test_an_unknown_experiment_lists_those_there_are():
    with pytest.raises(LookupError, match=f"no experiment 'nothing': there are {', '.join(EXPERIMENTS)}"):
        find("nothing")
