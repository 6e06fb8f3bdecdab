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
