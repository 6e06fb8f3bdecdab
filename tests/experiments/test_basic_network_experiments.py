"""Readers side by side learn what each would have learnt alone, and are asked where they should be."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from companion import reference as ref
from companion.experiments import digits_by_rows, names_by_language
from companion.experiments.evidence import Evidence
from companion.experiments.intervals import student
from companion.experiments.reading import Readers, pooled
from companion.tasks import digits, names
from companion.training import Network, cross_entropy, fit

SMALL = {"hidden": 8, "rate": 0.01, "batch": 16, "clip": 1.0, "updates": 8, "decay": 0.01}


def test_readers_learn_what_the_course_s_own_loop_teaches():
    data = digits.load(size=60)
    part = data.part("train")
    settings = {**SMALL, "updates": 3}  # before the rate falls
    readers = Readers([4, 5], 8, 10, settings)
    batches = [data.batch(part)] * 2
    readers.train([b.x for b in batches], [digits_by_rows.asked("last", 60)] * 2, [data.labels[part]] * 2)

    rng = np.random.default_rng([5, 1])
    network = Network(ref.RNN(8, 8, rng=rng), ref.Linear(8, 10, rng=rng))
    adam = ref.Adam(network.params, lr=0.01)
    drawn = [data.batch(part[rng.choice(60, 16, replace=False)]) for _ in range(2)]
    fit(network, drawn, cross_entropy, adam, 2, clip=1.0, decay=0.01, mode="silent")
    adam.lr /= 5  # the last quarter of three updates is the last of them
    last = [data.batch(part[rng.choice(60, 16, replace=False)])]
    fit(network, last, cross_entropy, adam, 1, clip=1.0, decay=0.01, mode="silent")
    for name, value in network.params.items():
        assert_allclose(readers.params[name][1], value, rtol=1e-8, atol=1e-12)


def test_pooling_is_a_weighted_sum_over_time(rng):
    states, at = rng.normal(size=(5, 3, 4)), rng.uniform(size=(2, 5, 3))
    expected = [[sum(at[r, t, b] * states[t, b] for t in range(5)) for b in range(3)] for r in range(2)]
    assert_allclose(pooled(states, at), expected, rtol=1e-12)


def test_digits_are_asked_at_the_end_or_after_every_row(rng):
    states = rng.normal(size=(8, 3, 4))
    assert_array_equal(pooled(states, digits_by_rows.asked("last", 3)), states[-1:])
    assert_array_equal(pooled(states, digits_by_rows.asked("every", 3)), states)


def test_names_are_asked_where_it_is_said(rng):
    states, lengths = rng.normal(size=(6, 3, 4)), np.array([6, 1, 4])
    inside = [states[:length, b] for b, length in enumerate(lengths)]
    read = {name: pooled(states, names_by_language.asked(name, lengths, 6))[0] for name in names_by_language.NETWORKS}
    assert_allclose(read["last"], [own[-1] for own in inside], rtol=1e-12)
    assert_allclose(read["mean"], [own.mean(axis=0) for own in inside], rtol=1e-12)
    assert_array_equal(read["padded"], states[-1])
    assert_allclose(read["mean_padded"], states.mean(axis=0), rtol=1e-12)


def test_what_comes_after_the_last_letter_does_not_touch_an_answer_read_there():
    data = names.load(size=20)
    batch = data.batch("train")
    readers = Readers([0], 26, 11, SMALL)
    scores = []
    for T in (len(batch.x), 16):
        filled = names_by_language.filled(batch, T)
        scores += readers.answers([filled], [names_by_language.asked("last", batch.lengths, T)])
    assert_allclose(scores[0], scores[1], rtol=1e-12)


def test_accuracies_and_the_pair_of_digits_are_counted():
    scores = np.full((1, 4, 10), -1.0)
    scores[0, :, 3] = [2, 1, 0, 0]
    scores[0, :, 8] = [1, 2, 3, 1]
    scores[0, 3, 5] = 4
    found = digits_by_rows.scored(scores, np.array([3, 3, 8, 5]))
    assert found == {"rows": [0.75], "three_eight": [pytest.approx(2 / 3)]}


def test_the_regressions_of_the_first_digits_seed_are_measured_again():
    evidence = Evidence.load("digits_by_rows")
    again = digits_by_rows.regressions(digits.load(0), 0, evidence.config["regression"]["C"])
    for key, value in again.items():
        if key == "first_rows":
            for part, rows in value.items():
                assert_allclose(rows, evidence.results[0][key][part], atol=0.006)
        else:
            assert_allclose(value, evidence.results[0][key], atol=0.006)


def test_the_network_of_the_first_digits_seed_is_measured_again():
    evidence = Evidence.load("digits_by_rows")
    data = [digits.load(0)]
    readers = digits_by_rows.trained("last", [0], data, evidence.config)
    scores = digits_by_rows.after_each_row(readers, data, "test")[0]
    found = digits_by_rows.scored(scores, data[0].labels[data[0].part("test")])
    assert_allclose(found["rows"], evidence.results[0]["last"]["rows"], atol=0.0055)


@pytest.mark.parametrize("name", names_by_language.REGRESSIONS)
def test_the_regressions_of_the_first_names_seed_are_measured_again(name):
    evidence = Evidence.load("names_by_language")
    analyzer, longest = names_by_language.REGRESSIONS[name]
    again = names_by_language.regression(names.load(0), analyzer, longest, C=evidence.config["C"])
    assert_allclose(again, evidence.results[0][name], atol=0.0025)


def test_an_interval_is_student_s():
    from scipy.stats import ttest_1samp

    values = [0.2, 0.5, 0.4, 0.9]
    found = student(values)
    low, high = ttest_1samp(values, 0).confidence_interval()
    assert_allclose([found["low"], found["high"], found["mean"]], [low, high, 0.5], rtol=1e-12)
    assert (found["min"], found["max"]) == (0.2, 0.9)
    assert student([1.0])["low"] == student([1.0])["high"] == 1.0
