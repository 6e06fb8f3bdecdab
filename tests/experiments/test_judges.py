"""The judges of single claims: the verdict follows the data."""

import dataclasses

import pytest

from companion.experiments import CLAIMS, Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS

PEEPHOLE = "tf.keras.experimental.PeepholeLSTMCell"


@pytest.fixture(scope="module")
def rosetta():
    return Evidence.load("rosetta")


def judged(evidence, chosen, **changes):
    results = [{**run, **changes} if chosen(run) else run for run in evidence.results]
    assert results != list(evidence.results)
    return CLAIMS["C36"].judge(dataclasses.replace(evidence, results=tuple(results)))


def is_name(name):
    return lambda run: run["engine"] == name and "releases" in run


def releases(evidence, name, **changes):
    (found,) = (run["releases"] for run in evidence.results if is_name(name)(run))
    return {release: changes.get(release, there) for release, there in found.items()}


def test_the_names_were_last_seen_where_the_record_says(rosetta):
    verdict = CLAIMS["C36"].judge(rosetta)
    assert verdict.label == CONDITIONAL
    assert verdict.numbers["last"] == "2.8"
    assert verdict.numbers["releases"] == 18
    assert verdict.numbers["lstm"] < 1e-6
    assert verdict.numbers["peephole"] < 1e-14
    assert verdict.numbers["as_it_comes"] > 0.05


def test_a_name_that_2_0_lacks_would_make_it_false(rosetta):
    without = releases(rosetta, PEEPHOLE, **{"2.0": False})
    assert judged(rosetta, is_name(PEEPHOLE), releases=without).label == FALSE


@pytest.mark.parametrize("engine", ["Keras float32", f"{PEEPHOLE}, recurrent_activation='sigmoid'"])
def test_other_numbers_would_make_it_false(rosetta, engine):
    changes = {"error": 2e-5} if engine.startswith("Keras") else {"new": 2e-5}
    assert judged(rosetta, lambda run: run["engine"] == engine, **changes).label == FALSE


def test_both_names_everywhere_and_the_same_numbers_at_once_would_make_it_hold(rosetta):
    everywhere = dict.fromkeys(releases(rosetta, PEEPHOLE), True)
    still_hard = judged(rosetta, is_name(PEEPHOLE), releases=everywhere)
    assert still_hard.label == CONDITIONAL
    results = [
        {**run, "releases": everywhere} if is_name(PEEPHOLE)(run) else {**run, "new": 0.0} if "new" in run else run
        for run in rosetta.results
    ]
    assert CLAIMS["C36"].judge(dataclasses.replace(rosetta, results=tuple(results))).label == HOLDS


def test_a_first_name_that_is_gone_would_be_said(rosetta):
    name = "tf.keras.layers.LSTM"
    verdict = judged(rosetta, is_name(name), releases=releases(rosetta, name, **{"2.15": False}))
    assert verdict.label == CONDITIONAL
    assert "dropped the first" in verdict.sentence
