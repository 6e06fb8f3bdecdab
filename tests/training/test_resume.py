"""A run that was broken off goes on to the same weights, bit by bit: after an exception, a kill, in mid-writing."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from companion import nn
from companion.tasks import Echo
from companion.training import (
    Batches,
    Checkpoint,
    CheckpointError,
    EarlyStop,
    TorchNetwork,
    evaluate,
    load,
    save,
    train,
)

TASK = Echo(lag=2)
TEST = TASK.batch(10, 4, np.random.default_rng(1))
VOLATILE = {"seconds"}


class Broken(Exception):
    """Raised to break a run off."""


def batches(broken_at=None, seed=3):
    taken = 0

    def one_pass(rng):
        nonlocal taken
        for _ in range(4):
            taken += 1
            if taken == broken_at:
                raise Broken
            yield TASK.batch(9, 4, rng)

    return Batches(one_pass, rng=seed)


def run(path, updates, supply=None, *, kind="LSTM", optimiser="Adam", schedule="StepLR", every=1, **options):
    """Train a network with dropout; returns it and the history."""
    torch.manual_seed(len(str(path)))  # another seed each time: what counts must come out of the checkpoint
    model = TorchNetwork(getattr(nn, kind)(2, 5, num_layers=2, dropout=0.3), torch.nn.Linear(5, 2))
    model.load_state_dict(start(kind))
    torch.manual_seed(0)
    steps = getattr(torch.optim, optimiser)(model.parameters(), lr=0.02)
    plans = {"StepLR": {"step_size": 4}, "MultiStepLR": {"milestones": [3, 9]}, "ReduceLROnPlateau": {"patience": 0}}
    plans |= {"OneCycleLR": {"max_lr": 0.1, "total_steps": 200}, "LambdaLR": {"lr_lambda": lambda step: 0.9**step}}
    plan = schedule and getattr(torch.optim.lr_scheduler, schedule)(steps, **plans[schedule])
    stop = EarlyStop(lambda net: evaluate(net, [TEST], F.cross_entropy), every=3, patience=50)
    supply = batches() if supply is None else supply
    keep = Checkpoint(path, every)
    parts = {"schedule": plan, "early_stop": stop, "checkpoint": keep, "mode": "silent"} | options
    return model, train(model, supply, F.cross_entropy, steps, updates, **parts)


def start(kind):
    torch.manual_seed(0)
    model = TorchNetwork(getattr(nn, kind)(2, 5, num_layers=2), torch.nn.Linear(5, 2))
    return model.state_dict()


def alike(one, other, place=""):
    """Assert that two trees are equal bit by bit, but for how long things took."""
    assert type(one) is type(other), place
    if isinstance(one, dict):
        assert list(one) == list(other), place
        for key in set(one) - VOLATILE:
            alike(one[key], other[key], f"{place}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), place
        for i, parts in enumerate(zip(one, other, strict=True)):
            alike(*parts, f"{place}.{i}")
    elif isinstance(one, torch.Tensor):
        assert torch.equal(one, other), place
    else:
        np.testing.assert_array_equal(one, other, err_msg=place)


@settings(max_examples=10)
@given(
    broken_at=st.integers(1, 9),
    every=st.integers(1, 6),
    cut=st.sampled_from([{}, {"k1": 4}, {"k1": 2, "k2": 5}]),
    carry=st.booleans(),
    schedule=st.sampled_from(["StepLR", "MultiStepLR", "OneCycleLR", "LambdaLR", "ReduceLROnPlateau"]),
    optimiser=st.sampled_from(["SGD", "Adam", "RMSprop"]),
)
def test_a_run_that_broke_off_goes_on_bit_by_bit(tmp_path_factory, broken_at, every, cut, carry, schedule, optimiser):
    folder = tmp_path_factory.mktemp("runs")
    options = {"every": every, "schedule": schedule, "optimiser": optimiser, "carry": carry, **cut}
    whole, expected = run(folder / "whole", 14, **options)
    for place in (broken_at, broken_at + 2):
        try:
            run(folder / "broken", 14, batches(place), **options)
        except Broken:
            continue
    model, history = run(folder / "broken", 14, **options)
    alike(model.state_dict(), whole.state_dict())
    for name in ("loss", "norm", "checked", "validation"):
        np.testing.assert_array_equal(getattr(history, name), getattr(expected, name))
    alike(load(folder / "broken"), load(folder / "whole"))


def test_a_longer_run_goes_on_from_a_finished_one(tmp_path):
    run(tmp_path / "short", 5, k1=2, carry=True)
    model, history = run(tmp_path / "short", 12, k1=2, carry=True)
    whole, expected = run(tmp_path / "whole", 12, k1=2, carry=True)
    alike(model.state_dict(), whole.state_dict())
    np.testing.assert_array_equal(history.loss, expected.loss)


def test_a_finished_run_is_not_trained_again(tmp_path):
    model, history = run(tmp_path / "run", 5, every=3)
    record = load(tmp_path / "run")["record"]
    assert len(record["loss"]) == 5  # the end is written, whatever `every` says
    again, same = run(tmp_path / "run", 5, every=3)
    alike(again.state_dict(), model.state_dict())
    np.testing.assert_array_equal(same.loss, history.loss)
    assert same.seconds >= record["seconds"]


def test_a_run_that_was_stopped_stays_stopped(tmp_path):
    options = {"early_stop": EarlyStop(lambda _: 1.0, every=3, patience=2)}
    model, history = run(tmp_path / "run", 40, **options)
    assert history.stopped
    again, same = run(tmp_path / "run", 40, **options)
    assert same.stopped
    assert len(same.loss) == len(history.loss) == 6
    alike(again.state_dict(), model.state_dict())


def test_the_scale_of_float16_is_kept(tmp_path):
    options = {"kind": "PeepholeLSTM", "precision": "float16"}
    run(tmp_path / "short", 3, **options)
    model, _ = run(tmp_path / "short", 6, **options)
    whole, _ = run(tmp_path / "whole", 6, **options)
    alike(model.state_dict(), whole.state_dict())
    assert load(tmp_path / "short")["scaler"]["_growth_tracker"] == 6


def test_generators_other_than_the_default_are_kept(tmp_path):
    def supply():
        return Batches(lambda rng: [TASK.batch(5, 2, rng)], rng=np.random.Generator(np.random.MT19937(1)))

    run(tmp_path / "short", 2, supply())
    model, _ = run(tmp_path / "short", 5, supply())
    whole, _ = run(tmp_path / "whole", 5, supply())
    alike(model.state_dict(), whole.state_dict())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k1": 3}, r"was written with k1 = None, got 3"),
        ({"carry": True}, r"was written with carry = False, got True"),
        ({"precision": "bfloat16"}, r"was written with precision = float32, got bfloat16"),
        ({"schedule": None}, "was written with schedule = StepLR, got None"),
        ({"schedule": "LambdaLR"}, "was written with schedule = StepLR, got LambdaLR"),
        ({"optimiser": "SGD"}, "was written with optimiser = Adam, got SGD"),
        ({"kind": "GRU"}, "holds the weights of another model"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused(tmp_path, options, message):
    run(tmp_path / "run", 2)
    kind = options.pop("kind", "LSTM")
    with pytest.raises(CheckpointError, match=message):
        run(tmp_path / "run", 4, kind=kind, **options)


def test_a_folder_that_is_not_there_is_named_before_the_training(tmp_path):
    with pytest.raises(FileNotFoundError, match="checkpoint: expected a folder that is there, got .*nowhere"):
        run(tmp_path / "nowhere" / "run", 2)


def test_another_file_is_no_training_run(tmp_path):
    save(tmp_path / "run", {"model": {}})
    with pytest.raises(CheckpointError, match="holds no training run"):
        run(tmp_path / "run", 4)


@pytest.mark.skipif(sys.platform != "linux", reason="forks a process that has loaded torch")
def test_a_run_that_is_killed_at_any_moment_goes_on_bit_by_bit(tmp_path):
    command = [sys.executable, str(Path(__file__).with_name("killed.py")), str(tmp_path), "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert 4 <= json.loads(done.stdout)["kills"] <= 9
    alike(load(tmp_path / "killed.end"), load(tmp_path / "whole.end"))
    alike(load(tmp_path / "killed.safetensors"), load(tmp_path / "whole.safetensors"))
