"""One update of a PyTorch model from one block of a sequence: forward, loss, back, clip, step.

Mixed precision and several processes change what stands around these five, never their order: a scaled gradient is
brought back to its own size before it is clipped, and clipped when all processes have added theirs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from companion.training.batches import Block
from companion.training.devices import Precision, autocast
from companion.training.models import Asked, Loss, State, call, detach, mean_loss, tensors
from companion.training.parallel import share, world
from companion.training.truncation import Carried, run_block, two_parts

__all__ = ["Done", "Step"]


@dataclass(frozen=True)
class Done:
    """What came of an update: its loss, the norm of the gradient before clipping, and whether the weights moved."""

    loss: float
    norm: float
    stepped: bool


class Parts(nn.Module):
    """A model as one module that is called once for each update, as DistributedDataParallel needs it."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor, state: State, split: int | None = None, lengths: Tensor | None = None):
        """Run the model, in two parts where there is a place to split at; what comes back is that of `two_parts`."""
        if split is None:
            outputs, end = call(self.model, x, state, lengths)
            return outputs, None, end
        return two_parts(self.model, x, state, split)


class Step:
    """Makes updates, one block after the other, and carries the state between them.

    `overlap` is the number of steps that a window reaches behind its block, None for batches that are not cut.
    """

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        loss: Loss,
        overlap: int | None,
        precision: Precision,
        clip: float | None,
        clip_value: float | None,
    ):
        self._model, self._optimiser, self._loss, self._overlap = model, optimiser, loss, overlap
        self._precision, self._clip, self._clip_value = precision, clip, clip_value
        self._device, self._world = next(model.parameters()).device, world()
        autocast(self._device, precision)
        self.scaler = torch.amp.GradScaler(self._device.type, enabled=precision == "float16")
        self._parts = Parts(model)
        self._run = self._parts if self._world.size == 1 else DistributedDataParallel(self._parts)
        self._params = [param for group in optimiser.param_groups for param in group["params"]]
        self.carried: Carried | None = None

    def __call__(self, block: Block) -> Done | None:
        """Make an update; None where the block has no targets, and only the state moves on."""
        if block.fresh:
            self.carried = None
        data = tensors(share(block.batch, self._world), self._model)
        targets = int(block.batch.asked.sum())
        if targets == 0:
            with torch.no_grad(), autocast(self._device, self._precision):
                self._forward(self._parts, data)
            return None
        with autocast(self._device, self._precision):
            outputs = self._forward(self._run, data)
            loss = mean_loss(self._loss, outputs, data, targets)
        total = float(self._world.sum(loss.detach()))
        if not math.isfinite(total):
            return Done(total, float("inf"), False)
        self._optimiser.zero_grad()
        # DistributedDataParallel takes the mean over the processes; these are parts of one sum
        self.scaler.scale(loss * self._world.size).backward()
        return Done(total, *self._move())

    def _forward(self, run: nn.Module, data: Asked) -> Tensor:
        """Run the model over a block; return its outputs, and keep what the next block needs."""
        carried = Carried(None, data.x[:0]) if self.carried is None else self.carried
        if self._overlap is None:
            outputs, _, end = run(data.x, carried.state, lengths=data.lengths)
            self.carried = Carried(detach(end), data.x[:0])
            return outputs
        outputs, _, self.carried = run_block(run, data.x, carried, self._overlap)
        return outputs

    def _move(self) -> tuple[float, bool]:
        """Clip the gradient and move the weights; return its norm before, and whether they moved."""
        self.scaler.unscale_(self._optimiser)
        limit = float("inf") if self._clip is None else self._clip
        norm = float(nn.utils.clip_grad_norm_(self._params, limit))
        if self._clip_value is not None:
            nn.utils.clip_grad_value_(self._params, self._clip_value)
        before = self.scaler.get_scale()
        self.scaler.step(self._optimiser)
        self.scaler.update()
        return norm, self.scaler.get_scale() >= before
