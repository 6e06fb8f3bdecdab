"""The choice of a device and of a precision, on machines that this one is not, too."""

import contextlib

import pytest
import torch

from companion.training import autocast, device


@pytest.fixture
def machine(monkeypatch):
    """Make this a machine with so many GPUs, and with Apple's or not."""

    def make(gpus=0, apple=False):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: gpus > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: gpus)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: apple)

    return make


@pytest.mark.parametrize(
    ("name", "gpus", "apple", "expected"),
    [
        ("auto", 0, False, "cpu"),
        ("auto", 0, True, "mps"),
        ("auto", 2, False, "cuda:0"),
        ("cuda", 2, False, "cuda:0"),
        ("cuda:1", 2, False, "cuda:1"),
        ("cpu", 2, True, "cpu"),
        ("mps", 0, True, "mps"),
    ],
)
def test_a_device_is_found_by_its_name(machine, name, gpus, apple, expected):
    machine(gpus, apple)
    assert device(name) == torch.device(expected)


@pytest.mark.parametrize(
    ("name", "gpus", "message"),
    [
        ("cuda", 0, r"device: expected one that is here \(cpu\), got 'cuda'"),
        ("cuda:2", 2, r"device: expected one that is here \(cpu, cuda:0, cuda:1\), got 'cuda:2'"),
        ("mps", 1, r"device: expected one that is here \(cpu, cuda:0\), got 'mps'"),
    ],
)
def test_a_device_that_is_not_here_is_refused(machine, name, gpus, message):
    machine(gpus)
    with pytest.raises(RuntimeError, match=message):
        device(name)


@pytest.mark.parametrize("name", ["gpu", "meta", "", "cuda:x"])
def test_a_name_of_no_device_is_refused(name):
    with pytest.raises(ValueError, match='device: expected "auto", cpu, cuda, mps, .* got'):
        device(name)


def test_each_process_of_a_machine_has_a_gpu_of_its_own(machine, monkeypatch):
    machine(gpus=4)
    monkeypatch.setenv("LOCAL_RANK", "3")
    for name, value in {"is_initialized": True, "get_rank": 7, "get_world_size": 8}.items():
        monkeypatch.setattr(torch.distributed, name, lambda value=value: value)
    assert device("auto") == torch.device("cuda:3")
    assert device("cuda:1") == torch.device("cuda:1")


def test_a_precision_is_that_of_the_matrix_products():
    a = torch.ones(2, 2)
    for name in ("bfloat16", "float16"):
        with autocast("cpu", name):
            assert (a @ a).dtype == getattr(torch, name)
    assert isinstance(autocast("cpu"), contextlib.nullcontext)
    with pytest.raises(ValueError, match="precision: expected .* got 'float8'"):
        autocast("cpu", "float8")


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_a_gpu_learns_and_goes_on_as_the_cpu_does(tmp_path, precision):
    import numpy as np
    import torch.nn.functional as F

    from companion import nn
    from companion.tasks import Echo
    from companion.training import Batches, Checkpoint, TorchNetwork, train

    def run(updates):
        torch.manual_seed(0)
        model = TorchNetwork(nn.LSTM(2, 8), torch.nn.Linear(8, 2)).to(device("auto"))
        batches = Batches(lambda rng: [Echo(lag=2).batch(10, 4, rng)])
        optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
        options = {"k1": 3, "k2": 5, "carry": True, "clip": 1.0, "precision": precision, "mode": "silent"}
        keep = Checkpoint(tmp_path / "run", every=2)
        return train(model, batches, F.cross_entropy, optimiser, updates, checkpoint=keep, **options).loss

    first, longer = run(4), run(60)
    np.testing.assert_array_equal(longer[:4], first)
    assert longer[-10:].mean() < longer[:10].mean()
