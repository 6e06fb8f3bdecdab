"""The experiments of the chapter on connection schemes: claims follow their data, and tasks are what they say."""

import copy
import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from companion import reference as ref
from companion.experiments import schemes_fading, schemes_feedback, schemes_future, schemes_memory
from companion.experiments.claims import CLAIMS, CONDITIONAL, FALSE, HOLDS
from companion.experiments.evidence import Evidence

MODULES = {"C04": schemes_memory, "C05": schemes_feedback, "C34": schemes_future}


@pytest.fixture(scope="module", params=MODULES)
def name(request):
    return request.param


def load(name):
    return Evidence.load(CLAIMS[name].evidence)


def judged(name, change):
    """The verdict's label after `change` has had its way with a copy of the summary."""
    evidence = load(name)
    summary = copy.deepcopy(dict(evidence.summary))
    change(summary)
    return CLAIMS[name].judge(dataclasses.replace(evidence, summary=summary)).label


# ---- the verdicts follow the data ------------------------------------------------------------------------------------


def leads(low, high, *tasks):
    def change(summary):
        for task in tasks or summary:
            summary[task]["lead"] = {"mean": (low + high) / 2, "low": low, "high": high}

    return change


def test_the_verdict_on_what_a_loop_carries_follows_the_data():
    echo = [f"echo_{lag}" for lag in schemes_memory.CONFIG["lags"]]
    assert judged("C04", leads(0.1, 0.2)) == HOLDS
    assert judged("C04", leads(0.1, 0.2, *echo)) == CONDITIONAL
    assert judged("C04", leads(-0.1, 0.1, *echo)) == FALSE
    assert judged("C04", lambda summary: (leads(0.1, 0.2)(summary), leads(-0.1, 0.1, "echo_3")(summary))) == CONDITIONAL


def test_the_verdict_on_cost_follows_the_data():
    def gains(taught, own, growth=10.0):
        def change(summary):
            for engine in ("numpy", "torch"):
                summary["time"][f"{engine}_512"]["gain_taught"]["median"] = taught
                summary["time"][f"{engine}_512"]["gain_own"]["median"] = own
            for percent in (10, 30):
                summary[f"taught_{percent}"]["growth"]["mean"] = growth

        return change

    assert judged("C05", gains(1.9, 1.0)) == FALSE
    assert judged("C05", gains(2.1, 1.9)) == CONDITIONAL
    assert judged("C05", gains(2.1, 2.1)) == CONDITIONAL
    assert judged("C05", gains(2.1, 2.1, growth=1.9)) == HOLDS
    assert judged("C05", lambda summary: summary.update(at_once=2e-9)) == FALSE


def test_the_verdict_on_what_is_to_come_follows_the_data():
    def means(**values):
        return lambda summary: [summary[key].update(mean=value) for key, value in values.items()]

    late = {f"delay_{delay}": 0.9 for delay in (2, 3, 4)}
    assert judged("C34", means(delay_1=0.511)) == FALSE
    assert judged("C34", lambda summary: summary["reach_one"].update(max=1e-300)) == FALSE
    assert judged("C34", means(two=0.9)) == CONDITIONAL
    assert judged("C34", means(two=0.9, **late)) == HOLDS


# ---- the tasks -------------------------------------------------------------------------------------------------------


def test_the_echo_is_the_bit_of_some_steps_ago():
    x, y, first = schemes_memory.drawn("echo_3", 10, 5, np.random.default_rng(0))
    bits = x[..., 1]
    np.testing.assert_array_equal(y[3:], bits[:-3])
    assert first == 3
    assert not y[:3].any()


def test_the_latch_is_the_line_of_the_last_pulse_and_there_is_one_at_once():
    x, y, _ = schemes_memory.drawn("latch", 30, 20, np.random.default_rng(0), pulses=0.25)
    assert x[0].any(axis=-1).all()
    assert set(np.unique(x.sum(axis=-1))) == {0, 1}
    for b in range(20):
        line = None
        for t in range(30):
            line = int(x[t, b].argmax()) if x[t, b].any() else line
            assert y[t, b] == line


def test_both_loops_have_as_many_parameters():
    counts = {
        name: sum(value[0].size for value in schemes_memory.network(name, [0], schemes_memory.CONFIG).params.values())
        for name in schemes_memory.NETWORKS
    }
    assert counts == {"hidden": 354, "taught": 352, "own": 352}


@pytest.mark.parametrize("name", schemes_memory.NETWORKS)
def test_the_gradients_are_those_of_the_mean_cross_entropy(name):
    config = {**schemes_memory.CONFIG, "hidden": 3, "hidden_output": 4}
    net = schemes_memory.network(name, [0, 1], config)
    x, y, _ = schemes_memory.side_by_side("parity", [0, 1], 0, 5, 3, 0.25)
    right = np.eye(2)[y]

    def loss():
        p = net.layer.unroll(x, targets=right).y if name == "taught" else net(x)
        return -(right * np.log(p)).sum() / 15

    found = net.gradients(x, right)
    for key, value in net.params.items():
        place = (1, *[0] * (value.ndim - 1))
        kept = value[place]
        ends = []
        for shift in (1e-6, -1e-6):
            value[place] = kept + shift
            ends.append(loss())
        value[place] = kept
        assert_allclose(found[key][place], (ends[0] - ends[1]) / 2e-6, rtol=1e-5, atol=1e-9)


def test_the_future_is_asked_for_where_it_comes_and_the_answer_is_the_later_bit():
    for delay in (0, 1, 3):
        x, right, asked = schemes_future.drawn(10, 4, 2, delay, np.random.default_rng(0))
        for t in range(10)[asked]:
            np.testing.assert_array_equal(right[t], x[t - delay + 2, :, 1])
        assert range(10)[asked] == range(delay, min(10, 8 + delay))


def test_one_direction_reaches_nothing_ahead_and_two_do(rng):
    assert schemes_future.reach(ref.RNN(2, 4, rng=rng), 6, rng) == 0
    assert schemes_future.reach(ref.RNN(2, 4, bidirectional=True, rng=rng), 6, rng) > 0.01


def test_the_oscillator_obeys_its_equation():
    z = schemes_feedback.oscillator(400, 3, np.random.default_rng(0), dt=0.01, fine=1)
    a, b = z[..., 0], z[..., 1]
    assert_allclose(np.gradient(a, 0.01, axis=0)[1:-1], b[1:-1], atol=1e-3)
    assert_allclose(np.gradient(b, 0.01, axis=0)[1:-1], ((1 - a * a) * b - a)[1:-1], atol=3e-3)


def test_the_oscillator_is_on_its_cycle():
    z = schemes_feedback.oscillator(200, 20, np.random.default_rng(0))
    assert_allclose(np.abs(z[..., 0]).max(axis=0), 2.0, atol=0.03)


def test_as_many_parameters_need_more_units_where_the_output_comes_back():
    H = schemes_feedback.wide(4, 64, 4)
    assert abs((4 * 64 + 64**2 + 64 + 4 * 64 + 4) - (H * (4 + 4 + 1 + 4) + 4)) < 13


def test_the_timed_steps_give_the_gradients_of_both_libraries(rng):
    config = {**schemes_feedback.CONFIG, "H": 6, "lengths": [5]}
    found = schemes_feedback.timing(0, {**config, "repeats": 1})
    assert set(found) == {"numpy_5", "torch_5"}
    assert all(set(ways) == set(schemes_feedback.WAYS) and min(ways.values()) > 0 for ways in found.values())


# ---- measured again --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
def test_all_at_once_is_measured_again(seed):
    assert schemes_feedback.at_once(seed) < 1e-12
    assert load("C05").results[seed]["at_once"] < 1e-12


def test_the_first_seed_of_the_taught_tasks_is_measured_again():
    evidence = load("C04")
    for task in ("echo_1", "latch", "parity"):
        net = schemes_memory.network("taught", [0], evidence.config)
        schemes_memory.train(net, task, [0], evidence.config)
        found = schemes_memory.accuracy(net, task, [0], evidence.config)[0]
        assert_allclose(found, evidence.results[0][task]["taught"], atol=0.002)


def test_the_first_seed_of_the_future_is_measured_again():
    evidence = load("C34")
    net = schemes_future.network([0], evidence.config["hidden"], False)
    assert_allclose(schemes_future.train(net, 2, [0], evidence.config)[0], evidence.results[0]["delay_2"], atol=0.002)


def test_the_first_seed_of_the_taught_oscillator_is_measured_again():
    evidence = load("C05")
    net = schemes_feedback.train("taught", [0], 0.1, evidence.config)
    free, forced = schemes_feedback.errors(net, [0], evidence.config)
    then = evidence.results[0]["taught_10"]
    assert_allclose(forced[0], then["forced"], rtol=1e-4)
    assert_allclose(free[0, 4], then["free_5"], rtol=1e-4)


def test_the_first_seed_of_the_fading_teacher_is_measured_again():
    """Its training magnifies a rounding error, so another processor may differ in the third digit."""
    evidence = Evidence.load("schemes_fading")
    layer = schemes_fading.train([0], 0.3, evidence.config)
    _, forced = schemes_feedback.errors(layer, [0], evidence.config)
    assert_allclose(forced[0], evidence.results[0]["faded_30"]["forced"], rtol=1e-3)
