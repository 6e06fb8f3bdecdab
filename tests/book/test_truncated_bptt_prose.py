"""What the chapter on truncated backpropagation says in words, computed again and asked of the evidence."""

import numpy as np
import pytest

from companion.exercises.truncated_bptt import remembered
from companion.experiments.claims import claim
from companion.experiments.evidence import Evidence
from companion.reference import RNN
from companion.tasks import Echo, characters


@pytest.fixture(scope="module")
def text():
    return Evidence.load("truncation_text")


@pytest.fixture(scope="module")
def echo():
    return Evidence.load("truncation").summary


def test_the_text_is_as_long_as_the_page_says_and_its_states_as_large():
    length = len(characters.load().numbers)
    assert 0.35 < length * 256 * 4 / 1e9 < 0.55
    assert 256 * 4 == 1024


def by_cut(echo, way, lag):
    return dict(zip(echo["cuts"], echo[way]["won"][echo["lags"].index(lag)], strict=True))


def test_at_the_frontier_one_step_more_makes_the_difference(echo):
    assert echo["count"] == 20
    assert echo["lags"][7] == 10
    assert echo["cuts"][10:] == [11, 12]
    for way in ("chunks", "windows"):
        for lag in echo["lags"]:
            won = by_cut(echo, way, lag)
            assert all(won[k] <= 1 for k in range(2, lag + 1))
            if lag <= 8:
                assert all(won[k] >= 18 for k in range(lag + 1, 13))


def test_at_lag_ten_windows_of_eleven_do_what_chunks_of_eleven_cannot(echo):
    assert by_cut(echo, "windows", 10)[11] > 10
    assert by_cut(echo, "chunks", 10)[11] == 0
    assert 0 < by_cut(echo, "chunks", 10)[12] <= 10


def test_frozen_networks_learn_the_first_lags_and_a_cut_after_one_step_keeps_some_of_it(echo):
    numbers = claim("C18").verdict().numbers
    assert numbers["frozen"] == numbers["learnt"] == [1, 2, 3, 4]
    assert echo["frozen"]["won"][:3] == [20, 20, 20]
    for lag in (1, 2, 3, 4):
        assert by_cut(echo, "windows", lag)[1] == 12
        assert by_cut(echo, "windows", lag)[1] < 20


def test_a_longer_cut_is_better_at_equal_updates_and_best_in_the_middle_at_equal_text(text):
    fixed, usual = ({int(k): one["mean"] for k, one in text.summary[name].items()} for name in ("every_bits", "bits"))
    assert fixed[1] - fixed[5] > 5 * abs(fixed[5] - fixed[50])
    assert min(usual, key=usual.get) == 20
    assert usual[200] == max(usual.values())


def test_chunks_are_further_off_than_windows_and_the_trained_net_further_than_the_untrained(text):
    off, cuts = text.summary["off"], list(map(str, text.config["compared"]))

    def cosine(net, way, k):
        return off[net][way]["cosine"][k]["mean"]

    for k in cuts[1:]:
        assert cosine("trained", "chunks", k) < cosine("trained", "windows", k)
    for k in cuts[:5]:
        assert cosine("trained", "windows", k) < cosine("untrained", "windows", k)
        assert cosine("trained", "chunks", k) < cosine("untrained", "chunks", k)
    assert off["trained"]["windows"]["length"]["1"]["high"] < 1


def test_short_chunks_take_longer_for_the_same_text():
    assert Evidence.load("truncation_cost").summary["cuts"]["5"]["per_symbol"]["low"] > 2


@pytest.mark.parametrize(
    ("orthogonal", "said"), [(False, {6: (0.99, 1.0), 8: (0.70, 0.78)}), (True, {8: (0.93, 0.95), 14: (0.74, 0.76)})]
)
def test_what_the_state_of_an_untrained_network_remembers(orthogonal, said):
    found = {lag: [] for lag in said}
    for seed in range(20):
        layer = RNN(2, 16, rng=seed)
        if orthogonal:
            U = layer.params["weight_hh_l0"]
            U[...] = np.linalg.qr(np.random.default_rng(seed).normal(size=(16, 16)))[0]
        x = Echo(1).batch(400, 20, np.random.default_rng(100 + seed)).x
        h = layer(x)[0]
        for lag in said:
            found[lag].append(remembered(h[50:], x[50:].argmax(-1), lag))
    for lag, (low, high) in said.items():
        assert low <= np.median(found[lag]) <= high
