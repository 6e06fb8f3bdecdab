"""The training loop of the course, for PyTorch: forward, loss, back, clip, step; whole sequences or blocks of them.

It knows no cell and no task: anything that is called as `model(x, state)` is trained, on any batches of
`companion.tasks`, with any optimiser and any schedule of `torch.optim`, on one device or, under `torchrun`, on several.

    model = TorchNetwork(nn.LSTM(2, 32), torch.nn.Linear(32, 2)).to(device("auto"))
    batches = Batches(lambda rng: [task.batch(100, 32, rng)], rng=0)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = train(model, batches, F.cross_entropy, optimiser, updates=300, k1=10, k2=20, clip=1.0)
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from companion.tasks.batching import Batch
from companion.training.batches import Blocks
from companion.training.checkpoints import Checkpoint
from companion.training.devices import Precision, autocast
from companion.training.models import Loss, call, detach, mean_loss, tensors
from companion.training.numpy_loop import Diverged, EarlyStop, History
from companion.training.parallel import world
from companion.training.progress import Mode, progress
from companion.training.record import Record
from companion.training.resume import Run
from companion.training.step import Step
from companion.training.truncation import check

__all__ = ["evaluate", "train"]


def train(
    model: nn.Module,
    batches: Iterable[Batch],
    loss: Loss,
    optimiser: torch.optim.Optimizer,
    updates: int,
    *,
    k1: int | None = None,
    k2: int | None = None,
    carry: bool = False,
    clip: float | None = None,
    clip_value: float | None = None,
    schedule: Any = None,
    precision: Precision = "float32",
    early_stop: EarlyStop | None = None,
    checkpoint: Checkpoint | None = None,
    label: str = "training",
    mode: Mode | None = None,
) -> History:
    """Train a model in place and return what happened.

    Args:
        model: what is trained, where it is: called as `model(x, state)`, or as `model(x, state, lengths)` for batches
            with lengths that are not cut.
        batches: time first; with a `checkpoint`, `Batches` or what else has `state_dict` and `load_state_dict`. Under
            `torchrun` every process must be given the same ones, and takes its share of the sequences.
        loss: a function of `torch.nn.functional` such as `cross_entropy` or `mse_loss`; it is called with
            `reduction="none"` on the targets that are there, each of which counts once.
        optimiser: made with the model's parameters.
        updates: how many steps of the optimiser, at most.
        k1, k2: truncated backpropagation as in `windows`: an update every k1 steps, back over k2. None: whole
            sequences.
        carry: whether a batch goes on where the one before it ended, so that the state, cut off from its graph, is
            carried over; it starts anew where a pass of `Batches` begins.
        clip: largest norm of the gradient; longer ones are shortened before the step.
        clip_value: largest size of a single number in the gradient.
        schedule: of `torch.optim.lr_scheduler`; it makes a step after each update, `ReduceLROnPlateau` at each
            validation.
        precision: of the matrix products. "float16" scales the loss and leaves out updates that overflow; it is for
            GPUs: not every processor has all layers in it.
        early_stop: when to stop before all updates are made; `validate` gets the model. The best weights are put back.
        checkpoint: where the run is kept; if it is there already, the run goes on from it, to the same weights bit by
            bit.
        label, mode: of the progress, as in `companion.training.progress`.

    Raises:
        ValueError: an argument that makes no sense, batches that end too early, have no targets or do not fit the
            model.
        TypeError: batches with lengths for a model that does not take them.
        FileNotFoundError: a checkpoint in a folder that is not there.
        CheckpointError: a checkpoint that is damaged or of another run.
        Diverged: a loss that is not finite.
    """
    _check(model, optimiser, updates, clip, clip_value, schedule, early_stop)
    overlap, processes = check(model, k1, k2), world()
    if carry:
        check(model, k1 or 1, None)
    blocks = Blocks(batches, k1, carry)
    step = Step(model, optimiser, loss, overlap if k1 else None, precision, clip, clip_value)
    record = Record(model, early_stop)
    settings = {"k1": k1, "k2": k2, "carry": carry, "precision": precision}
    run = Run(model, optimiser, schedule, step, blocks, record, checkpoint, settings)
    run.go_on()
    with progress(updates, label, mode if processes.first else "silent", done=min(record.updates, updates)) as bar:
        while record.updates < updates and not _validate(record, schedule):
            block = next(blocks, None)
            if block is None:
                raise ValueError(f"batches: expected enough for {updates} updates, got {record.updates}")
            done = step(block)
            if done is None:
                continue
            record.add(done)
            if not np.isfinite(done.loss):
                advice = "" if clip or clip_value else "; clip the gradient, or lower the learning rate"
                raise Diverged(f"the loss is {done.loss} at update {record.updates - 1}{advice}", record.history())
            if done.stepped and schedule is not None and not isinstance(schedule, ReduceLROnPlateau):
                schedule.step()
            run.keep()
            bar.set_postfix_str(f"loss {done.loss:.4g}", refresh=False)
            bar.update()
        else:
            _validate(record, schedule)
    run.keep(last=True)
    record.restore()
    return record.history()


@torch.no_grad()
def evaluate(
    model: nn.Module, batches: Iterable[Batch], loss: Loss, *, carry: bool = False, precision: Precision = "float32"
) -> float:
    """Return the mean loss over all targets of all batches, with dropout and its like at rest.

    Arguments as in `train`. Raises ValueError where there is no target.
    """
    modes = {module: module.training for module in model.modules()}
    model.eval()
    total, targets, state = 0.0, 0, None
    try:
        for batch in batches:
            data = tensors(batch, model)
            with autocast(data.x.device, precision):
                outputs, end = call(model, data.x, state, data.lengths)
                total += float(mean_loss(loss, outputs, data, targets=1))
            state, targets = detach(end) if carry else None, targets + len(data.y)
    finally:
        for module, training in modes.items():
            module.training = training
    if not targets:
        raise ValueError("batches: expected at least one target, got none")
    return total / targets


def _validate(record: Record, schedule: Any) -> bool:
    """Validate where it is due, tell a schedule that waits for it, and say whether to stop."""
    if record.due and isinstance(schedule, ReduceLROnPlateau):
        record.validate()
        schedule.step(record.validation[-1])
    elif record.due:
        record.validate()
    return record.stopped


def _check(model, optimiser, updates, clip, clip_value, schedule, early_stop) -> None:
    if updates < 1:
        raise ValueError(f"updates: expected at least 1, got {updates}")
    for name, value in (("clip", clip), ("clip_value", clip_value)):
        if value is not None and not value > 0:
            raise ValueError(f"{name}: expected a number above 0 or None, got {value}")
    if clip is not None and clip_value is not None:
        raise ValueError(f"clip_value: expected None where clip = {clip} is given, got {clip_value}")
    held = {id(param) for group in optimiser.param_groups for param in group["params"]}
    if not held <= {id(param) for param in model.parameters()}:
        raise ValueError("optimiser: expected one made with model.parameters(), got one that holds other tensors")
    if getattr(schedule, "optimizer", optimiser) is not optimiser:
        raise ValueError("schedule: expected one made with this optimiser, got one of another")
    if isinstance(schedule, ReduceLROnPlateau) and early_stop is None:
        raise ValueError("schedule: expected an early_stop, whose validation ReduceLROnPlateau waits for, got None")
