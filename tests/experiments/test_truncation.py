"""The networks cut off are cut off where they should be; the judges of C17, C18 and C19 follow their conditions."""

import dataclasses
import platform

import numpy as np
import pytest

from companion.experiments import truncation, truncation_cost, truncation_text
from companion.experiments.claims import truncated_bptt as judges
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS
from companion.tasks import characters

LAGS, CUTS = [1, 3], [1, 3, 4]
SMALL = {**truncation.CONFIG, "lags": LAGS, "updates": 3, "symbols": 24, "window": 6, "tested": [5, 30, 4]}


@pytest.fixture(scope="module")
def cost():
    return Evidence.load("truncation_cost")


# ---- the streams and the cut -----------------------------------------------------------------------------------------


def test_a_stream_asks_for_the_symbol_of_so_many_steps_ago_across_its_pieces():
    streams = truncation.Streams([2, 5], [0, 7], B=3)
    pieces = [streams.next(4) for _ in range(3)]
    bits = np.concatenate([x for x, _ in pieces], axis=1).argmax(axis=-1)
    asked = np.concatenate([y for _, y in pieces], axis=1)
    assert bits.shape == asked.shape == (4, 12, 3)
    np.testing.assert_array_equal(asked[:2, 2:], bits[:2, :-2])
    np.testing.assert_array_equal(asked[2:, 5:], bits[2:, :-5])
    np.testing.assert_array_equal(bits[:2], bits[2:])
    assert (bits[0] != bits[1]).any()


def test_networks_of_one_seed_begin_alike_at_every_lag():
    networks = truncation.Networks(SMALL, [0, 1], lags=2)
    U = networks.layer.params["weight_hh_l0"]
    np.testing.assert_array_equal(U[:2], U[2:])
    assert (U[0] != U[1]).any()


@pytest.mark.parametrize("k", [1, 4, 9])
def test_a_window_keeps_the_steps_before_the_new_ones_and_the_state_before_them(k):
    layer = truncation.Networks(SMALL, [0], lags=1).layer
    stream = np.random.default_rng(0).normal(size=(1, 18, 2, 2)).astype(np.float32)
    whole = layer(stream)[0]
    heard, state = None, None
    for start in range(0, 18, 6):
        heard, state = truncation.together(layer, heard, stream[:, start : start + 6], state, k)
        kept = heard.shape[1] - 6
        assert kept == min(k - 1, start)
        found = layer(heard, state)[0]
        np.testing.assert_allclose(found, whole[:, start - kept : start + 6], rtol=1e-5, atol=1e-6)


def test_frozen_networks_keep_their_recurrent_layer():
    for frozen in (True, False):
        networks = truncation.Networks(SMALL, [0], lags=2, frozen=frozen)
        before = networks.layer.state_dict()
        x, asked = truncation.Streams(LAGS, [0], 4).next(6)
        networks.update(x, asked, None)
        same = [np.array_equal(before[name], value) for name, value in networks.layer.params.items()]
        assert all(same) == frozen
        assert any(same) == frozen


def test_what_is_measured_has_a_number_for_every_lag_and_cut():
    found = truncation.measure([0, 1], {**SMALL, "cuts": CUTS})
    assert len(found) == 2
    for run in found:
        assert np.shape(run["chunks"]) == np.shape(run["windows"]) == (2, 3)
        assert np.shape(run["frozen"]) == (2,)
        assert all(0 <= value <= 1 for value in np.ravel(run["chunks"]))


def test_a_seed_does_not_depend_on_its_neighbours():
    both = truncation.train([0, 1], SMALL, "chunks", 4)
    np.testing.assert_allclose(both[:, 1:], truncation.train([1], SMALL, "chunks", 4), atol=0.05)


@pytest.mark.parametrize(
    ("won", "expected"), [([0, 20, 20], 3), ([20, 0, 11], 4), ([20, 0, 10], 0), ([11, 11, 11], 1), ([0, 0, 0], 0)]
)
def test_the_frontier_is_the_cut_from_which_on_all_is_learnt(won, expected):
    assert truncation.frontier(won, CUTS, 20) == expected


# ---- the judges ------------------------------------------------------------------------------------------------------


def made(chunks, windows, frozen=(0, 0)):
    """Evidence of two lags, 1 and 3, and three cuts, 1, 3 and 4, with these numbers of successes out of 20."""
    summary = {"count": 20, "lags": LAGS, "cuts": CUTS, "frozen": {"won": list(frozen)}}
    summary |= {"chunks": {"won": chunks}, "windows": {"won": windows}}
    return Evidence("truncation", ("C18",), {}, (0,), (), summary)


ALL, LATE = [20, 20, 20], [0, 0, 20]


@pytest.mark.parametrize(
    ("chunks", "windows", "label"),
    [
        ([[10, 20, 20], LATE], [[0, 20, 20], LATE], HOLDS),
        ([[11, 20, 20], LATE], [[0, 20, 20], LATE], CONDITIONAL),
        ([[0, 20, 20], LATE], [[11, 20, 20], LATE], CONDITIONAL),
        ([ALL, ALL], [ALL, LATE], FALSE),
        ([[20, 0, 0], [20, 0, 10]], [[20, 0, 0], [20, 0, 10]], FALSE),
    ],
)
def test_unlearnt_turns_with_its_condition(chunks, windows, label):
    assert judges.unlearnt(made(chunks, windows)).label == label


def test_a_lag_that_nobody_learns_is_not_judged():
    verdict = judges.unlearnt(made([[0, 20, 20], [20, 20, 10]], [[0, 20, 20], [20, 20, 10]]))
    assert verdict.label == HOLDS
    assert verdict.numbers["judged"] == 1


def with_cut(data, k, **numbers):
    cuts = {**data.summary["cuts"], k: {**data.summary["cuts"][k], **numbers}}
    return dataclasses.replace(data, summary={**data.summary, "cuts": cuts})


def ratio(value):
    return {"median": value, "low": value, "high": value}


def test_cheaper_turns_with_its_condition(cost):
    quick = with_cut(cost, "200", per_symbol=ratio(0.9))
    windows = {k: {"per_symbol": ratio(0.9)} for k in cost.summary["windows"]}
    label = {
        "as measured": judges.cheaper(cost).label,
        "a chunk is as slow": judges.cheaper(with_cut(cost, "20", time=ratio(1.0))).label,
        "a chunk is as large": judges.cheaper(with_cut(cost, "20", memory=1.0)).label,
        "chunks save time, windows do not": judges.cheaper(quick).label,
        "both": judges.cheaper(dataclasses.replace(quick, summary={**quick.summary, "windows": windows})).label,
    }
    assert list(label.values()) == [CONDITIONAL, FALSE, FALSE, CONDITIONAL, HOLDS]


def test_longer_turns_with_its_condition(cost):
    def judged(low, memory):
        exponent = {"time": {"mean": low, "low": low, "high": low}, "memory": memory}
        return judges.longer(dataclasses.replace(cost, summary={**cost.summary, "exponent": exponent})).label

    assert judges.longer(cost).label == CONDITIONAL
    assert [judged(1.0, 1.0), judged(1.2, 1.0), judged(1.0, 1.2), judged(0.0, 1.0), judged(1.0, 0.0)] == [
        CONDITIONAL,
        HOLDS,
        HOLDS,
        FALSE,
        FALSE,
    ]


# ---- what an update costs, and the text ------------------------------------------------------------------------------


def test_a_round_times_every_size_and_memory_grows_with_the_steps():
    config = {**truncation_cost.CONFIG, "lengths": [10, 40], "T": 40, "cuts": [10], "windows": [2], "repeats": 1}
    run = truncation_cost.one_round(0, config)
    assert run["full"][1]["memory"] > 2 * run["full"][0]["memory"]
    assert run["update"][0]["memory"] < run["whole"]["memory"]
    assert len(run["chunks"]) == len(run["windows"]) == 1


def test_going_in_chunks_costs_a_chunk_at_a_time_and_leaves_nothing_out(monkeypatch):
    layer, x, dy = truncation_cost.layer_and_data(0, {**truncation_cost.CONFIG, "lengths": [12]})
    read = []
    unroll = layer.unroll
    monkeypatch.setattr(layer, "unroll", lambda part, state: read.append(len(part)) or unroll(part, state))
    truncation_cost.in_chunks(layer, x, dy, 5)
    assert read == [5, 5, 2]


def test_an_update_every_fifty_sums_up_the_chunks_between():
    text = characters.Characters("abcabcacbbca" * 60)
    config = {**truncation_text.CONFIG, "B": 2, "piece": 20, "steps": 20}

    def trained(k, every):
        models = truncation_text.Models([0, 3], 5, len(text.symbols), 0.01)
        truncation_text.train(models, text, k, every, config)
        return models.layer.state_dict() | models.head.state_dict()

    whole, pieces = trained(20, 20), trained(1, 20)
    np.testing.assert_allclose(pieces["bias"], whole["bias"], rtol=1e-4, atol=1e-6)  # no cut on the way to the head
    assert np.abs(pieces["weight_hh_l0"] - whole["weight_hh_l0"]).max() > 1e-4


def test_gradients_compared_without_a_cut_are_the_exact_one():
    text = characters.Characters("abcabcacbbca" * 200)
    config = {**truncation_text.CONFIG, "B": 2, "piece": 20, "compared": [2, 20]}
    models = truncation_text.Models([0, 1], 5, len(text.symbols), 0.01)
    for run in truncation_text.compared(models, text, config):
        for way in ("windows", "chunks"):
            assert run[way][1] == pytest.approx((1, 1), abs=1e-4)
            assert run[way][0][0] < 0.9999


# ---- data and code still agree ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("way", "k"), [("chunks", 3), ("windows", 4)])
def test_the_first_seed_learns_again_what_it_had_learnt(way, k):
    """Accuracies of what is learnt are 1 on every processor; what is not learnt is compared by that alone."""
    evidence = Evidence.load("truncation")
    lags = [1, 2, 3, 10]  # the longest one decides where the streams begin
    again = truncation.train([0], {**evidence.config, "lags": lags}, way, k)[:, 0]
    then = [
        evidence.results[0][way][evidence.config["lags"].index(lag)][evidence.config["cuts"].index(k)] for lag in lags
    ]
    success = evidence.config["success"]
    assert list(again >= success) == [value >= success for value in then]
    assert 0 < sum(again >= success) < len(lags)


def test_the_gradients_of_the_first_untrained_networks_are_compared_again():
    evidence, text = Evidence.load("truncation_text"), characters.load()
    if evidence.versions["python"].rpartition(".")[0] != platform.python_version().rpartition(".")[0]:
        pytest.skip(f"the text is the documentation of Python {evidence.versions['python']}, and differs in others")
    config = evidence.config
    models = truncation_text.Models([0], config["hidden"], len(text.symbols), config["rate"])
    (again,) = truncation_text.compared(models, text, config)
    for way in ("windows", "chunks"):
        np.testing.assert_allclose(again[way], evidence.results[0]["untrained"][way], rtol=1e-4)
