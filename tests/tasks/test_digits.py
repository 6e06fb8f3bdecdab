"""The handwritten digits: rows as steps, and a split that keeps a writer's hand on one side."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from companion.tasks import digits
from companion.tasks.digits import FORMS


@pytest.fixture(scope="module")
def data():
    return digits.load()


def test_the_pictures_are_those_of_scikit_learn(data):
    from sklearn.datasets import load_digits

    pixels, labels = load_digits(return_X_y=True)
    assert_array_equal(data.pictures.reshape(1797, 64) * 16, pixels)
    assert_array_equal(data.labels, labels)
    assert (data.pictures.min(), data.pictures.max()) == (0, 1)


def test_the_labels_give_away_where_a_form_begins(data):
    text = "".join(map(str, data.labels))
    begin = [n for n in range(len(text)) if text.startswith("01234567890123456", n)]
    begin = [n for n in begin if n - 10 not in begin]  # each form begins with this row three times, or twice
    assert begin == list(FORMS[:-1])
    ends = [text[end - 4 : end] for end in FORMS[1:]]
    assert sum(end in ("0898", "0893", "4908", "6789") for end in ends) == 14
    assert_array_equal(np.flatnonzero(np.diff(data.form)) + 1, FORMS[1:-1])


@pytest.mark.parametrize("seed", [None, 0, 1, 2])
def test_no_hand_is_on_both_sides_and_nothing_is_left_out(seed):
    data = digits.load(seed)
    forms = [set(data.form[data.part(name)]) for name in ("train", "validation", "test")]
    assert [len(each) for each in forms] == [9, 2, 3]
    assert len(set.union(*forms)) == 14
    assert_array_equal(np.sort(np.concatenate(list(data.parts.values()))), np.arange(1797))


def test_a_seed_draws_the_split(data):
    assert [len(data.part(name)) for name in data.parts] == [1157, 258, 382]
    assert (
        max(data.part("train")) < min(data.part("validation")) < max(data.part("validation")) < min(data.part("test"))
    )
    one, two, other = digits.load(5), digits.load(5), digits.load(6)
    assert_array_equal(one.part("test"), two.part("test"))
    assert set(one.part("test")) != set(other.part("test"))
    with pytest.raises(ValueError, match="name: expected one of 'train', 'validation', 'test', got 'all'"):
        data.part("all")


def test_a_step_is_a_row(data):
    batch = data.batch(np.array([3, 8]))
    assert batch.x.shape == (8, 2, 8)
    for t in range(8):
        assert_array_equal(batch.x[t, 0], data.pictures[3, t])
        assert_array_equal(batch.x[t, 1], data.pictures[8, t])
    assert_array_equal(batch.y[-1], [3, 8])
    assert batch.asked.sum() == 2
    assert_array_equal(data.batch(np.array([3, 8]), every=True).y, [[3, 8]] * 8)
    assert data.batch("test", every=True).asked.all()


def test_a_part_can_be_smaller(data):
    small = digits.load(size=50)
    assert [len(small.part(name)) for name in small.parts] == [50, 50, 50]
    assert_array_equal(small.part("test"), data.part("test")[:50])
    with pytest.raises(ValueError, match="size: expected at least 1, got 0"):
        digits.load(size=0)


def test_guessing_scores_what_the_task_says(data, rng):
    answers = data.labels[data.part("test")]
    assert abs((rng.integers(10, size=(500, len(answers))) == answers).mean() - data.chance) < 0.01
    assert_allclose(np.exp(-data.chance_loss), data.chance)
    most = max(range(10), key=list(data.labels[data.part("train")]).count)
    assert data.majority == list(answers).count(most) / len(answers)


def test_the_majority_is_that_of_what_is_known():
    assert digits.majority(np.array([3, 3, 7]), np.array([7, 7, 3, 1])) == 0.25
