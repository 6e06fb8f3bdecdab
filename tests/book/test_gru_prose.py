"""What the chapter on the GRU says in words, computed again and asked of the evidence."""

import numpy as np
import pytest
import torch

from companion.exercises import lstm
from companion.experiments import number
from companion.experiments.claims import claim
from companion.experiments.evidence import Evidence
from companion.reference import GRU, SGD, Adam


@pytest.fixture(scope="module")
def bench():
    return Evidence.load("bench_cpu").results


def test_the_two_times_of_the_text_are_those_of_the_picture(bench):
    for place, layer in ((7, "LSTM"), (10, "GRU"), (11, "GRU before")):
        assert bench[place]["benchmark"] == "reference"
        assert bench[place]["work"] == {"layer": layer, "B": 32, "D": 64, "H": 128, "T": 100}
    assert number("bench_cpu:results.10.torch_forward") > 4 * number("bench_cpu:results.7.torch_forward")
    assert bench[11]["forward"] < 1.1 * bench[10]["forward"]
    for way in ("forward", "training"):
        assert 0.75 < bench[10][way] / bench[7][way] < 1
        assert bench[10][f"torch_{way}"] > 2 * bench[7][f"torch_{way}"]  # the page draws no finer conclusion


def test_as_many_weights_are_nearly_a_fifth_more_units():
    def size(kind, units):
        return sum(p.numel() for p in kind(64, units).parameters())

    lstm_size = size(torch.nn.LSTM, 128)
    assert size(torch.nn.GRU, 128) == 0.75 * lstm_size
    units = min(range(128, 200), key=lambda H: abs(size(torch.nn.GRU, H) - lstm_size))
    assert 0.17 < units / 128 - 1 < 0.2


def test_a_new_network_keeps_a_thousandth_over_ten_steps():
    assert 1 / lstm.worth(np.full((10, 1), 0.5), 10)[0] == pytest.approx(1000, rel=0.03)


def test_the_rows_of_the_picture_are_where_its_caption_says():
    results = Evidence.load("gru_from_lstm").results
    assert len(results) == 100
    assert max(run[name] for run in results for name in ("open", "moved")) < 1e-15
    assert min(run[name] for run in results for name in ("free", "tanh", "untied")) > 0.01
    assert max(run[name] for run in results for name in ("free", "tanh", "untied")) < 3


def test_the_verdict_names_the_least_difference():
    verdict = claim("C29").verdict()
    assert f"{verdict.numbers['free']['min']:.2g} apart at the least" in verdict.sentence
    assert verdict.numbers["moved"] < 1e-15


@pytest.mark.parametrize("kind", [SGD, Adam])
def test_training_cannot_tell_which_way_round_the_update_gate_is(kind, rng):
    x, dy = rng.normal(size=(2, 7, 3, 4))
    sign = np.repeat([1.0, -1.0, 1.0], 4)
    straight = GRU(4, 4, rng=0)
    turned = {name: (value.T * sign).T for name, value in straight.params.items()}
    first, second = kind(straight.params, lr=0.1), kind(turned, lr=0.1)
    for _ in range(5):
        other = GRU(4, 4, rng=0)
        other.load_state_dict({name: (value.T * sign).T for name, value in turned.items()})  # what its user would read
        np.testing.assert_allclose(other(x)[0], straight(x)[0], rtol=1e-9, atol=1e-12)
        grads = other.bptt(other.unroll(x), dy).params
        first.step(straight.bptt(straight.unroll(x), dy).params)
        second.step({name: (value.T * sign).T for name, value in grads.items()})


# ---- the language model ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def written():
    return Evidence.load("writer").summary


@pytest.fixture(scope="module")
def counted():
    return Evidence.load("characters_counted").summary["best"]


def test_the_network_is_ahead_of_counting_where_nothing_can_be_copied(written, counted):
    assert written["validation"] < counted["validation"]
    assert written["new"] < counted["new"]
    assert f"{written['test']:.2f}" == f"{counted['test']:.2f}"  # level
    assert written["test"] < written["validation"]
    assert counted["test"] < counted["validation"]


def test_the_network_has_hardly_fewer_numbers_than_the_n_gram_has_counts(written, counted):
    assert 0.9 < written["parameters"] / counted["counted"] < 1
    assert round(written["readings"]) == 10


def test_two_units_follow_something_and_two_do_not(written):
    found = written["units"]
    assert found["quotes"]["score"] > 0.95
    assert found["brackets"]["score"] > 0.8
    for name in ("quotes", "brackets"):
        assert found[name]["score"] > found[name]["untrained"] + 0.2
    for name in ("indentation", "place"):
        assert found[name]["score"] < found[name]["untrained"] + 0.05
    small = Evidence.load("characters").summary["units"]
    assert small["quotes"]["gain"]["low"] > 0.2
    assert small["brackets"]["gain"]["low"] < 0 < small["brackets"]["gain"]["high"]


def test_the_gru_is_ahead_at_equal_weights_level_in_numpy_and_behind_in_pytorch(counted):
    runs, times = Evidence.load("characters").summary, Evidence.load("characters_times").summary
    assert runs["against_lstm"]["test"]["GRU"]["high"] < 0
    assert runs["against_lstm"]["new"]["GRU"]["high"] < 0
    level = times["numpy"]["against_lstm"]["GRU"]
    assert level["low"] < 0 < level["high"]
    assert times["torch"]["against_lstm"]["GRU"]["low"] > 0.5
    assert min(times["torch"]["cost"], key=times["torch"]["cost"].get) == "LSTM"
    assert min(runs["test"], key=lambda cell: runs["test"][cell]["mean"]) == "GRU"
    assert min(cell["low"] for cell in runs["test"].values()) > counted["test"]
