"""Training runs that give the same weights on one process and on several; test_parallel.py starts it with torchrun."""

import faulthandler
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

from companion import nn
from companion.tasks import Batch, Echo
from companion.training import Batches, Checkpoint, EarlyStop, TorchNetwork, distributed, save, train

UPDATES = 8


def ragged(rng):
    """Sequences of very unequal length, so that the processes have unequal numbers of targets."""
    return [Batch(rng.normal(size=(7, 5, 2)), rng.normal(size=(7, 5, 2)), np.array([1, 2, 7, 6, 7]))]


def stream(rng):
    """Streams with a carried state; in their first steps there are no targets."""
    return (Echo(lag=3).batch(6, 5, rng) for _ in range(4))


def one_sided(rng):
    """All targets are the last sequences', so that the first process has none."""
    batch = Echo(lag=1).batch(6, 4, rng)
    return [Batch(batch.x, np.where(np.arange(4) > 1, batch.y, -1))]


RUNS = {
    "whole": (ragged, F.mse_loss, {"clip": 0.1}),
    "chunks": (ragged, F.mse_loss, {"k1": 3}),
    "windows": (stream, F.cross_entropy, {"k1": 2, "k2": 5, "carry": True}),
    "one side": (one_sided, F.cross_entropy, {"clip_value": 0.01}),
}


def run(name, path=None, updates=UPDATES, dropout=0.0):
    """Make one of the runs; returns what must agree."""
    one_pass, loss, options = RUNS[name]
    torch.manual_seed(0)
    layer = nn.LSTM(2, 4, num_layers=2, dropout=dropout, dtype=torch.float64)
    model = TorchNetwork(layer, torch.nn.Linear(4, 2, dtype=torch.float64))
    optimiser = torch.optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
    keep = None if path is None else Checkpoint(path, every=3)
    stop = EarlyStop(lambda net: net.head.bias[0].item(), every=2)
    parts = {"early_stop": stop, "checkpoint": keep, "mode": "silent", **options}
    history = train(model, Batches(one_pass, rng=1), loss, optimiser, updates, **parts)
    return {"weights": model.state_dict(), **{key: getattr(history, key) for key in ("loss", "norm", "validation")}}


def main(folder: Path) -> None:
    """Make all runs, and one that is broken off and goes on, by as many processes as there are."""
    with distributed() as processes:
        found = {name: run(name) for name in RUNS}
        run("windows", folder / "handed over", updates=5)
        found["kept"] = run("windows", folder / "kept", dropout=0.5)
        run("windows", folder / "broken", updates=5, dropout=0.5)
        found["broken"] = run("windows", folder / "broken", dropout=0.5)
        found["size"] = processes.size
        if processes.first:
            save(folder / "found", found)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(100, exit=True)  # a process that waits for another in vain ends by itself
    main(Path(sys.argv[1]))
