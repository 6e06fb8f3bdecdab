"""Peepholes: gates that see the cell state through one weight a unit (chapter "Peepholes").

The input and forget gates read c_{t-1}. The output gate comes after the new c_t, and can read that or the old one.
"""

from dataclasses import dataclass

from companion.reference.activations import join, sigmoid, split, tanh
from companion.reference.weights import Diagonal, gated


@dataclass(frozen=True)
class PeepholeLSTMCell:
    """The peephole LSTM whose output gate reads the new cell state (Gers, Schraudolph and Schmidhuber 2002; ONNX,
    Keras).

    i_t = σ(… + p_i c_{t-1}), f_t = σ(… + p_f c_{t-1}), o_t = σ(… + p_o c_t), with … as in the LSTM; the rest as there.
    """

    blocks = ("i", "f", "g", "o")
    state = ("h", "c")
    records = ("i", "f", "g", "o", "tanh_c")
    weights = (*gated(blocks), Diagonal("weight_ch", "p", ("i", "f", "o"), ("c_prev", "c_prev", "c")))
    analytic = True

    def step(self, Wx, state, w):
        """One step forward: Wx (4H, B), state (h, c), each (H, B)."""
        h, c = state
        a_i, a_f, a_g, a_o = split(Wx + w.U @ h, 4)
        i = sigmoid(a_i + w.p_i * c)
        f = sigmoid(a_f + w.p_f * c)
        g = tanh(a_g)
        c = f * c + i * g
        o = sigmoid(a_o + w.p_o * c)
        tanh_c = tanh(c)
        h = o * tanh_c
        return (h, c), (i, f, g, o, tanh_c)

    def step_back(self, dstate, records, prev, w):
        """One step back: dstate (dh, dc), each (H, B)."""
        (dh, dc), (_, c_prev), (i, f, g, o, tanh_c) = dstate, prev, records
        do = dh * tanh_c
        da_o = do * o * (1 - o)
        dc = dc + dh * o * (1 - tanh_c * tanh_c) + da_o * w.p_o
        di = dc * g
        dg = dc * i
        df = dc * c_prev
        da_g = dg * (1 - g * g)
        da_f = df * f * (1 - f)
        da_i = di * i * (1 - i)
        dc = dc * f + da_f * w.p_f + da_i * w.p_i
        da = join(da_i, da_f, da_g, da_o)
        dh = w.U.mT @ da
        return da, (dh, dc)


@dataclass(frozen=True)
class OldPeepholeLSTMCell:
    """The peephole LSTM as many drawings have it: all three gates read the old cell state, o_t = σ(… + p_o c_{t-1})."""

    blocks = ("i", "f", "g", "o")
    state = ("h", "c")
    records = ("i", "f", "g", "o", "tanh_c")
    weights = (*gated(blocks), Diagonal("weight_ch", "p", ("i", "f", "o"), ("c_prev", "c_prev", "c_prev")))
    analytic = True

    def step(self, Wx, state, w):
        """One step forward: Wx (4H, B), state (h, c), each (H, B)."""
        h, c = state
        a_i, a_f, a_g, a_o = split(Wx + w.U @ h, 4)
        i = sigmoid(a_i + w.p_i * c)
        f = sigmoid(a_f + w.p_f * c)
        g = tanh(a_g)
        o = sigmoid(a_o + w.p_o * c)
        c = f * c + i * g
        tanh_c = tanh(c)
        h = o * tanh_c
        return (h, c), (i, f, g, o, tanh_c)

    def step_back(self, dstate, records, prev, w):
        """One step back: dstate (dh, dc), each (H, B)."""
        (dh, dc), (_, c_prev), (i, f, g, o, tanh_c) = dstate, prev, records
        do = dh * tanh_c
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        di = dc * g
        dg = dc * i
        df = dc * c_prev
        da_o = do * o * (1 - o)
        da_g = dg * (1 - g * g)
        da_f = df * f * (1 - f)
        da_i = di * i * (1 - i)
        dc = dc * f + da_o * w.p_o + da_f * w.p_f + da_i * w.p_i
        da = join(da_i, da_f, da_g, da_o)
        dh = w.U.mT @ da
        return da, (dh, dc)
