"""What the chapter on connection schemes says in words, asked of the committed evidence and of the data."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from companion import reference as ref
from companion.exercises.connection_schemes import mixed
from companion.experiments import schemes_fading, schemes_feedback, schemes_future, schemes_memory
from companion.experiments.evidence import Evidence
from companion.tasks import sunspots

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "connection-schemes.ipynb"


@pytest.fixture(scope="module")
def memory():
    return Evidence.load("schemes_memory")


@pytest.fixture(scope="module")
def feedback():
    return Evidence.load("schemes_feedback").summary


@pytest.fixture(scope="module")
def future():
    return Evidence.load("schemes_future").summary


def alt(name):
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    found = [cell["metadata"]["mystnb"] for cell in cells if "mystnb" in cell["metadata"]]
    (text,) = [each["image"]["alt"] for each in found if each["figure"]["name"] == name]
    return text


def test_what_the_teacher_of_the_sunspots_says_is_what_the_network_reads_anyway():
    sun = sunspots.load()
    past, future = sun.number[:-1], sun.number[1:]
    np.testing.assert_array_equal(future[:-1], past[1:])
    line = sunspots.autoregression(sun.number, 1, sun.period("train")).predict(sun.number)[1:]
    years = sun.period("test 1")[1:]
    assert round(sunspots.normalised_error(line[years], sun.number[1:][years]), 2) == 0.38


def test_the_hidden_loop_has_no_trouble_up_to_six_steps_and_half_of_its_starts_have_with_eight(memory):
    for lag in (0, 1, 2, 3, 4, 6):
        assert memory.summary[f"echo_{lag}"]["hidden"]["min"] > 0.99
    solved = [run["echo_8"]["hidden"] > 0.95 for run in memory.results]
    assert (sum(solved), len(solved)) == (12, 24)


def test_taught_it_guesses_and_through_its_own_outputs_it_does_a_little_better(memory):
    for lag in (1, 2, 3, 4, 6, 8):
        found = memory.summary[f"echo_{lag}"]
        assert abs(found["taught"]["mean"] - 0.5) < 0.01
        assert 0.55 < found["own"]["low"] < found["own"]["high"] < 0.67


def test_where_the_answer_is_the_state_there_is_nothing_to_choose(memory):
    assert {memory.summary["latch"][name]["min"] for name in schemes_memory.NETWORKS} == {1}
    assert {memory.summary["parity"][name]["min"] for name in ("taught", "own")} == {1}
    assert memory.summary["parity"]["hidden"]["mean"] > 0.99


def test_the_alternative_texts_say_the_numbers_of_the_figures(memory, feedback):
    said = re.findall(r"0\.\d\d", alt("fig-lags"))
    means = [("echo_8", "hidden"), ("echo_1", "own"), ("echo_8", "own"), ("echo_1", "taught")]
    assert said == [f"{memory.summary[task][name]['mean']:.2f}" for task, name in means]
    for percent in (10, 30):
        for plan in schemes_feedback.PLANS:
            found = feedback[f"{plan}_{percent}"]
            assert found["free_60"]["mean"] > 10 * found["free_1"]["mean"]
    for k in schemes_feedback.HORIZONS:
        others = [feedback[f"{plan}_10"][f"free_{k}"]["low"] for plan in ("own", "taught_own")]
        assert feedback["taught_10"][f"free_{k}"]["high"] < min(others)


def test_the_obvious_cure_is_none(feedback):
    """Neither plan is clearly better than the taught network at any horizon, with little noise or with much."""
    for percent in (10, 30):
        for plan in ("own", "taught_own"):
            for k in schemes_feedback.HORIZONS:
                taught = feedback[f"taught_{percent}"][f"free_{k}"]
                assert feedback[f"{plan}_{percent}"][f"free_{k}"]["high"] > taught["low"]
    little = [feedback[f"{plan}_10"]["free_20"]["low"] for plan in ("own", "taught_own")]
    assert min(little) > feedback["taught_10"]["free_20"]["high"]
    for percent in (10, 30):
        for k in (20, 60):
            turned, own = (feedback[f"{plan}_{percent}"][f"free_{k}"]["mean"] for plan in ("taught_own", "own"))
            assert turned > 0.9 * own


def test_the_longer_the_chain_the_more_there_is_to_save(feedback):
    for engine in ("numpy", "torch"):
        gains = [feedback["time"][f"{engine}_{T}"]["gain_taught"]["median"] for T in (8, 32, 128, 512)]
        assert gains == sorted(gains)
        assert feedback["time"][f"{engine}_512"]["gain_taught_wide"]["median"] < 1.5
    assert 0.8 < feedback["time"]["numpy_512"]["gain_own"]["median"] < 1.2
    assert schemes_feedback.wide(4, 64, 4) == 359


def test_what_lies_ahead_is_a_matter_of_information(future):
    for delay, expected in ((0, 0.5), (1, 0.5), (2, 1.0), (3, 1.0), (4, 1.0)):
        found = future[f"delay_{delay}"]
        assert expected - 0.02 < found["min"] <= found["max"] < expected + 0.02
    assert future["two"]["min"] > 0.99
    assert future["reach_one"]["max"] == 0
    assert future["reach_two"]["min"] > 0


def test_two_directions_have_fewer_parameters_than_the_one():
    config = schemes_future.CONFIG
    one = schemes_future.network([0], config["hidden"], False)
    two = schemes_future.network([0], config["hidden_each"], True)
    sizes = [sum(value.size for value in net.params.values()) for net in (one, two)]
    assert sizes[1] < sizes[0]


@pytest.mark.parametrize("seed", range(5))
def test_one_layer_of_two_directions_adds_what_its_halves_say(seed):
    net = ref.RNN(1, 8, bidirectional=True, rng=seed)
    x = np.array([[a, 0.5, c] for a in (0, 1) for c in (0, 1)]).T[..., None]
    y = net(x)[0][1]
    np.testing.assert_allclose(y[3] - y[2] - y[1] + y[0], 0, atol=1e-14)


def test_the_fading_teacher_leaves_a_network_that_says_the_mean():
    fading = Evidence.load("schemes_fading").summary
    for percent in (10, 30):
        assert 0.7 < fading[f"faded_{percent}"]["free_20"]["low"] < fading[f"faded_{percent}"]["free_20"]["high"] < 1.1


def test_the_loop_of_the_small_project_trains_as_the_experiment_does():
    config = {**schemes_fading.CONFIG, "updates": 5, "batch": 4}
    expected = schemes_fading.train([0], 0.1, config).params
    series = schemes_feedback.lessons([0], 0.1, config)[0]
    places = np.random.default_rng(0).integers(0, 41, size=5)
    layer, rng, x = ref.JordanRNN(1, 16, 2, rng=0), np.random.default_rng([0, 2]), np.zeros((20, 4, 1))
    adam = ref.Adam(layer.params, lr=0.01)
    for update, place in enumerate(places):
        start, targets = series[place][None], series[place + 1 : place + 21]
        read = mixed(targets, layer(x, start)[0], 1 - update / 5, rng)
        tape = layer.unroll(x, start, targets=read)
        gradients = layer.bptt(tape, ref.mse(tape.y, targets)[1]).params
        ref.clip_grad_norm(gradients, 1.0)
        adam.step(gradients)
    for name, value in layer.params.items():
        np.testing.assert_allclose(expected[name][0], value, rtol=1e-7, atol=1e-9)
