"""The experiment of the overview: what is drawn, what is shown, what is learnt, and the verdict on C02."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from companion import reference as ref
from companion.experiments import windows
from companion.experiments.claims import CLAIMS, CONDITIONAL, FALSE, HOLDS
from companion.experiments.evidence import Evidence

SMALL = {
    **windows.CONFIG,
    "trials": 20,
    "window": {"rate": 0.01, "updates": 120},
    "control": {"rate": 0.01, "updates": 3},
    "recurrent": {"rate": 0.005, "updates": 3},
}


@pytest.fixture(scope="module")
def measured():
    return Evidence.load("windows")


def changed(evidence, task, name, **values):
    summary = {key: dict(networks) for key, networks in evidence.summary.items()}
    summary[task][name] = {**summary[task][name], **values}
    return dataclasses.replace(evidence, summary=summary)


def judged(evidence):
    return CLAIMS["C02"].judge(evidence).label


# ---- what is drawn and shown ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", ["echo_3", "parity", "last_4"])
def test_the_answers_are_those_of_the_task(task):
    bits, answers = windows.streams(task, 20, 50, np.random.default_rng(0))
    for stream, said in zip(bits.T.tolist(), answers.T.tolist(), strict=True):
        for t in range(20):
            due = {
                "echo_3": stream[t - 3] if t >= 3 else -1,
                "parity": sum(stream[: t + 1]) % 2,
                "last_4": sum(stream[t - 3 : t + 1]) % 2 if t >= 3 else -1,
            }
            assert said[t] == due[task]
    assert set(np.unique(bits)) == {0, 1}


@pytest.mark.parametrize("window", [1, 3])
def test_a_window_shows_the_last_bits_and_nothing_from_before_the_stream(window):
    bits = np.random.default_rng(0).integers(2, size=(2, 7, 4))
    shown = windows.seen(bits, window).reshape(2, 7, 4, window)
    for s in range(2):
        for t in range(7):
            for b in range(4):
                due = [2 * bits[s, u, b] - 1 if u >= 0 else 0 for u in range(t - window + 1, t + 1)]
                assert shown[s, t, b].tolist() == due


def test_the_recurrent_network_reads_one_bit_a_step():
    bits = np.random.default_rng(0).integers(2, size=(2, 7, 4))
    np.testing.assert_array_equal(windows.seen(bits, None)[..., 0], 2 * bits - 1)


def test_what_is_scored_lies_behind_every_window():
    assert max(*windows.CONFIG["parity_windows"], *windows.CONFIG["echo_windows"]) <= windows.CONFIG["scored_from"]
    assert (windows.CONFIG["T"] - windows.CONFIG["scored_from"]) * windows.CONFIG["trials"] == 10_000


@pytest.mark.parametrize(("task", "window", "reaches"), [("echo_2", 2, 2), ("echo_2", None, 20)])
def test_a_window_network_answers_out_of_its_window_and_a_recurrent_one_out_of_everything(task, window, reaches):
    learner = windows.Learner(window, [0], 6, 0.01, 1.0)
    bits = np.random.default_rng(1).integers(2, size=(1, 20, 300))
    other = bits.copy()
    other[:, 0] = 1 - other[:, 0]
    logits = [learner.network(windows.seen(each, window)).reshape(20, 300, 2) for each in (bits, other)]
    moved = [t for t in range(20) if np.abs(logits[0][t] - logits[1][t]).max() > 0]
    assert moved == list(range(reaches))


# ---- learning side by side is learning alone -----------------------------------------------------------------------


@pytest.mark.parametrize("window", [3, None])
def test_networks_side_by_side_learn_what_each_learns_alone(window):
    together = windows.Learner(window, [3, 4], 5, 0.01, 1.0)
    rng = np.random.default_rng([4, 0])
    layer, head = ref.RNN(window or 1, 5, rng=rng), ref.Linear(5, 2, rng=rng)
    params = layer.params | {f"head.{name}": value for name, value in head.params.items()}
    adam = ref.Adam(params, lr=0.01)
    supply = windows.drawn("echo_2", [3, 4], 1, 12, 8)
    for _ in range(4):
        bits, answers = next(supply)
        together.update(bits, answers)
        x = windows.seen(bits, window)[1]
        tape = layer.unroll(x)
        targets = answers[1].reshape(tape.y.shape[:-1])
        _, d_logits = ref.softmax_cross_entropy(head(tape.y), targets, mask=targets >= 0)
        back = head.backward(tape.y, d_logits)
        grads = layer.bptt(tape, back.x).params | {f"head.{name}": value for name, value in back.params.items()}
        ref.clip_grad_norm(grads, 1.0)
        adam.step(grads)
    for name, value in layer.params.items():
        assert_allclose(together.network.params[f"layer.{name}"][1], value, rtol=1e-8)


def test_a_window_of_lag_plus_one_learns_echo_and_one_of_lag_does_not():
    for window, solved in ((1, False), (2, True)):
        learner = windows.learnt("echo_1", window, [0, 1], SMALL)
        scores = windows.accuracy(learner, "echo_1", [0, 1], SMALL)
        assert all((score > 0.99) == solved for score in scores)


# ---- what was measured ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("task", "window"), [("echo_2", 2), ("echo_2", 3), ("parity", 1)])
def test_the_first_seed_is_measured_again(measured, task, window):
    learner = windows.learnt(task, window, [0], measured.config)
    (score,) = windows.accuracy(learner, task, [0], measured.config)
    assert_allclose(score, measured.results[0][task][windows.named(window)], atol=0.005)


def test_all_that_is_tried_is_there(measured):
    tried = {(task, windows.named(window)) for task, window in windows.trials(measured.config)}
    there = {(task, name) for task, names in measured.summary.items() for name in names if task != "longer"}
    assert tried == there
    assert set(measured.summary["longer"]) == {"echo_2", "echo_4", "echo_6", "parity"}


def test_the_interval_of_a_share_is_wilsons():
    found = windows.told([1.0] * 9 + [0.5])
    z, n, share = 1.959964, 10, 0.9
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    assert_allclose([found["low"], found["high"]], [middle - half, middle + half], rtol=1e-6)
    assert found["solved"] == share
    assert (found["min"], found["max"]) == (0.5, 1.0)


# ---- the verdict follows the data ----------------------------------------------------------------------------------


def test_the_verdict_on_the_committed_data(measured):
    assert judged(measured) == CONDITIONAL


@pytest.mark.parametrize(("task", "name"), [("echo_4", "window_4"), ("echo_2", "window_1"), ("parity", "window_12")])
def test_a_network_that_answers_what_it_cannot_see_would_make_it_false(measured, task, name):
    assert judged(changed(measured, task, name, max=0.526)) == FALSE
    assert judged(changed(measured, task, name, max=0.525)) == CONDITIONAL


@pytest.mark.parametrize("task", ["echo_6", "parity"])
def test_a_task_that_no_network_solves_would_make_it_false(measured, task):
    assert judged(changed(measured, task, "recurrent", solved=0.0)) == FALSE


def test_windows_that_never_solve_echo_would_make_it_hold(measured):
    for task in ("echo_2", "echo_4", "echo_6"):
        for name in measured.summary[task]:
            if name != "recurrent":
                measured = changed(measured, task, name, solved=0.0)
    assert judged(measured) == HOLDS


def test_the_control_and_the_longer_streams_do_not_decide(measured):
    for task, name in (("last_4", "window_4"), ("longer", "parity")):
        assert judged(changed(measured, task, name, max=1.0, solved=0.0)) == CONDITIONAL
