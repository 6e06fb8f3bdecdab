"""The experiment on the GRU compares what it says, and the judge of C29 follows its condition."""

import dataclasses

import numpy as np
import pytest
import torch

from companion import reference as ref
from companion.experiments import gru_from_lstm
from companion.experiments.claims import gru as judges
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS

EXACT = ("open", "gradient", "moved")
APART = ("free", "tanh", "untied")


@pytest.fixture
def drawn(rng):
    """A GRU, and an input (T, B, I)."""
    return ref.GRU(3, 4, rng=rng), rng.standard_normal((9, 2, 3))


def test_the_restricted_lstm_has_tied_gates_and_an_output_gate_of_one(drawn, rng):
    layer, x = drawn
    cell = gru_from_lstm.lstm_from(gru_from_lstm.blocks(layer))
    h = torch.from_numpy(rng.standard_normal((2, 4)))
    a = cell.weight_ih @ torch.from_numpy(x[0]).T + cell.weight_hh @ h.T + (cell.bias_ih + cell.bias_hh)[:, None]
    i, f, _, o = torch.sigmoid(a).detach().numpy().reshape(4, 4, 2)
    np.testing.assert_allclose(i, 1 - f, rtol=1e-12)
    assert (o == 1).all()


def test_a_gru_that_never_resets_has_a_reset_gate_of_one_and_the_other_weights(drawn):
    layer, x = drawn
    steady = gru_from_lstm.never_resets(layer)
    assert (steady.unroll(x)["r"] == 1).all()
    for name, value in layer.params.items():
        np.testing.assert_array_equal(steady.params[name][4:], value[4:])


def test_the_state_of_a_restricted_lstm_is_what_it_is_handed_back(drawn):
    layer, x = drawn
    cell = gru_from_lstm.lstm_from(gru_from_lstm.blocks(layer))
    shown = gru_from_lstm.shows_tanh(cell, x).detach()
    h, c = torch.zeros(2, 4, dtype=torch.float64), torch.zeros(2, 4, dtype=torch.float64)
    for x_t, h_t in zip(torch.from_numpy(x), shown, strict=True):
        h, c = cell(x_t, (h, c))
        np.testing.assert_allclose(h_t, torch.tanh(c).detach(), rtol=1e-12)  # o is 1
        np.testing.assert_array_equal(h_t, h.detach())


def test_the_first_seeds_are_measured_again():
    data = Evidence.load("gru_from_lstm")
    for now, then in zip(gru_from_lstm.measure(range(3), data.config), data.results, strict=False):
        assert max(now[name] for name in EXACT) < 1e-13
        np.testing.assert_allclose([now[name] for name in APART], [then[name] for name in APART], rtol=1e-6)


def test_the_verdict_turns_with_its_condition():
    data = Evidence.load("gru_from_lstm")

    def label(**changes):
        summary = {name: {**data.summary[name], "max": value} for name, value in changes.items()}
        return judges.restricted(dataclasses.replace(data, summary={**data.summary, **summary})).label

    assert label() == CONDITIONAL
    assert label(free=1e-13) == HOLDS
    assert label(open=1e-9) == label(gradient=1e-9) == FALSE
