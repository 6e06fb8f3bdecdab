"""The sunspot series, its split, its baselines, and the error that the literature prints."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from companion.tasks import sunspots


@pytest.fixture(scope="module")
def data():
    return sunspots.load()


def test_the_series_is_that_of_statsmodels(data):
    assert data.year.shape == data.number.shape == (309,)
    assert (data.year[0], data.year[-1]) == (1700, 2008)
    assert_array_equal(np.diff(data.year), 1)
    assert data.number[data.year == 1957] == 190.2  # the highest of the four centuries
    assert data.number.max() == 190.2


def test_the_series_cannot_be_changed_by_mistake(data):
    with pytest.raises(ValueError, match="read-only"):
        data.number[0] = 0


def test_the_periods_are_those_of_the_benchmark(data):
    assert [int(data.period(name).sum()) for name in sunspots.PERIODS] == [221, 35, 24]
    assert data.year[data.period("test 1")][0] == 1921
    with pytest.raises(ValueError, match="expected one of 'train', 'test 1', 'test 2', got 'test'"):
        data.period("test")


def test_the_second_period_is_the_harder_one(data):
    variance = {name: np.var(data.number[data.period(name)]) for name in sunspots.PERIODS}
    assert variance["test 2"] > 1.8 * variance["test 1"] > 2 * variance["train"]


def test_the_variance_of_the_literature_is_close_to_that_of_the_series_they_had(data):
    assert_allclose(np.var(data.number[data.between(1700, 1979)]), 1496, atol=0.5)
    assert_allclose(np.var(data.number[data.between(1712, 1979)]), 1511, atol=0.5)
    assert sunspots.VARIANCE == 1535


def test_persistence_scores_what_independent_runs_found(data):
    prediction = sunspots.persistence(data.number)
    assert np.isnan(prediction[0])
    assert_array_equal(prediction[1:], data.number[:-1])
    first, second = (data.period(name) for name in ("test 1", "test 2"))
    assert_allclose(sunspots.normalised_error(prediction[first], data.number[first]), 0.416, atol=5e-4)
    assert_allclose(sunspots.normalised_error(prediction[second], data.number[second]), 0.940, atol=5e-4)


def test_linear_autoregression_of_order_nine_scores_what_independent_runs_found(data):
    model = sunspots.autoregression(data.number[data.period("train")], 9)
    first = data.period("test 1")
    assert_allclose(sunspots.normalised_error(model.predict(data.number)[first], data.number[first]), 0.123, atol=5e-4)


def test_autoregression_finds_the_weights_that_made_a_series(rng):
    x = list(rng.normal(size=2))
    for _ in range(60):
        x.append(0.5 * x[-1] - 0.8 * x[-2] + 2.0)
    model = sunspots.autoregression(np.array(x), 2)
    assert_allclose(model.weights, [-0.8, 0.5], rtol=1e-9)
    assert_allclose(model.intercept, 2.0, rtol=1e-9)
    assert_allclose(model.predict(np.array(x))[2:], x[2:], rtol=1e-9)
    assert np.isnan(model.predict(np.array(x))[:2]).all()


def test_autoregression_agrees_with_statsmodels(data):
    ar_model = pytest.importorskip("statsmodels.tsa.ar_model")
    train = data.number[data.period("train")]
    theirs = ar_model.AutoReg(train, lags=9).fit().params
    model = sunspots.autoregression(train, 9)
    assert_allclose([model.intercept, *model.weights[::-1]], theirs, rtol=1e-8)


def test_windows_hold_what_came_before():
    assert_array_equal(sunspots.windows(np.arange(5), 2), [[0, 1], [1, 2], [2, 3]])


@pytest.mark.parametrize("size", [0, 5])
def test_a_window_must_fit_into_the_series(size):
    with pytest.raises(ValueError, match=f"size: expected 1 to 4, got {size}"):
        sunspots.windows(np.arange(5), size)


def test_a_series_has_one_axis():
    with pytest.raises(ValueError, match="one axis"):
        sunspots.windows(np.zeros((5, 2)), 2)


def test_a_fit_needs_more_values_than_weights():
    with pytest.raises(ValueError, match="learn: expected at least 5 values to predict for order 4, got 4"):
        sunspots.autoregression(np.arange(8.0), 4)
    assert sunspots.autoregression(np.arange(9.0), 4).weights.shape == (4,)


def test_a_fit_looks_only_at_the_values_it_may_learn(data):
    learn = data.period("train")
    spoilt = np.where(learn, data.number, 1e6)
    chosen = sunspots.autoregression(spoilt, 3, learn)
    assert_allclose(chosen.weights, sunspots.autoregression(data.number[learn], 3).weights, rtol=1e-9)


def test_a_network_reads_a_year_and_is_asked_for_the_next(data):
    batch = sunspots.as_sequence(data, data.period("train"))
    scale = sunspots.scale(data)
    assert batch.x.shape == batch.y.shape == (308, 1, 1)
    assert_allclose(scale.up(batch.x[:, 0, 0]), data.number[:-1], atol=1e-12)
    assert batch.asked.sum() == 220
    assert_allclose(scale.up(batch.y[:220, 0, 0]), data.number[1:221], atol=1e-12)
    known = scale.down(data.number[data.period("train")])
    assert_allclose([known.mean(), known.std()], [0, 1], atol=1e-12)


def test_a_network_without_memory_reads_a_window(data):
    batch = sunspots.as_windows(data, data.period("test 1"), 12)
    assert batch.x.shape == (1, 297, 12)
    assert batch.asked.sum() == 35
    assert_allclose(batch.x[0, 1:, -2], batch.x[0, :-1, -1])
    one = sunspots.as_windows(data, data.period("train"), 1)
    sequence = sunspots.as_sequence(data, data.period("train"))
    assert_array_equal(one.x.ravel(), sequence.x.ravel())
    assert_array_equal(one.y.ravel(), sequence.y.ravel())


def test_the_error_is_a_mean_over_a_variance():
    assert sunspots.normalised_error(np.array([1.0, 3.0]), np.array([0.0, 0.0]), variance=10) == 0.5
    with pytest.raises(ValueError, match=r"expected the shape of target, \(2,\), got \(3,\)"):
        sunspots.normalised_error(np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="at least one value"):
        sunspots.normalised_error(np.zeros(0), np.zeros(0))
