"""Trains a network that is killed again and again, and once without; run by test_resume.py in a process of its own.

Each attempt is a fork, so that torch is imported once. The parent kills it with SIGKILL after a random time, or it
kills itself in the middle of writing its checkpoint.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from companion import nn
from companion.tasks import Echo
from companion.training import Batches, Checkpoint, EarlyStop, TorchNetwork, checkpoints, evaluate, train

UPDATES = 40


def run(path: Path, updates: int = UPDATES) -> None:
    """A run with everything in it that has a state: dropout, a stream in windows, a schedule, validation."""
    task = Echo(lag=2)
    torch.manual_seed(0)
    model = TorchNetwork(nn.GRU(2, 6, num_layers=2, dropout=0.3), torch.nn.Linear(6, 2))
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    test = task.batch(10, 4, np.random.default_rng(1))
    train(
        model,
        Batches(lambda rng: (task.batch(9, 4, rng) for _ in range(5)), rng=3),
        F.cross_entropy,
        optimiser,
        updates,
        k1=4,
        k2=6,
        carry=True,
        clip=1.0,
        schedule=torch.optim.lr_scheduler.ExponentialLR(optimiser, 0.99),
        early_stop=EarlyStop(lambda net: evaluate(net, [test], F.cross_entropy), every=7, patience=100),
        checkpoint=Checkpoint(path, every=1),
        mode="silent",
    )
    checkpoints.save(path.with_suffix(".end"), model.state_dict())


def attempt(path: Path, fatal_write: int | None) -> int:
    """Start a run in a fork; it kills itself halfway through a writing, if told so. Returns its process id."""
    child = os.fork()
    if child:
        return child
    writings, plain = iter(range(10**6)), checkpoints.serialise

    def serialise(*what) -> bytes:
        whole = plain(*what)
        if next(writings) == fatal_write:
            path.with_name(path.name + ".part").write_bytes(whole[: len(whole) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        return whole

    checkpoints.serialise = serialise
    run(path)
    os._exit(0)


def main(folder: Path, seed: int) -> None:
    """Train with kills and without; print how it went."""
    rng, kills, path = np.random.default_rng(seed), 0, folder / "killed.safetensors"
    start = time.perf_counter()
    run(folder / "whole.safetensors")
    seconds = time.perf_counter() - start
    for n in range(1000):
        inside = n % 3 == 0
        child = attempt(path, int(rng.integers(4)) if inside and kills < 9 else None)
        if not inside and kills < 9:
            time.sleep(rng.uniform(0.01, 0.12) * seconds)
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        kills += os.WIFSIGNALED(status)
        if os.WIFEXITED(status):
            print(json.dumps({"kills": kills}))
            sys.exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
