"""What the four readers of `characters` cost: the time of an update, in NumPy and in PyTorch, and who is ahead of time.

One network alone is timed over an update, forward, back, clipped, Adam, with the sizes, batches and chunks of
`characters`, on one thread: in `companion.reference`, and in PyTorch, which has kernels of its own for all but the
one with peepholes; that one is `companion.nn`'s. A round is the seed of the weights; in every round all are timed one
after the other, so that what disturbs the machine disturbs all of them. Time is that of the processor, the least of a
few calls.

Equal time, written before the data: in a program, all cells get the time that the quickest of them needs for all its
characters. What a cell has reached by then is read off the learning curve of every seed, straight between two checks
over the logarithm of the characters. The GRU is ahead of the LSTM if the 95 % interval of the mean of its bits less
those of the LSTM, seed by seed, on the validation part, lies below 0; behind if above; else no difference was told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments import characters as reading
from companion.experiments import clock
from companion.experiments.evidence import Evidence
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import bootstrapped
from companion.tasks import characters
from companion.training import Network

CONFIG: dict[str, Any] = {
    **{name: reading.CONFIG[name] for name in ("cells", "parameters", "rates", "B", "T", "clip")},
    "repeats": 7,
}
PROGRAMS = ("numpy", "torch")

Array = np.ndarray
Update = Callable[[], float]


def network(cell: str, hidden: int, symbols: int, seed: int, config: Mapping[str, Any]) -> Network:
    """Return one network as it begins."""
    begun = reading.networks(cell, hidden, symbols, [seed], config).network
    return Network(ref.unstack(begun.layer)[0], ref.unstack(begun.head)[0])


def numpy_update(alone: Network, x: Array, asked: Array, rate: float, clip: float) -> Update:
    """Return an update of a network in `companion.reference`; each call returns the loss before it."""
    adam = ref.Adam(alone.params, lr=rate)

    def update() -> float:
        tape = alone.layer.unroll(x)
        loss, d_logits = reading.loss_of(alone.head(tape.y)[None], asked)
        grads = alone.backward(tape, d_logits[0])
        ref.clip_grad_norm(grads, max_norm=clip)
        adam.step(grads)
        return float(loss[0])

    return update


def torch_update(alone: Network, x: Array, asked: Array, rate: float, clip: float) -> Update:
    """Return an update of the same network in PyTorch; each call returns the loss before it."""
    import torch

    from companion import interop

    own, head = interop.to_torch(alone.layer), torch.nn.Linear(alone.head.in_features, x.shape[-1])
    head.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in alone.head.params.items()})
    params = [*own.parameters(), *head.parameters()]
    adam = torch.optim.Adam(params, lr=rate)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(asked).reshape(-1)

    def update() -> float:
        adam.zero_grad()
        logits = head(own(inputs)[0]).reshape(len(targets), -1)
        loss = torch.nn.functional.cross_entropy(logits, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, clip)
        adam.step()
        return loss.item()

    return update


def least(update: Update, repeats: int) -> float:
    """Return the least processor time of some calls, after one that is not counted."""
    update()
    spent = []
    for _ in range(repeats):
        begin = time.process_time()
        update()
        spent.append(time.process_time() - begin)
    return min(spent)


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every round, the microseconds that a character costs, by program and cell."""
    text = characters.load()
    (batch,) = islice(text.chunks("train", config["T"], config["B"]), 1)
    x = batch.x.astype(np.float32)
    sizes = reading.sizes(config, len(text.symbols))
    makers = dict(zip(PROGRAMS, (numpy_update, torch_update), strict=True))

    def begun(cell: str, seed: int) -> Network:
        return network(cell, sizes[cell], len(text.symbols), seed, config)

    def cost(make: Callable[..., Update], cell: str, seed: int) -> float:
        update = make(begun(cell, seed), x, batch.y, config["rates"][cell], config["clip"])
        return 1e6 * least(update, config["repeats"]) / batch.y.size

    with clock.one_thread():
        return [
            {program: {cell: cost(make, cell, seed) for cell in config["rates"]} for program, make in makers.items()}
            for seed in seeds
        ]


def at_equal_time(curves: Mapping[str, Array], read: Sequence[int], cost: Mapping[str, float]) -> dict[str, Any]:
    """Return the seconds that the quickest cell needs for everything, and what all have reached by then, (S,).

    curves: bits by cell, (S, checks); read: characters at the checks; cost: microseconds a character by cell.
    """
    seconds = 1e-6 * min(cost.values()) * read[-1]
    reached = {}
    for cell, curve in curves.items():
        at = np.log(1e6 * seconds / cost[cell])
        reached[cell] = np.array([np.interp(at, np.log(read), own) for own in curve])
    return {"seconds": seconds, "reached": reached}


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, by program, the median cost of a character, ratios to the LSTM, and the bits at equal time."""

    def mean(values: Sequence[float]) -> dict[str, float]:
        return bootstrapped(values, "mean", np.mean)

    runs, cells = Evidence.load("characters"), CONFIG["cells"]
    curves = {cell: np.array([run[cell]["validation"] for run in runs.results]) for cell in cells}
    found: dict[str, Any] = {"count": len(results)}
    for program in PROGRAMS:
        spent = {cell: np.array([run[program][cell] for run in results]) for cell in cells}
        cost = {cell: float(np.median(values)) for cell, values in spent.items()}
        level = at_equal_time(curves, runs.summary["read"], cost)
        reached = level["reached"]
        found[program] = {
            "cost": cost,
            "ratio": {c: bootstrapped(values / spent["LSTM"], "median", np.median) for c, values in spent.items()},
            "seconds": level["seconds"],
            "bits": {cell: mean(values) for cell, values in reached.items()},
            "against_lstm": {cell: mean(reached[cell] - reached["LSTM"]) for cell in cells if cell != "LSTM"},
        }
    return found


EXPERIMENT = Experiment(
    name="characters_times",
    title="what an update of four readers costs, and who is ahead at equal time",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    packages=("numpy", "scipy", "torch"),
    timed=True,
)
