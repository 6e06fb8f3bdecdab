"""What the chapter on the LSTM says in words, computed again and asked of the evidence."""

import numpy as np
import pytest

from companion.experiments.claims import claim
from companion.experiments.evidence import Evidence
from companion.reference import neuron
from companion.tasks import characters


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_how_long_brackets_stand_open():
    gaps, opened = [], []
    for t, symbol in enumerate(characters.load().text):
        if symbol == "(":
            opened.append(t)
        elif symbol == ")" and opened:
            gaps.append(t - opened.pop())
    gaps = np.array(gaps)
    assert np.median(gaps) < 10
    assert np.mean(gaps > 20) > 0.2
    assert np.mean(gaps > 100) >= 0.01


def test_half_open_gates_forget_by_half():
    assert sigmoid(0) == 0.5
    assert pytest.approx(1e-3, rel=0.05) == 0.5**10
    assert neuron.half_life(sigmoid(1.0)) == pytest.approx(2.2, abs=0.05)


def test_a_bias_that_counts_twice_flattens_the_gate():
    slope = {b: sigmoid(b) * (1 - sigmoid(b)) for b in (3.0, 6.0)}
    assert slope[3.0] / slope[6.0] == pytest.approx(18, abs=0.5)


def test_the_stream_is_as_the_picture_says():
    summary = Evidence.load("continual").summary
    assert summary["without"]["cell_first"] == pytest.approx(70, abs=5)
    assert summary["without"]["cell"] > 700
    assert summary["with forget gates"]["cell"] == pytest.approx(12, abs=0.5)


def test_the_whole_derivative_grows_in_the_cell_of_1997():
    summary = Evidence.load("carousel").summary
    whole = summary["1997"]["whole"]
    assert 3 < whole["k300"]["median"] < 5
    assert 50 < whole["k1000"]["median"] < 150
    assert whole["k1000"]["min"] > 2
    assert summary["bias_3"]["path"]["k100"]["median"] == pytest.approx(0.03, abs=0.005)
    assert summary["bias_3"]["whole"]["k30"]["median"] > 1 > summary["bias_3"]["whole"]["k300"]["median"]


def test_a_forget_gate_as_it_comes_loses_nearly_as_much_as_tanh():
    summary = Evidence.load("carousel").summary
    for k in ("k10", "k30"):
        order = [summary[kind]["path"][k]["median"] for kind in ("1997", "bias_3", "bias_1", "forget_gate")]
        assert order == sorted(order, reverse=True)
        assert 1 < order[-1] / summary["tanh"][k]["median"] < 100


def test_what_a_bias_buys():
    solved = {start: found["solved"] for start, found in Evidence.load("forget_bias").summary["solved"].items()}
    assert solved["as_it_comes"] == solved["bias_1"] == 0
    assert 0 < solved["bias_3"] < solved["chrono"] == 20


def test_the_output_gate_is_wide_open_in_silence_and_half_shut_where_the_network_speaks():
    opening = Evidence.load("clamped_gates").summary["opening"]["o"]
    assert min(opening["nothing"], opening["store"]) > 0.75
    assert opening["ask"] == pytest.approx(0.5, abs=0.05)


def test_a_held_output_gate_makes_silent_and_not_loud():
    numbers = claim("C23").verdict().numbers
    assert numbers["o"]["shown"]["max"] < 0.02
    assert [round(100 * numbers[gate]["mute"]["mean"]) for gate in "ifo"] == [0, 9, 64]


def test_the_experiment_of_1997_is_as_the_page_says():
    reber = Evidence.load("reber")
    six, published = reber.summary["1997/6/0.5"], 8440
    assert six["succeeded"] == len(reber.results) == 30
    assert six["words"] == pytest.approx(published, rel=0.05)
    times = np.array([trial["1997/6/0.5"][0] for trial in reber.results])
    assert np.sum(times > 8 * np.median(times)) == 3
    assert times.mean() - np.mean(times[times <= 8 * np.median(times)]) > 2000
    assert max(reber.summary[f"RNN/12/{rate}"]["succeeded"] for rate in (0.1, 0.5)) <= 4
    assert reber.summary["forget gate/6/0.5"]["succeeded"] <= six["succeeded"]


def test_on_which_tasks_the_lstm_is_ahead_of_a_tanh_network():
    reach = claim("C20").verdict().numbers["reach"]
    ahead = {task for task, cells in reach.items() if cells["LSTM"] > cells["RNN"]}
    assert ahead == {"adding", "temporal_order"}
    assert all(cells["LSTM"] < cells["RNN"] for task, cells in reach.items() if task not in ahead)
