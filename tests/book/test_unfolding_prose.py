"""What the chapter on unfolding says in words, asked of the committed evidence and of the data."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from companion import reference as ref
from companion.exercises import solution
from companion.experiments import sharing
from companion.experiments.evidence import Evidence
from companion.reference import unfolded
from companion.tasks import sunspots

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "unfolding.ipynb"


@pytest.fixture(scope="module")
def summary():
    return Evidence.load("sharing").summary


def test_there_are_twenty_seven_cycles_of_six_lengths_from_nine_to_fourteen():
    sun = sunspots.load()
    lowest = [sun.number[max(t - 4, 0) : t + 5].min() for t in range(len(sun.number))]
    quiet = [t for t in np.flatnonzero(sun.number == lowest) if sun.year[t] >= 1712]
    lengths = np.diff(quiet)
    assert (len(lengths), lengths.min(), lengths.max(), len(set(lengths))) == (27, 9, 14, 6)
    assert (sun.year[quiet[0]], sun.year[quiet[-1]]) == (1712, 2008)
    assert np.median(lengths) == 11


def test_the_shared_network_learns_from_fewer_lessons(summary):
    for n in (16, 64, 256, 1024):
        assert summary["shared"][f"new_{n}"]["low"] > summary["unshared"][f"new_{n}"]["high"]
        assert summary["unshared"][f"seen_{n}"]["min"] == summary["shared"][f"seen_{n}"]["min"] == 1
    late = summary["unshared"]["new_1024"]["mean"]
    assert summary["shared"]["new_64"]["low"] < late < summary["shared"]["new_64"]["high"]


def test_a_step_that_was_silent_is_no_trouble_for_the_shared_and_a_guess_for_the_other(summary):
    assert min(summary[name]["elsewhere"]["mean"] for name in sharing.NETWORKS) > 0.99
    assert summary["shared"]["silent_step"]["min"] == 1
    guess = summary["unshared"]["silent_step"]
    assert guess["low"] < 0.5 < guess["high"]


def test_the_shared_network_reads_other_lengths(summary):
    for length in (24, 48):
        assert summary["shared"][f"length_{length}"]["min"] == 1
        assert f"length_{length}" not in summary["unshared"]


def test_the_numbers_in_the_alternative_text_are_those_of_the_figure(summary):
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    figures = {cell["metadata"]["mystnb"]["figure"]["name"]: cell for cell in cells if "mystnb" in cell["metadata"]}
    said = re.findall(r"[01]\.\d\d", figures["fig-sharing"]["metadata"]["mystnb"]["image"]["alt"])
    means = {name: [summary[name][f"new_{n}"]["mean"] for n in (16, 64, 256, 1024)] for name in sharing.NETWORKS}
    assert said == [f"{mean:.2f}" for mean in means["shared"][:2] + means["unshared"]]
    tape = figures["fig-tape"]["metadata"]["mystnb"]["image"]["alt"]
    for kind, text in ((ref.RNN, "4.6"), (ref.GRU, "21"), (ref.LSTM, "29")):
        megabytes = 8e-6 * unfolded.tape_numbers(kind(4, 32), 1000, 16)
        assert text in tape
        assert float(text) == pytest.approx(megabytes, abs=0.5 if "." not in text else 0.05)


def test_the_counts_in_the_solution_are_right():
    assert unfolded.numbers(ref.RNN(28, 128)) == 20_224
    assert unfolded.numbers(ref.RNN(28, 128), 100) == 2_022_400


def test_tied_copies_learn_what_the_recurrent_layer_learns():
    """The small project of exercise 5, with its solution."""
    from companion.exercises.unfolding import tied_step

    assert solution("unfolding/5")
    x, target = sharing.last_pulse(6, 20, np.random.default_rng(0))
    shared = ref.RNN(1, 3, rng=0)
    copies = unfolded.copies(shared, 6)
    for _ in range(50):
        tape = shared.unroll(x)
        dy = np.zeros_like(tape.y)
        dy[-1] = (tape.y[-1] - target[0]) / 20
        for name, value in shared.bptt(tape, dy).params.items():
            shared.params[name] -= 0.1 * value
        tapes = unfolded.forward(copies, x)
        last = [None] * 5 + [(tapes[-1].y - target) / 20]
        shares = unfolded.backward(copies, tapes, last)
        for name in shared.params:
            moved = tied_step([c.params[name] for c in copies], [each.params[name] for each in shares], 0.1)
            for each, value in zip(copies, moved, strict=True):
                each.params[name] = value
    for each in copies:
        for name, value in shared.params.items():
            np.testing.assert_allclose(each.params[name], value, rtol=1e-9, atol=1e-12)
