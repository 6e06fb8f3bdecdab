"""A stream of words without end, with forget gates and without (C22): Gers, Schmidhuber and Cummins (2000).

Words of the embedded Reber grammar follow one another, and nothing sets the state back between them. An LSTM with
forget gates and one without (the cell of 1997) learn from chunks of the same streams, the state carried on from chunk
to chunk; the streams are read several times. Afterwards both read streams that they never saw. Written before the data:

C22   holds if in the last tenth of the test stream (a) the LSTM with forget gates repeats the second letter of a word
      at its end more often, the 95 % intervals of the mean over the seeds apart, (b) its largest cell state is at most
      a tenth of that without, in the median over the seeds, and (c) in at least half of the networks some cell forgets
      at the seam of two words: its forget gate is below 0.1 on average at one of the three steps that read the last
      letter and the first two, and above 0.5 on average at the others. With a condition if (a) and (b), but not (c).
      False otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion import tasks
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import interval
from companion.experiments.race import Data, loss_of, shorten
from companion.training import Network

CONFIG: dict[str, Any] = {
    "hidden": 12,
    "streams": 10,
    "chunk": 60,
    "chunks": 500,
    "passes": 6,
    "rate": 0.005,
    "clip": 1.0,
    "test": {"streams": 4, "steps": 2000},
    "parts": 10,
}
KINDS = {"with forget gates": True, "without": False}
GRAMMAR = tasks.EmbeddedReber()

Array = np.ndarray


def layer(forgets: bool, hidden: int, seed: int) -> ref.Layer:
    """Return an LSTM with forget gates, their bias 1, or one without."""
    made = ref.LSTM(len(GRAMMAR.symbols), hidden, forget_gate=forgets, rng=seed, dtype=np.float32)
    if forgets:
        ref.init.forget_bias(made, 1.0)
    return made


def streams(seeds: Sequence[int], key: int, T: int, B: int) -> tuple[Data, Array]:
    """Draw B streams of T steps for every seed, and which letters may follow at each step, (S, T, B, 7)."""
    batches = [GRAMMAR.stream(T, B, np.random.default_rng([seed, key])) for seed in seeds]
    x, y, legal = (np.stack([getattr(batch, name) for batch in batches]) for name in ("x", "y", "legal"))
    return Data(x.astype(np.float32), y, np.full(y.shape, True)), legal


def train(forgets: bool, seeds: Sequence[int], data: Data, config: Mapping[str, Any]) -> Network:
    """Train a network of every seed on its own streams, chunk by chunk, the state carried and the gradient cut."""
    k, hidden = config["chunk"], config["hidden"]
    heads = [ref.Linear(hidden, len(GRAMMAR.symbols), rng=seed, dtype=np.float32) for seed in seeds]
    network = Network(ref.stack([layer(forgets, hidden, seed) for seed in seeds]), ref.stack(heads))
    adam = ref.Adam(network.params, lr=config["rate"])
    state = None
    for start in [*range(0, k * config["chunks"], k)] * config["passes"]:
        chunk = Data(*(array[:, start : start + k] for array in (data.x, data.y, data.asked)))
        tape = network.layer.unroll(chunk.x, state)
        state = tape.state
        grads = network.backward(tape, loss_of(network.head(tape.y), chunk)[1])
        shorten(grads, config["clip"])
        adam.step(grads)
    return network


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed and kind, by tenths of the test stream: right steps, right repeats, largest cell state."""
    results: list[dict[str, Any]] = [{} for _ in seeds]
    learnt, _ = streams(seeds, 1, config["chunk"] * config["chunks"], config["streams"])
    data, legal = streams(seeds, 2, config["test"]["steps"], config["test"]["streams"])
    letters = data.x.argmax(axis=-1)
    for kind, forgets in KINDS.items():
        network = train(forgets, seeds, learnt, config)
        tape = network.layer.unroll(data.x)
        said, cell = network.head(tape.y), np.abs(tape["c"])
        right = np.where(legal, said, np.inf).min(axis=-1) > np.where(legal, -np.inf, said).max(axis=-1)
        repeat = repeats(letters)
        for s, result in enumerate(results):
            tenths = np.array_split(np.arange(letters.shape[1]), config["parts"])
            result[kind] = {
                "right": [right[s, part].mean() for part in tenths],
                "repeat": [right[s, part][repeat[s, part]].mean() for part in tenths],
                "cell": [float(cell[s, part].max()) for part in tenths],
                "perfect": bool(right[s].all()),
            }
            if forgets:
                result[kind]["gate"] = seam(tape["f"][s], letters[s])
    return results


def repeats(letters: Array) -> Array:
    """Return where the letter to come is the frame's second one, (S, T, B): the inner E was read, the outer E was not.

    A word is B, frame, B … E, frame, E. So the inner E is the one that comes when one E is still owed: after an outer E
    a word begins anew. Streams begin with a word, so the E alternate: inner, outer, inner, outer.
    """
    ends = letters == GRAMMAR.symbols.index("E")
    return ends & (np.cumsum(ends, axis=1) % 2 == 1)


def seam(f: Array, letters: Array) -> dict[str, float]:
    """Return, for the cell that forgets most at the seam of two words, its mean forget gate there and elsewhere.

    f is (T, B, H), letters (T, B). The seam is the outer E, the B after it and the letter after that; the step of the
    three at which the gate is lowest on average counts.
    """
    outer = (letters == GRAMMAR.symbols.index("E")) & ~repeats(letters[None])[0]
    at = [np.roll(outer, k, axis=0) for k in range(3)]
    for k, mask in enumerate(at):
        mask[:k] = False
    elsewhere = f[~np.logical_or.reduce(at)].mean(axis=0)
    there = np.stack([f[mask].mean(axis=0) for mask in at])
    gap = np.where(elsewhere > 0.5, there.min(axis=0), 1.0)
    best = int(gap.argmin())
    return {
        "seam": float(there[:, best].min()),
        "elsewhere": float(elsewhere[best]),
        "step": int(there[:, best].argmin()),
    }


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means with intervals by kind, for the first and the last tenth; medians of the cell; how many forget."""
    found: dict[str, Any] = {}
    for kind in KINDS:
        runs = [result[kind] for result in results]
        found[kind] = {
            "right": interval([run["right"][-1] for run in runs]),
            "repeat": interval([run["repeat"][-1] for run in runs]),
            "repeat_first": interval([run["repeat"][0] for run in runs]),
            "cell_first": float(np.median([run["cell"][0] for run in runs])),
            "cell": float(np.median([run["cell"][-1] for run in runs])),
            "perfect": sum(run["perfect"] for run in runs),
        }
    gates = [result["with forget gates"]["gate"] for result in results]
    found["resets"] = sum(gate["seam"] < 0.1 and gate["elsewhere"] > 0.5 for gate in gates)
    return found


EXPERIMENT = Experiment(
    name="continual",
    title="a stream of words without end, with forget gates and without",
    claims=("C22",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=10,
    packages=("numpy", "scipy"),
)
