"""What the section on counting says in words, asked of the data."""

import re
from pathlib import Path

from companion.experiments.evidence import Evidence
from companion.experiments.hand_counter import horizon
from tests.book.pictures import alternative

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "long-term-dependencies.ipynb"


def test_the_numbers_in_the_alternative_text_are_those_of_the_dots():
    summary = Evidence.load("counting").summary
    rest = sorted(n for cell in ("RNN", "IRNN", "GRU") for n in summary[cell]["reaches"])
    assert rest.count(10) > 0.7 * len(rest)
    lstm, peep = summary["LSTM"], summary["PeepholeLSTM"]
    expected = [10, min(n for n in rest if n > 10), rest[-1], lstm["reaches"][0], lstm["largest"], lstm["median"]]
    expected += [peep["reaches"][0], peep["reaches"][-2], peep["median"], peep["largest"]]
    said = [float(number) for number in re.findall(r"\d+(?:\.\d+)?", alternative(CHAPTER, "fig-ld-reaches"))]
    assert said == expected


def test_no_cell_counts_beyond_its_lessons_and_lstms_go_further_than_grus():
    summary = Evidence.load("counting").summary
    cells = {name: found for name, found in summary.items() if name != "p"}
    assert all(found["learnt"] == 20 and found["high"] < 0.5 for found in cells.values())
    assert summary["p"] < 0.05
    assert summary["LSTM"]["median"] > summary["GRU"]["median"]


def test_a_leak_of_one_part_in_so_many_is_the_horizon():
    for n, parts in ((10, 200), (100, 20_000), (1000, 2_000_000)):
        assert abs(horizon(1 - 1 / parts) - n) < 1e-3
