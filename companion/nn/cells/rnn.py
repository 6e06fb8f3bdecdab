"""The simple recurrent network, h_t = φ(W x_t + U h_{t-1} + b) (Elman 1990). Chapter *unfolding* runs it, *bptt* derives it."""

from dataclasses import dataclass

import torch
from torch import Tensor

from companion.nn._products import step_product
from companion.nn.cells._cell import Cell
from companion.nn.cells._scan import array, before, library, through_sigmoid, through_tanh

PHI = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}


@dataclass(frozen=True)
class RNNCell(Cell):
    """One gate block, whose nonlinearity is "tanh", "relu" or "sigmoid"."""

    phi: str = "tanh"
    gates: int = 1

    @property
    def name(self) -> str:
        return f"rnn_{self.phi}"

    @property
    def scale(self) -> tuple[float, ...]:
        return (0.5,) if self.phi == "sigmoid" else (1.0,)

    def step(self, a, state, weights):
        (h,), (U,) = state, weights
        h = PHI[self.phi](a + h @ U.T)
        return (h,)

    def scan(self, a, state, weights, keep):
        (h0,), (U,) = state, weights
        hs = a.new_empty(a.shape)
        recur = step_product([h0, *hs.unbind(0)], U * self.scale[0])
        add, squash = library(a).add, in_place(self.phi, library(a))
        a, h = array(a), array(hs)
        for t in range(len(a)):
            add(a[t], recur(t), out=h[t])
            squash(h[t])
        return (hs,), ()

    def scan_back(self, saved, series, state, weights, upstream, final):
        (hs,), (h0,), (U,), (dhs,) = series, state, weights, upstream
        das, local, total = torch.empty_like(hs), slope(self.phi, hs), torch.empty_like(h0)
        recur = step_product(das.unbind(0), U.t())
        xp = library(hs)
        d, A, dh = array(das), array(local), array(total)
        dy = None if dhs is None else array(dhs)
        back = array(torch.zeros_like(h0) if final[0] is None else final[0])
        for t in range(len(d) - 1, -1, -1):
            if dy is not None:
                back = xp.add(dy[t], back, out=dh)
            xp.multiply(back, A[t], out=d[t])
            back = recur(t)
        return das, before(h0, hs), (torch.as_tensor(back).clone(),), (None,)


def in_place(phi: str, xp):
    """φ on an array's own memory; the sigmoid's argument comes halved, as `Cell.scale` says."""

    def sigmoid(z):
        xp.tanh(z, out=z)
        xp.multiply(z, 0.5, out=z)
        xp.add(z, 0.5, out=z)

    def relu(z):
        return z.clamp_(min=0) if xp is torch else xp.maximum(z, 0, out=z)

    return {"tanh": lambda z: xp.tanh(z, out=z), "relu": relu, "sigmoid": sigmoid}[phi]


def slope(phi: str, h: Tensor) -> Tensor:
    """φ' where φ took the values h."""
    if phi == "relu":
        return (h > 0).to(h.dtype)
    one, out = torch.ones((), dtype=h.dtype, device=h.device).expand_as(h), torch.empty_like(h)
    return (through_tanh if phi == "tanh" else through_sigmoid)(one, h, grad_input=out)
