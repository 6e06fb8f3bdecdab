"""The eager engine: a cell's readable step, again and again, and autograd goes back through it. Chapter "Unfolding"."""

import torch
from torch import Tensor

from companion.nn.cells import Cell


def unroll(cell: Cell, x: Tensor, state, W: Tensor, b: Tensor | None, weights, all_states: bool = True, past_end=None):
    """One layer in one direction over a rectangular batch.

    Args:
        cell: whose `step` is taken.
        x: (T, B, I).
        state: the initial state, a sequence of (B, H).
        W, b: the input's weights (G*H, I), and the biases that add to the pre-activation (G*H,) or None.
        weights: the recurrent weights and what else the cell reads.
        all_states: whether every state is wanted; here they all come.
        past_end: None, or (T, B, 1), true where a sequence is over, for a cell whose state may grow without bound
            there.

    Returns:
        ``(series, final)``: every h_t (T, B, H), and with ``all_states`` every c_t; the final state.
    """
    a = torch.nn.functional.linear(x, W, b)
    return scan(cell, a if past_end is None else a.masked_fill(past_end, -torch.inf), state, weights)


def scan(cell: Cell, a: Tensor, state, weights):
    """The steps alone, over the input's part of the pre-activations (T, B, G*H)."""
    state, history = tuple(state), []
    for a_t in a.unbind(0):
        state = cell.step(a_t, state, weights)
        history.append(state)
    return tuple(torch.stack(series) for series in zip(*history, strict=True)), state


def gradients(outputs, upstream, inputs):
    """Gradients that can be differentiated again: how the other engines answer for a second derivative.

    Args:
        outputs: differentiable functions of ``inputs``.
        upstream: a gradient, or None, for each output.
        inputs: aliases of the tensors that were given: the derivative with respect to one of them must not pass through
            what else it was made of.

    Returns:
        a gradient for each input, None where none is needed.
    """
    asked, weights = zip(*((y, g) for y, g in zip(outputs, upstream, strict=True) if g is not None), strict=True)
    wanted = [t for t in inputs if t.requires_grad]
    found = iter(torch.autograd.grad(asked, wanted, weights, create_graph=True, allow_unused=True))
    return [next(found) if t.requires_grad else None for t in inputs]
