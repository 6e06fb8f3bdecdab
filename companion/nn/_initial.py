"""How the weights begin: as torch.nn's, or with gates that start open for long memories. Chapter "The LSTM"."""

import math

import torch
from torch import Tensor, nn


def uniform_(tensors, hidden_size: int) -> None:
    """Fill the tensors from U(-1/√H, 1/√H), one after another, as torch.nn does."""
    bound = 1 / math.sqrt(hidden_size)
    for tensor in tensors:
        nn.init.uniform_(tensor, -bound, bound)


def check(kind: str, forget_bias: float | None, chrono: int | None, bias: bool) -> None:
    """Raise ValueError for arguments that contradict each other, TypeError for what is no number."""
    for name, value in (("forget_bias", forget_bias), ("chrono", chrono)):
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise TypeError(f"{name} should be a number or None, got: {type(value).__name__}")
        if value is not None and not bias:
            raise ValueError(f"{name}={value} needs biases, but bias=False")
    if forget_bias is not None and chrono is not None:
        raise ValueError("forget_bias and chrono both set the same biases: give one of them")
    if chrono is not None and chrono < 3:
        raise ValueError(f"{kind}: chrono is the longest lag to remember, at least 3 steps, got {chrono}")


@torch.no_grad()
def open_gate_(bias_ih: Tensor, bias_hh: Tensor, block: int, gates: int, value: Tensor | float) -> None:
    """Set the bias of one gate block: the value in one of the two vectors, 0 in the other, for their sum counts."""
    bias_ih.view(gates, -1)[block] = value
    bias_hh.view(gates, -1)[block] = 0


def chrono_bias(hidden_size: int, longest: float, like: Tensor) -> Tensor:
    """log u, u from U(1, longest - 1), (H,): units that forget in 1 to ``longest`` steps (Tallec and Ollivier 2018)."""
    return torch.empty(hidden_size, dtype=like.dtype, device=like.device).uniform_(1, longest - 1).log_()
