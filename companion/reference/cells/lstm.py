"""Long short-term memory, as of 1997 and with the forget gate (chapter "The LSTM")."""

from dataclasses import dataclass

from companion.reference.activations import join, sigmoid, split, tanh
from companion.reference.weights import gated


@dataclass(frozen=True)
class LSTMCell:
    """The LSTM with a forget gate (Gers, Schmidhuber and Cummins 2000; `torch.nn.LSTM`).

    i_t = σ(W_i x_t + b_i + U_i h_{t-1}), likewise f_t and o_t;  g_t = tanh(W_g x_t + b_g + U_g h_{t-1});
    c_t = f_t c_{t-1} + i_t g_t;  h_t = o_t tanh(c_t).
    """

    blocks = ("i", "f", "g", "o")
    state = ("h", "c")
    records = ("i", "f", "g", "o", "tanh_c")
    weights = gated(blocks)
    analytic = True

    def step(self, Wx, state, w):
        """One step forward: Wx (4H, B), state (h, c), each (H, B)."""
        h, c = state
        a_i, a_f, a_g, a_o = split(Wx + w.U @ h, 4)
        i = sigmoid(a_i)
        f = sigmoid(a_f)
        g = tanh(a_g)
        o = sigmoid(a_o)
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
        dc = dc * f
        da_o = do * o * (1 - o)
        da_g = dg * (1 - g * g)
        da_f = df * f * (1 - f)
        da_i = di * i * (1 - i)
        da = join(da_i, da_f, da_g, da_o)
        dh = w.U.mT @ da
        return da, (dh, dc)


@dataclass(frozen=True)
class LSTM1997Cell:
    """The LSTM of Hochreiter and Schmidhuber (1997), without a forget gate: c_t = c_{t-1} + i_t g_t."""

    blocks = ("i", "g", "o")
    state = ("h", "c")
    records = ("i", "g", "o", "tanh_c")
    weights = gated(blocks)
    analytic = True

    def step(self, Wx, state, w):
        """One step forward: Wx (3H, B), state (h, c), each (H, B)."""
        h, c = state
        a_i, a_g, a_o = split(Wx + w.U @ h, 3)
        i = sigmoid(a_i)
        g = tanh(a_g)
        o = sigmoid(a_o)
        c = c + i * g
        tanh_c = tanh(c)
        h = o * tanh_c
        return (h, c), (i, g, o, tanh_c)

    def step_back(self, dstate, records, prev, w):
        """One step back: dstate (dh, dc), each (H, B). Along the cell path dc stays as it is: the error carousel."""
        (dh, dc), (i, g, o, tanh_c) = dstate, records
        do = dh * tanh_c
        dc = dc + dh * o * (1 - tanh_c * tanh_c)
        di = dc * g
        dg = dc * i
        da_o = do * o * (1 - o)
        da_g = dg * (1 - g * g)
        da_i = di * i * (1 - i)
        da = join(da_i, da_g, da_o)
        dh = w.U.mT @ da
        return da, (dh, dc)
