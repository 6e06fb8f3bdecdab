"""What the hand-derived passes of all cells share: arrays without autograd, on the CPU through NumPy.

On a CPU a call of NumPy's costs a third of one of torch's, and at the sizes of a recurrent layer the calls are what a
step costs. So the loops here read and write the memory of CPU tensors as NumPy arrays, and use only what NumPy and
torch call alike (``add(a, b, out)``, ``swapaxes``, slices): on other devices the same lines run in torch.
"""

from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

# d(loss)/d(pre-activation) out of d(loss)/d(activation), one pass over memory each: gradient * s * (1 - s), gradient * (1 - t²)
through_sigmoid = torch.ops.aten.sigmoid_backward.grad_input
through_tanh = torch.ops.aten.tanh_backward.grad_input

CHUNK = 2**16  # numbers in a block of steps whose local derivatives are made at once: they stay in a core's cache


def _into(operation):
    """torch's operation with the place of the result as its last argument, as NumPy has it."""
    return lambda *args: operation(*args[:-1], out=args[-1])


TORCH = SimpleNamespace(
    add=_into(torch.add),
    subtract=_into(torch.subtract),
    multiply=_into(torch.multiply),
    tanh=_into(torch.tanh),
    maximum=_into(torch.maximum),
    empty_like=torch.empty_like,
)


def library(tensor: Tensor):
    """NumPy for a tensor on the CPU, else what is needed of torch: ``add(a, b, out)`` and the like."""
    return np if tensor.device.type == "cpu" else TORCH


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


def backwards(series):
    """The steps of a series, last first."""
    return reversed(list(series))


def before(start: Tensor, series: Tensor) -> Tensor:
    """What the steps began with: the series (T, B, H) one step later, the start (B, H) in front."""
    return torch.cat([start[None], series[:-1]])


def scaled(weight: Tensor, scale: tuple[float, ...]) -> Tensor:
    """Every block of rows times its number of ``scale`` (see `Cell.scale`)."""
    if all(k == 1 for k in scale):
        return weight
    return (weight.reshape(len(scale), -1) * _column(scale, weight.dtype, weight.device)).view(weight.shape)


@cache
def _column(numbers: tuple[float, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(numbers, dtype=dtype, device=device).view(-1, 1)


@cache
def constant(number: float, dtype: torch.dtype, device: torch.device):
    """A number as `library` calculates with it fastest: an array without axes."""
    return array(torch.tensor(number, dtype=dtype, device=device))


def pre_activations(a: Tensor, count: int, small: bool):
    """The input's part (T, B, G*H) as (T, G, B, H); moved in memory where that is cheaper than to stride in every step."""
    return array(blocks(a, count).contiguous() if small else blocks(a, count))


def series_of(buffer: Tensor, steps: int):
    """An array (T, …) of which every step is the one in ``buffer`` (1, …), or the buffer itself where it has T."""
    return array(buffer.expand(steps, *buffer.shape[1:]))


def half(like: Tensor):
    """½, for `library`."""
    return constant(0.5, like.dtype, like.device)


def quietly():
    """NumPy's warnings off: as in torch, a number too large is an inf and no message."""
    return np.errstate(all="ignore")
