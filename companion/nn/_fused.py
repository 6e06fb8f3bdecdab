"""The fused engine: the book's hand-derived backward pass as one node of autograd. Chapter *speed* measures it.

Three habits make it fast. The product with the input is made for all steps at once, before the loop. Each step works in
place on memory that was laid out before. The gradients of the weights are one product for all steps, after the loop.

A second derivative takes the eager engine's way: the backward pass of a backward pass is asked for rarely, and autograd
writes it without mistakes.
"""

import torch
from torch import Tensor
from torch.autograd import Function

from companion.nn import _eager as eager
from companion.nn._products import linear, weight_gradients
from companion.nn.cells import Cell


def unroll(cell: Cell, x: Tensor, state, W: Tensor, b: Tensor | None, weights, all_states: bool = False):
    """One layer in one direction: as `companion.nn._eager.unroll`, which see."""
    with_bias = torch.zeros(len(W), dtype=W.dtype, device=W.device) if b is None else b
    outputs = _Scan.apply(cell, all_states, x, W, with_bias, *state, *weights)
    series, final = outputs[: -cell.states], outputs[-cell.states :]
    return tuple(series), tuple(final)


class _Scan(Function):
    """Inputs: cell, whether every state is wanted, x (T, B, I), W, b, the state, the recurrent weights.

    Outputs: the series of h, or of every state, each (T, B, H); then the final state. All of them new memory.
    """

    @staticmethod
    def forward(ctx, cell, all_states, x, W, b, *rest):
        state = tuple(s.contiguous() for s in rest[: cell.states])
        weights = rest[cell.states :]
        steps, batch, _ = x.shape
        scale = W.new_tensor(cell.scale).repeat_interleave(len(W) // cell.gates)
        a = linear(x.reshape(steps * batch, -1), W * scale[:, None], b * scale).view(steps, batch, -1)
        needed = any(ctx.needs_input_grad)
        series, saved = cell.scan(a, state, weights, needed)
        ctx.set_materialize_grads(False)
        ctx.cell, ctx.all_states = cell, all_states
        outputs = series[:1] + tuple(s.clone() for s in series[1:] if all_states)
        if needed:
            ctx.save_for_backward(x, W, b, *rest, outputs[0], *saved)
            ctx.given = 3 + len(rest)
        return *outputs, *(s[-1].clone() for s in series)

    @staticmethod
    def backward(ctx, *upstream):
        saved = ctx.saved_tensors
        inputs, (h, *saved) = saved[: ctx.given], saved[ctx.given :]
        if torch.is_grad_enabled():
            gradients = _backward_of_eager(ctx, inputs, upstream)
        else:
            gradients = _backward(ctx, inputs, h, saved, upstream)
        return None, None, *gradients


def _backward(ctx, inputs, h, saved, upstream):
    cell = ctx.cell
    x, W, b, *rest = inputs
    state, weights = tuple(s.contiguous() for s in rest[: cell.states]), tuple(rest[cell.states :])
    through, final = list(upstream[: -cell.states]), upstream[-cell.states :]
    through = [None if g is None else g.contiguous() for g in through] + [None] * (cell.states - len(through))
    da, recurrent, dstate, dweights = cell.scan_back(saved, (h,), state, weights, through, final)
    if recurrent is None:
        dW, db = weight_gradients(da, x)
    else:
        dW, dU, db = weight_gradients(da, x, recurrent)
        dweights = (dU, *dweights[1:])
    dx = linear(da.view(-1, len(W)), W.t()).view(x.shape) if ctx.needs_input_grad[2] else None
    return dx, dW, db, *dstate, *dweights


def _backward_of_eager(ctx, inputs, upstream):
    cell = ctx.cell
    copies = [t.view_as(t) for t in inputs]
    x, W, b, *rest = copies
    series, final = eager.unroll(cell, x, rest[: cell.states], W, b, rest[cell.states :])
    return eager.gradients([*series[: len(upstream) - cell.states], *final], upstream, copies)
