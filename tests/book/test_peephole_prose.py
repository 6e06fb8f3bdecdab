"""What the chapter on peepholes says in words, asked of the data and computed again."""

import re
from pathlib import Path

import numpy as np
import pytest

from companion.exercises.peephole import clock, count, run_clock
from companion.experiments.claims import claim
from companion.experiments.evidence import Evidence
from companion.tasks import characters
from tests.book.pictures import alternative

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "peephole.ipynb"


def test_half_of_the_lines_end_in_eleven_places():
    lengths = np.array([len(line) for line in characters.load().text.split("\n") if line])
    counts = np.bincount(lengths)
    assert 0.5 < np.mean((lengths >= 60) & (lengths <= 70)) < 0.55
    assert set(np.argsort(counts)[-2:]) == {69, 70}
    assert np.argmax(counts[71:]) + 71 == 77


def test_peepholes_are_few():
    plain, full = 4 * 100 * 201, count(100, 100)
    assert full[0] / plain - 1 == pytest.approx(0.004, abs=0.0005)


def test_half_a_step_from_the_edge_the_pre_activation_is_20():
    for n in (2, 5, 40):
        b, p = clock(n)
        assert b[3] + p[2] * 1.0 == pytest.approx(20)
        assert b[1] + p[1] * (n - 1) / n == pytest.approx(20)


def test_the_clock_is_silent_but_for_its_spikes():
    h = run_clock(*clock(5), 100)["h"][:, 0]
    assert np.flatnonzero(h > 0.5).tolist() == list(range(4, 100, 5))
    assert h[h < 0.5].max() < 1e-8


def test_the_numbers_in_the_alternative_text_are_those_of_the_figure():
    summary = Evidence.load("timing").summary
    said = [int(number) for number in re.findall(r"\d+", alternative(CHAPTER, "fig-ph-timing"))]
    keys = [f"{task}_{hidden}" for task in ("timed_spikes", "spike_delays") for hidden in (1, 2)]
    assert said == [round(100 * summary[key][cell]["share"]) for key in keys for cell in ("LSTM", "PeepholeLSTM")]
    for key in keys:
        plain, peep = summary[key]["LSTM"], summary[key]["PeepholeLSTM"]
        assert max(plain["low"], peep["low"]) < min(plain["high"], peep["high"])


def test_only_one_pair_leans_towards_the_peepholes():
    numbers = claim("C27").verdict().numbers
    leans = {
        key: pair["PeepholeLSTM"]["solved"] - pair["LSTM"]["solved"] for key, pair in numbers.items() if "_" in key
    }
    assert [key for key, lean in leans.items() if lean > 0] == ["timed_spikes_1"]
    assert (numbers["ahead"], numbers["behind"]) == (0, 0)


def test_a_hundred_runs_tell_what_thirty_could_not():
    again = Evidence.load("timing_again").summary
    one, two = again["cells_1"], again["cells_2"]
    assert one["p"] < 0.001 < 0.05 < two["p"]
    assert one["PeepholeLSTM"]["low"] > one["LSTM"]["high"]
    assert 0.4 < one["power"] < 0.6
    assert two["LSTM"]["low"] > one["PeepholeLSTM"]["high"]
