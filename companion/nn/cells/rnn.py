"""The simple recurrent network, h_t = φ(W x_t + U h_{t-1} + b) (Elman 1990). Chapter "Unfolding"."""

from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

from companion.nn._products import step_product
from companion.nn.cells._cell import Cell
from companion.nn.cells._scan import (
    array,
    backwards,
    library,
    quietly,
    through_sigmoid,
    through_tanh,
)

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
    def bounded(self) -> bool:
        return self.phi != "relu"

    def step(self, a, state, weights):
        (h,), (U,) = state, weights
        h = PHI[self.phi](a + h @ U.T)
        return (h,)

    def memory(self, steps, held, batch, hidden):
        return []  # φ' follows from the value of φ

    def scan(self, a, state, weights, keep):
        (h0,), (U,) = state, weights
        hs = h0.new_empty(len(a), *h0.shape)
        recur = step_product(hs, U, first=h0)
        add, squash = library(h0).add, IN_PLACE[self.phi]
        with quietly():
            for t, (a_t, h, tensor) in enumerate(zip(a, array(hs), hs.unbind(0), strict=True)):
                add(a_t, recur(t), h)
                squash(h, tensor)
        return (hs,), ()

    def scan_back(self, saved, series, state, weights, upstream, final, collect):
        (hs,), (h0,), (U,), (dhs,) = series, state, weights, upstream
        das, local, dh = torch.empty_like(hs), slope(self.phi, hs), torch.zeros_like(h0)
        if final[0] is not None:
            dh.copy_(final[0])
        recur = step_product(das, U.t())
        add, multiply = library(hs).add, library(hs).multiply
        dy = repeat(None) if dhs is None else backwards(array(dhs))
        each = zip(range(len(hs) - 1, -1, -1), dy, backwards(array(local)), backwards(array(das)), strict=False)
        carried = array(dh)
        with quietly():
            for t, dy_t, A_t, d_t in each:
                if dy_t is not None:
                    carried = add(dy_t, carried, carried)
                multiply(carried, A_t, d_t)
                carried = recur(t)
        array(dh)[...] = carried
        collect(0, len(das), das)
        return (dh,), (None,)


def _tanh_(z, tensor: Tensor) -> None:
    library(tensor).tanh(z, z)


# φ on a step's own memory, given as `array` sees it and as a tensor: torch's sigmoid is faster than NumPy's tanh, and
# that is seven times faster than torch's
IN_PLACE = {
    "tanh": _tanh_,
    "relu": lambda z, tensor: torch.relu_(tensor),
    "sigmoid": lambda z, tensor: torch.sigmoid_(tensor),
}


def slope(phi: str, h: Tensor) -> Tensor:
    """φ' where φ took the values h."""
    if phi == "relu":
        return (h > 0).to(h.dtype)
    one, out = torch.ones((), dtype=h.dtype, device=h.device).expand_as(h), torch.empty_like(h)
    return (through_tanh if phi == "tanh" else through_sigmoid)(one, h, grad_input=out)
