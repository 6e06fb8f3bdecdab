"""The Triton engine as a node of autograd: the product with the input outside, the scan in one kernel each way."""

import torch
from torch import Tensor
from torch.autograd import Function

from companion.nn import _eager as eager
from companion.nn import triton_scan
from companion.nn.cells import Cell


def unroll(cell: Cell, x: Tensor, state, W: Tensor, b: Tensor | None, weights, all_states: bool = False, past_end=None):
    """One layer in one direction: as `companion.nn._eager.unroll`, which see."""
    a = torch.nn.functional.linear(x, W, b)
    a = a if past_end is None else a.masked_fill(past_end, -torch.inf)
    series = _Scan.apply(cell, torch.is_grad_enabled(), a, *state, *weights)
    return series[: cell.states if all_states else 1], tuple(s[-1] for s in series)


class _Scan(Function):
    """Inputs: cell, whether a gradient may be asked for, a (T, B, G*H), the state, the recurrent weights.

    Outputs: every state, (T, B, H) each.
    """

    @staticmethod
    def forward(ctx, cell, differentiable, a, *rest):
        state, weights = _split(cell, rest)
        needed = differentiable and any(ctx.needs_input_grad)
        # the kernel may overwrite its pre-activations; a second derivative starts from them
        h, c, saved = triton_scan.forward(cell.name, a.clone() if needed else a, state, weights, save=needed)
        ctx.set_materialize_grads(False)
        ctx.cell, ctx.given = cell, 1 + len(rest)
        series = (h,) if c is None else (h, c)
        if needed:
            ctx.save_for_backward(a, *rest, *series, *saved)
        return series

    @staticmethod
    def backward(ctx, *upstream):
        cell, saved = ctx.cell, ctx.saved_tensors
        inputs, series, saved = saved[: ctx.given], saved[ctx.given : ctx.given + ctx.cell.states], saved[ctx.given :]
        if torch.is_grad_enabled():
            return None, None, *_backward_of_eager(cell, inputs, upstream)
        state, weights = _split(cell, inputs[1:])
        dh, dc = (*upstream, None)[:2]
        dh = torch.zeros_like(series[0]) if dh is None else dh.contiguous()
        dc = None if dc is None else dc.contiguous()
        da, dstate, dweights = triton_scan.backward(cell.name, saved[cell.states :], state, weights, dh, dc)
        return None, None, da, *dstate, *dweights


def _split(cell: Cell, rest):
    rest = [t.contiguous() for t in rest]
    return tuple(rest[: cell.states]), tuple(rest[cell.states :])


def _backward_of_eager(cell: Cell, inputs, upstream):
    copies = [t.view_as(t) for t in inputs]
    a, *rest = copies
    series, _ = eager.scan(cell, a, rest[: cell.states], rest[cell.states :])
    return eager.gradients(series, upstream, copies)
