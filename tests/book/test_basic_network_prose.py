"""What the chapter on a basic network says in words, asked of the committed evidence and of its own networks."""

import json
import re
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from companion import reference as ref
from companion.exercises.basic_network import early_answers
from companion.experiments.evidence import Evidence
from companion.reference import scores
from companion.tasks import digits, names
from companion.training import Network, cross_entropy, fit

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "basic-network.ipynb"


@pytest.fixture(scope="module")
def rows():
    return Evidence.load("digits_by_rows").summary


@pytest.fixture(scope="module")
def words():
    return Evidence.load("names_by_language").summary


@pytest.fixture(scope="module")
def cells():
    return json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]


@pytest.fixture(scope="module")
def data():
    return digits.load()


@pytest.fixture(scope="module")
def networks(data):
    """The two networks of the page, trained as its cell trains them."""

    def lessons(every, rng):
        for _ in count():
            yield data.batch(rng.choice(data.part("train"), 64, replace=False), every)

    made = {}
    for every in (False, True):
        rng = np.random.default_rng(0)
        layer, head = ref.RNN(8, 64, rng=rng), ref.Linear(64, 10, rng=rng)
        network = Network(layer, head)
        adam = ref.Adam(network.params, lr=0.005)
        fit(network, lessons(every, rng), cross_entropy, adam, 600, clip=1.0, mode="silent")
        made[every] = network
    return made


def alt(cells, name):
    figures = [cell["metadata"]["mystnb"] for cell in cells if "mystnb" in cell["metadata"]]
    found = next(each for each in figures if each["figure"]["name"] == name)
    return " ".join(found["image"]["alt"].split())


# ---- digits --------------------------------------------------------------------------------------------------------


def test_reading_and_looking_are_level_at_the_end(rows):
    assert rows["difference"]["low"] < 0 < rows["difference"]["high"]
    assert rows["difference"]["high"] - rows["difference"]["low"] < 0.02
    assert 10 <= rows["better"] <= 18


def test_asked_after_every_row_it_keeps_up_on_the_way_and_pays_at_the_end(rows):
    every, first = rows["every"]["rows"], rows["first_rows"]["rows"]
    for k in "1234":
        assert every[k]["mean"] > first[k]["mean"] - 0.02
    for k in "5678":
        assert every[k]["high"] < first[k]["mean"]
    assert rows["price"]["low"] > 0.03
    assert rows["every"]["seen"]["4"]["mean"] - every["4"]["mean"] > 0.15
    assert rows["first_rows"]["seen"]["4"]["mean"] < rows["every"]["seen"]["4"]["mean"] - 0.05


def test_a_three_is_told_from_an_eight_by_the_fifth_row(rows):
    pair = rows["every"]["three_eight"]
    assert pair["2"]["mean"] < pair["3"]["mean"] < pair["5"]["mean"]
    assert abs(pair["8"]["mean"] - pair["5"]["mean"]) < 0.015
    assert rows["last"]["rows"]["5"]["mean"] < 0.12 < 0.5 < rows["last"]["rows"]["7"]["mean"]


def test_the_numbers_in_the_alternative_text_are_those_of_the_rows(rows, cells):
    said = re.findall(r"0\.\d+", alt(cells, "fig-basic-rows"))
    first, every, last = (rows[name]["rows"] for name in ("first_rows", "every", "last"))
    means = [first["1"], first["4"], first["8"], every["8"]]
    assert said[:3] == [f"{value['mean']:.2f}" for value in means[:3]]
    assert float(said[3]) == pytest.approx(means[3]["mean"], abs=0.005)
    assert said[-1] == f"{last['8']['mean']:.2f}"


def test_the_regression_flatters_itself_where_hands_are_mixed(rows):
    assert rows["same_hands"]["low"] > rows["first_rows"]["rows"]["8"]["high"]


def test_the_ones_and_eights_that_are_called_nine_are_of_one_hand(data, networks):
    part = data.part("test")
    said = networks[False](data.batch(part).x)[-1].argmax(axis=-1)
    labels, form = data.labels[part], data.form[part]
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, said), 1)
    np.fill_diagonal(counts, 0)
    assert sorted(counts.ravel())[-2:] == sorted([counts[1, 9], counts[8, 9]])
    for digit in (1, 8):
        assert set(form[(labels == digit) & (said == 9)]) == {11}


def test_the_table_of_early_answers_is_right(data, networks, cells):
    """The small project of exercise 5."""
    test = data.batch("test")
    p = scores.softmax(networks[True](test.x))
    text = next("".join(cell["source"]) for cell in cells if "threshold | rows read" in "".join(cell["source"]))
    table = re.findall(r"^\| (0\.\d|to the end) \| ([\d.]+) \| ([\d.]+) \|", text, re.MULTILINE)
    assert len(table) == 4
    for threshold, read, right in table:
        answer, steps = early_answers(p, float(threshold) if threshold[0] == "0" else 2.0)
        assert steps.mean() == pytest.approx(float(read), abs=0.01)
        assert (answer == test.y[-1]).mean() == pytest.approx(float(right), abs=0.003)
    answer, steps = early_answers(p, 0.9)
    sure = p[steps - 1, np.arange(len(steps))].max(axis=-1) >= 0.9
    assert (answer == test.y[-1])[sure].mean() == pytest.approx(0.876, abs=0.005)
    _, steps = early_answers(p, 0.8)
    assert steps[test.y[-1] == 0].mean() == pytest.approx(5.5, abs=0.1)
    assert steps[np.isin(test.y[-1], (3, 8))].mean() == pytest.approx(6.7, abs=0.1)
    assert 1 - steps.mean() / 8 == pytest.approx(0.3, abs=0.01)


# ---- names ---------------------------------------------------------------------------------------------------------


def test_the_linear_model_on_triples_wins_and_the_bag_of_letters_loses(words):
    assert words["letters"]["high"] < words["last"]["low"] < words["last"]["high"] < words["pairs"]["low"]
    assert words["pairs"]["high"] < words["triples"]["low"]
    assert words["better"]["triples"] == words["better"]["pairs"] == 0
    assert words["behind"]["triples"]["high"] < 0 < words["behind"]["letters"]["low"]


def test_where_the_answer_is_read_matters(words):
    for name in ("padded", "mean", "mean_padded"):
        assert words["behind"][name]["low"] > 0
    assert words["padded"]["high"] < words["mean_padded"]["low"]
    assert words["mean_padded"]["mean"] < words["mean"]["mean"]


def test_the_numbers_in_the_alternative_text_are_those_of_the_names(words, cells):
    said = re.findall(r"0\.\d+", alt(cells, "fig-basic-names"))
    assert said[0] == f"{words['majority']['mean']:.3f}"
    keys = ("letters", "last", "pairs", "triples")
    assert said[1:] == [f"{words[name]['mean']:.2f}" for name in keys]


def test_the_counts_are_right():
    assert scores.reader_size(8, 64, 10) == 5386
    assert scores.reader_size(26, 64, 11) == 6603 == 5888 + 715
    assert [len(names.load().words), len(names.load().part("train"))] == [5875, 4112]
    assert ref.Linear(64, 10).params["weight"].size + 10 == 650  # a regression on 64 pixels
