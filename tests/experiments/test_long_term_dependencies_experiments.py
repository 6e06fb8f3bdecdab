"""What is measured on long-term dependencies is what is said, and the judges of C30 to C32 follow their conditions."""

import numpy as np
import pytest

from companion import reference as ref
from companion import tasks
from companion.experiments import beginnings, by_hand, choice, long_lags
from companion.experiments.claims import long_term_dependencies as judges
from companion.experiments.evidence import Evidence, plain
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS

# ---- the long lags: C30 and C31 --------------------------------------------------------------------------------------


def lags(solved):
    """Evidence of twenty runs in which so many have solved each setting, (task, cell) → count by lag, at rate 0.01."""
    keys = [
        (name, lag, cell, rate)
        for name, by_lag in long_lags.LAGS.items()
        for lag in by_lag
        for cell in long_lags.CELLS
        for rate in long_lags.CONFIG["rates"]
    ]

    def at(s, name, lag, cell, rate):
        return 100 if rate == 0.01 and s < solved.get((name, cell), {}).get(lag, 0) else None

    results = [
        {"seed": s, "runs": {"/".join(map(str, key)): [at(s, *key), 0.5] for key in keys}, "curves": {}}
        for s in range(20)
    ]
    summary = plain(long_lags.summarise(results))
    return Evidence("long_lags", ("C30", "C31"), long_lags.CONFIG, tuple(range(20)), tuple(results), summary)


def everywhere(*cells, names=tuple(long_lags.LAGS), until=1000):
    return {(name, cell): {lag: 20 for lag in long_lags.LAGS[name] if lag <= until} for name in names for cell in cells}


def test_the_reach_is_the_longest_lag_that_half_of_the_runs_bridge():
    data = lags({("copying", "GRU"): {5: 20, 10: 10, 20: 9}})
    found = data.summary["copying"]["GRU"]
    assert (found["reach"], found["rate"]) == (10, 0.01)
    assert data.summary["copying"]["LSTM"]["reach"] == 0


def test_c30_follows_its_condition():
    gates = everywhere("LSTM", "GRU")
    assert judges.rescued(lags(gates)).label == HOLDS
    with_irnn = judges.rescued(lags(gates | everywhere("IRNN")))
    assert with_irnn.label == CONDITIONAL
    assert (with_irnn.numbers["over_tanh"], with_irnn.numbers["over_both"]) == (4, 0)
    one = judges.rescued(lags(everywhere("LSTM", "GRU", names=["adding"])))
    assert (one.label, one.numbers["over_tanh"]) == (CONDITIONAL, 1)
    assert judges.rescued(lags(everywhere("LSTM"))).label == FALSE
    assert judges.rescued(lags(gates | everywhere("RNN"))).label == FALSE


def test_c31_follows_its_condition():
    near = everywhere("RNN", "IRNN", until=10)
    assert judges.forgotten(lags(near)).label == HOLDS
    assert judges.forgotten(lags(near | everywhere("IRNN"))).label == CONDITIONAL
    assert judges.forgotten(lags(near | everywhere("RNN"))).label == FALSE
    assert judges.forgotten(lags({})).label == FALSE


# ---- by hand: C32 ----------------------------------------------------------------------------------------------------


def hand(**changes):
    """Evidence in which all four networks by hand are right everywhere, with changes by task."""
    rows = {
        name: {"units": 3, "trained_units": 60, "longest": 20, "longer": 20, "longer_units": 3} | changes.get(name, {})
        for name in by_hand.BY_HAND
    }
    return Evidence("by_hand", ("C32",), by_hand.CONFIG, tuple(range(20)), (), {"count": 20, "hand": rows})


def test_c32_follows_its_condition():
    nobody = lags(everywhere("GRU"))
    assert judges.set_by_hand(hand(), nobody).label == HOLDS
    learnt = judges.set_by_hand(hand(), lags({("agreement", "RNN"): {80: 1}}))
    assert learnt.label == CONDITIONAL
    assert learnt.numbers["tasks"]["agreement"]["learnt"] == 1
    for broken in ({"longest": 19}, {"longer": 0}, {"units": 61}):
        assert judges.set_by_hand(hand(copying=broken), nobody).numbers["alone"] == 3
    assert judges.set_by_hand(hand(**dict.fromkeys(by_hand.BY_HAND, {"longest": 0})), nobody).label == FALSE
    assert judges.set_by_hand(hand(), lags(everywhere("RNN"))).label == FALSE


@pytest.mark.parametrize("name", by_hand.BY_HAND)
def test_the_networks_by_hand_are_plain_and_right(name):
    lag = by_hand.CONFIG["lags"][name]
    net = by_hand.BY_HAND[name](long_lags.task(name, lag))
    assert isinstance(net.layer, ref.Layer)
    assert set(net.layer.params) == {"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"}
    assert net.layer.hidden_size <= by_hand.units_trained(name)
    for seed in (100, 101):
        assert by_hand.tested(name, lag, 50, seed)["solved"]


def test_a_broken_network_by_hand_is_seen_to_be_broken(monkeypatch):
    monkeypatch.setitem(by_hand.BY_HAND, "agreement", lambda what: by_hand.agreement(what, u=0.0))
    assert not by_hand.tested("agreement", 800, 50, 0)["solved"]


def test_the_walk_leads_from_the_latches_to_an_ordinary_start():
    first, last = by_hand.between(0.0, [3], 80), by_hand.between(1.0, [3], 80)
    assert np.count_nonzero(first.params["layer.weight_hh_l0"]) == 2
    rng = np.random.default_rng(3)
    start = ref.RNN(*first.layer.params["weight_ih_l0"].shape[:0:-1], rng=rng, dtype=np.float32)
    np.testing.assert_array_equal(last.params["layer.weight_hh_l0"][0], start.params["weight_hh_l0"])
    middle = by_hand.between(0.5, [3], 80)
    for name, value in middle.params.items():
        np.testing.assert_allclose(value, (first.params[name] + last.params[name]) / 2, atol=1e-7)
    task = tasks.Agreement(distance=80)
    batch = task.batch(20, np.random.default_rng(0))
    expected = by_hand.agreement(task)(batch.x)
    np.testing.assert_allclose(first(batch.x[None].astype(np.float32))[0], expected, atol=1e-5)


def test_what_is_heard_is_the_gradient_of_the_country(rng):
    """By torch: the columns of the input matrix that read the four countries."""
    import torch

    ((countries, whole),) = by_hand.heard([5], 4, 30)
    net = by_hand.between(1.0, [5], 4, np.float64)
    batch = tasks.Agreement(distance=4).batch(30, np.random.default_rng([5, 3]))
    layer = torch.nn.RNN(batch.x.shape[-1], net.layer.hidden_size, dtype=torch.float64)
    layer.load_state_dict({name: torch.from_numpy(value[0]) for name, value in net.layer.params.items()})
    V, d = (torch.tensor(net.head.params[name][0], requires_grad=True) for name in ("weight", "bias"))
    h, _ = layer(torch.from_numpy(batch.x.astype(np.float32).astype(float)))
    torch.nn.functional.cross_entropy(h[-1] @ V.T + d, torch.from_numpy(batch.y[-1])).backward()
    grads = [*(p.grad for p in layer.parameters()), V.grad, d.grad]
    assert countries == pytest.approx(float(layer.weight_ih_l0.grad[:, :4].norm()), rel=1e-6)
    assert whole == pytest.approx(float(torch.sqrt(sum((g**2).sum() for g in grads))), rel=1e-6)


# ---- beginnings, and a cell of one's own -----------------------------------------------------------------------------


def plain_gru(inputs, hidden, rng):
    return ref.GRU(inputs, hidden, rng=rng, dtype=np.float32)


def test_a_function_that_makes_a_layer_may_enter():
    made = long_lags.layer(beginnings.orthogonal, 26, 10, np.random.default_rng(0))
    U = made.params["weight_hh_l0"]
    np.testing.assert_allclose(U @ U.T, np.eye(10), atol=1e-5)
    assert long_lags.hidden_size(beginnings.orthogonal, 26, 4, 1000) == long_lags.hidden_size("RNN", 26, 4, 1000)
    short = beginnings.CONFIG | {"updates": 50, "every": 50, "trials": 20, "parameters": 300}
    by_name, _ = long_lags.trained("agreement", 2, "GRU", 0.01, [0], short)
    by_maker, _ = long_lags.trained("agreement", 2, plain_gru, 0.01, [0], short)
    assert by_name == by_maker


@pytest.mark.parametrize("name", beginnings.CONFIG["begun"])
def test_a_beginning_is_what_it_is_called(name):
    made = long_lags.layer(beginnings.begun(name, 40), 26, 8, np.random.default_rng(0))
    assert made.dtype == np.float32
    bias = made.params["bias_ih_l0"]
    if name == "GRU chrono":
        assert (bias[8:16] >= 0).all()
        assert bias[8:16].max() <= np.log(39)
    if name == "LSTM chrono":
        np.testing.assert_array_equal(bias[:8], -bias[8:16])


def begun(solved):
    keys = [
        f"{d}/{name}/{rate}"
        for d in beginnings.CONFIG["distances"]
        for name in beginnings.CONFIG["begun"]
        for rate in beginnings.CONFIG["rates"]
    ]
    return beginnings.summarise([{key: 50 if s < solved.get(key, 0) else None for key in keys} for s in range(20)])


def test_a_beginning_helps_only_beyond_chance():
    found = begun({"40/GRU chrono/0.01": 20, "40/GRU/0.002": 3, "40/RNN/0.01": 20, "40/RNN orthogonal/0.01": 18})
    assert found["helps"]["GRU_d40"]["helps"]
    assert not found["helps"]["RNN_d40"]["helps"]
    assert not found["helps"]["LSTM_d40"]["helps"]
    assert found["begun"]["GRU"]["rate"] == 0.002
    assert found["begun"]["GRU_chrono"]["d40"]["solved"] == 20


def test_the_table_names_the_simplest_and_the_quickest_reliable_cell():
    data = lags(everywhere("IRNN", "GRU", names=["adding"], until=50) | {("copying", "LSTM"): {5: 14, 10: 15}})
    rows = {(name, lag): (enough, quickest) for name, lag, enough, quickest in choice.of_lags(data.summary)}
    assert rows["adding", 50] == ("IRNN", "IRNN (100)")
    assert rows["adding", 100] == ("–", "–")
    assert rows["copying", 5] == ("–", "–")  # 14 of 20: the interval holds one half
    assert rows["copying", 10] == ("LSTM", "LSTM (100)")


def test_a_beginning_is_called_by_its_cell():
    assert [choice.said(name) for name in ("RNN", "GRU_chrono")] == ["tanh", "GRU, chrono"]
