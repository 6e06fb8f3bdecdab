"""Intervals: Wilson's by his formula, means by the bootstrap and by Student."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from companion.experiments.intervals import bootstrapped, corrected, interval, student, wilson


@pytest.mark.parametrize("k", [0, 7, 17, 20])
def test_wilsons_interval_is_his_formula(k):
    n, z = 20, 1.959964
    p = k / n
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    found = wilson(k, n)
    expected = [p, middle - half, middle + half]
    assert_allclose([found["share"], found["low"], found["high"]], expected, rtol=1e-6, atol=1e-9)


def test_the_interval_of_equal_numbers_is_that_number():
    assert interval([1.0, 1.0, 1.0]) == {"mean": 1.0, "low": 1.0, "high": 1.0, "min": 1.0, "max": 1.0}


def test_a_bootstrapped_median_lies_inside_its_interval_and_has_its_name(rng):
    values = rng.normal(3.0, 1.0, size=40)
    found = bootstrapped(values, "median", np.median)
    assert found["median"] == pytest.approx(np.median(values))
    assert values.min() < found["low"] < found["median"] < found["high"] < values.max()


def test_corrected_intervals_hold_the_mean_and_grow_with_the_spread(rng):
    wide, narrow = (corrected(rng.normal(1.0, spread, size=50)) for spread in (0.5, 0.05))
    for found in (wide, narrow):
        assert found["min"] < found["low"] < found["mean"] < found["high"] < found["max"]
    assert wide["high"] - wide["low"] > 4 * (narrow["high"] - narrow["low"])
    half = 1.96 * 0.5 / np.sqrt(50)
    assert_allclose(wide["high"] - wide["low"], 2 * half, rtol=0.3)
    assert set(corrected([1.0])) == {"mean", "min", "max"}


def test_students_interval_is_that_of_his_test(rng):
    from scipy.stats import ttest_1samp

    values = rng.normal(2.0, 0.5, size=12)
    found, expected = student(values), ttest_1samp(values, 0).confidence_interval()
    assert_allclose([found["low"], found["high"]], expected, rtol=1e-12)
    assert_allclose([found["mean"], found["min"], found["max"]], [values.mean(), values.min(), values.max()])
    assert student([3.0]) == dict.fromkeys(("mean", "low", "high", "min", "max"), 3.0)
