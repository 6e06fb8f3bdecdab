"""Matrix products for the fused engine: which library multiplies, by size.

A scan makes one small product each step and a few large ones before and after. What is fastest was measured on the
CPU (`benchmarks/nn.py`): NumPy's call costs a third of torch's, so it takes the small products; oneDNN, which torch
calls through `torch.ops.mkldnn`, reaches twice the speed of torch.mm on CPUs that MKL does not favour, and takes the
large ones in float32. Everywhere else torch.mm does.
"""

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

SMALL = 2**19  # multiplications in a step's product, up to which one thread of NumPy is fastest
LARGE = 2**21  # multiplications, from which oneDNN pays in a product that is made once


@cache
def one_dnn() -> bool:
    """Whether this build of torch has oneDNN's product for plain tensors, the one its compiler uses."""
    ops = torch.ops.mkldnn
    found = hasattr(ops, "_linear_pointwise") and hasattr(ops, "_reorder_linear_weight")
    return found and torch.backends.mkldnn.is_available()


def _takes_one_dnn(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and one_dnn() and torch.backends.mkldnn.enabled


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b for a matrix x (n, I), W (m, I) and b (m,): (n, m). Not differentiable."""
    if _takes_one_dnn(x) and x.shape[0] * weight.numel() >= LARGE:
        return torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")
    return torch.nn.functional.linear(x, weight, bias)


def step_product(steps: Sequence[Tensor], weight: Tensor) -> Callable:
    """A function of t that gives ``steps[t] @ weight.T``; its result is valid until it is called again.

    Args:
        steps: matrices (B, K), read when they are asked for: a scan may fill them as it goes.
        weight: (n, K).

    Returns:
        on the CPU a function that returns a NumPy array (B, n), elsewhere one that returns a tensor.
    """
    batch, (rows, _) = len(steps[0]), weight.shape
    if steps[0].device.type != "cpu":
        out, turned = weight.new_empty(batch, rows), weight.t().contiguous()
        return lambda t: torch.mm(steps[t], turned, out=out)
    if batch * weight.numel() <= SMALL:
        out, turned = np.empty((batch, rows), steps[0].numpy().dtype), weight.t().contiguous().numpy()
        arrays, matmul = [step.numpy() for step in steps], np.matmul
        return lambda t: matmul(arrays[t], turned, out)
    if _takes_one_dnn(weight):
        packed = torch.ops.mkldnn._reorder_linear_weight.default(weight.contiguous(), batch)
        product = torch.ops.mkldnn._linear_pointwise.default
        return lambda t: product(steps[t], packed, None, "none", [], "").numpy()
    out, turned = weight.new_empty(batch, rows), weight.t()
    result = out.numpy()

    def product_of_step(t: int) -> np.ndarray:
        torch.mm(steps[t], turned, out=out)
        return result

    return product_of_step


def weight_gradients(da: Tensor, *operands: Tensor) -> tuple[Tensor, ...]:
    """The gradients of the weights that turned ``operands`` into a pre-activation, and of its bias.

    One product for all: da (T, B, n) against the operands (T, B, K) side by side, with a column of ones for the bias.

    Returns:
        a tensor (n, K) for each operand, then (n,).
    """
    steps = da.shape[0] * da.shape[1]
    sizes = [operand.shape[-1] for operand in operands]
    left = da.new_empty(sum(sizes) + 1, steps)
    *parts, ones = left.split([*sizes, 1])
    for part, operand in zip(parts, operands, strict=True):
        part.copy_(operand.reshape(steps, -1).t())
    ones.fill_(1)
    *weights, bias = linear(left, da.view(steps, -1).t()).split([*sizes, 1])
    return *(weight.t() for weight in weights), bias[0]
