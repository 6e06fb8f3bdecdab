"""Python's documentation as a stream of characters, and the rival that counts."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from companion.tasks import characters
from companion.tasks.characters import Characters, NGram, bits


@pytest.fixture(scope="module")
def documentation():
    return characters.load()


def test_the_text_is_that_of_the_standard_library(documentation):
    assert 300_000 < len(documentation.text) < 900_000
    assert 'The "for" statement' in documentation.text
    assert 90 < len(documentation.symbols) < 200
    assert "".join(documentation.symbols[number] for number in documentation.numbers[:500]) == documentation.text[:500]
    assert_allclose(documentation.chance_bits, np.log2(len(documentation.symbols)))


def test_the_parts_follow_each_other_and_leave_nothing_out(documentation):
    parts = [documentation.part(name) for name in ("train", "validation", "test")]
    assert_array_equal(np.concatenate(parts), documentation.numbers)
    assert_allclose([len(part) / len(documentation.numbers) for part in parts], [0.9, 0.05, 0.05], atol=1e-4)
    with pytest.raises(ValueError, match="name: expected one of 'train', 'validation', 'test', got 'all'"):
        documentation.part("all")


def test_chunks_go_on_where_the_last_ones_ended():
    text = Characters("".join(chr(97 + i % 26) for i in range(1000)))
    chunks = list(text.chunks("train", 7, 4))
    read = np.concatenate([chunk.x.argmax(axis=-1) for chunk in chunks])
    asked = np.concatenate([chunk.y for chunk in chunks])
    train = text.part("train")
    steps = (len(train) - 1) // 4
    for b in range(4):
        assert_array_equal(read[:, b], train[b * steps : b * steps + len(read)])
        assert_array_equal(asked[:, b], train[b * steps + 1 : b * steps + 1 + len(read)])
    assert len(read) == steps // 7 * 7
    with pytest.raises(ValueError, match="T: expected at least 1"):
        next(text.chunks("train", 0, 1))


def test_counting_gives_probabilities(rng):
    numbers = rng.integers(4, size=300)
    model = NGram(numbers, order=3, symbols=5)
    for context in [(), (1,), (1, 2), (4, 4), (4, 1), (0, 1, 2, 3)]:
        assert_allclose(sum(model.probability(number, context) for number in range(5)), 1)


def test_counting_learns_what_repeats(rng):
    numbers = np.tile([0, 1, 2, 1], 100)
    assert NGram(numbers, 1, 3).bits(numbers) == pytest.approx(1.5, abs=0.02)
    assert NGram(numbers, 2, 3).bits(numbers) == pytest.approx(0.5, abs=0.02)
    assert NGram(numbers, 3, 3).bits(numbers) < 0.05
    noise = rng.integers(3, size=3000)
    assert NGram(noise[:2000], 2, 3).bits(noise[2000:]) == pytest.approx(np.log2(3), abs=0.02)


def test_counting_needs_something_to_count():
    with pytest.raises(ValueError, match="order: expected at least 1"):
        NGram(np.arange(3), 0, 3)
    with pytest.raises(ValueError, match="numbers: expected at least 1"):
        NGram(np.arange(3), 2, 3).bits(np.arange(0))


def test_longer_contexts_help_on_real_text(documentation):
    train, test = documentation.part("train")[:60_000], documentation.part("test")[:4000]
    scores = [NGram(train, order, len(documentation.symbols)).bits(test) for order in (1, 2, 4)]
    assert documentation.chance_bits > scores[0] > scores[1] > scores[2] > 1.5


def test_nats_become_bits():
    assert bits(np.log(8)) == pytest.approx(3)
