"""The other way to close the loop: the output, not the hidden state, comes back (chapter "Connection schemes")."""

from dataclasses import dataclass

from companion.reference.activations import LINEAR, TANH, Activation, join
from companion.reference.weights import Bias, Matrix


@dataclass(frozen=True)
class JordanCell:
    """Jordan's cell (1986), h_t = φ(W x_t + b + U y_{t-1}), y_t = out(V h_t + d), with b = bias_h and d = bias_y."""

    phi: Activation = TANH
    out: Activation = LINEAR

    blocks = ("h", "y")
    state = ("y",)
    records = ("h", "y")
    weights = (
        Matrix("weight_ih", "W", ("h",), ("x",)),
        Matrix("weight_yh", "U", ("h",), ("y_prev",)),
        Bias("bias_h", ("h",)),
        Matrix("weight_hy", "V", ("y",), ("h",)),
        Bias("bias_y", ("y",), "d"),
    )

    @property
    def analytic(self) -> bool:
        """False for ReLU, whose slope jumps at zero."""
        return self.phi.analytic

    def step(self, Wx, state, w):
        """One step forward: Wx (H, B), state (y,) with y (O, B)."""
        (y,) = state
        h = self.phi(Wx + w.U @ y)
        y = self.out(w.V @ h + w.d_y)
        return (y,), (h, y)

    def step_back(self, dstate, records, prev, w):
        """One step back: dstate (dy,) with dy (O, B)."""
        (dy,), (h, y) = dstate, records
        da_y = self.out.back(dy, y)
        dh = w.V.mT @ da_y
        da_h = self.phi.back(dh, h)
        dy = w.U.mT @ da_h
        return join(da_h, da_y), (dy,)
