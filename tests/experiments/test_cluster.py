"""An experiment on a cluster: the same seeds, the same results, whoever runs them."""

import os

import dask
import distributed
import pytest

from companion.__main__ import main
from companion.experiments import Evidence


@pytest.fixture
def scheduler():
    """The address of a Dask cluster of two processes on this machine."""
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        yield cluster.scheduler_address


def test_a_dask_cluster_gives_the_numbers_of_one_process(scheduler, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("UNROLLED_EVIDENCE", str(tmp_path / "book" / "evidence"))
    here, there = tmp_path / "here", tmp_path / "there"
    assert main(["experiment", "unfolding", "--seeds", "3", "--folder", str(here)]) == 0
    assert main(["experiment", "unfolding", "--seeds", "3", "--folder", str(there), "--cluster", scheduler]) == 0
    alone, shared = (Evidence.load("unfolding", folder) for folder in (here, there))
    assert len(shared.results) == 3
    assert shared.results == alone.results
    assert shared.summary == alone.summary


def test_what_takes_times_is_not_sent_to_a_cluster(capsys):
    assert main(["experiment", "speed", "--cluster", "tcp://127.0.0.1:9"]) == 2
    assert "cluster: speed takes times, so it runs on one machine" in capsys.readouterr().err


def test_the_work_is_done_by_the_workers(scheduler, tmp_path, monkeypatch):
    from companion.experiments import experiment

    monkeypatch.setattr(experiment, "_in_process", own_number)
    entry = experiment.Experiment("where", "where", (), {}, lambda seeds, config: [{"process": 0}], seeds=6)
    evidence = experiment.run(entry, folder=tmp_path, working=tmp_path, cluster=scheduler, mode="silent")
    assert os.getpid() not in {result["process"] for result in evidence.results}
    assert 0 not in {result["process"] for result in evidence.results}


def own_number(name, batch):
    return [{"process": os.getpid()} for _ in batch]


def test_an_address_where_nobody_answers_is_an_error(capsys):
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}):
        assert main(["experiment", "unfolding", "--seeds", "1", "--cluster", "tcp://127.0.0.1:9"]) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err
