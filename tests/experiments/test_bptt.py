"""The ways to the gradient are made apart from one another; the judges of C06, C07 and C37 follow their conditions."""

import dataclasses

import numpy as np
import pytest

from companion.experiments import bptt
from companion.experiments.claims import bptt as judges
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS


@pytest.fixture(scope="module")
def measured():
    return Evidence.load("bptt")


def changed(data, **numbers):
    return dataclasses.replace(data, summary={**data.summary, **numbers})


def test_the_first_seed_is_measured_again(measured):
    config, then = measured.config, measured.results[0]
    now = bptt.gradients(bptt.drawn(0, config), config)
    for name in ("complex_step", "autograd", "rtrl", "share", "sum", "path"):
        assert now[name] < 1e-12, name
    for name in ("T", "I", "H", "loop", "loop_cosine", "mean", "first_cosine", "apart"):
        np.testing.assert_allclose(now[name], then[name], rtol=1e-6, err_msg=name)


def test_a_wrong_gradient_is_seen(monkeypatch, measured):
    monkeypatch.setattr(bptt, "by_autograd", lambda problem: bptt.by_going_back(problem, horizon=1))
    now = bptt.gradients(bptt.drawn(0, measured.config), measured.config)
    assert now["autograd"] > 1e-3


def test_the_loop_as_it_stands_takes_the_last_state_for_a_constant():
    problem = bptt.drawn(3, bptt.CONFIG)
    layer = bptt.layer_of(problem)
    y = layer(problem.x, problem.h[None])[0]
    dy, dh = bptt.upstream(problem, y)
    dy[-1] += dh
    da = dy * (1 - y**2)
    np.testing.assert_allclose(bptt.by_going_back(problem, horizon=1)["W"], da.T @ problem.x, rtol=1e-12)


def test_unrolled_turns_with_its_condition(measured):
    label = {
        "as measured": judges.unrolled(measured).label,
        "rarely downhill": judges.unrolled(changed(measured, loop_downhill=16)).label,
        "not exact": judges.unrolled(changed(measured, autograd=1e-8)).label,
        "the loop is right": judges.unrolled(changed(measured, loop_least=1e-4)).label,
    }
    assert list(label.values()) == [CONDITIONAL, HOLDS, FALSE, FALSE]


def test_summed_turns_with_its_condition(measured):
    label = [
        judges.summed(data).label
        for data in (
            measured,
            changed(measured, mean_least=0.0),
            changed(measured, sum=1e-8),
            changed(measured, share=1e-8),
        )
    ]
    assert label == [HOLDS, CONDITIONAL, FALSE, FALSE]


def test_two_things_turns_with_its_condition(measured):
    label = [
        judges.two_things(data).label
        for data in (measured, changed(measured, path=1e-8), changed(measured, first_cosine_least=1.0, apart=0.0))
    ]
    assert label == [FALSE, CONDITIONAL, HOLDS]
