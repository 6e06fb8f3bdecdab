"""What the hand-derived passes of all cells share: arrays without autograd, on the CPU through NumPy.

On a CPU a call of NumPy's costs a third of one of torch's, and at the sizes of a recurrent layer the calls are what a
step costs. So the loops here read and write the memory of CPU tensors as NumPy arrays, and use only what NumPy and
torch call alike (``add(a, b, out)``, ``swapaxes``, slices): on other devices the same lines run in torch.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import torch
from torch import Tensor

from companion.nn import _products
from companion.nn._products import is_small, linear

# d(loss)/d(pre-activation) out of d(loss)/d(activation), one pass over memory each:
# gradient * s * (1 - s), gradient * (1 - t²)
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
    empty_like=torch.empty_like,
    einsum=torch.einsum,
)


def library(tensor: Tensor):
    """NumPy for a tensor on the CPU, else what is needed of torch: ``add(a, b, out)`` and the like."""
    return np if _products.in_numpy(tensor) else TORCH


def array(tensor: Tensor):
    """The tensor's memory as `library` sees it."""
    return tensor.numpy() if _products.in_numpy(tensor) else tensor


def longest_chunk(steps: int, numbers: int) -> int:
    """How many steps of so many numbers make `CHUNK`."""
    return max(1, min(steps, CHUNK // max(1, numbers)))


def stretch(steps: int, numbers: int, least: int) -> int:
    """How many steps of da, with so many numbers each, are kept: what a cache holds, but not less than ``least``."""
    return max(1, min(steps, max(8 * CHUNK // max(1, numbers), least)))


def stretches(end: int, length: int, first: int = 0) -> Iterator[tuple[int, int]]:
    """The steps from ``first`` until before ``end`` in pieces (from, until before), last first."""
    for stop in range(end, first, -length):
        yield max(first, stop - length), stop


def blocks(steps, count: int):
    """(…, B, count * H) seen as (…, count, B, H): every gate's block by itself."""
    return steps.reshape(*steps.shape[:-1], count, steps.shape[-1] // count).swapaxes(-2, -3)


def backwards(series):
    """The steps of a series, last first."""
    return reversed(list(series))


def before(start: Tensor, series: Tensor) -> Tensor:
    """What the steps began with: the series (T, B, H) one step later, the start (B, H) in front."""
    return torch.cat([start[None], series[:-1]])


@dataclass(frozen=True)
class PreActivations:
    """What the input and the biases add to every step's pre-activations: W x_t + b.

    The product is made for many steps at once, and for no more than a core's cache holds: made for all of them, it
    would be written to memory and read back.

    Attributes:
        x: (T, B, I).
        W, b: (G*H, I) and (G*H,).
        gates: G.
        past_end: None, or (T, B, 1), true where a sequence is over and the sum is to be -inf.
    """

    x: Tensor
    W: Tensor
    b: Tensor
    gates: int
    past_end: Tensor | None = None

    def __len__(self) -> int:
        return len(self.x)

    def pieces(self, numbers: int) -> Iterator[Tensor]:
        """The sums of as many steps as have so many numbers, (K, B, G*H), piece after piece."""
        steps, batch, _ = self.x.shape
        length = max(1, numbers // max(1, batch * len(self.W)))
        for first in range(0, steps, length):
            x = self.x[first : first + length]
            a = linear(x.flatten(0, 1), self.W, self.b).view(len(x), batch, len(self.W))
            if self.past_end is not None:
                a.masked_fill_(self.past_end[first : first + length], -torch.inf)
            yield a

    def __iter__(self) -> Iterator:
        """Step after step, (G, B, H), or (B, H) where G is 1, as `array` gives it."""
        for a in self.pieces(4 * CHUNK):
            if self.gates > 1:
                small = is_small(a.shape[1], self.W)
                a = blocks(a, self.gates)
                # to stride in every step costs more than to move once, where a step is small
                a = a.contiguous() if small else a
            yield from array(a)


def allocate(like: Tensor, *shapes: tuple[int, ...]) -> list[Tensor]:
    """Uninitialised tensors, in one piece of memory where they are large.

    NumPy asks the system for huge pages where it allocates 4 MiB or more; torch does not, and takes a page fault for
    every 4 KiB of fresh memory.
    """
    sizes = [math.prod(shape) for shape in shapes]
    if not _products.in_numpy(like) or sum(sizes) * like.itemsize < 2**22:
        return [like.new_empty(shape) for shape in shapes]
    memory = torch.from_numpy(np.empty(sum(sizes), array(like.new_empty(0)).dtype))
    return [part.view(shape) for part, shape in zip(memory.split(sizes), shapes, strict=True)]


def quietly():
    """NumPy's warnings off: as in torch, a number too large is an inf and no message."""
    return np.errstate(all="ignore")
