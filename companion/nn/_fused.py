"""The fused engine: the book's hand-derived backward pass as one node of autograd. Chapter "Speed" measures it.

Three habits make it fast. The product with the input is made for all steps at once, before the loop. Each step works in
place on memory that was laid out before. The gradients of the weights are one product for all steps, after the loop.

A second derivative takes the eager engine's way: the backward pass of a backward pass is asked for rarely, and autograd
writes it without mistakes. Under torch.compile the same two functions are operators of torch's, which a compiler takes
as they are: no loop is unrolled into its graph.
"""

import torch
from torch import Tensor
from torch.autograd import Function

from companion.nn import _eager as eager
from companion.nn._products import linear, weight_gradients
from companion.nn.cells import CELLS, Cell
from companion.nn.cells._scan import PreActivations, before


def unroll(cell: Cell, x: Tensor, state, W: Tensor, b: Tensor | None, weights, all_states: bool = False, past_end=None):
    """One layer in one direction: as `companion.nn._eager.unroll`, which see."""
    b = torch.zeros(len(W), dtype=W.dtype, device=W.device) if b is None else b
    if torch.compiler.is_compiling():
        outputs = scan(cell.name, all_states, torch.is_grad_enabled(), past_end, x, W, b, [*state, *weights])
        outputs = outputs[: cell.states + (cell.states if all_states else 1)]
    elif torch.is_grad_enabled():
        outputs = _Scan.apply(cell, all_states, past_end, x, W, b, *state, *weights)
    else:
        outputs, _ = _forward(cell, all_states, False, past_end, x, W, b, (*state, *weights))
    return tuple(outputs[: -cell.states]), tuple(outputs[-cell.states :])


def _forward(cell: Cell, all_states: bool, keep: bool, past_end, x, W, b, rest):
    """``(outputs, saved)``: the series of h, or of every state, then the final state; what `_backward` needs."""
    state, weights = _split(cell, rest)
    a = PreActivations(x, W, b, cell.gates, past_end)
    series, saved = cell.scan(a, state, weights, keep)
    outputs = series[:1] + tuple(s.clone() for s in series[1:] if all_states)
    return outputs + tuple(s[-1].clone() for s in series), saved


def _backward(cell: Cell, inputs, h, saved, upstream, with_dx: bool):
    """The gradient of every input, in their order; None for that of x without ``with_dx``."""
    x, W, _, *rest = inputs
    state, weights = _split(cell, rest)
    upstream = [None if g is None else g.contiguous() for g in upstream]
    through, final = upstream[: -cell.states], upstream[-cell.states :]
    through += [None] * (cell.states - len(through))
    sums = _Sums(x, W, state[0], h if cell.joint else None, torch.empty_like(x) if with_dx else None)
    dstate, dweights = cell.scan_back(saved, (h,), state, weights, through, final, sums.collect)
    if cell.joint:
        dweights = (sums.totals[1], *dweights[1:])
    return sums.dx, sums.totals[0], sums.totals[-1], *dstate, *dweights


class _Sums:
    """What follows from the gradient of the pre-activations, added up over stretches of steps while they are in cache.

    ``totals`` is the gradients of W, with ``h`` of the recurrent weights, and of the bias.
    """

    def __init__(self, x: Tensor, W: Tensor, h0: Tensor, h: Tensor | None, dx: Tensor | None):
        self.x, self.W, self.h0, self.h, self.dx, self.totals = x, W, h0, h, dx, None

    def collect(self, first: int, end: int, da: Tensor) -> None:
        """Take da (K, B, G*H) of the steps from ``first`` until before ``end``."""
        x, h = self.x[first:end], self.h
        if h is None:
            parts = weight_gradients(da, x)
        else:
            parts = weight_gradients(da, x, h[first - 1 : end - 1] if first else before(self.h0, h[:end]))
        if self.totals is None:
            self.totals = parts
        else:
            for total, part in zip(self.totals, parts, strict=True):
                total += part
        if self.dx is not None:
            dx = linear(da.view(-1, len(self.W)), self.W.t()).view(x.shape)
            if len(dx) == len(self.dx):
                self.dx = dx
            else:
                self.dx[first:end] = dx


def _split(cell: Cell, rest):
    rest = tuple(t.contiguous() for t in rest)
    return rest[: cell.states], rest[cell.states :]


class _Scan(Function):
    """Inputs: cell, whether every state is wanted, x (T, B, I), W, b, the state, the recurrent weights."""

    @staticmethod
    def forward(ctx, cell, all_states, past_end, x, W, b, *rest):
        keep = any(ctx.needs_input_grad)
        outputs, saved = _forward(cell, all_states, keep, past_end, x, W, b, rest)
        ctx.set_materialize_grads(False)
        ctx.cell, ctx.past_end, ctx.given = cell, past_end, 3 + len(rest)
        if keep:
            ctx.save_for_backward(x, W, b, *rest, outputs[0], *saved)
        return outputs

    @staticmethod
    def backward(ctx, *upstream):
        inputs, (h, *saved) = ctx.saved_tensors[: ctx.given], ctx.saved_tensors[ctx.given :]
        if torch.is_grad_enabled():
            return None, None, None, *_backward_of_eager(ctx.cell, ctx.past_end, inputs, upstream)
        return None, None, None, *_backward(ctx.cell, inputs, h, saved, upstream, ctx.needs_input_grad[3])


def _backward_of_eager(cell: Cell, past_end, inputs, upstream):
    copies = [t.view_as(t) for t in inputs]
    x, W, b, *rest = copies
    series, final = eager.unroll(cell, x, rest[: cell.states], W, b, rest[cell.states :], True, past_end)
    return eager.gradients([*series[: len(upstream) - cell.states], *final], upstream, copies)


# ---- the same as operators, for torch.compile ------------------------------------------------------------------------


@torch.library.custom_op("companion::scan", mutates_args=())
def scan(
    cell: str,
    all_states: bool,
    keep: bool,
    past_end: Tensor | None,
    x: Tensor,
    W: Tensor,
    b: Tensor,
    rest: list[Tensor],
) -> list[Tensor]:
    """The outputs of `_forward`, then what it saved where ``keep`` is true."""
    outputs, saved = _forward(CELLS[cell], all_states, keep, past_end, x, W, b, rest)
    return [*outputs, *(s.clone() for s in saved if keep)]


@scan.register_fake
def _(cell, all_states, keep, past_end, x, W, b, rest):
    cell, (steps, batch, _) = CELLS[cell], x.shape
    hidden = len(W) // cell.gates
    final = [torch.empty_like(s) for s in rest[: cell.states]]
    series = [x.new_empty(steps, *s.shape) for s in final[: cell.states if all_states else 1]]
    saved = cell.memory(steps, steps, batch, hidden) if keep else []
    return [*series, *final, *(x.new_empty(shape) for shape in saved)]


@torch.library.custom_op("companion::scan_back", mutates_args=())
def scan_back(
    cell: str, inputs: list[Tensor], h: Tensor, saved: list[Tensor], upstream: list[Tensor | None]
) -> list[Tensor]:
    """The gradients of `scan`'s tensors."""
    gradients = _backward(CELLS[cell], inputs, h, saved, upstream, with_dx=True)
    return [g.clone(memory_format=torch.contiguous_format) for g in gradients]


@scan_back.register_fake
def _(cell, inputs, h, saved, upstream):
    return [torch.empty_like(t, memory_format=torch.contiguous_format) for t in inputs]


def _setup(ctx, inputs, output):
    cell, all_states, _, _, x, W, b, rest = inputs
    count = CELLS[cell].states + (CELLS[cell].states if all_states else 1)
    ctx.cell, ctx.given, ctx.count = cell, 3 + len(rest), count
    ctx.save_for_backward(x, W, b, *rest, output[0], *output[count:])


def _back(ctx, upstream):
    inputs, (h, *saved) = ctx.saved_tensors[: ctx.given], ctx.saved_tensors[ctx.given :]
    dx, dW, db, *rest = scan_back(ctx.cell, list(inputs), h, saved, list(upstream[: ctx.count]))
    return None, None, None, None, dx, dW, db, rest


scan.register_autograd(_back, setup_context=_setup)
