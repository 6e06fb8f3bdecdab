"""A new cell is one class: here the minimal gated unit (Zhou and others 2016), and nothing else changes."""

import inspect
from dataclasses import dataclass

import numpy as np
import pytest

from companion import reference as ref
from companion.reference.activations import join, sigmoid, split, tanh
from companion.reference.weights import Bias, Matrix
from tests.reference.kinds import T


@dataclass(frozen=True)
class MinimalGatedCell:
    """f = σ(W_f x + b_f + U_f h), n = tanh(W_n x + b_n + U_n (f h)), h = (1 - f) h + f n."""

    blocks, state, records, analytic = ("f", "n"), ("h",), ("f", "fh", "n"), True
    weights = (
        Matrix("weight_ih", "W", blocks, ("x",)),
        Matrix("weight_hh", "U", blocks, ("h_prev", "fh")),
        Bias("bias_ih", blocks),
    )

    def step(self, Wx, state, w):
        (h,), (a_f, a_n) = state, split(Wx, 2)
        f = sigmoid(a_f + w.U_f @ h)
        fh = f * h
        n = tanh(a_n + w.U_n @ fh)
        h = (1 - f) * h + f * n
        return (h,), (f, fh, n)

    def step_back(self, dstate, records, prev, w):
        (dh,), (h_prev,), (f, _, n) = dstate, prev, records
        da_n = dh * f * (1 - n * n)
        dfh = w.U_n.mT @ da_n
        da_f = (dh * (n - h_prev) + dfh * h_prev) * f * (1 - f)
        return join(da_f, da_n), (dh * (1 - f) + dfh * f + w.U_f.mT @ da_f,)


def layer(**shape):
    return ref.Layer(MinimalGatedCell(), 3, 4, **shape, rng=0)


def test_the_class_takes_fewer_than_thirty_lines():
    assert len(inspect.getsource(MinimalGatedCell).splitlines()) < 30


@pytest.mark.parametrize("shape", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
def test_its_gradients_check_at_once(shape, rng):
    report = ref.gradcheck(layer(**shape), rng.standard_normal((4, 2, 3)), lengths=[2, 4])
    assert report, str(report)


def test_truncation_names_and_side_by_side_come_with_it(rng):
    x, dy = rng.standard_normal((T, 2, 3)), rng.standard_normal((T, 2, 4))
    one = layer()
    assert list(one.params) == ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0"]
    tape = one.unroll(x)
    assert set(tape.keys()) >= {"h", "f", "fh", "n"}
    full, cut = one.bptt(tape, dy), one.bptt(tape, dy, horizon=T + 1)
    np.testing.assert_allclose(cut.params["weight_hh_l0"], full.params["weight_hh_l0"], rtol=1e-12)
    two = ref.stack([one, layer()])
    np.testing.assert_allclose(two(x)[0][1], one(x)[0], rtol=1e-12, atol=1e-14)
