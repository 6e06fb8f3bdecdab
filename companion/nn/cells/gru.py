"""The gated recurrent unit, blocks r, z, n, with the reset after the recurrent product or before it. Chapter *gru*.

The backward loop multiplies dh by local derivatives that were made for many steps at once. With the reset after the
product, r and n share one path: the gradient of the recurrent product's third block is that of a_n times r.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from companion.nn._products import step_product, weight_gradients
from companion.nn.cells._cell import Cell
from companion.nn.cells._scan import (
    array,
    before,
    blocks,
    chunks,
    library,
    longest_chunk,
    through_sigmoid,
    through_tanh,
)


@dataclass(frozen=True)
class GRUCell(Cell):
    """The reset gate acts after the recurrent product, as in torch.nn and cuDNN; its vector is b_hn (H,)."""

    name: str = "gru_after"
    gates: int = 3
    scale: tuple[float, ...] = (0.5, 0.5, 1.0)

    def step(self, a, state, weights):
        (h,), (U, b_n) = state, weights
        a_r, a_z, a_n = a.chunk(3, dim=-1)
        q_r, q_z, q_n = (h @ U.T).chunk(3, dim=-1)
        r = torch.sigmoid(a_r + q_r)
        z = torch.sigmoid(a_z + q_z)
        n = torch.tanh(a_n + r * (q_n + b_n))
        h = (1 - z) * n + z * h
        return (h,)

    def scan(self, a, state, weights, keep):
        (h0,), (U, b_n) = state, weights
        steps, batch, hidden = len(a), *h0.shape
        held = steps if keep else 1
        hs, gates = a.new_empty(steps, batch, hidden), a.new_empty(held, 4, batch, hidden)  # r, z, n, U_n h + b_n
        recur = step_product([h0, *hs.unbind(0)], _halved(U, hidden))
        xp = library(a)
        a, h, gate, bias = blocks(array(a), 3), array(hs), array(gates), array(b_n)
        m, h_prev = array(torch.empty_like(h0)), array(h0)
        for t in range(steps):
            q, zt = blocks(recur(t), 3), gate[t % held]
            _, z, n, qn = zt
            xp.add(a[t, :2], q[:2], out=zt[:2])
            _sigmoid(xp, zt[:2])
            xp.add(q[2], bias, out=qn)
            xp.multiply(zt[0], qn, out=n)
            xp.add(n, a[t, 2], out=n)
            h_prev = _blend(xp, n, z, h_prev, m, h[t])
        return (hs,), (gates,)

    def scan_back(self, saved, series, state, weights, upstream, final):
        (gates,), (hs,), (h0,), (U, b_n), (dhs,) = saved, series, state, weights, upstream
        steps, _, batch, hidden = gates.shape
        previous = before(h0, hs)
        das, dqs = gates.new_empty(2, steps, batch, 3 * hidden).unbind(0)
        local = gates.new_empty(longest_chunk(steps, batch * hidden), 4, batch, hidden)  # r, z, recurrent n, n
        recur = step_product(dqs.unbind(0), U.t())
        xp = library(gates)
        d, dq, A, gate = blocks(array(das), 3), blocks(array(dqs), 3), array(local), array(gates)
        dh, dy = _Carry(xp, h0, dhs, final[0]), None
        for first, end in chunks(steps, batch * hidden):
            r, z, n, q = gates[first:end].unbind(1)
            d_r, d_z, d_q, d_n = local[: end - first].unbind(1)
            through_tanh(1 - z, n, grad_input=d_n)
            through_sigmoid(previous[first:end] - n, z, grad_input=d_z)
            through_sigmoid(d_n * q, r, grad_input=d_r)
            torch.mul(d_n, r, out=d_q)
            for t in range(end - 1, first - 1, -1):
                dy = dh.arrive(t)
                xp.multiply(dy, A[t - first, :3], out=dq[t])
                xp.multiply(dy, A[t - first, 3], out=d[t, 2])
                dh.leave(gate[t, 1], recur(t))
        das[..., : 2 * hidden] = dqs[..., : 2 * hidden]
        dU, db = weight_gradients(dqs, previous)
        return das, None, (dh.tensor(),), (dU, db[2 * hidden :])


@dataclass(frozen=True)
class ResetBeforeGRUCell(Cell):
    """The reset gate acts before the recurrent product (Cho and others 2014; Keras with ``reset_after=False``)."""

    name: str = "gru_before"
    gates: int = 3
    scale: tuple[float, ...] = (0.5, 0.5, 1.0)

    def step(self, a, state, weights):
        (h,), (U,) = state, weights
        a_r, a_z, a_n = a.chunk(3, dim=-1)
        U_r, U_z, U_n = U.chunk(3)
        r = torch.sigmoid(a_r + h @ U_r.T)
        z = torch.sigmoid(a_z + h @ U_z.T)
        n = torch.tanh(a_n + (r * h) @ U_n.T)
        h = (1 - z) * n + z * h
        return (h,)

    def scan(self, a, state, weights, keep):
        (h0,), (U,) = state, weights
        steps, batch, hidden = len(a), *h0.shape
        held = steps if keep else 1
        hs, gates = a.new_empty(steps, batch, hidden), a.new_empty(held, 3, batch, hidden)
        shown = a.new_empty(held, batch, hidden)  # r * h, what the third product reads
        recur = step_product([h0, *hs.unbind(0)], _halved(U, hidden)[: 2 * hidden])
        recur_n = step_product(shown.unbind(0), U[2 * hidden :])
        xp = library(a)
        a, h, gate, rh = blocks(array(a), 3), array(hs), array(gates), array(shown)
        m, h_prev = array(torch.empty_like(h0)), array(h0)
        for t in range(steps):
            zt = gate[t % held]
            r, z, n = zt
            xp.add(a[t, :2], blocks(recur(t), 2), out=zt[:2])
            _sigmoid(xp, zt[:2])
            xp.multiply(r, h_prev, out=rh[t % held])
            xp.add(a[t, 2], recur_n(t % held), out=n)
            h_prev = _blend(xp, n, z, h_prev, m, h[t])
        return (hs,), (gates, shown)

    def scan_back(self, saved, series, state, weights, upstream, final):
        (gates, shown), (hs,), (h0,), (U,), (dhs,) = saved, series, state, weights, upstream
        steps, _, batch, hidden = gates.shape
        previous = before(h0, hs)
        d_rzs, d_ns = gates.new_empty(steps, batch, 2 * hidden), gates.new_empty(steps, batch, hidden)
        local = gates.new_empty(longest_chunk(steps, batch * hidden), 3, batch, hidden)
        recur, recur_n = step_product(d_rzs.unbind(0), U[: 2 * hidden].t()), step_product(d_ns.unbind(0), U[2 * hidden :].t())
        xp = library(gates)
        d_rz, d_n, A, gate = blocks(array(d_rzs), 2), array(d_ns), array(local), array(gates)
        dh, m = _Carry(xp, h0, dhs, final[0]), array(torch.empty_like(h0))
        for first, end in chunks(steps, batch * hidden):
            r, z, n = gates[first:end].unbind(1)
            l_r, l_z, l_n = local[: end - first].unbind(1)
            through_sigmoid(previous[first:end], r, grad_input=l_r)
            through_sigmoid(previous[first:end] - n, z, grad_input=l_z)
            through_tanh(1 - z, n, grad_input=l_n)
            for t in range(end - 1, first - 1, -1):
                At, dt, dy = A[t - first], d_rz[t], dh.arrive(t)
                xp.multiply(dy, At[2], out=d_n[t])
                d_shown = recur_n(t)
                xp.multiply(d_shown, At[0], out=dt[0])
                xp.multiply(dy, At[1], out=dt[1])
                xp.multiply(d_shown, gate[t, 0], out=m)
                dh.leave(gate[t, 1], recur(t), m)
        (dU_rz, _), (dU_n, _) = weight_gradients(d_rzs, previous), weight_gradients(d_ns, shown)
        return torch.cat([d_rzs, d_ns], dim=-1), None, (dh.tensor(),), (torch.cat([dU_rz, dU_n]),)


class _Carry:
    """The gradient of h on its way back: what arrives from above and from the step after, and what goes on."""

    def __init__(self, xp, h0: Tensor, upstream: Tensor | None, final: Tensor | None):
        self.xp, self.upstream = xp, None if upstream is None else array(upstream)
        self.memory = torch.zeros_like(h0) if final is None else final.clone()
        self.dh = array(self.memory)

    def arrive(self, t: int):
        """The gradient of h_t."""
        if self.upstream is not None:
            self.xp.add(self.upstream[t], self.dh, out=self.dh)
        return self.dh

    def leave(self, z, *terms) -> None:
        """Go on to h_{t-1}: what z kept of it, and what the other paths bring."""
        self.xp.multiply(self.dh, z, out=self.dh)
        for term in terms:
            self.xp.add(self.dh, term, out=self.dh)

    def tensor(self) -> Tensor:
        return self.memory


def _halved(U: Tensor, hidden: int) -> Tensor:
    """U with the rows of r and z as `Cell.scale` wants them."""
    return torch.cat([U[: 2 * hidden] * 0.5, U[2 * hidden :]])


def _sigmoid(xp, z) -> None:
    """½ + ½ tanh in place: σ of the pre-activation of which z is the half."""
    xp.tanh(z, out=z)
    xp.multiply(z, 0.5, out=z)
    xp.add(z, 0.5, out=z)


def _blend(xp, n, z, h_prev, m, h):
    """h = (1 - z) tanh(n) + z h', with tanh(n) left in n."""
    xp.tanh(n, out=n)
    xp.subtract(h_prev, n, out=m)
    xp.multiply(m, z, out=m)
    return xp.add(n, m, out=h)
