"""The gated recurrent unit, blocks r, z, n, with the reset after the recurrent product or before it. Chapter "The GRU".

The backward loop multiplies dh by local derivatives that were made for many steps at once. With the reset after the
product, r and n share one path: the gradient of the recurrent product's third block is that of a_n times r.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from companion.nn._products import step_product, weight_gradients
from companion.nn.cells._cell import Cell
from companion.nn.cells._scan import (
    allocate,
    array,
    before,
    blocks,
    library,
    longest_chunk,
    quietly,
    stretches,
    through_sigmoid,
    through_tanh,
)


@dataclass(frozen=True)
class GRUCell(Cell):
    """The reset gate acts after the recurrent product, as in torch.nn and cuDNN; its vector is b_hn (H,)."""

    name: str = "gru_after"
    gates: int = 3
    joint = False

    def step(self, a, state, weights):
        (h,), (U, b_n) = state, weights
        a_r, a_z, a_n = a.chunk(3, dim=-1)
        q_r, q_z, q_n = (h @ U.T).chunk(3, dim=-1)
        r = torch.sigmoid(a_r + q_r)
        z = torch.sigmoid(a_z + q_z)
        n = torch.tanh(a_n + r * (q_n + b_n))
        h = (1 - z) * n + z * h
        return (h,)

    def memory(self, steps, held, batch, hidden):
        return [(held, 4, batch, hidden)]  # r, z, n, and what r multiplies: U_n h + b_n

    def scan(self, a, state, weights, keep):
        (h0,), (U, b_n) = state, weights
        steps, batch, hidden = len(a), *h0.shape
        hs = h0.new_empty(steps, batch, hidden)
        (gates,) = allocate(h0, *self.memory(steps, steps if keep else 1, batch, hidden))
        recur = step_product(hs, U, 3, first=h0)
        xp, every = library(h0), gates.expand(steps, *gates.shape[1:])
        z = array(every)
        bias = array(b_n.expand_as(h0).contiguous())
        m, h_prev, blend = array(torch.empty_like(h0)), array(h0), _blend(xp)
        each = zip(a, z[:, :2], every[:, :2].unbind(0), *(z[:, k] for k in range(4)), array(hs), strict=False)
        with quietly():
            for t, (a_t, rz, gates_rz, r, z, n, q, h) in enumerate(each):
                product = recur(t)
                xp.add(a_t[:2], product[:2], rz)
                torch.sigmoid_(gates_rz)
                xp.add(product[2], bias, q)
                xp.multiply(r, q, n)
                xp.add(n, a_t[2], n)
                h_prev = blend(n, z, h_prev, m, h)
        return (hs,), (gates,)

    def scan_back(self, saved, series, state, weights, upstream, final, collect):
        (gates,), (hs,), (h0,), (U, _), (dhs,) = saved, series, state, weights, upstream
        steps, _, batch, hidden = gates.shape
        previous = before(h0, hs)
        das, dqs = allocate(gates, *[(steps, batch, 3 * hidden)] * 2)
        local = gates.new_empty(longest_chunk(steps, batch * hidden), 4, batch, hidden)  # r, z, recurrent n, n
        recur = step_product(dqs, U.t())
        xp = library(gates)
        d_n, dq, A, keep = array(das)[..., 2 * hidden :], blocks(array(dqs), 3), array(local), array(gates)[:, 1]
        dh = _Carry(xp, h0, dhs, final[0])
        with quietly():
            for first, end in stretches(steps, len(local)):
                r, z, n, q = gates[first:end].unbind(1)
                l_r, l_z, l_q, l_n = local[: end - first].unbind(1)
                through_tanh(1 - z, n, grad_input=l_n)
                through_sigmoid(previous[first:end] - n, z, grad_input=l_z)
                through_sigmoid(l_n * q, r, grad_input=l_r)
                torch.mul(l_n, r, out=l_q)
                for t in range(end - 1, first - 1, -1):
                    dy, A_t = dh.arrive(t), A[t - first]
                    xp.multiply(dy, A_t[:3], dq[t])
                    xp.multiply(dy, A_t[3], d_n[t])
                    dh.leave(keep[t], recur(t))
        das[..., : 2 * hidden] = dqs[..., : 2 * hidden]
        dU, db = weight_gradients(dqs, previous)
        collect(0, steps, das)
        return (dh.memory,), (dU, db[2 * hidden :])


@dataclass(frozen=True)
class ResetBeforeGRUCell(Cell):
    """The reset gate acts before the recurrent product (Cho and others 2014; Keras with ``reset_after=False``)."""

    name: str = "gru_before"
    gates: int = 3
    joint = False

    def step(self, a, state, weights):
        (h,), (U,) = state, weights
        a_r, a_z, a_n = a.chunk(3, dim=-1)
        U_r, U_z, U_n = U.chunk(3)
        r = torch.sigmoid(a_r + h @ U_r.T)
        z = torch.sigmoid(a_z + h @ U_z.T)
        n = torch.tanh(a_n + (r * h) @ U_n.T)
        h = (1 - z) * n + z * h
        return (h,)

    def memory(self, steps, held, batch, hidden):
        return [(held, 3, batch, hidden), (steps, batch, hidden)]  # r, z, n; r * h, what the third product reads

    def scan(self, a, state, weights, keep):
        (h0,), (U,) = state, weights
        steps, batch, hidden = len(a), *h0.shape
        hs = h0.new_empty(steps, batch, hidden)
        gates, shown = allocate(h0, *self.memory(steps, steps if keep else 1, batch, hidden))
        U_rz, U_n = U.split([2 * hidden, hidden])
        recur = step_product(hs, U_rz, 2, first=h0)
        recur_n = step_product(shown, U_n)
        xp, every = library(h0), gates.expand(steps, *gates.shape[1:])
        z = array(every)
        m, h_prev, blend = array(torch.empty_like(h0)), array(h0), _blend(xp)
        each = zip(
            a, z[:, :2], every[:, :2].unbind(0), *(z[:, k] for k in range(3)), array(shown), array(hs), strict=False
        )
        with quietly():
            for t, (a_t, rz, gates_rz, r, z, n, rh, h) in enumerate(each):
                xp.add(a_t[:2], recur(t), rz)
                torch.sigmoid_(gates_rz)
                xp.multiply(r, h_prev, rh)
                xp.add(a_t[2], recur_n(t), n)
                h_prev = blend(n, z, h_prev, m, h)
        return (hs,), (gates, shown)

    def scan_back(self, saved, series, state, weights, upstream, final, collect):
        (gates, shown), (hs,), (h0,), (U,), (dhs,) = saved, series, state, weights, upstream
        steps, _, batch, hidden = gates.shape
        previous = before(h0, hs)
        d_rzs, d_ns = allocate(gates, (steps, batch, 2 * hidden), (steps, batch, hidden))
        local = gates.new_empty(longest_chunk(steps, batch * hidden), 3, batch, hidden)
        U_rz, U_n = U.split([2 * hidden, hidden])
        recur, recur_n = step_product(d_rzs, U_rz.t()), step_product(d_ns, U_n.t())
        xp = library(gates)
        d_rz, d_n, A, gate = blocks(array(d_rzs), 2), array(d_ns), array(local), array(gates)
        dh, m = _Carry(xp, h0, dhs, final[0]), array(torch.empty_like(h0))
        with quietly():
            for first, end in stretches(steps, len(local)):
                r, z, n = gates[first:end].unbind(1)
                l_r, l_z, l_n = local[: end - first].unbind(1)
                through_sigmoid(previous[first:end], r, grad_input=l_r)
                through_sigmoid(previous[first:end] - n, z, grad_input=l_z)
                through_tanh(1 - z, n, grad_input=l_n)
                for t in range(end - 1, first - 1, -1):
                    A_t, d_t, dy = A[t - first], d_rz[t], dh.arrive(t)
                    xp.multiply(dy, A_t[2], d_n[t])
                    d_shown = recur_n(t)
                    xp.multiply(d_shown, A_t[0], d_t[0])
                    xp.multiply(dy, A_t[1], d_t[1])
                    xp.multiply(d_shown, gate[t, 0], m)
                    dh.leave(gate[t, 1], recur(t), m)
        (dU_rz, _), (dU_n, _) = weight_gradients(d_rzs, previous), weight_gradients(d_ns, shown)
        collect(0, steps, torch.cat([d_rzs, d_ns], dim=-1))
        return (dh.memory,), (torch.cat([dU_rz, dU_n]),)


class _Carry:
    """The gradient of h on its way back: what arrives from above and from the step after, and what goes on."""

    def __init__(self, xp, h0: Tensor, upstream: Tensor | None, final: Tensor | None):
        self.xp, self.upstream = xp, None if upstream is None else array(upstream)
        self.memory = torch.zeros_like(h0) if final is None else final.clone()
        self.dh = array(self.memory)

    def arrive(self, t: int):
        """The gradient of h_t."""
        if self.upstream is not None:
            self.xp.add(self.upstream[t], self.dh, self.dh)
        return self.dh

    def leave(self, z, *terms) -> None:
        """Go on to h_{t-1}: what z kept of it, and what the other paths bring."""
        self.xp.multiply(self.dh, z, self.dh)
        for term in terms:
            self.xp.add(self.dh, term, self.dh)


def _blend(xp):
    """h = (1 - z) tanh(n) + z h', with tanh(n) left in n."""
    tanh, multiply, subtract, add = xp.tanh, xp.multiply, xp.subtract, xp.add

    def blend(n, z, h_prev, m, h):
        tanh(n, n)
        subtract(h_prev, n, m)
        multiply(m, z, m)
        return add(n, m, h)

    return blend
