"""Four cells read Python's documentation, with equal parameters: bits per character, and what single units follow.

Every cell has about the same number of parameters, the same characters in the same order, read once from eight
places side by side with the state carried on, updates every 50 characters, clipping at norm 1, and a rate of its own.
The rates were chosen beforehand, on the validation part after one reading with seeds 100 and 101: the best of 0.002,
0.005 and 0.01, for the GRU of 0.02 and for the LSTM of 0.02 and 0.04 too, until it was none at the end of its row; the
cell with peepholes has that of the LSTM. The rate stands still, so a point of a learning curve is what a run would have
had that ended there.

A GRU is asked at its end, and before it has learnt anything, how well its best single unit tells what the text is
inside of (`companion.experiments.units`). The unit is chosen on the validation part, scored on the test part.

Some topics repeat others word for word, so a part of the test text can be copied. Its bits are therefore given twice:
of all its characters, and of the new ones, where the last 30 characters stand nowhere in the training part.

Written before the data, all with seeds 0 to 19 and 95 % intervals of means over the seeds:

Equal parameters: the GRU reads better than the LSTM if the interval of its bits per character less those of the LSTM,
      seed by seed, on the test part after all characters, lies below 0; worse if above; else no difference was told.
Counting: a cell beats counting if the whole interval of its bits lies below those of the best n-gram
      (`characters_counted`), whose order is chosen on the validation part.
Equal time: see `characters_times`.
Units: a unit follows something if the interval of the best unit's score less that of the best unit of the untrained
      network, seed by seed, lies above 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments import units
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import bootstrapped
from companion.experiments.long_lags import hidden_size, layer
from companion.experiments.race import Runner, runner, shorten
from companion.tasks import characters

CELLS = ("RNN", "GRU", "LSTM", "PeepholeLSTM")
CONFIG: dict[str, Any] = {
    "cells": list(CELLS),
    "parameters": 40000,
    "rates": {"RNN": 0.005, "GRU": 0.01, "LSTM": 0.02, "PeepholeLSTM": 0.02},
    "B": 8,
    "T": 50,
    "readings": 1,
    "checks": [50, 100, 200, 400, 600, 800, 1046],
    "clip": 1.0,
    "copied": 30,
    "followed": "GRU",
    "features": list(units.FEATURES),
}

Array = np.ndarray


def sizes(config: Mapping[str, Any], symbols: int) -> dict[str, int]:
    """Return the number of units of every cell."""
    return {cell: hidden_size(cell, symbols, symbols, config["parameters"]) for cell in config["cells"]}


def networks(cell: str, hidden: int, symbols: int, seeds: Sequence[int], config: Mapping[str, Any]) -> Runner:
    """Return a network of a cell for every seed."""
    make = lambda rng: layer(cell, symbols, hidden, rng)  # noqa: E731
    return runner(make, symbols, seeds, config["rates"][cell], config["clip"])


def loss_of(logits: Array, asked: Array) -> tuple[Array, Array]:
    """Return each network's mean cross-entropy in nats, (S,), and its gradient; logits (S, T, B, V), asked (T, B)."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    at = np.broadcast_to(asked[..., None], (*logits.shape[:-1], 1))
    right = np.take_along_axis(shifted, at, axis=-1)
    p = np.exp(shifted, out=shifted)
    total = p.sum(axis=-1, keepdims=True)
    loss = (np.log(total) - right).mean(axis=(1, 2, 3), dtype=float)
    p /= total
    np.put_along_axis(p, at, np.take_along_axis(p, at, axis=-1) - 1, axis=-1)
    p /= np.float32(asked.size)
    return loss, p


def update(many: Runner, x: Array, asked: Array, state: Any) -> Any:
    """Make one step downhill on a chunk, and return the state after it, which is where the next one begins."""
    tape = many.network.layer.unroll(x, state)
    _, d_logits = loss_of(many.network.head(tape.y), asked)
    grads = many.network.backward(tape, d_logits)
    shorten(grads, many.clip)
    many.adam.step(grads)
    return tape.state


def bits(many: Runner, text: characters.Characters, part: str, config: Mapping[str, Any]) -> Array:
    """Return the bits per character of a part of the text, (S,), read from as many places as in training."""
    state, losses = None, []
    for batch in text.chunks(part, config["T"], config["B"]):
        y, state = many.network.layer(batch.x.astype(np.float32), state)
        losses.append(loss_of(many.network.head(y), batch.y)[0])
    return np.mean(losses, axis=0) / np.log(2)


def trained(many: Runner, text: characters.Characters, config: Mapping[str, Any]) -> list[Array]:
    """Read the training part as often as the settings say; return the bits of the validation part at every check."""
    curve, done = [], 0
    for _ in range(config["readings"]):
        state = None
        for batch in text.chunks("train", config["T"], config["B"]):
            state = update(many, batch.x.astype(np.float32), batch.y, state)
            done += 1
            if done in config["checks"]:
                curve.append(bits(many, text, "validation", config))
    return curve


def tested(many: Runner, text: characters.Characters, config: Mapping[str, Any]) -> list[dict[str, float]]:
    """Return for every network its bits on the test part, and those of its new characters."""
    new = fresh(text, "test", config["copied"])[1:]
    _, surprises = read(many, text, "test")
    return [{"test": round(float(own.mean()), 4), "new": round(float(own[new].mean()), 4)} for own in surprises]


def followed(many: Runner, text: characters.Characters, config: Mapping[str, Any]) -> list[dict[str, float]]:
    """Return for every network, by what there is to follow, the score of its best unit."""
    parts = ("validation", "test")
    states = [read(many, text, part)[0] for part in parts]
    truth = [units.features(text.written(part)) for part in parts]
    return [
        {
            name: round(units.best(chosen_on, truth[0][name], scored_on, truth[1][name])[1], 4)
            for name in config["features"]
        }
        for chosen_on, scored_on in zip(*states, strict=True)
    ]


def read(many: Runner, text: characters.Characters, part: str, T: int = 500) -> tuple[Array, Array]:
    """Read a part of the text from its beginning, as one sequence.

    Returns:
        what every unit remembers after each character, (S, characters, H), the cell state where there is one, else the
        hidden state; and the bits that each character but the first was worth, (S, characters - 1).
    """
    own, numbers, state = many.network.layer, text.part(part), None
    name = "c" if "c" in own.cell.state else "h"
    x = np.eye(len(text.symbols), dtype=np.float32)[numbers][:, None]
    states, surprises = [], []
    for start in range(0, len(numbers), T):
        tape = own.unroll(x[start : start + T], state)
        state = tape.state
        states.append(tape[name][:, :, 0])
        asked = numbers[start + 1 : start + T + 1]
        surprises.append(nats(many.network.head(tape.y)[:, : len(asked), 0], asked) / np.log(2))
    return np.concatenate(states, axis=1), np.concatenate(surprises, axis=1)


def nats(logits: Array, asked: Array) -> Array:
    """Return what each character was worth in nats, (S, T), for logits (S, T, V) and what came, (T,)."""
    largest = logits.max(axis=-1)
    total = np.exp(logits - largest[..., None]).sum(axis=-1)
    return np.log(total) + largest - logits[:, np.arange(len(asked)), asked]


def fresh(text: characters.Characters, part: str, length: int) -> Array:
    """Say for every character of a part whether the `length` characters that end with it are not in the training part.

    Some topics of the documentation repeat others word for word.
    """
    known, own = text.written("train"), text.written(part)
    seen = {known[i : i + length] for i in range(len(known) - length + 1)}
    return np.array([own[max(0, i + 1 - length) : i + 1] not in seen for i in range(len(own))])


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed and cell, the learning curve, the bits of the test part, and the scores of the units."""
    text = characters.load()
    results: list[dict[str, Any]] = [{} for _ in seeds]
    for cell, hidden in sizes(config, len(text.symbols)).items():
        many = networks(cell, hidden, len(text.symbols), seeds, config)
        follows = cell == config["followed"]
        before = followed(many, text, config) if follows else None
        curve = np.array(trained(many, text, config))
        for s, (result, found) in enumerate(zip(results, tested(many, text, config), strict=True)):
            result[cell] = {"validation": [round(float(value), 4) for value in curve[:, s]], **found}
        if before is not None:
            for result, first, last in zip(results, before, followed(many, text, config), strict=True):
                result[cell] |= {"untrained": first, "units": last}
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means with their intervals: by cell, against the LSTM, and what units follow."""

    def mean(values: Sequence[float]) -> dict[str, float]:
        return bootstrapped(values, "mean", np.mean)

    def each(name: str) -> dict[str, Array]:
        return {cell: np.array([run[cell][name] for run in results]) for cell in CELLS}

    test, new = each("test"), each("new")

    def follows(name: str) -> dict[str, Any]:
        own = [run[CONFIG["followed"]] for run in results]
        after, before = (np.array([run[which][name] for run in own]) for which in ("units", "untrained"))
        return {"best": mean(after), "untrained": mean(before), "gain": mean(after - before)}

    return {
        "count": len(results),
        "read": [CONFIG["B"] * CONFIG["T"] * update for update in CONFIG["checks"]],
        "test": {cell: mean(values) for cell, values in test.items()},
        "new": {cell: mean(values) for cell, values in new.items()},
        "curve": {cell: np.mean([run[cell]["validation"] for run in results], axis=0).tolist() for cell in CELLS},
        "against_lstm": {
            name: {cell: mean(values[cell] - values["LSTM"]) for cell in CELLS if cell != "LSTM"}
            for name, values in (("test", test), ("new", new))
        },
        "units": {name: follows(name) for name in CONFIG["features"]},
    }


EXPERIMENT = Experiment(
    name="characters",
    title="four cells with equal parameters read Python's documentation",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=20,
    packages=("numpy", "scipy"),
)
