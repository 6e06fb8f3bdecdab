"""What the PyTorch loop trains: a module that is called with inputs and a state, and a loss that counts targets.

Any module will do that is called as `module(x, state)` and returns its outputs and its last state, time first: the
layers of `companion.nn` and of `torch.nn` as they are, and a `TorchNetwork`, which adds the dense layer on top.

    network = TorchNetwork(nn.LSTM(8, 32), torch.nn.Linear(32, 8))
    outputs, state = network(x)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from companion.tasks.batching import Batch

__all__ = ["Asked", "TorchNetwork", "call", "detach", "mean_loss", "tensors"]

State = Any  # h, (h, c), or None for zeros
Loss = Callable[..., Tensor]


class TorchNetwork(nn.Module):
    """A recurrent layer and what reads its outputs, as `Network` is for the layers of `companion.reference`.

    Args:
        layer: a layer of `companion.nn` or `torch.nn`, time first.
        head: a module for the outputs, such as `torch.nn.Linear`; None where the layer's outputs are the network's, as
            with a `JordanRNN`.

    Raises:
        ValueError: a layer with `batch_first`.
    """

    def __init__(self, layer: nn.Module, head: nn.Module | None = None):
        super().__init__()
        if getattr(layer, "batch_first", False):
            raise ValueError("layer: expected one with time first, got batch_first=True")
        self.layer, self.head = layer, head

    def forward(self, x: Tensor, state: State = None, lengths: Tensor | None = None) -> tuple[Tensor, State]:
        """Return the outputs `(T, B, O)` for inputs `(T, B, I)`, and the last state.

        With `lengths` `(B,)` a sequence's state is that of its own end, and the reverse direction begins there.
        """
        if lengths is None:
            y, state = self.layer(x, state)
        else:
            packed, state = self.layer(pack_padded_sequence(x, lengths.cpu(), enforce_sorted=False), state)
            y, _ = pad_packed_sequence(packed, total_length=len(x))
        return (y if self.head is None else self.head(y)), state


@dataclass(frozen=True, eq=False)
class Asked:
    """A batch as tensors.

    Attributes:
        x: inputs, `(T, B, I)`.
        y: the targets that are there, one after another: labels `(N,)` or numbers `(N, O)`.
        asked: `(T, B)`, true where there is a target.
        lengths: `(B,)`, on the CPU, or None.
    """

    x: Tensor
    y: Tensor
    asked: Tensor
    lengths: Tensor | None


def tensors(batch: Batch, model: nn.Module) -> Asked:
    """Return a batch of `companion.tasks` as tensors, where the model's weights are and in their precision."""
    weight = next(model.parameters())
    asked = torch.as_tensor(batch.asked)
    y = torch.as_tensor(batch.y)[asked]
    return Asked(
        x=torch.as_tensor(batch.x).to(weight.device, weight.dtype),
        y=y.to(weight.device, weight.dtype if y.is_floating_point() else torch.int64),
        asked=asked.to(weight.device),
        lengths=None if batch.lengths is None else torch.as_tensor(batch.lengths),
    )


def mean_loss(loss: Loss, outputs: Tensor, batch: Asked, targets: int | None = None) -> Tensor:
    """Return the loss over the targets that are there, divided by their number, or by `targets`.

    Args:
        loss: a function of `torch.nn.functional` such as `cross_entropy` or `mse_loss`, or any that takes `(outputs,
            targets, reduction="none")`.
        outputs: `(T, B, O)`.

    Raises:
        ValueError: outputs of other steps or sequences than the batch has, targets of another shape than the outputs.
    """
    if outputs.shape[:2] != batch.asked.shape:
        raise ValueError(f"outputs: expected (T, B, …) with (T, B) = {tuple(batch.asked.shape)}, got {outputs.shape}")
    said = outputs[batch.asked]
    if batch.y.is_floating_point() and batch.y.shape != said.shape:
        raise ValueError(f"targets: expected {said.shape[1:]} numbers a step as the outputs have, got {batch.y.shape}")
    each = loss(said, batch.y, reduction="none").flatten(1 if batch.y.dim() > 1 else 0)
    each = each.mean(dim=1) if each.dim() > 1 else each
    return each.sum() / max(len(each) if targets is None else targets, 1)


def detach(state: State) -> State:
    """Return a state without its graph: h, (h, c) or None."""
    if isinstance(state, tuple | list):
        return tuple(detach(part) for part in state)
    return None if state is None else state.detach()


def call(model: nn.Module, x: Tensor, state: State, lengths: Tensor | None) -> tuple[Tensor, State]:
    """Run a model, with lengths only where there are any. Raises TypeError for a model that does not take them."""
    if lengths is None:
        return model(x, state)
    places = [p for p in signature(model.forward).parameters.values() if p.kind is not p.KEYWORD_ONLY]
    if len(places) < 3 and not any(p.kind is p.VAR_POSITIONAL for p in places):
        name = type(model).__name__
        raise TypeError(
            f"model: expected one called as model(x, state, lengths), such as TorchNetwork({name}), got {name}"
        )
    return model(x, state, lengths)
