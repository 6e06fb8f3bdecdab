"""The tasks that are drawn: what is asked follows from what is read, and guessing scores what the task says."""

import inspect
import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from companion import tasks
from companion.tasks import Adding, Agreement, AnBn, Copying, Echo, EmbeddedReber, Parity, TemporalOrder
from companion.tasks.grammar import ARCS, REBER, right_steps
from companion.tasks.temporal_order import SYMBOLS

SEEDS = st.integers(0, 999)
DRAWS = {
    "parity": lambda rng: Parity().batch(7, 5, rng),
    "adding": lambda rng: Adding(9).batch(5, rng),
    "copying": lambda rng: Copying(3, 4, 5).batch(5, rng),
    "temporal order": lambda rng: TemporalOrder(20).batch(5, rng),
    "reber": lambda rng: EmbeddedReber().batch(5, rng),
    "continual": lambda rng: EmbeddedReber().stream(40, 5, rng),
    "a^n b^n": lambda rng: AnBn(2, 6).batch(5, rng),
    "agreement": lambda rng: Agreement(5).batch(5, rng),
}


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_the_same_generator_draws_the_same(draw):
    one, two, other = (draw(np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert_array_equal(one.x, two.x)
    assert_array_equal(one.y, two.y)
    assert one.x.shape != other.x.shape or not np.array_equal(one.x, other.x)


@pytest.mark.parametrize("draw", DRAWS.values(), ids=DRAWS)
def test_every_sequence_is_asked_something_and_nothing_past_its_end(draw, rng):
    batch = draw(rng)
    assert batch.asked.any(axis=0).all()
    assert not batch.x[~batch.mask].any()
    assert batch.x.dtype == np.float64
    assert batch.x.shape[1] == 5


@pytest.mark.parametrize("name", [name for name in tasks.__all__ if inspect.isclass(getattr(tasks, name))])
def test_no_task_knows_a_model(name):
    imports = inspect.getsource(inspect.getmodule(getattr(tasks, name)))
    for word in ("companion.reference", "companion.nn", "companion.training", "torch"):
        assert word not in imports


# ---- parity --------------------------------------------------------------------------------------------------------


@given(st.integers(1, 20), SEEDS)
def test_parity_counts_the_ones_so_far(T, seed):
    batch = Parity().batch(T, 3, np.random.default_rng(seed))
    bits = batch.x.argmax(axis=-1)
    for t, b in itertools.product(range(T), range(3)):
        assert batch.y[t, b] == bits[: t + 1, b].sum() % 2


def test_parity_cannot_be_told_from_a_window(rng):
    batch = Parity().batch(4000, 20, rng)
    recent = batch.x.argmax(axis=-1)[-3:].sum(axis=0) % 2
    assert abs(batch.y.mean() - 0.5) < 0.01
    assert 0 < (recent == batch.y[-1]).sum() < 20
    assert (Parity().chance, Parity().best) == (0.5, 1.0)
    assert_allclose(Parity().chance_loss, np.log(2))


# ---- adding --------------------------------------------------------------------------------------------------------


@given(st.integers(2, 30), SEEDS)
def test_adding_asks_for_the_sum_of_the_two_marked_numbers(T, seed):
    batch = Adding(T).batch(4, np.random.default_rng(seed))
    numbers, marks = batch.x[..., 0], batch.x[..., 1]
    assert_array_equal(marks[: T // 2].sum(axis=0), 1)
    assert_array_equal(marks[T // 2 :].sum(axis=0), 1)
    assert_allclose(batch.y[-1, :, 0], (numbers * marks).sum(axis=0))
    assert_array_equal(batch.asked[:-1], False)


def test_adding_a_constant_scores_what_the_task_says(rng):
    y = Adding(10).batch(40_000, rng).y[-1]
    assert_allclose(np.mean((y - 1) ** 2), Adding().chance_loss, rtol=0.02)
    assert Adding().best_loss == 0


# ---- copying -------------------------------------------------------------------------------------------------------


@given(st.integers(1, 5), st.integers(0, 9), st.integers(2, 6), SEEDS)
def test_copying_asks_for_what_was_read(length, delay, symbols, seed):
    task = Copying(length, delay, symbols)
    batch = task.batch(3, np.random.default_rng(seed))
    read = batch.x.argmax(axis=-1)
    assert batch.x.shape == (task.T, 3, symbols + 2)
    assert_array_equal(batch.y[-length:], read[:length])
    assert_array_equal(batch.y[:-length], -1)
    assert_array_equal(np.argwhere(read == symbols + 1)[:, 0], length + delay)
    assert (read[length : length + delay] == symbols).all()
    assert task.chance == 1 / symbols
    assert_allclose(task.chance_loss, np.log(symbols))
    assert task.best == 1


# ---- temporal order ------------------------------------------------------------------------------------------------


@given(st.integers(10, 120), SEEDS)
def test_the_order_of_two_symbols_is_the_class(T, seed):
    task = TemporalOrder(T)
    batch = task.batch(4, np.random.default_rng(seed))
    for b, length in enumerate(batch.lengths):
        text = "".join(SYMBOLS[number] for number in batch.x[:length, b].argmax(axis=-1))
        assert T <= length <= T + T // 10
        assert (text[0], text[-1]) == ("E", "B")
        order = "".join(symbol for symbol in text if symbol in "XY")
        assert batch.y[length - 1, b] == ["XX", "XY", "YX", "YY"].index(order)
        first, second = (t for t, symbol in enumerate(text) if symbol in "XY")
        assert T // 10 <= first <= 2 * (T // 10)
        assert 5 * (T // 10) <= second <= 6 * (T // 10)
    assert batch.asked.sum() == 4


def test_the_lengths_and_places_of_1997_come_with_a_hundred(rng):
    batch = TemporalOrder(100).batch(3000, rng)
    assert (batch.lengths.min(), batch.lengths.max()) == (100, 110)
    places = np.argwhere((batch.x[..., 4] + batch.x[..., 5]) == 1)[:, 0]
    assert sorted(set(places)) == [*range(10, 21), *range(50, 61)]
    classes = np.bincount(batch.y[batch.asked])
    assert np.abs(classes / 3000 - 0.25).max() < 0.03
    assert (TemporalOrder().chance, TemporalOrder().best) == (0.25, 1.0)
    assert_allclose(TemporalOrder().chance_loss, np.log(4))


# ---- grammars ------------------------------------------------------------------------------------------------------


def accepts(word):
    """Whether a word belongs to the embedded Reber grammar, by walking its arcs."""
    if word[0] != "B" or word[1] not in "TP" or word[-2] != word[1] or word[-1] != "E":
        return False
    state = 0
    for letter in word[2:-2]:
        if state is None or letter not in ARCS[state]:
            return False
        state = ARCS[state][letter]
    return state is None


def text_of(batch, b, symbols):
    length = len(batch.x) if batch.lengths is None else batch.lengths[b]
    read = [symbols[number] for number in batch.x[:length, b].argmax(axis=-1)]
    return "".join(read) + symbols[batch.y[length - 1, b]]


@given(SEEDS)
def test_words_of_the_embedded_reber_grammar_are_accepted(seed):
    batch = EmbeddedReber().batch(6, np.random.default_rng(seed))
    for b in range(6):
        assert accepts(text_of(batch, b, REBER))


def test_words_known_from_the_literature_are_accepted():
    for word in ("BTBTXSETE", "BPBPVVEPE", "BTBTSSXXTVVETE"):
        assert accepts(word)
    for word in ("BTBTXSEPE", "BTBTXTETE", "BTBTXS"):
        assert not accepts(word)


def test_the_branches_of_the_grammar_are_equally_likely(rng):
    words = [EmbeddedReber().word(rng)[0] for _ in range(2500)]
    assert abs(np.mean([word[1] == "T" for word in words]) - 0.5) < 0.04
    assert abs(np.mean([word[3] == "T" for word in words]) - 0.5) < 0.04
    assert min(map(len, words)) == 9  # a word of the Reber grammar has at least five letters


@given(SEEDS)
def test_what_follows_is_legal_and_its_alternatives_too(seed):
    batch = EmbeddedReber().batch(4, np.random.default_rng(seed))
    for t, b in np.argwhere(batch.asked):
        assert batch.legal[t, b, batch.y[t, b]]
    before_last = batch.lengths - 2
    for b, t in enumerate(before_last):
        (legal,) = np.flatnonzero(batch.legal[t, b])
        assert REBER[legal] == REBER[batch.x[1, b].argmax()]  # the second letter comes back


def test_a_stream_is_word_after_word(rng):
    batch = EmbeddedReber().stream(300, 2, rng)
    assert batch.x.shape == (300, 2, 7)
    assert batch.asked.all()
    text = text_of(batch, 0, REBER)
    words = []
    while text:
        end = next((i for i in range(9, len(text) + 1) if accepts(text[:i])), None)
        if end is None:
            break
        words.append(text[:end])
        text = text[end:]
    assert len(words) > 10
    assert len(text) < 60


def test_the_grammar_itself_scores_full_marks(rng):
    for batch in (EmbeddedReber().batch(5, rng), EmbeddedReber().stream(50, 5, rng), AnBn().batch(5, rng)):
        assert_array_equal(right_steps(batch.legal.astype(float), batch), batch.asked)
        assert not right_steps(-batch.legal.astype(float), batch).any()
        assert not right_steps(np.zeros(batch.legal.shape), batch).any()
    assert EmbeddedReber().best == AnBn().best == 1.0
    assert EmbeddedReber().chance == 0.5


def test_the_best_loss_is_that_of_the_predictor_that_knows_the_grammar(rng):
    batch = EmbeddedReber().batch(300, rng)
    p = batch.legal / batch.legal.sum(axis=-1, keepdims=True).clip(1)
    followed = np.take_along_axis(p, np.where(batch.asked, batch.y, 0)[..., None], axis=-1)[..., 0]
    assert_allclose(EmbeddedReber().best_loss(batch), -np.log(followed[batch.asked]).mean())


@given(st.integers(1, 4), st.integers(0, 5), SEEDS)
def test_as_many_b_as_a(shortest, more, seed):
    task = AnBn(shortest, shortest + more)
    batch = task.batch(4, np.random.default_rng(seed))
    for b in range(4):
        word = text_of(batch, b, task.symbols)
        n = word.count("a")
        assert word == "S" + "a" * n + "b" * n + "E"
        assert shortest <= n <= shortest + more
        legal = ["".join(s for s, yes in zip("SabE", row, strict=True) if yes) for row in batch.legal[: 2 * n + 1, b]]
        assert legal == ["a", *["ab"] * n, *["b"] * (n - 1), "E"]


def test_the_best_loss_of_counting_is_the_entropy_of_the_size(rng):
    task = AnBn(2, 6)
    batch = task.batch(800, rng)
    total = 0.0
    for b in range(800):
        n = int(batch.x[:, b, 1].sum())
        for k in range(1, n + 1):  # after k a: is the next one an a or a b?
            stop = 0 if k < 2 else 1 / (6 - k + 1)
            total -= np.log(stop if k == n else 1 - stop)
    assert_allclose(task.best_loss(batch), total / batch.asked.sum(), rtol=1e-9)


# ---- agreement -----------------------------------------------------------------------------------------------------


@given(st.integers(1, 30), st.integers(2, 8), SEEDS)
def test_the_language_is_that_of_the_country_distance_words_back(distance, countries, seed):
    task = Agreement(distance, countries)
    batch = task.batch(3, np.random.default_rng(seed))
    read = batch.x.argmax(axis=-1)
    for b in range(3):
        assert batch.y[-1, b] == read[len(read) - 1 - distance, b]
        assert (read[2:-1, b] >= countries).all()
    assert_array_equal(batch.asked[:-1], False)
    assert task.chance == 1 / countries
    assert_allclose(task.chance_loss, np.log(countries))
    assert task.best == 1


def test_a_sentence_can_be_read(rng):
    task = Agreement(distance=4, countries=2)
    words = task.text(task.batch(3, rng), 1).split()
    assert len(words) == 7
    assert words[0] == "from"
    assert words[5] == "speaks"
    assert (words[1], words[-1]) in {("Spain", "Spanish"), ("France", "French")}
    assert len(set(task.words)) == len(task.words)


# ---- sizes without sense -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda rng: Echo(-1), "lag: expected at least 0, got -1"),
        (lambda rng: Parity().batch(0, 1, rng), "T: expected at least 1, got 0"),
        (lambda rng: Parity().batch(1, 0, rng), "B: expected at least 1, got 0"),
        (lambda rng: Adding(1), "T: expected at least 2, got 1"),
        (lambda rng: Adding().batch(0, rng), "B: expected"),
        (lambda rng: Copying(0), "length: expected at least 1"),
        (lambda rng: Copying(1, -1), "delay: expected at least 0"),
        (lambda rng: Copying(1, 1, 1), "symbols: expected at least 2"),
        (lambda rng: TemporalOrder(9), "T: expected at least 10"),
        (lambda rng: EmbeddedReber().batch(0, rng), "B: expected"),
        (lambda rng: EmbeddedReber().stream(0, 1, rng), "T: expected"),
        (lambda rng: AnBn(0), "shortest: expected at least 1"),
        (lambda rng: AnBn(3, 2), "longest: expected at least 3, got 2"),
        (lambda rng: AnBn().word(0), "n: expected at least 1"),
        (lambda rng: Agreement(0), "distance: expected at least 1"),
        (lambda rng: Agreement(1, 1), "countries: expected at least 2"),
        (lambda rng: Agreement(1, 9), "countries: expected at most 8, got 9"),
    ],
)
def test_sizes_without_sense_are_refused_by_name(make, message, rng):
    with pytest.raises(ValueError, match=message):
        make(rng)
