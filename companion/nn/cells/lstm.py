"""The LSTM and its relatives: the cell of 1997 without a forget gate, and peepholes from the cell state to the gates.

Chapters *lstm* and *peephole*. In the backward pass dh and dc are the gradients of the loss with respect to h_t and
c_t, and every local derivative is one number per unit and step. They are made for many steps at once, and the loop back
through time is what is left: two products with dh, two with dc, and the recurrent product.
"""

from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

from companion.nn._products import step_product
from companion.nn.cells import _lstm_compiled as compiled
from companion.nn.cells._cell import Cell
from companion.nn.cells._scan import (
    PreActivations,
    allocate,
    array,
    backwards,
    blocks,
    library,
    longest_chunk,
    quietly,
    stretch,
    stretches,
    through_sigmoid,
    through_tanh,
)


@dataclass(frozen=True)
class LSTMCell(Cell):
    """Long short-term memory with forget gate: gate blocks i, f, g, o (Gers, Schmidhuber and Cummins 2000)."""

    name: str = "lstm"
    gates: int = 4
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

    def memory(self, steps, held, batch, hidden):
        return _memory(self, steps, held, batch, hidden)

    def scan(self, a, state, weights, keep):
        return _scan(self, a, state, weights[0], None, keep)

    def scan_back(self, saved, series, state, weights, upstream, final, collect):
        return _scan_back(self, saved, weights[0], None, upstream, final, collect), (None,)


@dataclass(frozen=True)
class LSTM1997Cell(LSTMCell):
    """The first LSTM: nothing is forgotten, gate blocks i, g, o (Hochreiter and Schmidhuber 1997)."""

    name: str = "lstm_1997"
    gates: int = 3

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

    def memory(self, steps, held, batch, hidden):
        return _memory(self, steps, held, batch, hidden)

    def scan(self, a, state, weights, keep):
        return _scan(self, a, state, *weights, keep)

    def scan_back(self, saved, series, state, weights, upstream, final, collect):
        dp = state[0].new_zeros(3, state[0].shape[1])
        dstate = _scan_back(self, saved, *weights, upstream, final, collect, dp)
        return dstate, (None, dp.view(-1))


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


def _memory(cell: Cell, steps: int, held: int, batch: int, hidden: int):
    """The gates, and every cell state with the initial one."""
    return [(held, cell.gates, batch, hidden), (steps + 1, batch, hidden)]


def _scan(cell: Cell, a: PreActivations, state, U: Tensor, p: Tensor | None, keep: bool):
    """Forward through all steps."""
    steps, G, (h0, c0) = len(a), cell.gates, state
    gates, cells = saved = allocate(h0, *cell.memory(steps, steps if keep else 1, *h0.shape))
    cells[0] = c0
    if compiled.why_not(h0) is None:
        return (compiled.scan(cell, a, state, U, p, keep, gates, cells), cells[1:]), saved
    hs = h0.new_empty(steps, *h0.shape)
    recur = step_product(hs, U, G, first=h0)

    xp, late = library(h0), cell.name == "peephole_new"  # there the output gate waits for the new cell state
    add, multiply, tanh, sigmoid_ = xp.add, xp.multiply, xp.tanh, torch.sigmoid_
    steps_of_gates, c = gates.expand(steps, *gates.shape[1:]), array(cells)
    z = array(steps_of_gates)
    m, early, p_early, p_o = _peepholes(cell, p, h0, z)
    tanh_c = array(torch.empty_like(h0))
    i, f, g, o = z[:, 0], z[:, 1] if G == 4 else repeat(None), z[:, G - 2], z[:, G - 1]
    sigmoids = steps_of_gates[:, : G - 2].unbind(0), steps_of_gates[:, G - 1].unbind(0)
    each = zip(a, z, early, *sigmoids, i, f, g, o, c[:-1], c[1:], array(hs), strict=False)
    with quietly():
        for t, (a, z, early, i_f, out, i, f, g, o, c_prev, c, h) in enumerate(each):
            add(a, recur(t), z)
            if p is not None:
                multiply(p_early, c_prev, m)
                add(early, m, early)
            sigmoid_(i_f)
            tanh(g, g)
            multiply(i, g, tanh_c)
            if f is None:
                add(c_prev, tanh_c, c)
            else:
                multiply(f, c_prev, c)
                add(c, tanh_c, c)
            if late:
                multiply(p_o, c, tanh_c)
                add(o, tanh_c, o)
            sigmoid_(out)
            tanh(c, tanh_c)
            multiply(o, tanh_c, h)
    return (hs, cells[1:]), saved


def _peepholes(cell: Cell, p: Tensor | None, like: Tensor, z):
    """For `_scan`: scratch memory, the gates that see the old cell state, their peepholes, and a late output gate's.

    The peepholes come spread over the batch: NumPy is fastest on like shapes.
    """
    if p is None:
        return None, repeat(None), None, None
    old = cell.name == "peephole_old"
    spread = like.new_zeros(4 if old else 3, *like.shape)
    spread[:2], spread[-1] = p.view(3, 1, -1)[:2], p.view(3, 1, -1)[2]
    peep = array(spread)
    early = peep if old else peep[:2]
    return library(like).empty_like(early), z[:, : len(early)], early, peep[-1]


def _scan_back(cell: Cell, saved, U: Tensor, p: Tensor | None, upstream, final, collect, dp=None):
    """Backward through all steps: the gradients of the initial state, and those of the peepholes added to dp (3, H)."""
    gates, cells = saved
    steps, G, batch, hidden = gates.shape
    sums = gates.new_zeros(4, batch, hidden)
    for total, start in zip(sums, final, strict=False):
        if start is not None:
            total.copy_(start)
    if compiled.why_not(sums) is None:
        back = compiled.Back(cell, U, p, saved, upstream, sums[:2], dp)
        (das,) = allocate(gates, (_stretch(U, gates), batch, G * hidden))
        for first, end in stretches(steps, len(das)):
            back.through(first, end, das)
            collect(first, end, das[: end - first])
        return sums[0], sums[1]
    back = _Back(cell, gates, U, sums)
    dy, dcy = (None if g is None else array(g) for g in upstream)
    peeps, c = (None,) * 3 if p is None else p.view(3, hidden), array(cells)
    with quietly():
        for first, end in stretches(steps, len(back.das)):
            for start, stop in stretches(end, len(back.local), first):
                _local_derivatives(back.local, gates[start:stop], cells[start : stop + 1], peeps, back.old)
                back.through(start, stop, first, dy, dcy)
            collect(first, end, back.das[: end - first])
            if dp is not None:
                d = back.d[: end - first].swapaxes(1, 2)
                _add_peephole_gradients(array(dp), d, c[first : end + 1], back.old, library(gates).einsum)
    array(sums)[0][...] = back.carried
    return sums[0], sums[1]


def _stretch(U: Tensor, gates: Tensor) -> int:
    """How many steps of da are kept: enough rows for the gradients of the weights to be good products."""
    steps, G, batch, hidden = gates.shape
    return stretch(steps, batch * G * hidden, 4 * (len(U) // G + hidden) // max(1, batch))


class _Back:
    """The loop back through time, with its memory: a stretch of da, and local derivatives of a part of it."""

    def __init__(self, cell: Cell, gates: Tensor, U: Tensor, sums: Tensor):
        steps, G, batch, hidden = gates.shape
        self.G, self.old, self.xp = G, cell.name == "peephole_old", library(gates)
        (self.das,) = allocate(gates, (_stretch(U, gates), batch, G * hidden))
        # of the gates' pre-activations (G blocks), of c_t out of h_t, of c_{t-1} out of c_t and out of h_t; tanh(c_t)
        self.local = gates.new_empty(min(len(self.das), longest_chunk(steps, batch * hidden)), G + 4, batch, hidden)
        self.d, self.A = blocks(array(self.das), G), array(self.local)
        self.carried, self.dc, self.dh, self.m = array(sums)
        self.recur = step_product(self.das, U.t())

    def through(self, first: int, end: int, origin: int, dy, dcy) -> None:
        """The steps from ``first`` until before ``end``, last first; da begins with the step ``origin``."""
        G, A, d, now = self.G, self.A[: end - first], self.d[first - origin : end - origin], slice(first, end)
        add, multiply, recur, old = self.xp.add, self.xp.multiply, self.recur, self.old
        carried, dc, arrived, m = self.carried, self.dc, self.dh, self.m
        each = zip(
            range(end - 1 - origin, first - 1 - origin, -1),
            *(repeat(None) if g is None else backwards(g[now]) for g in (dy, dcy)),
            *(backwards(part) for part in (d[:, : G - 1], d[:, G - 1], A[:, : G - 1])),
            *(backwards(A[:, k]) for k in range(G - 1, G + 3)),
            strict=False,
        )
        for t, dy_t, dcy_t, d_ifg, d_o, from_c, from_h, through_h, through_c, through_old in each:
            dh = carried if dy_t is None else add(dy_t, carried, arrived)
            multiply(dh, from_h, d_o)
            multiply(dh, through_h, m)
            add(dc, m, dc)
            if dcy_t is not None:
                add(dc, dcy_t, dc)
            multiply(dc, from_c, d_ifg)
            if G == 4:
                multiply(dc, through_c, dc)
            if old:
                multiply(dh, through_old, m)
                add(dc, m, dc)
            carried = recur(t)
        self.carried = carried


def _add_peephole_gradients(dp, da, cells, old: bool, einsum) -> None:
    """Add to dp (3, H) what a stretch of steps gives."""
    c_prev, c = cells[:-1], cells[1:]
    for total, gate, seen in zip(dp, (0, 1, 3), (c_prev, c_prev, c_prev if old else c), strict=True):
        total += einsum("tbh,tbh->h", da[:, :, gate], seen)


def _local_derivatives(local: Tensor, gates: Tensor, cells: Tensor, peeps, old: bool) -> None:
    """Fill the first steps of ``local`` for a stretch of steps; ``cells`` begins one step earlier."""
    local, c_prev, c = local[: len(gates)], cells[:-1], cells[1:]
    G = gates.shape[1]
    i, *f, g, o = gates.unbind(1)
    d_i, *d_f, d_g, d_o, through_h, through_c, through_old, tanh_c = local.unbind(1)
    p_i, p_f, p_o = peeps
    library(c).tanh(array(c), array(tanh_c))
    through_sigmoid(g, i, grad_input=d_i)
    through_tanh(i, g, grad_input=d_g)
    through_sigmoid(tanh_c, o, grad_input=d_o)
    through_tanh(o, tanh_c, grad_input=through_h)
    if G == 4:
        through_sigmoid(c_prev, f[0], grad_input=d_f[0])
    if old:
        torch.mul(d_o, p_o, out=through_old)
    elif p_o is not None:
        torch.addcmul(through_h, d_o, p_o, out=through_h)
    if p_i is not None:
        torch.addcmul(f[0], d_i, p_i, out=through_c)
        torch.addcmul(through_c, d_f[0], p_f, out=through_c)
    elif G == 4:
        through_c.copy_(f[0])
