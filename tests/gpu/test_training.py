"""The training loop on a GPU: the CPU's losses, mixed precision, and a run that is taken up again."""

import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose

from companion import nn
from companion.tasks import Echo
from companion.training import Batches, Checkpoint, TorchNetwork, device, train

# how far the losses of a few updates may be from those of the CPU in float32
NEAR = {"float32": 1e-4, "bfloat16": 3e-2, "float16": 5e-3}


def run(where, updates, path=None, kind="LSTM", **options):
    torch.manual_seed(0)
    model = TorchNetwork(getattr(nn, kind)(2, 16, num_layers=2), torch.nn.Linear(16, 2)).to(where)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    keep = None if path is None else Checkpoint(path, every=2)
    batches = Batches(lambda rng: [Echo(lag=2).batch(12, 8, rng)])
    plan = {"k1": 4, "k2": 6, "carry": True, "clip": 1.0, "checkpoint": keep, "mode": "silent", **options}
    return model, train(model, batches, F.cross_entropy, optimiser, updates, **plan)


@pytest.mark.parametrize("precision", list(NEAR))
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "PeepholeLSTM", "GRU"])
def test_the_losses_are_those_of_the_cpu(cuda, kind, precision):
    model, history = run(device("cuda"), 8, kind=kind, precision=precision)
    _, expected = run("cpu", 8, kind=kind)
    assert_allclose(history.loss, expected.loss, rtol=NEAR[precision])
    assert {value.device.type for value in model.state_dict().values()} == {"cuda"}


@pytest.mark.parametrize("precision", list(NEAR))
def test_a_run_on_a_gpu_is_taken_up_again(cuda, tmp_path, precision):
    run(cuda, 5, tmp_path / "short", precision=precision)
    model, history = run(cuda, 10, tmp_path / "short", precision=precision)
    whole, expected = run(cuda, 10, tmp_path / "whole", precision=precision)
    assert_allclose(history.loss, expected.loss, rtol=1e-3)
    for name, value in whole.state_dict().items():
        assert_allclose(model.state_dict()[name].cpu(), value.cpu(), rtol=1e-2, atol=1e-4, err_msg=name)


def test_a_checkpoint_of_a_gpu_is_taken_up_by_the_cpu(cuda, tmp_path):
    run(cuda, 5, tmp_path / "run")
    _, history = run("cpu", 10, tmp_path / "run")
    _, expected = run("cpu", 10)
    assert_allclose(history.loss, expected.loss, rtol=1e-3)
