"""The stream without end: where a word repeats its letter, where a cell is reset, and the judge of C22."""

import dataclasses

import numpy as np
import pytest

from companion.experiments import Evidence, continual
from companion.experiments.claims import CONDITIONAL, FALSE, HOLDS
from companion.experiments.claims.lstm import reset

SYMBOLS = continual.GRAMMAR.symbols
WORDS = "BTBTXSETE", "BPBPVVEPE"


def letters_of(words):
    return np.array([[SYMBOLS.index(letter)] for letter in "".join(words)])


def test_a_letter_is_to_be_repeated_after_the_inner_end_of_a_word():
    letters = letters_of(WORDS)
    steps = np.flatnonzero(continual.repeats(letters[None])[0, :, 0])
    assert "".join("".join(WORDS)[step + 1] for step in steps) == "TP"


def test_drawn_streams_repeat_the_second_letter_of_each_word(rng):
    batch = continual.GRAMMAR.stream(500, 3, rng)
    letters = batch.x.argmax(axis=-1)
    repeat = continual.repeats(letters[None])[0]
    for b in range(3):
        starts = [0, *(np.flatnonzero((letters[:, b] == SYMBOLS.index("E")) & ~repeat[:, b]) + 1)]
        ends = np.flatnonzero(repeat[:, b])
        assert len(ends) > 10
        for start, end in zip(starts, ends, strict=False):
            assert batch.y[end, b] == letters[start + 1, b]


@pytest.mark.parametrize("late", [0, 1, 2])
def test_the_cell_that_is_reset_at_the_seam_is_found(late):
    letters = letters_of(WORDS * 3)
    f = np.full((len(letters), 1, 3), 0.9)
    f[:, :, 0] = 0.05  # always forgets, which is no reset
    seams = np.arange(8, len(letters), 9) + late
    f[seams[seams < len(f)], 0, 2] = 0.01
    found = continual.seam(f, letters)
    assert found == {"seam": pytest.approx(0.01), "elsewhere": pytest.approx(0.9), "step": late}


def test_a_seed_is_measured_again_on_a_short_stream():
    """As long as the whole run cannot be repeated here: a short one is finite, and its gates open and close."""
    small = continual.CONFIG | {"chunks": 5, "passes": 1, "test": {"streams": 2, "steps": 200}, "parts": 2}
    (first,) = continual.measure([0], small)
    (again,) = continual.measure([0], small)
    assert first == again
    assert first["without"]["cell"][1] > 1.5 * first["without"]["cell"][0]  # it only ever adds
    assert len(first["with forget gates"]["repeat"]) == 2


def test_the_judge_follows_the_condition():
    measured = Evidence.load("continual")

    def changed(**summary):
        return reset(dataclasses.replace(measured, summary=measured.summary | summary)).label

    gated, without = measured.summary["with forget gates"], measured.summary["without"]
    assert reset(measured).label == HOLDS
    assert changed(resets=3) == CONDITIONAL
    assert changed(without=without | {"cell": 9 * gated["cell"]}) == FALSE
    assert changed(without=without | {"repeat": gated["repeat"]}) == FALSE
