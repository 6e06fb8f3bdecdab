"""Checkpoint files: what goes in comes out, and what is damaged or foreign is refused."""

import os
import pickle
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from companion.training import Checkpoint, CheckpointError, checkpoints, load, save

numbers = st.integers(-(2**130), 2**130) | st.floats(allow_nan=False) | st.booleans() | st.none() | st.text(max_size=5)
keys = st.integers(-3, 3) | st.sampled_from(["a", "a.b", "b", "0"])
arrays = st.builds(lambda n, kind: np.arange(n).astype(kind), st.integers(0, 3), st.sampled_from(["f8", "f4", "i8"]))
tensors = st.builds(
    lambda shape, kind: torch.ones(shape, dtype=kind),
    st.lists(st.integers(0, 2), max_size=2),
    st.sampled_from([torch.float64, torch.bfloat16, torch.uint8, torch.bool]),
)
trees = st.recursive(
    numbers | arrays | tensors,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3) | st.tuples(inner, inner),
    max_leaves=8,
)


def same(one, other):
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and np.array_equal(one, other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def read(path):
    """What a file holds, or None where it is refused, by its name."""
    try:
        return load(path)
    except CheckpointError as error:
        return None if str(path) in str(error) else error


@settings(max_examples=40)
@given(tree=trees)
def test_what_is_saved_is_loaded(tmp_path_factory, tree):
    path = tmp_path_factory.getbasetemp() / "tree.safetensors"
    save(path, tree)
    assert same(load(path), tree)


def test_what_optimisers_and_schedules_keep_comes_back(tmp_path):
    weight = torch.nn.Parameter(torch.ones(3))
    optimiser = torch.optim.Adam([weight])
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimiser, [2, 4])
    weight.sum().backward()
    optimiser.step()
    schedule.step()
    tree = {
        "optimiser": optimiser.state_dict(),
        "schedule": schedule.state_dict(),
        "generator": np.random.Generator(np.random.MT19937(0)).bit_generator.state,
        "infinite": [float("inf"), np.float64(0.1)],
    }
    save(tmp_path / "run", tree)
    found = load(tmp_path / "run")
    assert same(found["optimiser"], tree["optimiser"])
    assert isinstance(found["schedule"]["milestones"], Counter)
    assert same(found["generator"], tree["generator"])
    assert found["infinite"] == [float("inf"), 0.1]


def test_tied_and_turned_tensors_come_back(tmp_path):
    one = torch.arange(6.0).reshape(2, 3)
    save(tmp_path / "run", {"one": one, "same": one, "turned": one.T, "row": one[1]})
    found = load(tmp_path / "run")
    assert torch.equal(found["same"], one)
    assert torch.equal(found["turned"], one.T)
    assert torch.equal(found["row"], one[1])


def test_names_that_read_alike_are_kept_apart(tmp_path):
    tree = {"a": {"b": torch.zeros(1), 0: torch.ones(1)}, "a.b": torch.ones(2), "a.0": torch.ones(3)}
    save(tmp_path / "run", tree)
    assert same(load(tmp_path / "run"), tree)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"a": [1, {2}]}, r"checkpoint\.a\.1: expected tensors, .* got set"),
        ({"a": lambda: 0}, r"checkpoint\.a: expected tensors, .* got function"),
        ({"a": {1.5: 0}}, r"checkpoint\.a: expected keys that are text or whole numbers, got float"),
    ],
)
def test_what_is_not_plain_data_is_refused_and_nothing_is_written(tmp_path, tree, message):
    with pytest.raises(TypeError, match=message):
        save(tmp_path / "run", tree)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_damaged_anywhere_is_refused(tmp_path, rng):
    path = tmp_path / "run.safetensors"
    save(path, {"model": {"weight": torch.arange(20.0), "name": "x"}, "update": 3})
    whole = path.read_bytes()
    places = {*rng.integers(len(whole), size=60), 0, 8, len(whole) - 1}
    for place in places:
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(7))
        path.write_bytes(damaged)
        found = read(path)
        if found is not None:  # a space that means nothing
            assert found["update"] == 3
            assert torch.equal(found["model"]["weight"], torch.arange(20.0))
    for length in (0, 5, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="path: expected a checkpoint, got .*not to be read"):
            load(path)


def test_a_foreign_file_is_refused_and_never_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    (tmp_path / "pickle").write_bytes(pickle.dumps(Trap()))
    torch.save({"a": Trap()}, tmp_path / "torch")
    save_file({"a": torch.ones(2)}, tmp_path / "weights")
    for name in ("pickle", "torch"):
        with pytest.raises(CheckpointError, match="not to be read"):
            load(tmp_path / name)
    with pytest.raises(CheckpointError, match="'companion.training 1', got .* another safetensors file"):
        load(tmp_path / "weights")
    assert not (tmp_path / "sprung").exists()


def test_no_file_is_no_checkpoint(tmp_path):
    with pytest.raises(FileNotFoundError, match="path: expected a checkpoint, got no file at"):
        load(tmp_path / "nothing")
    with pytest.raises(CheckpointError, match="not to be read"):
        load(tmp_path)


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_writing_that_fails_leaves_the_old_file(tmp_path, monkeypatch, broken):
    path = tmp_path / "run.safetensors"
    save(path, {"update": 1})

    def fail(*_):
        raise OSError("no space left")

    monkeypatch.setattr(checkpoints.os, broken, fail)
    with pytest.raises(OSError, match="no space left"):
        save(path, {"update": 2})
    monkeypatch.undo()
    assert load(path) == {"update": 1}
    save(path, {"update": 3})
    assert load(path) == {"update": 3}
    assert [file.name for file in tmp_path.iterdir()] == ["run.safetensors"]


def test_a_checkpoint_is_written_now_and_then():
    with pytest.raises(ValueError, match="every: expected at least 1, got 0"):
        Checkpoint("run.safetensors", every=0)
