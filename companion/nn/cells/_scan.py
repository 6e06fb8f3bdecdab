"""What the hand-derived passes of all cells share: arrays without autograd, on the CPU through NumPy.

On a CPU a call of NumPy's costs a third of one of torch's, and at the sizes of a recurrent layer the calls are what a
step costs. So the loops here read and write the memory of CPU tensors as NumPy arrays, and use only what NumPy and
torch call alike (``add(a, b, out=c)``, ``swapaxes``, slices): on other devices the same lines run in torch.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

# d(loss)/d(pre-activation) out of d(loss)/d(activation), one pass over memory each: gradient * s * (1 - s), gradient * (1 - t²)
through_sigmoid = torch.ops.aten.sigmoid_backward.grad_input
through_tanh = torch.ops.aten.tanh_backward.grad_input

CHUNK = 2**16  # numbers in a block of steps whose local derivatives are made at once: they stay in a core's cache


def library(tensor: Tensor):
    """NumPy for a tensor on the CPU, else torch."""
    return np if tensor.device.type == "cpu" else torch


def array(tensor: Tensor):
    """The tensor's memory as `library` sees it."""
    return tensor.numpy() if tensor.device.type == "cpu" else tensor


def chunks(steps: int, numbers: int) -> Iterator[tuple[int, int]]:
    """Stretches of steps (first, behind the last), last stretch first, of about `CHUNK` numbers, given those in a step."""
    length = max(1, min(steps, CHUNK // max(1, numbers)))
    for end in range(steps, 0, -length):
        yield max(0, end - length), end


def longest_chunk(steps: int, numbers: int) -> int:
    """The number of steps in the longest stretch of `chunks`."""
    return max(1, min(steps, CHUNK // max(1, numbers)))


def blocks(steps, count: int):
    """(…, B, count * H) seen as (…, count, B, H): every gate's block by itself."""
    return steps.reshape(*steps.shape[:-1], count, steps.shape[-1] // count).swapaxes(-2, -3)


def before(start: Tensor, series: Tensor) -> Tensor:
    """What the steps began with: the series (T, B, H) one step later, the start (B, H) in front."""
    return torch.cat([start[None], series[:-1]])


def column(values: Sequence[float], like: Tensor):
    """One number for each gate's block, (G, 1, 1), of the dtype and the library of ``like``."""
    return array(torch.tensor(values, dtype=like.dtype, device=like.device).view(-1, 1, 1))
