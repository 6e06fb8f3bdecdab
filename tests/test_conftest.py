"""The `equation` fixture records what it asserts, and refuses comparisons that prove nothing."""

import json

import numpy as np
import pytest

from tests import conftest


def double(x):
    return 2 * x


@pytest.fixture
def records():
    return {}


@pytest.fixture
def named(records):
    return conftest.Equation("eq-xx-double", "tests.double", "tests/test_conftest.py::test", records)


def test_an_equation_that_holds_is_recorded_with_its_largest_error(named, records):
    named.close(double(np.array([1.0, 2.0])), np.array([2.0, 4.0 + 4e-12]), rtol=1e-9)
    named.close(double(np.array([1.0])), np.array([2.0]), rtol=1e-9)
    assert records["eq-xx-double"]["error"] == pytest.approx(1e-12, rel=1e-3)
    assert records["eq-xx-double"]["tolerance"] == 1e-9


def test_an_equation_that_fails_is_recorded_and_raises(named, records):
    with pytest.raises(AssertionError, match="eq-xx-double"):
        named.close(np.array([1.0, 2.1]), np.array([1.0, 2.0]))
    assert records["eq-xx-double"]["error"] == pytest.approx(0.05)


def test_a_result_that_is_not_a_number_fails_and_counts_as_the_largest_error(named, records):
    with pytest.raises(AssertionError):
        named.close(np.array([np.nan]), np.array([1.0]))
    named.close(np.array([1.0]), np.array([1.0]))
    assert np.isnan(records["eq-xx-double"]["error"])


def test_shapes_are_not_broadcast(named):
    with pytest.raises(AssertionError, match="shape"):
        named.close(np.ones((2, 1)), np.ones((1, 2)))


@pytest.mark.parametrize("expected", [np.array([]), np.array([np.inf])])
def test_a_comparison_with_nothing_is_refused(named, expected):
    with pytest.raises(ValueError, match="empty or not finite"):
        named.close(expected.copy(), expected)


def test_an_array_is_not_compared_with_itself(named):
    x = np.ones(3)
    with pytest.raises(ValueError, match="itself"):
        named.close(x, x)


def test_a_label_that_no_page_could_hold_is_refused(equation):
    with pytest.raises(ValueError, match="looks like"):
        equation("Step", of=double)


def test_the_report_keeps_what_this_run_did_not_touch(tmp_path, monkeypatch):
    monkeypatch.setattr(conftest, "REPORT", tmp_path / "reports" / "equations.json")
    conftest._write_report({"eq-a-one": {"error": 0.0}, "eq-a-two": {"error": 0.0}})
    conftest._write_report({"eq-a-two": {"error": 1.0}})
    assert json.loads(conftest.REPORT.read_text()) == {"eq-a-one": {"error": 0.0}, "eq-a-two": {"error": 1.0}}
