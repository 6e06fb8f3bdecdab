"""The gradient check itself: it passes what is right, and finds what is wrong and where."""

from dataclasses import dataclass

import numpy as np
import pytest

from companion import reference as ref
from companion.reference.activations import TANH, Activation
from companion.reference.cells import LSTMCell, RNNCell
from tests.reference.kinds import JORDANS, KINDS, SHAPES, T, make


@pytest.mark.parametrize("lengths", [None, [2, 4, 0]])
@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_passes(kind, lengths, rng):
    layer = make(kind, bidirectional=lengths is None)
    report = ref.gradcheck(layer, rng.standard_normal((4, 3, 3)), lengths=lengths)
    assert report.ok, str(report)
    assert report.method == ("central differences" if kind == "rnn-relu" else "complex step")
    assert set(report.tensors) >= {"x", "state[0]", *layer.params}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_passes_batch_first(shape, rng):
    layer = make("lstm", batch_first=True, **SHAPES[shape])
    report = ref.gradcheck(layer, rng.standard_normal((2, 4, 3)), lengths=[4, 3])
    assert report, str(report)


@pytest.mark.parametrize("taught", [False, True])
@pytest.mark.parametrize("lengths", [None, [2, T, 0]])
@pytest.mark.parametrize("kind", JORDANS)
def test_jordan_passes_free_and_taught(kind, lengths, taught, rng):
    targets = {"targets": rng.standard_normal((T, 3, 2))} if taught else {}
    report = ref.gradcheck(make(kind), rng.standard_normal((T, 3, 3)), lengths=lengths, **targets)
    assert report, str(report)


def test_single_precision_is_checked_against_double(rng):
    layer = make("lstm", dtype=np.float32)
    report = ref.gradcheck(layer, rng.standard_normal((T, 2, 3)).astype(np.float32))
    assert report, str(report)
    assert all(tensor.tolerance == 1e-4 for tensor in report.tensors.values())
    assert any(tensor.error > 1e-12 for tensor in report.tensors.values())


@dataclass(frozen=True)
class ForgottenFactor(LSTMCell):
    """An LSTM whose way back forgets that dc also comes through the output."""

    def step_back(self, dstate, records, prev, w):
        return super().step_back((dstate[0] * 0.5, dstate[1]), records, prev, w)


def test_a_wrong_cell_is_found(rng):
    report = ref.gradcheck(ref.Layer(ForgottenFactor(), 3, 4, rng=0), rng.standard_normal((T, 2, 3)))
    assert not report
    assert not report["weight_hh_l0"].ok
    assert "WRONG weight_hh_l0[" in str(report)


def test_the_worst_entry_is_named(rng):
    class OneEntryOff(ref.RNN):
        def bptt(self, *arguments, **options):
            grads = super().bptt(*arguments, **options)
            grads.params["weight_hh_l0"][2, 1] += 0.5
            return grads

    report = ref.gradcheck(OneEntryOff(3, 4, rng=0), rng.standard_normal((T, 2, 3)))
    assert [name for name, tensor in report.tensors.items() if not tensor.ok] == ["weight_hh_l0"]
    worst = report["weight_hh_l0"]
    assert worst.index == (2, 1)
    assert worst.got - worst.expected == pytest.approx(0.5)
    assert "WRONG weight_hh_l0[2, 1]" in str(report)


def test_nan_and_a_wrong_shape_are_wrong(rng):
    class Broken(ref.RNN):
        def bptt(self, *arguments, **options):
            grads = super().bptt(*arguments, **options)
            grads.params["weight_hh_l0"][0, 0] = np.nan
            grads.params["bias_ih_l0"] = grads.params["bias_ih_l0"][:-1]
            return grads

    report = ref.gradcheck(Broken(3, 4, rng=0), rng.standard_normal((T, 2, 3)))
    assert not report["weight_hh_l0"].ok
    assert report["weight_hh_l0"].index == (0, 0)
    assert not report["bias_ih_l0"].ok
    assert "(3,)" in report["bias_ih_l0"].name


def test_the_tolerance_is_the_callers(rng):
    x = rng.standard_normal((T, 2, 3))
    assert not ref.gradcheck(make("lstm"), x, tolerance=1e-30)
    assert ref.gradcheck(make("lstm"), x, tolerance=1e-12)


def test_a_given_state_is_used_and_nothing_is_changed(rng):
    layer, x, state = make("gru-after"), rng.standard_normal((T, 2, 3)), rng.standard_normal((1, 2, 4))
    before = layer.state_dict(), x.copy(), state.copy()
    assert ref.gradcheck(layer, x, state)
    np.testing.assert_equal((layer.state_dict(), x, state), before)


def test_a_cell_with_a_kink_is_checked_by_central_differences(rng):
    slopes = lambda y: np.where(y > 0, 1, 0.1)  # noqa: E731
    leaky = Activation("leaky", lambda a: a * slopes(a), lambda dy, y: dy * slopes(y), analytic=False)
    assert RNNCell(TANH).analytic
    report = ref.gradcheck(ref.Layer(RNNCell(leaky), 3, 4, rng=0), rng.standard_normal((T, 2, 3)))
    assert report.method == "central differences"
    assert report, str(report)
