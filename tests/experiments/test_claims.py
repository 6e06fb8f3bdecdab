"""The registry of claims and the verdicts that are computed from the committed evidence."""

import dataclasses

import pytest

from companion.experiments import CLAIMS, Evidence, claim, number, verdicts
from companion.experiments.claims import CONDITIONAL, FALSE, HOLDS, SOURCES, UNMEASURED

MEASURED = [entry for entry in CLAIMS.values() if entry.evidence]


def test_there_are_38_claims_in_order():
    assert list(CLAIMS) == [f"C{i:02d}" for i in range(1, 39)]


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_is_complete(name):
    entry = CLAIMS[name]
    assert entry.id == name
    assert entry.statement.endswith(".")
    assert entry.trial.rstrip("?").endswith((".", "frontier", "worse", "neither"))
    assert set(entry.sources) <= set(SOURCES)
    assert entry.sources or name == "C26"  # said everywhere, by nobody in particular
    assert entry.chapter.replace("-", "").isalpha()
    measured = (bool(entry.evidence), bool(entry.condition), bool(entry.expected), bool(entry.judge))
    assert measured in [(True,) * 4, (False,) * 4]
    assert entry.expected in (None, HOLDS, CONDITIONAL, FALSE)


@pytest.mark.parametrize("entry", MEASURED, ids=lambda entry: entry.id)
def test_the_committed_data_give_the_committed_verdict(entry):
    verdict = entry.verdict()
    assert verdict.label == entry.expected
    assert verdict.sentence.endswith(".")
    assert entry.id in Evidence.load(entry.evidence).claims


def test_what_is_not_measured_has_no_verdict():
    assert CLAIMS["C38"].verdict() is UNMEASURED
    assert UNMEASURED.label is None
    assert sum(verdict.label is not None for verdict in verdicts().values()) == len(MEASURED)


def test_missing_evidence_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        CLAIMS["C01"].verdict(tmp_path)


def test_a_claim_is_found_by_its_name():
    assert claim("C01") is CLAIMS["C01"]
    with pytest.raises(LookupError, match="no claim 'C39': the claims are C01 to C38"):
        claim("C39")


def test_numbers_are_found_by_their_address():
    assert number("C01:linear.half") == CLAIMS["C01"].verdict().numbers["linear"]["half"]
    assert number("C01:config.length") == 200
    assert number("impulse:config.length") == 200
    with pytest.raises(KeyError, match="no 'colour'"):
        number("C01:colour")
    with pytest.raises(LookupError, match="C38 is not yet measured"):
        number("C38:colour")
    for key in ("C01", "C01:", ""):
        with pytest.raises(LookupError, match="no address of a number"):
            number(key)
    with pytest.raises(FileNotFoundError):
        number("nothing:config.length")


# ---- C01: the verdict follows the data -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def impulse():
    return Evidence.load("impulse")


def judged(evidence, chosen, **changes):
    results = [{**run, **changes} if chosen(run) else run for run in evidence.results]
    return CLAIMS["C01"].judge(dataclasses.replace(evidence, results=tuple(results)))


def test_memory_is_as_long_as_the_power_of_the_weight_says(impulse):
    numbers = CLAIMS["C01"].judge(impulse).numbers
    assert numbers["linear"] == {"half": 7, "nine_tenths": 44, "one": 200}  # 0.5**6 > 0.01 > 0.5**7, 0.9**43 > 0.01
    assert numbers["without_loop"] == numbers["after_cut"] == 0
    assert numbers["error"] < 1e-12


def test_memory_without_a_loop_would_make_it_false(impulse):
    assert judged(impulse, lambda run: run["u"] == 0 and run["activation"] == "tanh", tail=1e-9).label == FALSE


def test_memory_after_the_cut_would_make_it_false(impulse):
    assert judged(impulse, lambda run: run["u"] == 0.5, after_cut=1e-300).label == FALSE


def test_another_response_than_the_power_would_make_it_false(impulse):
    assert judged(impulse, lambda run: run["u"] == 0.5 and run["activation"] == "linear", error=2e-9).label == FALSE


def test_a_loop_that_leaves_no_trace_would_make_it_conditional(impulse):
    verdict = judged(impulse, lambda run: run["u"] == 0.05, steps=1)
    assert verdict.label == CONDITIONAL
    assert verdict.sentence.endswith("1 are too small to show it.")
