"""The echo task and the batching that all tasks share."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from companion.tasks import Batch, Echo, one_hot, pad
from companion.tasks.batching import mask, minibatches


@given(st.integers(0, 8), st.integers(2, 5), st.integers(1, 12), st.integers(1, 4), st.integers(0, 99))
def test_the_target_is_the_symbol_lag_steps_ago(lag, symbols, T, B, seed):
    batch = Echo(lag, symbols).batch(T, B, np.random.default_rng(seed))
    assert batch.x.shape == (T, B, symbols)
    assert_array_equal(batch.x.sum(axis=-1), 1)
    said = batch.x.argmax(axis=-1)
    for t in range(T):
        assert_array_equal(batch.y[t], said[t - lag] if t >= lag else -1)
    assert batch.lengths is None
    assert batch.mask.all()
    assert_array_equal(batch.asked, batch.y >= 0)


def test_the_same_generator_gives_the_same_streams():
    one, two = (Echo(3).batch(50, 4, np.random.default_rng(7)) for _ in range(2))
    other = Echo(3).batch(50, 4, np.random.default_rng(8))
    assert_array_equal(one.x, two.x)
    assert not np.array_equal(one.x, other.x)


def test_symbols_are_equally_likely(rng):
    counts = Echo(1, symbols=4).batch(4000, 10, rng).x.mean(axis=(0, 1))
    assert np.abs(counts - 0.25).max() < 0.01


def test_guessing_scores_what_the_task_says(rng):
    task = Echo(2, symbols=4)
    batch = task.batch(4000, 10, rng)
    asked = batch.y >= 0
    guess = rng.integers(4, size=batch.y.shape)
    assert abs((guess == batch.y)[asked].mean() - task.chance) < 0.01
    assert task.chance_loss == pytest.approx(np.log(4))
    assert task.best == 1.0


@pytest.mark.parametrize(("arguments", "message"), [((-1, 2), "lag: expected"), ((1, 1), "symbols: expected")])
def test_a_task_without_sense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Echo(*arguments)


@pytest.mark.parametrize("size", [(0, 1), (1, 0)])
def test_a_batch_has_steps_and_streams(size, rng):
    with pytest.raises(ValueError, match="at least 1"):
        Echo().batch(*size, rng)


def test_one_hot_vectors():
    assert_array_equal(one_hot(np.array([[0, 2]]), 3), [[[1, 0, 0], [0, 0, 1]]])
    assert one_hot(np.zeros((0,), int), 3).shape == (0, 3)
    assert one_hot(np.array([1]), 2, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="expected 0 to 2, got 0 to 3"):
        one_hot(np.array([0, 3]), 3)
    with pytest.raises(ValueError, match="expected 0 to 2, got -1 to 0"):
        one_hot(np.array([0, -1]), 3)
    with pytest.raises(TypeError, match="whole numbers, got dtype float64"):
        one_hot(np.array([0.5]), 3)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_padding_keeps_every_sequence_and_marks_the_rest(lengths):
    sequences = [np.arange(1.0, length + 1)[:, None] * [1, -1] for length in lengths]
    padded, found = pad(sequences, value=9)
    assert_array_equal(found, lengths)
    assert padded.shape == (max(lengths), len(lengths), 2)
    for b, sequence in enumerate(sequences):
        assert_array_equal(padded[: len(sequence), b], sequence)
        assert_array_equal(padded[len(sequence) :, b], 9)
    assert_array_equal(mask(found, len(padded)), (padded != 9).all(axis=-1))


def test_padding_needs_sequences_of_one_kind():
    with pytest.raises(ValueError, match="at least one"):
        pad([])
    with pytest.raises(ValueError, match="equal shapes after time"):
        pad([np.zeros((2, 3)), np.zeros((2, 4))])


def test_minibatches_visit_everything_once(rng):
    batches = list(minibatches(10, 4, rng))
    assert [len(batch) for batch in batches] == [4, 4, 2]
    assert sorted(np.concatenate(batches)) == list(range(10))
    assert list(np.concatenate(batches)) != list(range(10))
    with pytest.raises(ValueError, match="size: expected at least 1"):
        next(minibatches(3, 0, rng))


def test_a_batch_knows_which_steps_count():
    batch = Batch(np.zeros((3, 2, 1)), np.zeros((3, 2, 1)), np.array([3, 1]))
    assert_array_equal(batch.mask, [[True, True], [True, False], [True, False]])
    assert_array_equal(batch.asked, batch.mask)


def test_a_batch_knows_which_steps_have_a_target():
    labels = Batch(np.zeros((2, 2, 1)), np.array([[-1, 0], [1, 2]]), np.array([2, 1]))
    assert_array_equal(labels.asked, [[False, True], [True, False]])
    numbers = Batch(np.zeros((2, 1, 1)), np.array([[[np.nan, 1.0]], [[0.0, 1.0]]]))
    assert_array_equal(numbers.asked, [[False], [True]])


def test_a_batch_fits_together():
    with pytest.raises(ValueError, match=r"y: expected \(T, B\) = \(3, 2\)"):
        Batch(np.zeros((3, 2, 1)), np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"lengths: expected shape \(2,\), got \(3,\)"):
        Batch(np.zeros((3, 2, 1)), np.zeros((3, 2), int), np.array([1, 2, 3]))
