"""One script on one processor, several GPUs or several machines: `torchrun` starts the processes, this joins them.

Every process draws the same batches and takes its own share of the sequences; the gradients are added up so that each
target counts once, whichever process it is on. So the updates are those of one process with the whole batch.

    with distributed() as processes:
        train(model, batches, ...)
        if processes.first:
            print("done")

Alone, `python script.py`; on two GPUs of one machine, `torchrun --nproc-per-node 2 script.py`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch import distributed as dist

from companion.tasks.batching import Batch

__all__ = ["World", "distributed", "share", "world"]


@dataclass(frozen=True)
class World:
    """The processes that train together.

    Attributes:
        rank: the number of this process.
        size: how many there are; 1 where a script runs alone.
        local: the number of this process on its machine.
    """

    rank: int = 0
    size: int = 1
    local: int = 0

    @property
    def first(self) -> bool:
        """Whether this is the process that prints and writes files."""
        return self.rank == 0

    def sum(self, value: Tensor) -> Tensor:
        """Return the sum of what all processes have."""
        if self.size > 1:
            value = value.clone()
            dist.all_reduce(value)
        return value

    def gather(self, thing: Any) -> list[Any]:
        """Return what every process has, in their order."""
        things = [thing] * self.size
        if self.size > 1:
            dist.all_gather_object(things, thing)
        return things

    def from_first(self, thing: Any) -> Any:
        """Return what the first process has."""
        things = [thing]
        if self.size > 1:
            dist.broadcast_object_list(things)
        return things[0]

    def own(self, count: int) -> slice:
        """Return which of so many sequences are this process's."""
        return slice(count * self.rank // self.size, count * (self.rank + 1) // self.size)


def world() -> World:
    """Return the processes that train together: those that `distributed` joined, else this one alone."""
    if not (dist.is_available() and dist.is_initialized()):
        return World()
    return World(dist.get_rank(), dist.get_world_size(), int(os.environ.get("LOCAL_RANK", 0)))


@contextmanager
def distributed() -> Iterator[World]:
    """Join the processes that `torchrun` started, for the time of a `with`; without `torchrun`, do nothing.

    GPUs talk through NCCL, processors through Gloo.
    """
    if not {"RANK", "WORLD_SIZE", "MASTER_ADDR"} <= set(os.environ):
        yield World()
        return
    gpus = torch.cuda.is_available()
    if gpus:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    dist.init_process_group("cpu:gloo,cuda:nccl" if gpus else "gloo")
    try:
        yield world()
    finally:
        dist.destroy_process_group()


def share(batch: Batch, processes: World) -> Batch:
    """Return the sequences of a batch that are this process's. Raises ValueError where there are too few for all."""
    if processes.size == 1:
        return batch
    count = batch.x.shape[1]
    if count < processes.size:
        raise ValueError(f"batches: expected at least one sequence for each of {processes.size} processes, got {count}")
    own = processes.own(count)
    return Batch(batch.x[:, own], batch.y[:, own], None if batch.lengths is None else batch.lengths[own])
