"""Several processes train as one does with the joined batch; torchrun starts two here, which talk through Gloo."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from companion.tasks import Batch
from companion.training import World, distributed, load, world
from companion.training.parallel import share
from tests.training import shared_out

NAMES = list(shared_out.RUNS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Where two processes have left what they found."""
    if sys.platform == "win32":
        pytest.skip("torchrun needs libuv, which torch for Windows comes without")
    folder = tmp_path_factory.mktemp("two")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    script = Path(shared_out.__file__)
    done = subprocess.run([*launcher, script, folder], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return folder


def assert_alike(found, expected):
    for name, value in expected["weights"].items():
        assert_allclose(found["weights"][name], value, rtol=1e-9, atol=1e-12, err_msg=name)
    for name in ("loss", "norm", "validation"):
        assert_allclose(found[name], expected[name], rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", NAMES)
def test_two_processes_give_the_weights_of_one_with_the_joined_batch(folder, name):
    found = load(folder / "found")
    assert found["size"] == 2
    assert_alike(found[name], shared_out.run(name))


def test_two_processes_go_on_bit_by_bit(folder):
    found = load(folder / "found")
    for name, value in found["kept"]["weights"].items():
        assert torch.equal(found["broken"]["weights"][name], value), name
    np.testing.assert_array_equal(found["broken"]["loss"], found["kept"]["loss"])


def test_one_process_goes_on_from_the_checkpoint_of_two(folder):
    assert len(load(folder / "handed over")["generators"]) == 2
    assert_alike(shared_out.run("windows", folder / "handed over"), shared_out.run("windows"))


def test_alone_nothing_is_joined(monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    with distributed() as processes:
        assert processes == world() == World(rank=0, size=1, local=0)
        assert processes.first
        assert processes.gather("a") == ["a"]
        assert processes.from_first("a") == "a"
        assert processes.sum(torch.ones(2)).tolist() == [1, 1]


@pytest.mark.parametrize("gpus", [False, True])
def test_under_torchrun_the_processes_are_joined_and_left_again(monkeypatch, gpus):
    calls = []
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "MASTER_ADDR": "x", "LOCAL_RANK": "3"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus)
    monkeypatch.setattr(torch.cuda, "set_device", calls.append)
    monkeypatch.setattr(torch.distributed, "init_process_group", calls.append)
    monkeypatch.setattr(torch.distributed, "destroy_process_group", lambda: calls.append("left"))
    with pytest.raises(KeyError), distributed():
        raise KeyError
    assert calls == ([3, "cpu:gloo,cuda:nccl", "left"] if gpus else ["gloo", "left"])


def test_every_sequence_is_one_process_s():
    batch = Batch(np.arange(14.0).reshape(1, 7, 2), np.arange(7)[None], np.ones(7, int))
    shares = [share(batch, World(rank, 3)) for rank in range(3)]
    assert [part.x.shape[1] for part in shares] == [2, 2, 3]
    np.testing.assert_array_equal(np.concatenate([part.y for part in shares], axis=1), batch.y)
    assert share(batch, World()) is batch
    with pytest.raises(ValueError, match="batches: expected at least one sequence for each of 8 processes, got 7"):
        share(batch, World(0, 8))
