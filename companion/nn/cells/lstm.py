"""The LSTM and its relatives: the cell of 1997 without a forget gate, and peepholes from the cell state to the gates.

Chapters *lstm* and *peephole*. In the backward pass dh and dc are the gradients of the loss with respect to h_t and c_t,
and every local derivative is one number per unit and step. They are made for many steps at once, and the loop back
through time is what is left: two products with dh, two with dc, and the recurrent product.
"""

from dataclasses import dataclass
from itertools import repeat

import torch
from torch import Tensor

from companion.nn._products import is_small, step_product
from companion.nn.cells._cell import Cell
from companion.nn.cells._scan import (
    array,
    backwards,
    before,
    blocks,
    chunks,
    half,
    library,
    longest_chunk,
    pre_activations,
    quietly,
    scaled,
    series_of,
    through_sigmoid,
    through_tanh,
)


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

    def memory(self, steps, held, batch, hidden):
        return _memory(self, steps, held, batch, hidden)

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

    def memory(self, steps, held, batch, hidden):
        return _memory(self, steps, held, batch, hidden)

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


def _memory(cell: Cell, steps: int, held: int, batch: int, hidden: int):
    """The gates, every cell state with the initial one, and tanh of the new cell states."""
    return [(held, cell.gates, batch, hidden), (steps + 1, batch, hidden), (held, batch, hidden)]


def _scan(cell: Cell, a: Tensor, state, U: Tensor, p: Tensor | None, keep: bool):
    """Forward through all steps."""
    steps, batch, width = a.shape
    G, hidden = cell.gates, width // cell.gates
    hs = a.new_empty(steps, batch, hidden)
    gates, cells, tanh_cells = saved = [
        a.new_empty(shape) for shape in cell.memory(steps, steps if keep else 1, batch, hidden)
    ]
    cells[0] = state[1]
    recur = step_product(hs, scaled(U, cell.scale), G, first=state[0])

    xp, late = library(a), cell.name == "peephole_new"  # there the output gate waits for the new cell state
    add, multiply, tanh, h2 = xp.add, xp.multiply, xp.tanh, half(a)
    z, c = series_of(gates, steps), array(cells)
    m, early, p_early, p_o = _peepholes(cell, p, hs[0], z)
    a, under_tanh = pre_activations(a, G, is_small(batch, U)), z[:, :3] if late else z
    i, f, g, o = z[:, 0], z[:, 1] if G == 4 else repeat(None), z[:, G - 2], z[:, G - 1]
    each = zip(
        a, z, early, under_tanh, z[:, : G - 2], i, f, g, o, c[:-1], c[1:], series_of(tanh_cells, steps), array(hs)
    )
    with quietly():
        for t, (a, z, early, under_tanh, i_f, i, f, g, o, c_prev, c, tanh_c, h) in enumerate(each):
            add(a, recur(t), z)
            if p is not None:
                multiply(p_early, c_prev, m)
                add(early, m, early)
            tanh(under_tanh, under_tanh)
            multiply(i_f, h2, i_f)
            add(i_f, h2, i_f)
            multiply(i, g, tanh_c)
            if f is None:
                add(c_prev, tanh_c, c)
            else:
                multiply(f, c_prev, c)
                add(c, tanh_c, c)
            if late:
                multiply(p_o, c, tanh_c)
                add(o, tanh_c, o)
                tanh(o, o)
            multiply(o, h2, o)
            add(o, h2, o)
            tanh(c, tanh_c)
            multiply(o, tanh_c, h)
    return (hs, cells[1:]), saved


def _peepholes(cell: Cell, p: Tensor | None, like: Tensor, z):
    """For `_scan`: scratch memory, the gates that see the old cell state, their peepholes, and a late output gate's.

    The peepholes come halved, as `Cell.scale` wants them, and spread over the batch: NumPy is fastest on like shapes.
    """
    if p is None:
        return None, repeat(None), None, None
    old = cell.name == "peephole_old"
    spread = like.new_zeros(4 if old else 3, *like.shape)
    halves = p.view(3, 1, -1) * 0.5
    spread[:2], spread[-1] = halves[:2], halves[2]
    peep = array(spread)
    early = peep if old else peep[:2]
    return library(like).empty_like(early), z[:, : len(early)], early, peep[-1]


def _scan_back(cell: Cell, saved, series, state, U: Tensor, p: Tensor | None, upstream, final):
    """Backward through all steps: the gradient of the pre-activations, what U multiplied, the initial state's gradient."""
    gates, cells, tanh_cells = saved
    steps, G, batch, hidden = gates.shape
    das, sums = gates.new_empty(steps, batch, G * hidden), gates.new_zeros(4, batch, hidden)
    for total, start in zip(sums, final, strict=False):
        if start is not None:
            total.copy_(start)
    # local derivatives: the gates' pre-activations (G blocks), then c_t out of h_t, c_{t-1} out of c_t and out of h_t
    local = gates.new_empty(longest_chunk(steps, batch * hidden), G + 3, batch, hidden)
    recur = step_product(das, U.t())

    xp, old = library(gates), cell.name == "peephole_old"
    add, multiply = xp.add, xp.multiply
    d, A = blocks(array(das), G), array(local)
    carried, dc, arrived, m = array(sums)
    dy, dcy = (None if g is None else array(g) for g in upstream)
    peeps = (None,) * 3 if p is None else p.view(3, hidden)
    with quietly():
        for first, end in chunks(steps, batch * hidden):
            _local_derivatives(local, gates[first:end], cells[first:end], tanh_cells[first:end], peeps, old)
            now, A_now, d_now = slice(first, end), A[: end - first], d[first:end]
            each = zip(
                range(end - 1, first - 1, -1),
                *(repeat(None) if g is None else backwards(g[now]) for g in (dy, dcy)),
                *(backwards(part) for part in (d_now[:, : G - 1], d_now[:, G - 1], A_now[:, : G - 1])),
                *(backwards(A_now[:, k]) for k in range(G - 1, G + 3)),
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
    array(sums)[0][...] = carried
    return das, before(state[0], series[0]), (sums[0], sums[1])


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
