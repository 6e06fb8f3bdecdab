"""The family names: what is kept of Faker's lists, how they are split, and how they become batches."""

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from companion.tasks import names
from companion.tasks.names import LETTERS, encode


@pytest.fixture(scope="module")
def data():
    return names.load()


def test_every_language_has_names_of_small_letters_and_its_own(data):
    assert len(data.languages) == 11
    assert min(np.bincount(data.labels)) == 298
    assert len(data.words) == len(set(data.words)) == len(data.labels) == 5875
    assert all(re.fullmatch("[a-z]{2,16}", word) for word in data.words)
    assert not set(data.words) & set(data.shared)
    assert len(data.shared) == 147


def test_the_names_are_where_they_belong(data):
    language = dict(zip(data.words, data.labels, strict=True))
    for word, expected in {
        "koivunen": "Finnish",
        "edwards": "English",
        "mthembu": "Zulu",
        "pirandello": "Italian",
    }.items():
        assert data.languages[language[word]] == expected
    assert {"garcia", "berg", "weber"} <= set(data.shared) | set(language)
    assert "garcia" in data.shared  # in the French list and in the Spanish one


def test_faker_can_say_every_one_of_them(data):
    """Through Faker's own interface, which nothing in the module uses."""
    from faker import Faker

    fake = Faker("fi_FI")
    fake.seed_instance(0)
    drawn = {fake.last_name().lower() for _ in range(200)}
    known = {word for word, label in zip(data.words, data.labels, strict=True) if data.languages[label] == "Finnish"}
    plain = {word for word in drawn if word.isascii() and word.isalpha()} - set(data.shared)
    assert len(plain) > 50
    assert plain <= known


@pytest.mark.parametrize("seed", [0, 1])
def test_the_parts_take_nothing_twice_and_leave_nothing_out(seed):
    data = names.load(seed)
    assert_array_equal(np.sort(np.concatenate(list(data.parts.values()))), np.arange(len(data.words)))
    counts = np.bincount(data.labels)
    for name, share in names.SHARES.items():
        assert_allclose(np.bincount(data.labels[data.part(name)]) / counts, share, atol=0.006)
    with pytest.raises(ValueError, match="name: expected one of 'train', 'validation', 'test', got 'dev'"):
        data.part("dev")


def test_a_seed_draws_the_split(data):
    def tested(data):
        return {data.words[n] for n in data.part("test")}

    assert tested(names.load(0)) == tested(data)
    assert tested(names.load(1)) != tested(data)
    assert set(names.load(1).words) == set(data.words)


def test_a_letter_is_a_step(data):
    chosen = np.array([0, 700, 1500])
    batch = data.batch(chosen)
    assert_array_equal(batch.lengths, [len(data.words[n]) for n in chosen])
    for b, n in enumerate(chosen):
        spelt = "".join(LETTERS[row.argmax()] for row in batch.x[: batch.lengths[b], b])
        assert spelt == data.words[n]
        assert batch.y[batch.lengths[b] - 1, b] == data.labels[n]
    assert batch.asked.sum() == 3
    assert not batch.x[~batch.mask].any()
    assert_array_equal(batch.x.sum(axis=-1), batch.mask)


def test_the_language_can_be_asked_after_every_letter(data):
    batch = data.batch("test", every=True)
    assert_array_equal(batch.asked, batch.mask)
    assert_array_equal(np.where(batch.mask, batch.y - data.labels[data.part("test")], 0), 0)


def test_the_sum_over_time_is_a_bag_of_letters(data):
    batch = data.batch(np.arange(20))
    for b in range(20):
        assert_array_equal(batch.x[:, b].sum(axis=0), [data.words[b].count(letter) for letter in LETTERS])


def test_your_own_name_can_be_asked():
    assert_array_equal(encode("Ada").argmax(axis=-1), [0, 3, 0])
    assert encode("Ada").shape == (3, 26)
    for word in ("zoë", "", "o'neill"):
        with pytest.raises(ValueError, match="word: expected letters from a to z"):
            encode(word)


def test_there_can_be_fewer(data):
    small = names.load(size=20, languages=("Finnish", "Zulu"))
    assert_array_equal(np.bincount(small.labels), [20, 20])
    assert [len(small.part(name)) for name in small.parts] == [28, 6, 6]
    assert set(small.words) <= set(data.words) | set(data.shared)
    with pytest.raises(ValueError, match="size: expected at least 3"):
        names.load(size=2)
    with pytest.raises(ValueError, match="languages: expected at least 2"):
        names.load(languages=("Zulu",))
    with pytest.raises(ValueError, match="languages: expected some of Dutch, .*, got 'Klingon'"):
        names.load(languages=("Zulu", "Klingon"))


def test_guessing_scores_what_the_task_says(data, rng):
    answers = data.labels[data.part("test")]
    assert abs((rng.integers(11, size=(200, len(answers))) == answers).mean() - data.chance) < 0.01
    assert_allclose(np.exp(-data.chance_loss), data.chance)
    italian = data.languages.index("Italian")
    assert data.majority == np.mean(answers == italian)
