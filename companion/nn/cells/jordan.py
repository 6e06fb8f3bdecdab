"""Jordan's network: what comes back is the output (Jordan 1986). Chapter "Connection schemes"."""

from dataclasses import dataclass

import torch
from torch import Tensor

from companion.nn._products import step_product, weight_gradients
from companion.nn.cells._cell import Cell
from companion.nn.cells._scan import array, library, quietly
from companion.nn.cells.rnn import IN_PLACE, PHI, slope

OUT = {"linear": lambda v: v, "sigmoid": torch.sigmoid, "softmax": lambda v: torch.softmax(v, dim=-1)}


@dataclass(frozen=True)
class JordanCell(Cell):
    """h_t = φ(W x_t + U y_{t-1} + b), y_t = out(V h_t + d). The state is y (B, O); the weights are U, V and d."""

    phi: str = "tanh"
    out: str = "linear"
    gates: int = 1

    @property
    def name(self) -> str:
        return f"jordan_{self.phi}_{self.out}"

    @property
    def bounded(self) -> bool:
        return self.phi != "relu"

    def step(self, a, state, weights):
        (y,), (U, V, d) = state, weights
        h = PHI[self.phi](a + y @ U.T)
        y = OUT[self.out](h @ V.T + d)
        return (y,)

    def memory(self, steps, held, batch, hidden):
        return [(steps, batch, hidden)]

    def scan(self, a, state, weights, keep):
        (y0,), (U, V, d) = state, weights
        steps, batch, hidden = len(a), len(y0), len(U)
        ys, hs = y0.new_empty(steps, batch, len(V)), y0.new_empty(*self.memory(steps, steps, batch, hidden))
        recur, emit = step_product(ys, U, first=y0), step_product(hs, V)
        xp = library(y0)
        squash = IN_PLACE[self.phi]
        h, y, bias = array(hs), array(ys), array(d)
        with quietly():
            for t, a_t in enumerate(a):
                xp.add(a_t, recur(t), h[t])
                squash(h[t], hs[t])
                xp.add(emit(t), bias, y[t])
                ys[t] = OUT[self.out](ys[t])
        return (ys,), (hs,)

    def scan_back(self, saved, series, state, weights, upstream, final, collect):
        (hs,), (ys,), (y0,), (U, V, _), (dys,) = saved, series, state, weights, upstream
        das, dvs, local = torch.empty_like(hs), torch.empty_like(ys), slope(self.phi, hs)
        recur, emit_back = step_product(das, U.t()), step_product(dvs, V.t())
        xp = library(hs)
        da, A = array(das), array(local)
        dy = torch.zeros_like(y0) if final[0] is None else final[0].clone()
        with quietly():
            for t in range(len(hs) - 1, -1, -1):
                if dys is not None:
                    dy = dy + dys[t]
                dvs[t] = _through_output(self.out, dy, ys[t])
                xp.multiply(emit_back(t), A[t], da[t])
                dy = torch.as_tensor(recur(t)).clone()
        dV, dd = weight_gradients(dvs, hs)
        collect(0, len(das), das)
        return (dy,), (None, dV, dd)


def _through_output(out: str, dy: Tensor, y: Tensor) -> Tensor:
    """The gradient of V h + d, given that of y."""
    if out == "linear":
        return dy
    if out == "sigmoid":
        return dy * y * (1 - y)
    return y * (dy - (dy * y).sum(-1, keepdim=True))
