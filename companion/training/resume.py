"""All that a training run of a PyTorch model is made of, put into a checkpoint and taken out again.

`Checkpoint` lists them. The processes of a run each hold their share of the carried state and generators of their own;
the file holds all of them, and the first process writes and reads it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from companion.training.batches import Blocks
from companion.training.checkpoints import Checkpoint, CheckpointError, load, save
from companion.training.models import State
from companion.training.parallel import world
from companion.training.record import Record
from companion.training.step import Step
from companion.training.truncation import Carried

__all__ = ["Run"]


class Run:
    """The parts of a run that must be kept together. `settings` are those that may not change on the way."""

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer,
        schedule: Any,
        step: Step,
        blocks: Blocks,
        record: Record,
        checkpoint: Checkpoint | None,
        settings: dict[str, Any],
    ):
        self._model, self._step, self._checkpoint, self._settings = model, step, checkpoint, dict(settings)
        self._record, self._world = record, world()
        self._parts = {"model": model, "optimiser": optimiser, "scaler": step.scaler, "record": record}
        self._parts |= {"data": blocks} | ({} if schedule is None else {"schedule": schedule})
        self._settings |= {"optimiser": _name(optimiser), "schedule": _name(schedule)}
        if checkpoint is not None and not blocks.resumable:
            raise ValueError("batches: expected Batches, which know their place, where a checkpoint is kept")
        if checkpoint is not None and not Path(checkpoint.path).absolute().parent.is_dir():
            raise FileNotFoundError(f"checkpoint: expected a folder that is there, got {str(checkpoint.path)!r}")

    def keep(self, last: bool = False) -> None:
        """Write the checkpoint, where it is due or this is the last time."""
        if self._checkpoint is None or (not last and self._record.updates % self._checkpoint.every):
            return
        carried, generators = self._world.gather(_to_cpu(self._step.carried)), self._world.gather(generator_states())
        if self._world.first:
            tree = {name: part.state_dict() for name, part in self._parts.items()}
            tree |= {"settings": self._settings, "carried": _joined(carried), "generators": generators}
            save(self._checkpoint.path, tree)

    def go_on(self) -> None:
        """Take up the run where the checkpoint left it, if there is one."""
        if self._checkpoint is None:
            return
        there = self._world.first and Path(self._checkpoint.path).exists()
        tree = self._world.from_first(load(self._checkpoint.path) if there else None)
        if tree is None:
            return
        self._compare(tree)
        for name, part in self._parts.items():
            part.load_state_dict(tree[name])
        self._step.carried = self._own(tree["carried"])
        if self._world.rank < len(tree["generators"]):
            set_generators(tree["generators"][self._world.rank])

    def _compare(self, tree: dict[str, Any]) -> None:
        where = f"checkpoint: {str(self._checkpoint.path)!r}"
        if not isinstance(tree, dict) or not {"settings", "carried", "generators", "model"} <= set(tree):
            raise CheckpointError(f"{where} holds no training run")
        for name, value in self._settings.items():
            if tree["settings"].get(name) != value:
                raise CheckpointError(f"{where} was written with {name} = {tree['settings'].get(name)}, got {value}")
        own = {name: tuple(tensor.shape) for name, tensor in self._model.state_dict().items()}
        if {name: tuple(tensor.shape) for name, tensor in tree["model"].items()} != own:
            raise CheckpointError(f"{where} holds the weights of another model")

    def _own(self, carried: dict[str, Any] | None) -> Carried | None:
        """This process's sequences of a state that was joined."""
        if carried is None:
            return None
        weight = next(self._model.parameters())
        rows = self._world.own(carried["x"].shape[1])
        mine = _each(carried, lambda tensor: tensor[:, rows].to(weight.device).contiguous())
        return Carried(mine["state"], mine["x"])


def generator_states() -> dict[str, Any]:
    """Return the states of torch's generators: of the CPU and of every GPU."""
    return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []}


def set_generators(states: dict[str, Any]) -> None:
    """Set torch's generators; those of GPUs that are not here are left out."""
    torch.set_rng_state(states["cpu"])
    for number, state in enumerate(states["cuda"][: torch.cuda.device_count()]):
        torch.cuda.set_rng_state(state, number)


def _name(part: Any) -> str | None:
    return None if part is None else type(part).__name__


def _to_cpu(carried: Carried | None) -> dict[str, Any] | None:
    if carried is None:
        return None
    return _each({"state": carried.state, "x": carried.x}, lambda tensor: tensor.detach().cpu())


def _joined(parts: list[dict[str, Any] | None]) -> dict[str, Any] | None:
    """The sequences of all processes side by side again."""
    first = parts[0]
    if first is None:
        return None
    leaves = [list(_leaves(part)) for part in parts]
    together = iter([torch.cat(own, dim=1) for own in zip(*leaves, strict=True)])
    return _each(first, lambda _: next(together))


def _each(tree: State, change) -> State:
    if isinstance(tree, dict):
        return {name: _each(part, change) for name, part in tree.items()}
    if isinstance(tree, tuple | list):
        return tuple(_each(part, change) for part in tree)
    return change(tree) if isinstance(tree, Tensor) else tree


def _leaves(tree: State):
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, dict | tuple | list):
        for part in tree.values() if isinstance(tree, dict) else tree:
            yield from _leaves(part)
