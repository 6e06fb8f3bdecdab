"""What the chapter on the recurrent neuron says in words about the sunspots, asked of the committed evidence."""

import numpy as np
import pytest

from companion.experiments.evidence import Evidence
from companion.tasks import sunspots

TEST_1, TEST_2 = "test_1", "test_2"


@pytest.fixture(scope="module")
def measured():
    return Evidence.load("sunspots")


@pytest.fixture(scope="module")
def summary(measured):
    return measured.summary


def mean(summary, method, period):
    value = summary[method][period]
    return value["mean"] if isinstance(value, dict) else value


def test_fifty_starts_and_settings_from_within_the_years_to_learn_from(measured):
    assert len(measured.seeds) == 50
    assert measured.config["learn"] == [1712, 1920]
    chosen = Evidence.load("sunspots_choice").summary
    assert measured.config["yule"]["order"] == chosen["autoregression"]["order"] == 2
    assert measured.config["autoregression"]["order"] == 9
    for model in ("recurrent", "memoryless", "window"):
        assert {key: chosen[model][key] for key in ("decay", "updates")} == measured.config[model]
        assert measured.config[model]["decay"] > 0


@pytest.mark.parametrize("period", [TEST_1, TEST_2])
@pytest.mark.parametrize("with_memory", ["recurrent", "window", "autoregression", "yule"])
def test_memory_more_than_halves_the_error(summary, with_memory, period):
    assert mean(summary, with_memory, period) < 0.5 * mean(summary, "memoryless", period)


def test_in_the_first_period_the_window_wins_and_the_recurrent_network_beats_the_short_line(summary):
    assert summary["window"][TEST_1]["high"] < min(
        summary["recurrent"][TEST_1]["low"], summary["autoregression"][TEST_1]
    )
    assert summary["recurrent"][TEST_1]["high"] < summary["yule"][TEST_1]


def test_in_the_first_period_the_recurrent_network_and_the_long_line_are_level(summary):
    assert abs(summary["recurrent"][TEST_1]["mean"] - summary["autoregression"][TEST_1]) < 0.005


def test_in_the_second_period_both_lines_win(summary):
    assert summary["autoregression"][TEST_2] < summary["yule"][TEST_2]
    for network in ("recurrent", "window"):
        assert summary["yule"][TEST_2] < summary[network][TEST_2]["low"]


def test_akaikes_criterion_favours_nine_years_among_those_to_learn_from():
    sun = sunspots.load()
    learn = sun.between(1712, 1920)

    def criterion(order):
        line = sunspots.autoregression(sun.number, order, learn)
        residual = (line.predict(sun.number) - sun.number)[learn]
        return len(residual) * np.log(np.mean(residual**2)) + 2 * (order + 2)

    assert min(range(1, 13), key=criterion) == 9


def test_the_numbers_of_the_lines_are_those_in_the_solution():
    sun = sunspots.load()
    for period, said in {
        "test 1": {1: 0.378, 2: 0.185, 3: 0.175, 9: 0.123, 12: 0.126},
        "test 2": {1: 0.912, 2: 0.439, 3: 0.449, 9: 0.342, 12: 0.358},
    }.items():
        years = sun.period(period)
        for order, error in said.items():
            line = sunspots.autoregression(sun.number, order, sun.period("train")).predict(sun.number)
            assert round(sunspots.normalised_error(line[years], sun.number[years]), 3) == error
            if period == "test 2":
                squares = (line[years] - sun.number[years]) ** 2
                assert squares[0] > 0.3 * squares.sum()  # the leap of 1956
    own = [np.var(sun.number[sun.period(name)]) for name in ("test 1", "test 2")]
    assert round(own[1]) == 3047
    still = sunspots.persistence(sun.number)
    errors = [
        sunspots.normalised_error(still[sun.period(f"test {k}")], sun.number[sun.period(f"test {k}")], own[k - 1])
        for k in (1, 2)
    ]
    assert np.round(errors, 2).tolist() == [0.38, 0.47]
