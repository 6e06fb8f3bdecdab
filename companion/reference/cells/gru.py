"""The gated recurrent unit, with the reset gate after or before the recurrent product (chapter "The GRU").

In both, z_t near 1 keeps the old state: h_t = (1 - z_t) n_t + z_t h_{t-1}.
"""

from dataclasses import dataclass

from companion.reference.activations import join, sigmoid, split, tanh
from companion.reference.weights import Bias, Matrix


@dataclass(frozen=True)
class GRUCell:
    """The GRU that resets after the recurrent product (`torch.nn.GRU`, cuDNN, Keras with reset_after).

    r_t = σ(W_r x_t + b_r + U_r h_{t-1}), likewise z_t;  v_t = U_n h_{t-1} + b_hn;  n_t = tanh(W_n x_t + b_in + r_t
    v_t); h_t = (1 - z_t) n_t + z_t h_{t-1}. The bias b_hn stands inside the reset, so it is not one with b_in.
    """

    blocks = ("r", "z", "v", "n")
    state = ("h",)
    records = ("r", "z", "v", "n")
    weights = (
        Matrix("weight_ih", "W", ("r", "z", "n"), ("x",)),
        Matrix("weight_hh", "U", ("r", "z", "v"), ("h_prev",)),
        Bias("bias_ih", ("r", "z", "n")),
        Bias("bias_hh", ("r", "z", "v")),
    )
    analytic = True

    def step(self, Wx, state, w):
        """One step forward: Wx (3H, B), state (h,) with h (H, B)."""
        (h,) = state
        a_r, a_z, a_n = split(Wx, 3)
        u_r, u_z, u_n = split(w.U @ h, 3)
        r = sigmoid(a_r + u_r)
        z = sigmoid(a_z + u_z)
        v = u_n + w.b_v
        n = tanh(a_n + r * v)
        h = (1 - z) * n + z * h
        return (h,), (r, z, v, n)

    def step_back(self, dstate, records, prev, w):
        """One step back: dstate (dh,) with dh (H, B)."""
        (dh,), (h_prev,), (r, z, v, n) = dstate, prev, records
        dn = dh * (1 - z)
        dz = dh * (h_prev - n)
        da_n = dn * (1 - n * n)
        dv = da_n * r
        dr = da_n * v
        da_z = dz * z * (1 - z)
        da_r = dr * r * (1 - r)
        dh = dh * z + w.U.mT @ join(da_r, da_z, dv)
        return join(da_r, da_z, dv, da_n), (dh,)


@dataclass(frozen=True)
class ResetBeforeGRUCell:
    """The GRU that resets before the recurrent product (Cho and others 2014; Keras with reset_after=False).

    As `GRUCell`, but n_t = tanh(W_n x_t + b_n + U_n (r_t h_{t-1})).
    """

    blocks = ("r", "z", "n")
    state = ("h",)
    records = ("r", "z", "rh", "n")
    weights = (
        Matrix("weight_ih", "W", blocks, ("x",)),
        Matrix("weight_hh", "U", blocks, ("h_prev", "h_prev", "rh")),
        Bias("bias_ih", blocks),
        Bias("bias_hh", blocks),
    )
    analytic = True

    def step(self, Wx, state, w):
        """One step forward: Wx (3H, B), state (h,) with h (H, B)."""
        (h,) = state
        a_r, a_z, a_n = split(Wx, 3)
        r = sigmoid(a_r + w.U_r @ h)
        z = sigmoid(a_z + w.U_z @ h)
        rh = r * h
        n = tanh(a_n + w.U_n @ rh)
        h = (1 - z) * n + z * h
        return (h,), (r, z, rh, n)

    def step_back(self, dstate, records, prev, w):
        """One step back: dstate (dh,) with dh (H, B)."""
        (dh,), (h_prev,), (r, z, _, n) = dstate, prev, records
        dn = dh * (1 - z)
        dz = dh * (h_prev - n)
        da_n = dn * (1 - n * n)
        drh = w.U_n.mT @ da_n
        dr = drh * h_prev
        da_z = dz * z * (1 - z)
        da_r = dr * r * (1 - r)
        dh = dh * z + drh * r + w.U_z.mT @ da_z + w.U_r.mT @ da_r
        return join(da_r, da_z, da_n), (dh,)
