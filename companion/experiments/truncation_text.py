"""A language model on the characters of Python's documentation, its gradient cut off after k steps.

All networks read the same characters once, from a few places of the text side by side, with their states carried on.
Cut and updated every k steps, as it is usually done, a small k means a gradient that is further off and more updates
for the same text. To tell the two apart, other networks are updated every 50 steps, whatever the cut. Of the networks
that were cut every 50 steps, and of the same before training, the gradient of chunks and of windows of k steps is
compared with the exact one over 200 steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import bootstrapped
from companion.reference.truncated import cosine_and_length
from companion.tasks import characters

CONFIG = {
    "hidden": 48,
    "rate": 0.005,
    "B": 8,
    "steps": 48000,
    "piece": 200,
    "cuts": [5, 10, 20, 50, 100, 200],
    "every": 50,
    "every_cuts": [1, 2, 5, 10, 25, 50],
    "compared": [1, 2, 3, 5, 10, 20, 50, 100],
    "compared_of": 50,
    "tested": 2000,
}

Array = np.ndarray


class Models:
    """A recurrent layer and a dense one, for each seed, side by side."""

    def __init__(self, seeds: Sequence[int], hidden: int, symbols: int, rate: float):
        rngs = [np.random.default_rng(seed) for seed in seeds]
        self.layer = ref.stack([ref.RNN(symbols, hidden, dtype=np.float32, rng=rng) for rng in rngs])
        self.head = ref.stack([ref.Linear(hidden, symbols, dtype=np.float32, rng=rng) for rng in rngs])
        self.adam = ref.Adam(self.layer.params | self.head.params, lr=rate)

    def chunk(self, x: Array, asked: Array, state: Array | None) -> tuple[dict[str, Array], Array]:
        """Return the gradients of one chunk's mean loss, each model's own, and the state after it."""
        tape = self.layer.unroll(x, state)
        dy, grads = self.read(tape.y, asked)
        return grads | self.layer.bptt(tape, dy).params, tape.state

    def read(self, y: Array, asked: Array) -> tuple[Array, dict[str, Array]]:
        """Return the gradients of the mean loss by the layer's outputs and by the head."""
        targets = np.broadcast_to(asked, (len(y), *asked.shape))
        dlogits = ref.softmax_cross_entropy(self.head(y), targets)[1] * len(y)
        back = self.head.backward(y, dlogits)
        return back.x, back.params


def pieces(text: characters.Characters, part: str, T: int, B: int, steps: int) -> Any:
    """Yield the text, as vectors of float32 and as numbers, T steps at a time."""
    for batch in islice(text.chunks(part, T, B), steps // T):
        yield batch.x.astype(np.float32), batch.y


def train(models: Models, text: characters.Characters, k: int, every: int, config: Mapping[str, Any]) -> None:
    """Read the text once, cut after every k steps and update after `every`, which is a multiple of k."""
    state, grads, waiting = None, {}, 0
    for x, asked in pieces(text, "train", config["piece"], config["B"], config["steps"]):
        for start in range(0, len(x), k):
            part, state = models.chunk(x[start : start + k], asked[start : start + k], state)
            grads = {name: grads.get(name, 0) + value * np.float32(k / every) for name, value in part.items()}
            waiting += k
            if waiting == every:
                models.adam.step(grads)
                grads, waiting = {}, 0


def bits(models: Models, text: characters.Characters, config: Mapping[str, Any]) -> Array:
    """Return the bits per character on the test part, for each model."""
    state, total, count = None, 0.0, 0
    for x, asked in pieces(text, "test", config["piece"], config["B"], config["tested"]):
        y, state = models.layer(x, state)
        losses = [ref.softmax_cross_entropy(own, asked)[0] for own in models.head(y)]
        total, count = total + np.array(losses), count + 1
    return np.array([characters.bits(loss) for loss in total / count])


def compared(models: Models, text: characters.Characters, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return cosine and length of the cut-off gradients of W, U and b, against the exact one over a piece."""
    x, asked = list(pieces(text, "validation", config["piece"], config["B"], 2 * config["piece"]))[1]
    tape = models.layer.unroll(x)
    dy, _ = models.read(tape.y, asked)
    exact = models.layer.bptt(tape, dy).params
    found: list[dict[str, Any]] = [{"windows": [], "chunks": []} for _ in range(len(dy))]
    for k in config["compared"]:
        ways = {
            "windows": models.layer.bptt(tape, dy, horizon=k).params,
            "chunks": in_chunks(models.layer, x, dy, k),
        }
        for way, grads in ways.items():
            for s, run in enumerate(found):
                run[way].append(cosine_and_length(of(grads, s), of(exact, s)))
    return found


def of(grads: Mapping[str, Array], s: int) -> list[Array]:
    """Return one network's gradients of W, U and b, in float64; the second bias has the gradient of the first."""
    return [grads[name][s].astype(float) for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0")]


def in_chunks(layer: ref.RNN, x: Array, dy: Array, k: int) -> dict[str, Array]:
    """Return the summed gradients of chunks of k steps."""
    state, grads = None, {}
    for start in range(0, len(x), k):
        tape = layer.unroll(x[start : start + k], state)
        part = layer.bptt(tape, np.ascontiguousarray(dy[:, start : start + k])).params
        grads = {name: grads.get(name, 0) + value for name, value in part.items()}
        state = tape.state
    return grads


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, bits per character by cut, and how far the gradients are off."""
    text = characters.load()

    def models() -> Models:
        return Models(seeds, config["hidden"], len(text.symbols), config["rate"])

    def trained(k: int, every: int) -> tuple[Models, Array]:
        own = models()
        train(own, text, k, every, config)
        return own, bits(own, text, config)

    usual = {k: trained(k, k) for k in config["cuts"]}
    fixed = {k: trained(k, config["every"])[1] for k in config["every_cuts"]}
    off = {
        "untrained": compared(models(), text, config),
        "trained": compared(usual[config["compared_of"]][0], text, config),
    }
    return [
        {
            "bits": [float(found[s]) for _, found in usual.values()],
            "every_bits": [float(found[s]) for found in fixed.values()],
            **{name: off[name][s] for name in off},
        }
        for s in range(len(seeds))
    ]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means and 95 % intervals: bits by cut, cosines and lengths by cut."""

    def each(cuts: Sequence[int], values: Sequence[Sequence[float]]) -> dict[str, dict[str, float]]:
        columns = zip(cuts, zip(*values, strict=True), strict=True)
        return {str(k): bootstrapped(column, "mean", np.mean) for k, column in columns}

    def off(name: str, way: str, which: int) -> dict[str, dict[str, float]]:
        return each(CONFIG["compared"], [[pair[which] for pair in run[name][way]] for run in results])

    return {
        "count": len(results),
        "characters": CONFIG["B"] * CONFIG["steps"],
        "bits": each(CONFIG["cuts"], [run["bits"] for run in results]),
        "every_bits": each(CONFIG["every_cuts"], [run["every_bits"] for run in results]),
        "off": {
            name: {way: {"cosine": off(name, way, 0), "length": off(name, way, 1)} for way in ("windows", "chunks")}
            for name in ("untrained", "trained")
        },
    }


EXPERIMENT = Experiment(
    name="truncation_text",
    title="a language model with the gradient cut off after k characters",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=10,
    packages=("numpy", "scipy"),
)
