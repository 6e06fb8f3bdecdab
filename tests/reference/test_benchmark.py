"""The benchmark of the reference runs, and says what it measured; how fast things are is no matter for a test."""

import json

import pytest

from benchmarks import reference as benchmark


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(benchmark, "SIZES", ((1, 2, 3, 4),))


def test_the_table_has_a_row_for_each_layer_and_the_file_all_numbers(small, tmp_path, capsys):
    path = tmp_path / "reference.json"
    assert benchmark.main(["--rounds", "1", "--profile", "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    data = json.loads(path.read_text())
    assert [row["work"]["layer"] for row in data["results"]] == list(benchmark.KINDS)
    for row in data["results"]:
        assert row["work"]["layer"] in printed
        assert min(row["forward"], row["forward_bound"], row["training"], row["training_bound"]) > 0
        assert (row["torch_training"] is None) == (row["work"]["layer"] not in ("RNN", "LSTM", "GRU"))
    assert set(data["versions"]) >= {"python", "numpy", "torch"}
    assert "backward as a whole" in printed


@pytest.mark.parametrize(
    ("forward", "training", "torch_training", "reached"),
    [(20.0, 50.0, 40.0, [True, True, True]), (30.0, 60.0, 30.0, [False, False, False])],
)
def test_targets_are_judged_by_what_was_measured(forward, training, torch_training, reached):
    work = benchmark.Work("LSTM", 32, 64, 128, 100)
    row = benchmark.Row(work, forward, 10.0, training, 30.0, None, torch_training)
    assert [target.reached for target in benchmark.judge([row])] == reached
