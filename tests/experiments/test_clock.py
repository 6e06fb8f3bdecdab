"""The stopwatch: contenders run in turn, the best run of each counts, and threads are given back."""

import torch

from companion.experiments import clock


def test_the_best_of_many_runs_counts():
    times = iter([0.0] * 3)
    best = clock.in_turn({"a": lambda: next(times, None)}, rounds=1)
    assert 0 < best["a"] < 0.02


def test_everybody_runs_once_unmeasured_and_then_in_every_round():
    order = []
    clock.in_turn({name: lambda name=name: order.append(name) for name in "ab"}, rounds=2, window=0)
    assert order == ["a", "b"] * 3


def test_one_thread_is_a_matter_of_the_block():
    before = torch.get_num_threads()
    with clock.one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_the_load_is_a_number():
    assert clock.load() >= 0
