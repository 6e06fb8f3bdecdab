"""The simple recurrent neuron: its own last output is one of its inputs (chapter "The recurrent neuron")."""

from dataclasses import dataclass

from companion.reference.activations import TANH, Activation
from companion.reference.weights import gated


@dataclass(frozen=True)
class RNNCell:
    """Elman's cell, h_t = φ(W x_t + b + U h_{t-1}) (Elman 1990; `torch.nn.RNN`), with b = bias_ih + bias_hh."""

    phi: Activation = TANH

    blocks = ("h",)
    state = ("h",)
    records = ("h",)
    weights = gated(blocks)

    @property
    def analytic(self) -> bool:
        """False for ReLU, whose slope jumps at zero."""
        return self.phi.analytic

    def step(self, Wx, state, w):
        """One step forward: Wx (H, B), state (h,) with h (H, B)."""
        (h,) = state
        h = self.phi(Wx + w.U @ h)
        return (h,), (h,)

    def step_back(self, dstate, records, prev, w):
        """One step back: dstate (dh,) with dh (H, B)."""
        (dh,), (h,) = dstate, records
        da = self.phi.back(dh, h)
        dh = w.U.mT @ da
        return da, (dh,)
