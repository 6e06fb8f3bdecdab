"""The timing tasks: what is asked follows from the spikes, and guessing scores what the tasks say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from companion.tasks import SpikeDelays, TimedSpikes

SEEDS = st.integers(0, 999)


@given(st.integers(1, 12), st.integers(1, 6), SEEDS)
def test_at_a_spike_the_target_is_how_much_longer_the_delay_was(delay, count, seed):
    task = SpikeDelays(delay, count)
    batch = task.batch(3, np.random.default_rng(seed))
    assert batch.x.shape == (task.T, 3, 1)
    for b in range(3):
        spikes = np.flatnonzero(batch.x[:, b, 0])
        assert (spikes[0], len(spikes)) == (0, count + 1)
        assert batch.lengths[b] == spikes[-1] + 1
        assert_array_equal(batch.y[spikes[1:], b], np.diff(spikes) - delay)
        assert_array_equal(np.flatnonzero(batch.asked[:, b]), spikes[1:])
    assert not batch.x[~batch.mask].any()


def test_both_delays_are_equally_likely_and_a_short_window_cannot_tell_them(rng):
    task = SpikeDelays(delay=4, count=5)
    batch = task.batch(8000, rng)
    assert abs(batch.y[batch.asked].mean() - task.chance) < 0.01
    t, b = np.nonzero(batch.asked)
    windows = np.stack([batch.x[t - k, b, 0] for k in range(task.delay)])
    assert_array_equal(windows, np.eye(task.delay, 1).repeat(len(t), axis=1))
    assert_allclose(task.chance_loss, np.log(2))
    assert task.best == 1


def test_the_same_generator_draws_the_same_delays():
    one, two, other = (SpikeDelays().batch(4, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert_array_equal(one.x, two.x)
    assert not np.array_equal(one.x, other.x)


@given(st.integers(2, 15), st.integers(1, 6))
def test_a_timed_spike_comes_at_every_period(period, count):
    task = TimedSpikes(period, count)
    batch = task.batch(2)
    assert not batch.x.any()
    assert batch.asked.all()
    for t in range(task.T):
        assert_array_equal(batch.y[t], (t + 1) % period == 0)
    mean = batch.y.mean()
    assert_allclose(mean, 1 / period)
    assert_allclose(((batch.y - mean) ** 2).mean(), task.chance_loss)
    assert task.best_loss == 0


def test_a_row_is_right_if_it_is_right_at_every_step(rng):
    task = TimedSpikes(4, 3)
    outputs = np.stack([task.batch(2).y * 0.6, task.batch(2).y + 0.4])
    assert_array_equal(task.right(outputs), True)
    outputs[0, 5, 1] = 0.51
    assert_array_equal(task.right(outputs), [[True, False], [True, True]])
    outputs[1, 3, 0] = np.nan
    assert_array_equal(task.right(outputs), [[True, False], [False, True]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SpikeDelays(0), "delay: expected at least 1, got 0"),
        (lambda: SpikeDelays(1, 0), "count: expected at least 1"),
        (lambda: SpikeDelays().batch(0, np.random.default_rng(0)), "B: expected"),
        (lambda: TimedSpikes(1), "period: expected at least 2, got 1"),
        (lambda: TimedSpikes(2, 0), "count: expected at least 1"),
        (lambda: TimedSpikes().batch(0), "B: expected"),
    ],
)
def test_sizes_without_sense_are_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()
