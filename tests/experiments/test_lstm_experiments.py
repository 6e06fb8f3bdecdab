"""The experiments on the LSTM measure what they say, and the judges of C20 to C26 follow their conditions."""

import dataclasses
import types

import numpy as np
import pytest

from companion import reference as ref
from companion.experiments import carousel, clamped_gates, dense_gates, forget_bias
from companion.experiments.claims import lstm as judges
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS

CONFIG = clamped_gates.CONFIG


def changed(data, **numbers):
    return dataclasses.replace(data, summary={**data.summary, **numbers})


# ---- carousel: C21 and C24


@pytest.mark.parametrize("kind", carousel.KINDS)
def test_the_path_is_the_product_of_the_forget_gates(kind):
    config, lags = carousel.CONFIG | {"H": 5}, [1, 4, 20]
    layer = carousel.layer_of(kind, 3, config)
    x = np.random.default_rng(0).standard_normal((20, config["I"]))
    for path, product in zip(carousel.along_the_path(layer, x, lags), carousel.products(layer, x, lags), strict=True):
        np.testing.assert_allclose(path, product, rtol=1e-12)


@pytest.mark.parametrize("kind", ["1997", "bias 1"])
def test_the_whole_derivative_is_that_of_the_complex_step(kind):
    config, k = carousel.CONFIG | {"H": 3}, 6
    layer = carousel.layer_of(kind, 1, config)
    x = np.random.default_rng(0).standard_normal((9, config["I"]))
    tape = layer.unroll(x)
    W, U, b_ih, b_hh = layer.params.values()
    columns = []
    for unit in np.eye(3):
        h, c = tape["h"][9 - k - 1].astype(complex), tape["c"][9 - k - 1] + 1e-30j * unit
        for x_t in x[9 - k :]:
            a = np.split(W @ x_t + b_ih + b_hh + U @ h, len(layer.cell.blocks))
            gates = dict(zip(layer.cell.blocks, a, strict=True))
            i, o = (1 / (1 + np.exp(-gates[name])) for name in "io")
            f = 1 / (1 + np.exp(-gates["f"])) if "f" in gates else 1.0
            c = f * c + i * np.tanh(gates["g"])
            h = o * np.tanh(c)
        columns.append(c.imag / 1e-30)
    expected = np.linalg.norm(np.array(columns), 2)
    np.testing.assert_allclose(carousel.whole(layer, x, [k]), [expected], rtol=1e-9)


def test_the_first_seed_of_the_carousel_is_measured_again():
    data = Evidence.load("carousel")
    (now,) = carousel.measure([0], data.config | {"lags": [1, 10], "T": 1000})
    for kind in carousel.KINDS:
        for way in ("path", "whole"):
            then = [data.results[0][kind][way][data.config["lags"].index(k)] for k in (1, 10)]
            np.testing.assert_allclose(now[kind][way], then, rtol=1e-6)


def test_carried_turns_with_its_condition():
    data = Evidence.load("carousel")
    labels = [
        judges.carried(made).label for made in (data, changed(data, steady=29), changed(data, exact=False, steady=32))
    ]
    assert labels == [CONDITIONAL, HOLDS, FALSE]


def test_added_turns_with_its_condition():
    data = Evidence.load("carousel")
    kept = {"path": {"k100": {"median": 0.5}}, "whole": data.summary["1997"]["whole"], "off": 0.0}
    all_kept = changed(data, **dict.fromkeys(("forget_gate", "bias_1", "bias_3"), kept))
    plain = changed(data, tanh={"k100": {"median": 0.2}})
    assert [judges.added(made).label for made in (data, all_kept, plain)] == [CONDITIONAL, HOLDS, FALSE]


# ---- clamped gates: C23


def test_the_right_answer_is_the_symbol_stored_last():
    symbol = np.array([[2], [1], [3], [0], [1], [2]])
    cue = np.array([[1], [0], [2], [1], [0], [2]])
    assert clamped_gates.answers(symbol, cue)[:, 0].tolist() == [0, 0, 3, 0, 0, 1]


def test_without_a_gate_held_the_loop_is_the_layer(rng):
    layer = ref.LSTM(7, 5, rng=0, dtype=np.float32)
    x = clamped_gates.coded(*clamped_gates.streams(12, 3, 4, rng), 4)
    found, tape = clamped_gates.run(layer, x), layer.unroll(x)
    for name in found:
        np.testing.assert_allclose(found[name], tape[name], rtol=1e-4, atol=1e-6)
    held = np.linspace(0.1, 0.9, 5, dtype=np.float32)
    assert (clamped_gates.run(layer, x, {"f": held})["f"] == held).all()


def latch():
    """A network that does the task by hand: a cell for each symbol, and a cell that is there when one is asked for."""
    symbols = 4
    layer, head = ref.LSTM(7, 6, rng=0, dtype=np.float32), ref.Linear(6, 5, rng=0, dtype=np.float32)
    for value in (*layer.params.values(), *head.params.values()):
        value[...] = 0
    W, b = (layer.params[name] for name in ("weight_ih_l0", "bias_ih_l0"))
    i, f, g, o = np.split(np.arange(24), 4)
    W[i[:symbols], symbols + 1], b[i[:symbols]] = 20, -10  # a symbol comes in at "store",
    W[f[:symbols], symbols + 1], b[f[:symbols]] = -20, 10  # in the place of what was there,
    W[g[:symbols], :symbols] = 10 * np.eye(symbols)
    W[o[:symbols], symbols + 2], b[o[:symbols]] = 20, -10  # and is shown at "ask"
    head.params["weight"][1:, :symbols] = 4 * np.eye(symbols)
    head.params["bias"][0] = 1
    return layer, head


@pytest.mark.parametrize(
    ("held", "fault"), [({}, None), ({"i": 0.5}, "stored"), ({"f": 1.0}, "persists"), ({"o": 0.99}, "shown")]
)
def test_each_fault_is_seen_where_its_gate_is_held(held, fault):
    layer, head = latch()
    rng = np.random.default_rng(0)
    pair = clamped_gates.streams(40, 100, 4, rng)
    fixed = {name: np.full(6, value, np.float32) for name, value in held.items()}
    found = clamped_gates.faults(layer, head, pair, fixed, rng, 4)
    if fault is None:
        assert found["asked"] == found["silent"] == 1
        assert max(found[name] for name in clamped_gates.FAULTS) == 0
    else:
        assert found[fault] > 0.2
        assert found[fault] == max(found[name] for name in clamped_gates.FAULTS)


def test_in_columns_turns_with_its_condition():
    data = Evidence.load("clamped_gates")
    ahead = data.summary["ahead"]
    won = {key: {"low": 0.1} for key in ahead}
    lost = {key: {"low": -0.1} for key in ahead}
    made = [data, changed(data, ahead=won), changed(data, ahead=lost), changed(data, learnt=14)]
    assert [judges.in_columns(each).label for each in made] == [CONDITIONAL, HOLDS, FALSE, None]


# ---- dense gates: C25


def test_the_dense_layers_are_compared_anew():
    data = Evidence.load("dense_gates")
    assert dense_gates.compared(0, data.config)["output"] < 1e-14
    assert {r["I"] for r in data.results} != {1}


def test_dense_turns_with_its_condition():
    data = Evidence.load("dense_gates")
    made = [data, changed(data, mixed=0.0), changed(data, same_count=False), changed(data, gradient=1e-9)]
    assert [judges.dense(each).label for each in made] == [CONDITIONAL, HOLDS, FALSE, FALSE]


# ---- the forget bias: C26


def test_the_four_starts_are_what_they_say():
    biases = {}
    for start in forget_bias.STARTS:
        layer = forget_bias.begun(start, 4, 50, np.random.default_rng(0))
        biases[start] = (layer.params["bias_ih_l0"] + layer.params["bias_hh_l0"])[50:100]
    assert np.abs(biases["as it comes"]).max() < 0.3
    assert (biases["bias 1"] == 1).all()
    assert (biases["bias 3"] == 3).all()
    assert biases["chrono"].min() >= 0
    assert biases["chrono"].max() <= np.log(99)


def test_the_gradients_of_the_first_seed_are_measured_again():
    data = Evidence.load("forget_bias")
    now = forget_bias.gradients(0, data.config["gradient"])
    for kind, then in data.results[0]["left"].items():
        np.testing.assert_allclose(now[kind], then, rtol=1e-6)


def test_unfading_turns_with_its_condition():
    data = Evidence.load("forget_bias")

    def left(*medians):
        kinds = ("tanh", "as_it_comes", "bias_1", "bias_3")
        return changed(data, left={k: {"k50": {"median": m}} for k, m in zip(kinds, medians, strict=True)})

    made = [data, left(0.0, 0.5, 0.5, 0.5), left(0.0, 0.01, 0.2, 0.01), left(0.0, 0.01, 0.01, 0.01)]
    assert [judges.unfading(each).label for each in made] == [CONDITIONAL, HOLDS, CONDITIONAL, FALSE]


# ---- long lags: C20


def test_kept_turns_with_its_condition():
    def data(*pairs):
        tasks = {f"task_{n}": {"LSTM": {"reach": a}, "RNN": {"reach": b}} for n, (a, b) in enumerate(pairs)}
        return types.SimpleNamespace(summary=tasks)

    made = [data((50, 25), (20, 0)), data((50, 25), (20, 20)), data((25, 25), (0, 10))]
    assert [judges.kept(each).label for each in made] == [HOLDS, CONDITIONAL, FALSE]
