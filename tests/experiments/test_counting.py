"""The experiment on counting counts as its page says: words in parallel as one by one, and a counter set by hand."""

import numpy as np
import pytest

from companion import reference as ref
from companion.experiments import counting, hand_counter
from companion.experiments.counting import END, A, B
from companion.experiments.evidence import Evidence
from companion.experiments.intervals import wilson
from companion.experiments.race import runner
from companion.tasks import AnBn
from companion.tasks.grammar import right_steps
from companion.training import Network

CONFIG = counting.CONFIG


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def word(n):
    return AnBn(n, n).batch(1, np.random.default_rng(0))


def single(b_f=hand_counter.WIDE):
    return hand_counter.network(b_f, np.float32)


def side_by_side(networks):
    return Network(ref.stack([own.layer for own in networks]), ref.stack([own.head for own in networks]))


def test_the_lessons_are_ten_words_once_each():
    data = counting.lessons(10, 2)
    assert data.x.shape == (2, 21, 10, 4)
    for n in range(1, 11):
        own = word(n)
        T = len(own.x)
        for seed in range(2):
            np.testing.assert_array_equal(data.x[seed, :T, n - 1], own.x[:, 0])
            np.testing.assert_array_equal(data.y[seed, :T, n - 1], own.y[:, 0])
            assert data.asked[seed, :, n - 1].sum() == T


@pytest.mark.parametrize("cell", CONFIG["cells"])
def test_words_side_by_side_are_judged_as_they_are_one_by_one(cell):
    """Weights of a short training, so that some words are right and others are not."""
    network = counting.trained(cell, 0.03, [0, 1, 2], CONFIG | {"updates": 150, "longest": 3})
    expected = []
    for n in range(1, 9):
        own = word(n)
        outputs = network(np.broadcast_to(own.x.astype(np.float32), (3, *own.x.shape)))[:, :, 0]
        certain = own.y[n + 1 :, 0]
        assert certain.tolist() == [B] * (n - 1) + [END]
        expected.append((outputs[:, n + 1 :].argmax(axis=-1) == certain).all(axis=1))
    found = counting.right(network, range(1, 9))
    np.testing.assert_array_equal(found, np.transpose(expected))
    assert found.any()
    assert not found.all()


def test_the_counter_set_by_hand_is_right_to_a_thousand():
    network = hand_counter.network()
    for n in (1, 2, 10, 137, 1000):
        own = word(n)
        assert right_steps(network(own.x), own).all()
    tape = network.layer.unroll(word(1000).x)
    assert tape["c"][1000, 0, 0] == 1000
    assert tape["c"][-1, 0, 0] == 0


@pytest.mark.parametrize("b_f", [3.0, 5.0, 8.0])
def test_what_is_left_in_a_leaky_counter_is_what_the_formula_says(b_f):
    c = hand_counter.network(b_f).layer.unroll(word(40).x)["c"][:, 0, 0]
    np.testing.assert_allclose(c[40:], hand_counter.left(sigmoid(b_f), 40, np.arange(41)), rtol=1e-9, atol=1e-9)


def test_a_leak_is_a_horizon():
    biases = [3.0, 5.0, 8.0, hand_counter.WIDE]
    network = side_by_side([single(b_f) for b_f in biases])
    found = counting.reaches(network, [1, 5, 20, 61])
    assert found == [3, 8, 38, 60]
    assert found[:3] == [int(hand_counter.horizon(sigmoid(b_f))) for b_f in biases[:3]]


def test_a_reach_ends_at_the_first_wrong_word(monkeypatch):
    answers = {1: [[1, 1, 1], [1, 0, 1], [1, 1, 1]], 4: [[1, 1, 0], [1, 1, 1], [1, 1, 1]]}
    monkeypatch.setattr(counting, "right", lambda network, sizes: np.array(answers[sizes[0]], bool))
    network = side_by_side([single()] * 3)
    assert counting.reaches(network, [1, 4, 7]) == [5, 1, 6]


def test_the_trace_is_the_widest_unit_and_says_the_end_where_it_does():
    whole, leaky = counting.traces(side_by_side([single(b_f) for b_f in (40.0, 5.0)]), 30)
    assert whole == {"unit": 0, "state": [0.0, *range(1, 31), *range(29, -1, -1)], "says": 30, "keeps": 1.0}
    assert leaky["unit"] == 0
    assert leaky["says"] < 30
    assert leaky["keeps"] == pytest.approx(sigmoid(5.0), rel=1e-3)


def test_what_turns_is_told_from_what_goes_on():
    states = np.array([[0.0, 1.0, 0.0, 1.0], [2.0, -3.0, 4.0, 1.0], [0.5, 0.0, 6.0, 1.0]])
    np.testing.assert_array_equal(counting.turned(states), [1.5, 3.0, -2.0, 0.0])
    np.testing.assert_array_equal(counting.widest(states), [2.0, 4.0, 6.0, 0.0])


def test_a_network_that_is_not_finite_is_right_on_no_word():
    broken = single()
    broken.layer.params["weight_ih_l0"][...] = np.nan
    both = side_by_side([broken, single()])
    assert counting.right(both, [1, 2]).tolist() == [[False] * 2, [True] * 2]
    assert counting.traces(both, 2)[0]["state"] == [None] * 5


def test_a_seed_learns_the_same_whoever_learns_beside_it():
    small = CONFIG | {"updates": 40, "cells": ["GRU"], "blocks": [1, 4]}
    assert counting.measure([3], small)[0] == counting.measure([0, 3], small)[1]


# ---- the summary -----------------------------------------------------------------------------------------------------


def run(**reach):
    keys = {f"{cell}/{rate}": value for cell, values in reach.items() for rate, value in zip("12", values, strict=True)}
    return {"reach": keys, "trace": {key: {"says": value, "keeps": value / 100} for key, value in keys.items()}}


def test_a_cell_is_given_the_rate_with_which_more_runs_learn():
    found = counting.summarise([run(LSTM=(900, 10), GRU=(9, 8)), run(LSTM=(9, 10), GRU=(9, 30))])
    assert (found["LSTM"]["rate"], found["LSTM"]["learnt"], found["LSTM"]["beyond"]) == (2, 2, 0)
    assert (found["GRU"]["rate"], found["GRU"]["learnt"], found["GRU"]["beyond"]) == (2, 1, 1)
    assert found["GRU"]["reaches"] == [8, 30]
    assert found["GRU"]["trace"] == {"says": 30, "keeps": 0.3}
    assert (found["GRU"]["says"], found["GRU"]["keeps"]) == ([8, 30], pytest.approx(0.19))
    assert {key: found["GRU"][key] for key in ("share", "low", "high")} == wilson(1, 2)


def test_where_as_many_learn_the_larger_median_decides():
    cell = counting.summarise([run(LSTM=(10, 20)), run(LSTM=(12, 20))])["LSTM"]
    assert (cell["rate"], cell["median"], cell["largest"]) == (2, 20, 20)


# ---- what was measured -----------------------------------------------------------------------------------------------


def test_all_cells_have_nearly_the_same_number_of_parameters():
    counts = []
    for cell in CONFIG["cells"]:
        hidden = counting.hidden_size(cell, 4, 4, CONFIG["parameters"])
        network = runner(lambda rng, own=(cell, hidden): counting.layer(own[0], 4, own[1], rng), 4, [0], 0.01, 1.0)
        counts.append(sum(value[0].size for value in network.network.params.values()))
    assert max(counts) / min(counts) < 1.05


def test_the_first_lstm_learns_its_lessons_again():
    evidence = Evidence.load("counting")
    rate = evidence.summary["LSTM"]["rate"]
    network = counting.trained("LSTM", rate, [0], evidence.config)
    again = counting.right(network, range(1, CONFIG["longest"] + 1)).all()
    assert again == (evidence.results[0]["reach"][f"LSTM/{rate}"] >= CONFIG["longest"])


def test_a_trace_and_its_reach_agree():
    for result in Evidence.load("counting").results:
        for key, trace in result["trace"].items():
            assert len(trace["state"]) == 61
            if result["reach"][key] >= CONFIG["traced"]:
                assert trace["says"] == CONFIG["traced"]


def test_the_letters_are_those_of_the_task():
    assert AnBn.symbols.index("a") == A
    assert AnBn.symbols.index("E") == END
