"""What the overview says in words, asked of the committed evidence and of the data."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from companion.exercises.overview import shortest_window
from companion.experiments.claims import CLAIMS, SOURCES
from companion.experiments.evidence import Evidence
from companion.tasks import characters

BOOK = Path(__file__).resolve().parents[2] / "book"


@pytest.fixture(scope="module")
def summary():
    return Evidence.load("windows").summary


def prose(name):
    cells = json.loads((BOOK / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]


def test_the_context_decides_what_follows_an_n():
    """The documentation differs a little between versions of Python; what the picture is said to show does not."""
    text = characters.load().text
    most = {}
    for context in ("n", "in", "an", "tion"):
        after = Counter(re.findall(f"{context}(?=(.))", text, re.DOTALL))
        most[context] = (after.most_common(1)[0][0], after.most_common(1)[0][1] / after.total())
    assert [letter for letter, _ in most.values()] == [" ", "g", "d", " "]
    assert [share for _, share in most.values()] == pytest.approx([0.22, 0.33, 0.4, 0.47], abs=0.04)


def test_a_window_longer_than_the_lag_solves_echo_with_every_seed_and_a_shorter_one_guesses(summary):
    for lag in (2, 4, 6):
        for name, found in summary[f"echo_{lag}"].items():
            if name == "recurrent" or int(name.removeprefix("window_")) > lag:
                assert found["solved"] == 1
            else:
                assert found["mean"] == pytest.approx(0.5, abs=0.003)


def test_parity_is_a_coin_toss_for_a_window_and_not_for_a_loop(summary):
    windows = [found for name, found in summary["parity"].items() if name != "recurrent"]
    assert all(found["mean"] == pytest.approx(0.5, abs=0.003) for found in windows)
    assert max(found["max"] for found in windows) == CLAIMS["C02"].verdict().numbers["blind"]["luckiest"]
    assert summary["last_4"]["window_4"]["solved"] == 1
    assert summary["last_6"]["window_6"]["solved"] < 1


def test_whoever_has_found_the_bit_keeps_it_and_the_others_leak(summary):
    runs = Evidence.load("windows").results
    for run in runs:
        assert (run["parity"]["recurrent"] > 0.99) == (run["longer"]["parity"] > 0.99)
        if run["parity"]["recurrent"] < 0.99:
            assert run["longer"]["parity"] < run["parity"]["recurrent"]
    assert all(summary["longer"][f"echo_{lag}"]["solved"] == 1 for lag in (2, 4, 6))


def test_the_alternative_text_has_the_number_of_the_figure(summary):
    cells = json.loads((BOOK / "overview.ipynb").read_text(encoding="utf-8"))["cells"]
    figures = {cell["metadata"]["mystnb"]["figure"]["name"]: cell for cell in cells if "mystnb" in cell["metadata"]}
    assert (
        f"{summary['parity']['recurrent']['min']:.2f}" in figures["fig-windows"]["metadata"]["mystnb"]["image"]["alt"]
    )


def test_five_texts_and_as_many_claims_as_are_said():
    text = " ".join(prose("overview"))
    assert "five texts" in text
    assert len(SOURCES) == 5
    assert f"{len(CLAIMS)} statements were written down, all but one of them theirs" in text
    assert sum(not each.sources for each in CLAIMS.values()) == 1


def test_a_window_does_better_than_the_loop_on_the_next_page():
    sun = Evidence.load("sunspots").summary
    assert sun["window"]["test_1"]["high"] < sun["recurrent"]["test_1"]["low"]


def test_the_shortest_window_of_parity_grows_with_the_histories():
    assert [shortest_window(lambda history: sum(history) % 2, length) for length in (2, 5, 8)] == [2, 5, 8]


def test_the_overview_is_the_first_page_and_ends_where_the_next_one_begins():
    toc = (BOOK.parent / "_toc.yml").read_text(encoding="utf-8")
    assert re.findall(r"file: book/([\w-]+)", toc)[:2] == ["overview", "recurrent-neuron"]
    assert "overview.ipynb" in (BOOK / "index.md").read_text(encoding="utf-8")
    assert "](recurrent-neuron.ipynb)" in prose("overview")[-1]
