"""The embedded Reber grammar as in 1997: one word at a time, plain descent, and a criterion without mercy.

Hochreiter and Schmidhuber, "Long short-term memory" (Neural Computation 9(8), 1997), experiment 1: 256 words to learn
and 256 others to be tried on; after every word one step downhill on the squared error of seven logistic outputs; a
trial has succeeded when on all 512 words, at every step, the letters that may follow are rated above all others.

What is as there: grammar, words, updates, criterion, the range of the first weights, the first biases of the output
gates. What is not: our cells have a gate each, where blocks of two share them; the gates are fed by the cells' outputs
and not by one another; the gradient is the whole one, where theirs was cut at the gates; cell input and output are
tanh, where theirs were logistic curves from -2 to 2 and from -1 to 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from companion import reference as ref
from companion import tasks
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import wilson
from companion.reference.activations import sigmoid
from companion.tasks.grammar import GrammarBatch

SYMBOLS = 7
CONFIG: dict[str, Any] = {
    "words": 256,
    "updates": 100000,
    "every": 200,
    "range": 0.2,
    "settings": [
        ["1997", 4, 0.1],
        ["1997", 4, 0.5],
        ["1997", 6, 0.1],
        ["1997", 6, 0.2],
        ["1997", 6, 0.5],
        ["forget gate", 6, 0.5],
        ["RNN", 12, 0.1],
        ["RNN", 12, 0.5],
    ],
}

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Words:
    """Words of every trial: x and legal (S, B, T, 7), asked (S, B, T), y (S, B, T), padded to one length."""

    x: Array
    y: Array
    asked: Array
    legal: Array

    def pick(self, chosen: Array) -> Words:
        """Return one word a trial, as a batch of one, without the padding that all of them share."""
        s = np.arange(len(chosen))[:, None]
        T = int(self.asked[s, chosen[:, None]].sum(axis=-1).max())
        return Words(*(array[s, chosen[:, None], :T] for array in (self.x, self.y, self.asked, self.legal)))


def words(seeds: Sequence[int], count: int) -> tuple[Words, Words]:
    """Draw for every trial its words to learn, and as many others that are not among them."""
    learnt, tried = zip(*(two_sets(np.random.default_rng([seed, 1]), count) for seed in seeds), strict=True)
    return together(learnt), together(tried)


def two_sets(rng: np.random.Generator, count: int) -> tuple[GrammarBatch, GrammarBatch]:
    """Draw words to learn, and words that are not among them."""
    grammar = tasks.EmbeddedReber()
    learnt = [grammar.word(rng) for _ in range(count)]
    known = {letters for letters, _ in learnt}
    others: list = []
    while len(others) < count:
        word = grammar.word(rng)
        if word[0] not in known:
            others.append(word)
    return grammar.together(learnt), grammar.together(others)


def together(batches: Sequence[GrammarBatch]) -> Words:
    """Stack the words of all trials."""
    longest = max(len(batch.x) for batch in batches)

    def stacked(arrays: list[Array]) -> Array:
        return np.stack([np.pad(a, [(0, longest - len(a)), *[(0, 0)] * (a.ndim - 1)]) for a in arrays]).swapaxes(1, 2)

    return Words(
        stacked([batch.x for batch in batches]).astype(np.float32),
        stacked([batch.y for batch in batches]),
        stacked([batch.asked for batch in batches]),
        stacked([batch.legal for batch in batches]),
    )


def networks(kind: str, hidden: int, seeds: Sequence[int], limit: float) -> tuple[ref.Layer, ref.Linear]:
    """Return layer and output of every trial, with first weights from -limit to limit."""
    layers, heads = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        layer = layer_of(kind, hidden)
        head = ref.Linear(hidden, SYMBOLS, rng=0, dtype=np.float32)
        for name, value in (layer.params | head.params).items():
            value[...] = 0 if name.startswith("bias_hh") else rng.uniform(-limit, limit, value.shape)
        if kind != "RNN":
            blocks = layer.params["bias_ih_l0"].reshape(-1, hidden)
            blocks[-1] = -1 - np.arange(hidden) * (4 if hidden == 4 else 3) // hidden  # the output gates open late
        if kind == "forget gate":
            blocks[1] = 1
        layers.append(layer)
        heads.append(head)
    return ref.stack(layers), ref.stack(heads)


def layer_of(kind: str, hidden: int) -> ref.Layer:
    """Return a layer of one kind, with any weights."""
    if kind == "RNN":
        return ref.RNN(SYMBOLS, hidden, rng=0, dtype=np.float32)
    return ref.LSTM(SYMBOLS, hidden, forget_gate=kind != "1997", rng=0, dtype=np.float32)


def update(layer: ref.Layer, head: ref.Linear, data: Words, sgd: ref.SGD) -> None:
    """One step downhill on half the squared error of the logistic outputs, summed over a word."""
    tape = layer.unroll(data.x.swapaxes(1, 2))
    said = sigmoid(head(tape.y))
    target = np.eye(SYMBOLS, dtype=np.float32)[np.where(data.asked, data.y, 0)].swapaxes(1, 2)
    d_said = (said - target) * said * (1 - said) * data.asked.swapaxes(1, 2)[..., None]
    back = head.backward(tape.y, d_said)
    grads = layer.bptt(tape, back.x).params
    sgd.step({name: grads[name] for name in grads if not name.startswith("bias_hh")} | back.params)


def all_right(layer: ref.Layer, head: ref.Linear, data: Words) -> Array:
    """Return for every trial the share of its words that are right at every step, (S,)."""
    said = head(layer(data.x.swapaxes(1, 2))[0]).swapaxes(1, 2)
    lowest = np.where(data.legal, said, np.inf).min(axis=-1)
    highest = np.where(data.legal, -np.inf, said).max(axis=-1)
    return ((lowest > highest) | ~data.asked).all(axis=-1).mean(axis=-1)


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return for every trial and setting after how many words it had succeeded, and the last share of right words."""
    learnt, tried = words(seeds, config["words"])
    results: list[dict[str, Any]] = [{} for _ in seeds]
    for kind, hidden, rate in config["settings"]:
        layer, head = networks(kind, hidden, seeds, config["range"])
        params = {name: value for name, value in layer.params.items() if not name.startswith("bias_hh")}
        sgd = ref.SGD(params | head.params, lr=rate)
        rngs = [np.random.default_rng([seed, 2]) for seed in seeds]
        order = np.stack([rng.integers(config["words"], size=config["updates"]) for rng in rngs], axis=1)
        succeeded: list[int | None] = [None] * len(seeds)
        for number, chosen in enumerate(order, start=1):
            update(layer, head, learnt.pick(chosen), sgd)
            if number % config["every"] == 0:
                right = [all_right(layer, head, data) for data in (learnt, tried)]
                for s in np.flatnonzero((right[0] == 1) & (right[1] == 1)):
                    succeeded[s] = succeeded[s] or number
                if None not in succeeded:
                    break
        for s, result in enumerate(results):
            result[f"{kind}/{hidden}/{rate}"] = [succeeded[s], float(right[1][s])]
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, by setting, how many trials succeeded, their share with its Wilson interval, and the mean of words."""
    found = {}
    for key in (key for key in results[0] if key != "seed"):
        at = np.array([result[key][0] for result in results if result[key][0] is not None])
        found[key] = {
            "succeeded": len(at),
            **wilson(len(at), len(results)),
            "words": float(at.mean()) if len(at) else None,
            "median": float(np.median(at)) if len(at) else None,
        }
    return found


EXPERIMENT = Experiment(
    name="reber",
    title="the embedded Reber grammar under the conditions of 1997",
    claims=("C20",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=30,
    together=30,
    packages=("numpy", "scipy"),
)
