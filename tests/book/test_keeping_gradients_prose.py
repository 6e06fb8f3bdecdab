"""What the chapter says in words of clipping, activations, normalisation and gains, asked of the committed evidence."""

import re
from pathlib import Path

import numpy as np
import pytest

from companion.experiments.evidence import Evidence
from tests.book import pictures

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "keeping-gradients.ipynb"


def shares(rows):
    return [row["share"] for row in rows]


def alternative(name):
    """The numbers with a decimal point in the alternative text of a figure."""
    return [float(n) for n in re.findall(r"\d+\.\d+", pictures.alternative(CHAPTER, name))]


# ---- clipping --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clipping():
    return Evidence.load("clipping")


def test_the_window_of_the_norm_has_two_edges(clipping):
    by_norm = dict(zip(clipping.config["norm"], shares(clipping.summary["norm"]), strict=True))
    assert by_norm[1.0] == by_norm[3.0] == 1
    assert max(by_norm[t] for t in (0.01, 0.03, 0.1)) <= 0.05
    assert 0.6 <= by_norm[100.0] < 0.9
    at = [run["loss"][1 + clipping.config["norm"].index(100.0)] for run in clipping.results]
    assert None not in at
    low = [run["finite_updates"][1:4] for run in clipping.results]
    assert np.min(low) == clipping.config["survival"]["updates"]


def test_clipping_by_value_saves_most_at_a_hundredth_and_bends(clipping):
    at = clipping.config["value"].index(0.01)
    assert clipping.summary["value"][at]["share"] > 0.8
    assert clipping.summary["cosine"]["value"][at] < 0.7
    assert min(clipping.summary["cosine"]["norm"]) == 1


def test_the_alternative_texts_of_clipping_say_what_was_measured(clipping):
    found = clipping.summary
    said = alternative("fig-vanish-survival")
    none, cosine = found["none"], found["cosine"]["value"]
    value = shares(found["value"])
    assert said == [
        0.01,
        *np.round(shares(found["norm"])[6:8], 2),
        shares(found["norm"])[8],
        round(none["low"], 2),
        round(none["high"], 2),
        0.0001,
        0.1,
        value[4],
        round(cosine[0], 2),
    ]
    lag = found["lag"]["orthogonal"]
    assert alternative("fig-vanish-lags") == [0.1, *np.round(shares(lag["20"]), 2), *np.round(shares(lag["40"]), 2)]
    assert max(map(max, (shares(rows) for rows in found["lag"]["default"].values()))) == 0


# ---- activations -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def activations():
    return Evidence.load("activations").summary


def test_over_a_lag_relu_is_ahead_and_the_identity_foremost(activations):
    found = {name: [shares(rows.values()), list(rows.values())] for name, rows in activations["recurrent"].items()}
    for tanh in ("tanh, usual", "tanh, orthogonal"):
        assert max(found[tanh][0]) == 0
    for at in (0, 1):
        assert found["relu, identity"][0][at] >= found["relu, usual"][0][at] > 0
        assert found["relu, identity"][1][at]["low"] > found["tanh, usual"][1][at]["high"]


def test_through_layers_the_scale_decides(activations):
    found = {name: shares(rows.values()) for name, rows in activations["deep"].items()}
    assert found["tanh"][-1] >= found["relu"][-1] > 0.5
    assert max(found["sigmoid"][1:] + found["relu, usual"][1:]) <= 0.05
    said = [*shares(activations["recurrent"]["relu, identity"].values())]
    said += [*shares(activations["recurrent"]["relu, usual"].values()), *found["tanh"], *found["relu"], 1.0]
    assert alternative("fig-vanish-activations") == said


# ---- normalisation ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def normalisation():
    return Evidence.load("normalisation")


def test_in_the_recurrence_the_factor_does_not_hang_on_the_gain(normalisation):
    found = normalisation.summary
    for kind in ("recurrent", "unit"):
        assert np.ptp(found[kind]["growth"]) < 0.01
        assert 0.8 < min(found[kind]["growth"]) < max(found[kind]["growth"]) < 1
    assert np.ptp(found["none"]["growth"]) > 0.5
    assert found["input"]["growth"][:2] < found["none"]["growth"][:2]
    assert min(found["layer"]["growth"]) > 1


def test_the_alternative_text_of_normalisation_says_what_was_measured(normalisation):
    growth = {kind: rows["growth"] for kind, rows in normalisation.summary.items() if kind != "count"}
    said = [0.5, *(float(f"{x:.2g}") for kind in ("none", "input") for x in growth[kind])]
    said += [round(growth[kind][1], 2) for kind in ("recurrent", "unit")] + [0.1, 0.1]
    found = alternative("fig-vanish-normalisation")
    assert sorted(found) == pytest.approx(sorted(said))
    solved = {kind: shares(rows["solved"]) for kind, rows in normalisation.summary.items() if kind != "count"}
    assert min(solved["recurrent"]) == 1
    assert max(solved["none"]) == 0
    assert all(solved[kind][-1] < min(solved[kind][:2]) for kind in ("input", "unit", "layer"))


def test_who_learns_is_not_whose_gradient_lasts(normalisation):
    at = normalisation.config["gains"].index(1.0)
    solved = {kind: rows["solved"][at]["share"] for kind, rows in normalisation.summary.items() if kind != "count"}
    growth = {kind: rows["growth"][at] for kind, rows in normalisation.summary.items() if kind != "count"}
    assert solved["none"] == 0 < min(share for kind, share in solved.items() if kind != "none")
    assert min(growth, key=growth.get) == "input"
    assert max(growth, key=growth.get) == "layer"
    assert solved["input"] > solved["layer"]


# ---- gains -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gains():
    return Evidence.load("initialisation")


def test_the_window_narrows_with_the_length(gains):
    for way in gains.config["ways"]:
        windows = [gains.summary[way][str(T)]["window"] for T in gains.config["lengths"]]
        assert windows[0] >= 5
        assert windows == sorted(windows, reverse=True)
        assert windows[-1] == 0
        longest = gains.summary[way]["40"]["solved"]
        assert {gain for gain, one in zip(gains.config["gains"], longest, strict=True) if one["share"] > 0} <= {
            1.0,
            1.4,
        }


def test_adam_reaches_further_but_not_the_corners_and_orthogonal_beats_gaussian(gains):
    solved = {way: {T: shares(rows["solved"]) for T, rows in found.items()} for way, found in gains.summary.items()}
    assert max(solved["orthogonal, sgd"]["20"]) <= 0.2
    assert max(solved["orthogonal, adam"]["20"]) >= 0.9
    for T in ("20", "40"):
        assert solved["orthogonal, adam"][T][0] == solved["orthogonal, adam"][T][-1] == 0
    better = np.array(solved["orthogonal, adam"]["20"]) > np.array(solved["gaussian, adam"]["20"])
    assert np.array(gains.config["gains"])[better].tolist() == [0.5, 0.7, 1.0, 1.4]


def test_the_gradient_is_a_power_of_the_gain(gains):
    reach = gains.summary["orthogonal, sgd"]["40"]["reach"]
    at = gains.config["gains"].index
    assert round(np.log10(reach[at(0.25)])) == -24
    assert 1e8 < reach[at(4.0)] < 1e9
