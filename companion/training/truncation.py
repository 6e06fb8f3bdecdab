"""Truncated backpropagation through time, BPTT(k1, k2): every k1 steps, go back over the last k2.

A sequence is read in blocks of k1 steps. After a block its losses, each once, send their gradient back from the block's
end over k2 steps: over the block itself and the k2 - k1 steps before it. What enters the first of these steps is a
constant. So of all the steps that the loss of step t depends on, it reaches the last k2 - (e - 1 - t), where e - 1 is
the last step of its block:

- `k1 = k2 = k`, chunks: the first step of a chunk reaches itself alone, the last one k steps. One forward pass in all.
- `k1 = 1, k2 = k`, a sliding window: every loss reaches exactly k steps; summed over the sequence, with the weights at
  rest, this is the `horizon=k` of `companion.reference`. k forward and backward passes.
- between the two, every loss reaches at least k2 - k1 + 1 steps and at most k2, at the price of k2 / k1 passes.
- `k1 >= T`, or `k2 >= T` and k1 divides T: every loss reaches the beginning, and the sum over the blocks is the exact
  gradient of full BPTT. (A last block of r < k1 steps reaches as far behind itself as the others: k2 - k1 + r steps.)

A window that reaches behind its block runs those steps again, from the state that entered them, with the weights as
they are now: there is no graph to keep, so nothing is gone back through twice, and an optimiser may change the weights
after every block. (With dropout, the steps that run again draw new masks.)

    for window in windows(model, x, k1=5, k2=20):
        loss = F.mse_loss(window.outputs, y[window.steps])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()

The scheme is Williams and Peng's BPTT(h; h') (1990), with h = k2 and h' = k1; k1 and k2 are Sutskever's names (2013).
The reader meets it in the chapter "Truncated backpropagation".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from companion.tasks.batching import Batch
from companion.training.models import Asked, Loss, State, call, detach, mean_loss, tensors

__all__ = ["Carried", "Window", "gradients", "windows"]


@dataclass(frozen=True, eq=False)
class Carried:
    """What the blocks before hand on to the next one.

    Attributes:
        state: the state that enters the first step of the next window; None for zeros.
        x: the inputs from there to the end of the last block, `(n, B, I)` with n at most k2 - k1; none of them for
            chunks.
    """

    state: State
    x: Tensor


@dataclass(frozen=True, eq=False)
class Window:
    """What a model said to one block of k1 steps, with the graph of the k2 steps that the block's losses reach.

    Attributes:
        outputs: `(k1, B, O)`, those of the block; of the last block of a sequence perhaps fewer steps.
        steps: which steps of the sequence they belong to.
        reach: the number of steps in the graph: k2, or fewer near the beginning of the sequence.
        state: the state after the block, without its graph.
        carried: what `windows` needs to go on with the next piece of the same sequence.
    """

    outputs: Tensor
    steps: slice
    reach: int
    state: State
    carried: Carried


def windows(
    model: nn.Module,
    x: Tensor,
    k1: int,
    k2: int | None = None,
    *,
    state: State = None,
    carried: Carried | None = None,
) -> Iterator[Window]:
    """Run a model over a sequence, block by block, each block with the graph that truncated backpropagation needs.

    Between two windows you may go back and change the weights, or do neither: the next one does not depend on the graph
    of this one.

    Args:
        model: called as `model(x, state)`, returns `(outputs, state)`; one direction, time first.
        x: inputs, `(T, B, I)`.
        k1: the number of steps in a block.
        k2: the number of steps that the loss of a block's last step goes back over; k1, which makes chunks, unless
            told.
        state: the state before the first step; zeros for None. Should it require a gradient, the windows that begin at
            the first step give it theirs.
        carried: in the place of `state`, what the last window of the piece before left. Pieces that are cut after whole
            blocks give the windows of the whole sequence.

    Raises:
        ValueError: k1 below 1, k2 below k1 (the first losses of a block would reach nothing), both `state` and
            `carried`, no steps, a model with two directions or with the batch first.
    """
    overlap = check(model, k1, k2)
    if x.dim() != 3 or len(x) == 0:
        raise ValueError(f"x: expected shape (T, B, I) with at least one step, got {tuple(x.shape)}")
    if state is not None and carried is not None:
        raise ValueError("state: expected None where `carried` is given, which holds a state already")
    carried = Carried(state, x[:0]) if carried is None else carried
    for begin in range(0, len(x), k1):
        block = x[begin : begin + k1]
        reach = len(carried.x) + len(block)
        outputs, end, carried = run_block(partial(two_parts, model), block, carried, overlap)
        yield Window(outputs, slice(begin, begin + len(block)), reach, end, carried)


def gradients(
    model: nn.Module, batch: Batch, loss: Loss, k1: int | None = None, k2: int | None = None, *, state: State = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the mean loss of a batch, and its gradient by full or truncated BPTT with the weights at rest, by name.

    Nothing in the model changes. The gradients of all blocks are summed; the loss does not depend on the truncation.

    Args:
        model, k1, k2, state: as in `windows`; full BPTT where `k1` is None, and then in both directions if you like.
        batch: a batch of `companion.tasks`.
        loss: a function of `torch.nn.functional`, called with `reduction="none"` on the targets that are there.

    Raises:
        ValueError: as `windows`; a batch without targets.
    """
    data = tensors(batch, model)
    if len(data.y) == 0:
        raise ValueError("batch: expected at least one target, got none")
    if k1 is None:
        check(model, k1, k2)
        outputs = call(model, data.x, state, data.lengths)[0]
        losses = iter([mean_loss(loss, outputs, data)])
    else:
        parts = windows(model, data.x, k1, k2, state=state)
        losses = (mean_loss(loss, part.outputs, piece(data, part.steps), len(data.y)) for part in parts)
    params = {name: param for name, param in model.named_parameters() if param.requires_grad}
    grads = {name: torch.zeros_like(param) for name, param in params.items()}
    total = torch.zeros((), dtype=data.x.dtype, device=data.x.device)
    for value in losses:
        total += value.detach()
        found = torch.autograd.grad(value, list(params.values()), allow_unused=True)
        for name, grad in zip(params, found, strict=True):
            grads[name] += 0 if grad is None else grad
    return total, grads


# ---- what the loop uses as well ------------------------------------------------------------------------------------


def check(model: nn.Module, k1: int | None, k2: int | None) -> int:
    """Return how many steps a window reaches behind its block. Raises ValueError as `windows` says."""
    if any(getattr(module, "batch_first", False) for module in model.modules()):
        raise ValueError("model: expected one with time first, got batch_first=True")
    if k1 is None:
        if k2 is not None:
            raise ValueError(f"k1: expected a number of steps where k2 is given, got None and k2 = {k2}")
        return 0
    if any(getattr(module, "bidirectional", False) for module in model.modules()):
        raise ValueError("model: expected one direction where time is cut into blocks, got bidirectional=True")
    if k1 < 1:
        raise ValueError(f"k1: expected at least 1, got {k1}")
    if k2 is not None and k2 < k1:
        raise ValueError(f"k2: expected at least k1 = {k1}, got {k2}: the first losses of a block would reach nothing")
    return 0 if k2 is None else k2 - k1


def two_parts(model: nn.Module, x: Tensor, state: State, split: int) -> tuple[Tensor, State, State]:
    """Run a model; return its outputs, the state after `split` steps without its graph, and the last state."""
    if split == 0:
        outputs, end = model(x, state)
        return outputs, state, end
    first, middle = model(x[:split], state)
    if split == len(x):
        return first, detach(middle), middle
    second, end = model(x[split:], middle)
    return torch.cat([first, second]), detach(middle), end


def run_block(run: Callable, x: Tensor, carried: Carried, overlap: int) -> tuple[Tensor, State, Carried]:
    """Run a window; return the outputs of its block, the state at its end without graph, what the next block needs.

    `run` does what `two_parts` does, for one model.
    """
    inputs = torch.cat([carried.x, x])
    split = max(len(inputs) - overlap, 0)
    outputs, middle, end = run(inputs, carried.state, split)
    return outputs[len(carried.x) :], detach(end), Carried(middle, inputs[split:])


def piece(data: Asked, steps: slice) -> Asked:
    """Return the part of a batch at some steps."""
    before = int(data.asked[: steps.start].sum())
    asked = data.asked[steps]
    return Asked(data.x[steps], data.y[before : before + int(asked.sum())], asked, None)
