"""The LSTM and its relatives: the cell of 1997 without a forget gate, and peepholes from the cell state to the gates.

Chapters *lstm* and *peephole*. In the backward pass dh and dc are the gradients of the loss with respect to h_t and c_t,
and every local derivative is one number per unit and step. They are made for many steps at once, and the loop back
through time is what is left: two products with dh, two with dc, and the recurrent product.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from companion.nn.cells._cell import Cell
from companion.nn.cells._scan import (
    array,
    before,
    blocks,
    chunks,
    column,
    library,
    longest_chunk,
    through_sigmoid,
    through_tanh,
)
from companion.nn._products import step_product


@dataclass(frozen=True)
class LSTMCell(Cell):
    """Long short-term memory with forget gate: gate blocks i, f, g, o (Gers, Schmidhuber and Cummins 2000)."""

    name: str = "lstm"
    gates: int = 4
    scale: tuple[float, ...] = (0.5, 0.5, 1.0, 0.5)
    states = 2

    def step(self, a, state, weights):
        (h, c), (U,) = state, weights
        a_i, a_f, a_g, a_o = (a + h @ U.T).chunk(4, dim=-1)
        i = torch.sigmoid(a_i)
        f = torch.sigmoid(a_f)
        g = torch.tanh(a_g)
        c = f * c + i * g
        o = torch.sigmoid(a_o)
        h = o * torch.tanh(c)
        return h, c

    def scan(self, a, state, weights, keep):
        return _scan(self, a, state, weights[0], None, keep)

    def scan_back(self, saved, series, state, weights, upstream, final):
        da, recurrent, dstate = _scan_back(self, saved, series, state, weights[0], None, upstream, final)
        return da, recurrent, dstate, (None,)


@dataclass(frozen=True)
class LSTM1997Cell(LSTMCell):
    """The first LSTM: nothing is forgotten, gate blocks i, g, o (Hochreiter and Schmidhuber 1997)."""

    name: str = "lstm_1997"
    gates: int = 3
    scale: tuple[float, ...] = (0.5, 1.0, 0.5)

    def step(self, a, state, weights):
        (h, c), (U,) = state, weights
        a_i, a_g, a_o = (a + h @ U.T).chunk(3, dim=-1)
        i = torch.sigmoid(a_i)
        g = torch.tanh(a_g)
        c = c + i * g
        o = torch.sigmoid(a_o)
        h = o * torch.tanh(c)
        return h, c


@dataclass(frozen=True)
class PeepholeLSTMCell(Cell):
    """LSTM whose gates see the cell state: i and f that of the step before, o the new one (Gers and others 2002)."""

    name: str = "peephole_new"
    gates: int = 4
    scale: tuple[float, ...] = (0.5, 0.5, 1.0, 0.5)
    states = 2

    def step(self, a, state, weights):
        (h, c), (U, p) = state, weights
        a_i, a_f, a_g, a_o = (a + h @ U.T).chunk(4, dim=-1)
        p_i, p_f, p_o = p.chunk(3)
        i = torch.sigmoid(a_i + p_i * c)
        f = torch.sigmoid(a_f + p_f * c)
        g = torch.tanh(a_g)
        c = f * c + i * g
        o = torch.sigmoid(a_o + p_o * c)
        h = o * torch.tanh(c)
        return h, c

    def scan(self, a, state, weights, keep):
        return _scan(self, a, state, *weights, keep)

    def scan_back(self, saved, series, state, weights, upstream, final):
        da, recurrent, dstate = _scan_back(self, saved, series, state, *weights, upstream, final)
        _, cells, _ = saved
        hidden = state[0].shape[1]
        seen = cells[:-1], cells[:-1], cells[1:] if self.name == "peephole_new" else cells[:-1]
        dp = [_summed(da[..., k * hidden : (k + 1) * hidden], c) for k, c in zip((0, 1, 3), seen, strict=True)]
        return da, recurrent, dstate, (None, torch.cat(dp))


@dataclass(frozen=True)
class OldPeepholeLSTMCell(PeepholeLSTMCell):
    """The same with an output gate that, too, sees the cell state of the step before, as the book's sources draw it."""

    name: str = "peephole_old"

    def step(self, a, state, weights):
        (h, c), (U, p) = state, weights
        a_i, a_f, a_g, a_o = (a + h @ U.T).chunk(4, dim=-1)
        p_i, p_f, p_o = p.chunk(3)
        i = torch.sigmoid(a_i + p_i * c)
        f = torch.sigmoid(a_f + p_f * c)
        o = torch.sigmoid(a_o + p_o * c)
        g = torch.tanh(a_g)
        c = f * c + i * g
        h = o * torch.tanh(c)
        return h, c


def _summed(left: Tensor, right: Tensor) -> Tensor:
    """The sum over time and batch of the elementwise product of two (T, B, H)."""
    return (left * right).sum((0, 1))


def _scan(cell: Cell, a: Tensor, state, U: Tensor, p: Tensor | None, keep: bool):
    """Forward through all steps. ``saved`` is the gates (T, G, B, H), the cell states with the first, tanh of the new ones."""
    steps, batch, width = a.shape
    G, hidden = cell.gates, width // cell.gates
    held = steps if keep else 1
    scale = a.new_tensor(cell.scale)
    hs, cs = a.new_empty(steps, batch, hidden), a.new_empty(steps + 1, batch, hidden)
    gates, tanh_cs = a.new_empty(held, G, batch, hidden), a.new_empty(held, batch, hidden)
    cs[0] = state[1]
    recur = step_product([state[0], *hs.unbind(0)], (U.view(G, -1) * scale[:, None]).view(U.shape))

    xp = library(a)
    add, multiply, tanh = xp.add, xp.multiply, xp.tanh
    a, h, c, z, s = blocks(array(a), G), array(hs), array(cs), array(gates), array(tanh_cs)
    late = cell.name == "peephole_new"  # the output gate waits for the new cell state
    early, under_sigmoid = (slice(0, 3), slice(0, 2)) if late else (slice(0, G), slice(0, G))
    halves, shifts = column(cell.scale, scale)[under_sigmoid], column([1 - k for k in cell.scale], scale)[under_sigmoid]
    term, peep = array(hs.new_empty(batch, hidden)), None
    if p is not None:
        p_i, p_f, p_o = (p.view(3, 1, hidden) * 0.5).expand(3, batch, hidden)
        peep = array(torch.stack([p_i, p_f] if late else [p_i, p_f, torch.zeros_like(p_i), p_o]))
        p_o, terms = array(p_o.contiguous()), xp.empty_like(peep)
    for t in range(steps):
        zt, st, before_c, new_c = z[t % held], s[t % held], c[t], c[t + 1]
        add(a[t], blocks(recur(t), G), out=zt)
        if peep is not None:
            seeing = zt[: len(peep)]
            multiply(before_c, peep, out=terms)
            add(seeing, terms, out=seeing)
        now = zt[early]
        tanh(now, out=now)
        now = zt[under_sigmoid]
        multiply(now, halves, out=now)
        add(now, shifts, out=now)
        if G == 4:
            multiply(zt[0], zt[2], out=term)
            multiply(zt[1], before_c, out=new_c)
            add(new_c, term, out=new_c)
        else:
            multiply(zt[0], zt[1], out=term)
            add(before_c, term, out=new_c)
        o = zt[G - 1]
        if late:
            multiply(new_c, p_o, out=term)
            add(o, term, out=o)
            tanh(o, out=o)
            multiply(o, 0.5, out=o)
            add(o, 0.5, out=o)
        tanh(new_c, out=st)
        multiply(o, st, out=h[t])
    return (hs, cs[1:]), (gates, cs, tanh_cs)


def _scan_back(cell: Cell, saved, series, state, U: Tensor, p: Tensor | None, upstream, final):
    """Backward through all steps: the gradient of the pre-activations, and of the initial state."""
    gates, cells, tanh_cells = saved
    steps, G, batch, hidden = gates.shape
    dhs, dcs = upstream
    das = gates.new_empty(steps, batch, G * hidden)
    dh, dc, term = gates.new_empty(3, batch, hidden).unbind(0)
    dh.zero_() if final[0] is None else dh.copy_(final[0])
    dc.zero_() if final[1] is None else dc.copy_(final[1])
    # local derivatives: the gates' pre-activations (G blocks), c_t out of h_t, c_{t-1} out of c_t and, by the old peephole, of h_t
    local = gates.new_empty(longest_chunk(steps, batch * hidden), G + 3, batch, hidden)
    recur = step_product(das.unbind(0), U.t())

    xp = library(gates)
    add, multiply = xp.add, xp.multiply
    d, A = blocks(array(das), G), array(local)
    dy, dcy = (None if g is None else array(g) for g in (dhs, dcs))
    total, carry, m = array(dh), array(dc), array(term)
    peeps, old = (None,) * 3 if p is None else p.view(3, hidden), cell.name == "peephole_old"
    back = total.copy() if xp is not torch else total.clone()
    for first, end in chunks(steps, batch * hidden):
        _local_derivatives(local, gates[first:end], cells[first:end], tanh_cells[first:end], peeps, old)
        for t in range(end - 1, first - 1, -1):
            At, dt = A[t - first], d[t]
            if dy is not None:
                back = add(dy[t], back, out=total)
            multiply(back, At[G - 1], out=dt[G - 1])
            multiply(back, At[G], out=m)
            add(carry, m, out=carry)
            if dcy is not None:
                add(carry, dcy[t], out=carry)
            multiply(carry, At[: G - 1], out=dt[: G - 1])
            if G == 4:
                multiply(carry, At[G + 1], out=carry)
            if old:
                multiply(back, At[G + 2], out=m)
                add(carry, m, out=carry)
            back = recur(t)
    return das, before(state[0], series[0]), (torch.as_tensor(back).clone(), dc)


def _local_derivatives(local: Tensor, gates: Tensor, cells: Tensor, tanh_cells: Tensor, peeps, old: bool) -> None:
    """Fill the first steps of ``local`` for a stretch of steps; ``cells`` are those each step began with."""
    local = local[: len(gates)]
    G = gates.shape[1]
    i, *f, g, o = gates.unbind(1)
    d_i, *d_f, d_g, d_o, through_h, through_c, through_old = local.unbind(1)
    p_i, p_f, p_o = peeps
    through_sigmoid(g, i, grad_input=d_i)
    through_tanh(i, g, grad_input=d_g)
    through_sigmoid(tanh_cells, o, grad_input=d_o)
    through_tanh(o, tanh_cells, grad_input=through_h)
    if G == 4:
        through_sigmoid(cells, f[0], grad_input=d_f[0])
    if old:
        torch.mul(d_o, p_o, out=through_old)
    elif p_o is not None:
        torch.addcmul(through_h, d_o, p_o, out=through_h)
    if p_i is not None:
        torch.addcmul(f[0], d_i, p_i, out=through_c)
        torch.addcmul(through_c, d_f[0], p_f, out=through_c)
    elif G == 4:
        through_c.copy_(f[0])
