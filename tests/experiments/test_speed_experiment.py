"""The timing experiment: all programs compute one LSTM, the chain is what is taken away, and C33 follows the data."""

import copy
import dataclasses

import numpy as np
import pytest

from companion.experiments import CLAIMS, Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS

torch = pytest.importorskip("torch", reason="torch is not installed")

from companion.experiments import speed  # noqa: E402

SMALL = {
    **speed.CONFIG,
    "window": 0.0,
    "units": [2, 4],
    "steps": 3,
    "many": {"H": 2, "T": 2, "B": [1, 2]},
    "long": {"H": 2, "B": 2, "T": [2, 4]},
    "ladder": {name: {"T": 3, "B": 2, "I": 2, "H": 3} for name in speed.CONFIG["ladder"]},
}


@pytest.fixture(scope="module")
def committed():
    return Evidence.load("speed")


def test_the_plain_loop_is_pytorchs_lstm():
    torch.manual_seed(0)
    module, x = torch.nn.LSTM(3, 5, dtype=torch.float64), torch.randn(6, 2, 3, dtype=torch.float64)
    W, U, b_ih, b_hh = module.parameters()
    zero = torch.zeros(2, 5, dtype=torch.float64)
    found = speed.loop(x, W, U, b_ih + b_hh, zero, zero)
    np.testing.assert_allclose(found.detach(), module(x)[0].detach(), rtol=1e-9)


def test_a_loop_calls_as_many_operations_a_step_as_it_has_lines():
    x, zero = torch.randn(10, 1, 2), torch.zeros(1, 2)
    W, U, b = torch.randn(8, 2), torch.randn(8, 2), torch.zeros(8)
    with torch.no_grad():
        whole = speed.calls(lambda: speed.loop(x, W, U, b, zero, zero))
    products, sums, activations, multiplications = 2, 2, 5, 3  # a; h U + a and c; i f g o tanh(c); f c, i g, o tanh(c)
    assert whole == 10 * (products + sums + activations + multiplications) + 1


def test_without_a_chain_there_are_as_many_sequences_as_steps_before():
    seen = []
    speed.chain_and_free(5, 3, lambda T, B: seen.append((T, B)) or {})
    assert seen == [(5, 3), (1, 15)]


def test_a_small_round_has_the_form_of_the_committed_ones(committed):
    (found,) = speed.measure([0], SMALL)
    assert set(found) == set(committed.results[0]) - {"seed"}
    assert set(found["ladder"]["small"]) == set(committed.results[0]["ladder"]["small"])
    assert min(found["units"]["b1"]["h2"].values()) > 0
    summary = speed.summarise([found, found])
    assert set(summary) == set(committed.summary)
    assert summary["units"]["b16"]["training"]["h4"]["growth"]["low"] > 0


def test_measuring_leaves_threads_and_chance_as_they_were():
    torch.manual_seed(3)
    before, threads = torch.random.get_rng_state(), torch.get_num_threads()
    speed.measure([0], SMALL)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_share_is_what_the_time_loses_without_the_chain(committed):
    for passes in committed.summary["units"].values():
        for size in passes["training"].values():
            assert size["share"]["median"] == pytest.approx(
                1 - size["free"]["median"] / size["chain"]["median"], abs=0.1
            )


# ---- C33: the verdict follows the data -------------------------------------------------------------------------------


def judged(committed, growth):
    """The verdict when twice the units cost `growth(size)` times as much."""
    summary = copy.deepcopy(committed.summary)
    for passes in summary["units"].values():
        for sizes in passes.values():
            for size, entry in sizes.items():
                if "growth" in entry:
                    value = growth(int(size[1:]))
                    entry["growth"] = {"median": value, "low": 0.99 * value, "high": value}
    return CLAIMS["C33"].judge(dataclasses.replace(committed, summary=summary))


def test_time_that_always_doubles_would_make_it_hold(committed):
    assert judged(committed, lambda H: 2.1).label == HOLDS


def test_time_that_never_doubles_would_make_it_false(committed):
    assert judged(committed, lambda H: 1.9).label == FALSE


def test_the_lower_end_of_the_interval_decides(committed):
    assert judged(committed, lambda H: 2.01).label == FALSE


def test_time_that_doubles_for_large_layers_makes_it_conditional(committed):
    verdict = judged(committed, lambda H: 1.2 if H <= 64 else 4.0)
    assert verdict.label == CONDITIONAL
    assert verdict.numbers["always_from"] == 64
    assert "always from 64 units on" in verdict.sentence
