"""Matrix products for the fused engine: which library multiplies, by size.

A scan makes one small product each step and a few large ones before and after. What is fastest was measured on the
CPU (`benchmarks/nn.py`): NumPy's call costs a third of torch's, so it takes the small products; oneDNN, which torch
calls through `torch.ops.mkldnn`, reaches twice the speed of torch.mm on CPUs that MKL does not favour, and takes the
large ones in float32. Everywhere else torch.mm does.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import torch
from torch import Tensor

SMALL = 2**18  # multiplications in a step's product, up to which NumPy is fastest; beyond, OpenBLAS wakes its threads
LARGE = 2**21  # multiplications, from which oneDNN pays in a product that is made once


def in_numpy(tensor: Tensor) -> bool:
    """Whether the fused engine works on the tensor's memory through NumPy: on the CPU, where a step is small calls."""
    return tensor.device.type == "cpu"


@cache
def one_dnn() -> bool:
    """Whether this build of torch has oneDNN's product for plain tensors, the one its compiler uses."""
    ops = torch.ops.mkldnn
    found = hasattr(ops, "_linear_pointwise") and hasattr(ops, "_reorder_linear_weight")
    return found and torch.backends.mkldnn.is_available()


def _takes_one_dnn(x: Tensor) -> bool:
    return in_numpy(x) and x.dtype == torch.float32 and one_dnn() and torch.backends.mkldnn.enabled


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x Wᵀ + b for a matrix x (n, I), W (m, I) and b (m,): (n, m). Not differentiable."""
    if _takes_one_dnn(x) and x.shape[0] * weight.numel() >= LARGE:
        return torch.ops.mkldnn._linear_pointwise.default(x, weight, bias, "none", [], "")
    return torch.nn.functional.linear(x, weight, bias)


def is_small(batch: int, weight: Tensor) -> bool:
    """Whether a step's product on the CPU is so small that NumPy's single thread takes it."""
    return batch * weight.numel() <= SMALL and in_numpy(weight)


def step_product(series: Tensor, weight: Tensor, blocks: int = 1, first: Tensor | None = None) -> Callable:
    """A function of t that gives ``series[t] @ weight.T``; its result is valid until it is called again.

    Args:
        series: (T, B, K), read when a step is asked for: a scan may fill it as it goes.
        weight: (G*H, K).
        blocks: G.
        first: (B, K), what goes before: t = 0 means this then, and t = 1 the beginning of the series.

    Returns:
        a function that gives every block by itself, (G, B, H), or (B, H) where ``blocks`` is 1: a NumPy array on the
        CPU, elsewhere a tensor.
    """
    if is_small(series.shape[1], weight):
        return _numpy_product(series, weight, blocks, first)
    if _takes_one_dnn(weight):
        return _one_dnn_product(series, weight, blocks, first)
    return _torch_product(series, weight, blocks, first)


def _numpy_product(series, weight, blocks, first):
    turned = weight.reshape(blocks, -1, weight.shape[1]).mT.contiguous().numpy()
    out = np.empty((blocks, series.shape[1], turned.shape[-1]), turned.dtype)
    steps, matmul = list(series.numpy()) if first is None else [first.numpy(), *series.numpy()], np.matmul
    if blocks > 1:
        return lambda t: matmul(steps[t], turned, out)
    turned, out = turned[0], out[0]
    return lambda t: steps[t].dot(turned, out)


def _one_dnn_product(series, weight, blocks, first):
    batch, steps = series.shape[1], _steps(series, first)
    packed = torch.ops.mkldnn._reorder_linear_weight.default(weight.contiguous(), batch)
    product, view = torch.ops.mkldnn._linear_pointwise.default, _block_view(batch, len(weight), blocks)
    return lambda t: view(product(steps[t], packed, None, "none", [], "").numpy())


def _torch_product(series, weight, blocks, first):
    steps, out, turned = _steps(series, first), weight.new_empty(series.shape[1], len(weight)), weight.t()
    result = _block_view(*out.shape, blocks)(out.numpy() if in_numpy(out) else out)

    def product(t: int):
        torch.mm(steps[t], turned, out=out)
        return result

    return product


def _steps(series, first):
    return series.unbind(0) if first is None else (first, *series.unbind(0))


def _block_view(batch: int, rows: int, blocks: int) -> Callable:
    if blocks == 1:
        return lambda product: product
    return lambda product: product.reshape(batch, blocks, rows // blocks).swapaxes(0, 1)


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
        part.copy_(operand.flatten(0, 1).t())
    ones.fill_(1)
    *weights, bias = linear(left, da.flatten(0, 1).t()).split([*sizes, 1])
    return *(weight.t() for weight in weights), bias[0]
