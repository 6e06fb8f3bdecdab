"""What the chapter on long-term dependencies says in words, asked of the data and computed again."""

from pathlib import Path

import numpy as np
import pytest

from companion.experiments import by_hand
from companion.experiments.evidence import Evidence
from companion.tasks import characters

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "long-term-dependencies.ipynb"


def bits(codes, k):
    """Mutual information by entropies, the other way round than on the page."""
    pairs = codes[:-k].astype(np.int64) * (codes.max() + 1) + codes[k:]

    def entropy(symbols):
        p = np.unique(symbols, return_counts=True)[1] / len(symbols)
        return -np.sum(p * np.log2(p))

    return entropy(codes[:-k]) + entropy(codes[k:]) - entropy(pairs)


def test_characters_tell_of_each_other_at_any_distance():
    _, codes = np.unique(list(characters.load().text), return_inverse=True)
    assert bits(codes, 1) == pytest.approx(1.1, abs=0.1)
    assert bits(codes, 1000) == pytest.approx(0.04, abs=0.01)
    shuffled = np.random.default_rng(1).permutation(codes)
    assert bits(shuffled, 1) == pytest.approx(0.01, abs=0.005)


def test_a_step_on_the_plain_changes_no_digit():
    gradient = np.abs(by_hand.latch_loss(np.array([0.14, 2.0]), 0.1, 4.0, 80)[1])
    assert gradient[:, 0].max() < np.finfo(float).eps * 0.1  # where ordinary starts lie
    assert gradient[1, 1] < np.finfo(float).eps * 0.1 < gradient[0, 1]  # in the other plain u is felt, w is not


def test_the_countries_are_heard_below_the_noise_and_the_whole_is_not_smaller():
    heard = Evidence.load("by_hand").summary["heard"]
    assert heard["d80"]["all"] > 0.5 * heard["d2"]["all"]
    assert heard["d80"]["countries"] < np.finfo(np.float32).eps < heard["d2"]["countries"]


def test_the_networks_by_hand_are_always_right():
    data = Evidence.load("by_hand")
    for found in data.summary["hand"].values():
        assert found["longest"] == found["longer"] == data.summary["count"]
        assert found["units"] < found["trained_units"]
