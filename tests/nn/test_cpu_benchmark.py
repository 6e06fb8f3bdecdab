"""The CPU benchmark of `companion.nn`, and both together in one record; how fast things are is no matter for a test."""

import pytest

from benchmarks import __main__ as command
from benchmarks import cpu, nn, reference
from benchmarks.table import at_least, at_most
from companion.experiments import Evidence


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(nn, "SIZES", ((3, 2, 3, 4),))
    monkeypatch.setattr(reference, "SIZES", ((1, 2, 3, 4),))
    monkeypatch.setattr(nn, "in_turn", lambda contenders, rounds, window: _once(contenders))
    monkeypatch.setattr(reference, "in_turn", lambda contenders, rounds: _once(contenders))


def _once(contenders):
    for run in contenders.values():
        run()
    return {name: 1e-3 * (1 + place) for place, name in enumerate(contenders)}


def test_every_layer_has_a_row_and_the_base_comes_first(small, capsys):
    assert nn.main(["--rounds", "1", "--only", "GRU", "Peephole"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[2:]] == ["torch LSTM", "GRU", "Peephole"]


def test_a_ratio_is_to_the_training_step_of_torchs_lstm(small):
    base, other = nn.rows(["RNN"], 1)
    assert base.layer == "torch LSTM"
    assert base.ratio == 1
    assert other.ratio == other.training / base.training


def test_both_benchmarks_go_into_one_record_that_is_evidence(small, tmp_path, capsys):
    path = tmp_path / "bench_cpu.json"
    assert cpu.main(["--rounds", "1", "--json", str(path)]) == 0
    record = Evidence.load(path)
    assert record.experiment == "bench_cpu"
    assert [row["benchmark"] for row in record.results] == ["reference"] * len(reference.KINDS) + ["nn"] * len(nn.KINDS)
    assert set(record.versions) >= {"python", "numpy", "torch"}
    printed = capsys.readouterr().out
    for row in record.results:
        assert (row["work"]["layer"] if "work" in row else row["layer"]) in printed
    (target,) = record.summary["targets"]  # the only one that is set for such sizes
    assert target["what"].startswith("B=1 H=32")


def test_targets_are_reached_from_the_right_side():
    assert at_most("x", 1.0, 1.0).reached
    assert not at_most("x", 1.1, 1.0).reached
    assert at_least("x", 1.0, 1.0).reached
    assert not at_least("x", 0.9, 1.0).reached


def test_the_targets_of_the_large_sizes_are_judged_by_what_was_measured():
    size = nn.SIZES[0]
    rows = [nn.Row(kind, *size, 1.0, training, training) for kind, training in (("torch LSTM", 1.0), ("Peephole", 2.0))]
    (target,) = nn.judge(rows)
    assert (target.value, target.limit, target.reached) == (2.0, 1.8, False)


def test_an_unknown_name_lists_those_there_are(capsys):
    assert command.main(["colour"]) == 2
    printed = capsys.readouterr().out
    assert all(f"benchmarks {name} " in printed for name in command.BENCHMARKS)
