"""What each gate of an LSTM is for: train it where the right behaviour is known, then hold one gate still (C23).

A stream of symbols with cues. At "store" the symbol of that step is to be kept, in the place of the one before; at
"ask" it is to be said; at every other step the answer is "nothing". So it is known what must be stored, what must
persist and what must be shown. A network of each seed learns it. Then one gate is held at its mean over the test
streams, unit by unit, or at 1, and three faults are counted, each by an intervention:

stored     share of the questions whose answer changes when the symbols that came without "store" are drawn anew;
persists   share of the questions whose answer changes when the symbols stored before the last one are drawn anew;
shown      share of the steps without a question at which something other than "nothing" is said.

Written before the data: C23 holds if in each column its own gate, held at its mean, does most harm: input gate in
"stored", forget gate in "persists", output gate in "shown". Most harm means that the 95 % intervals of the mean
difference to both other gates, over the networks that had learnt the task, lie above 0. It holds with a condition if
that is so in one or two columns, and is false if in none. A network has learnt the task when it is right at 98 % of the
questions and at 98 % of the other steps; at least 15 of 20 have to, else nothing is said.

Reported besides, and counted only after the data were seen: how many questions are answered with "nothing".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import interval
from companion.experiments.race import Data, runner
from companion.reference.activations import sigmoid

CONFIG: dict[str, Any] = {
    "symbols": 4,
    "T": 40,
    "hidden": 16,
    "batch": 20,
    "updates": 2500,
    "rate": 0.01,
    "clip": 1.0,
    "trials": 200,
    "learnt": 0.98,
}
CUES = ("nothing", "store", "ask")
GATES = ("i", "f", "o")
FAULTS = ("stored", "persists", "shown")

Array = np.ndarray


def streams(T: int, B: int, symbols: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Draw symbols and cues, each (T, B); the first step stores, then one step in ten stores and one in ten asks."""
    cues = rng.choice(len(CUES), size=(T, B), p=[0.8, 0.1, 0.1])
    cues[0] = CUES.index("store")
    return rng.integers(symbols, size=(T, B)), cues


def answers(symbol: Array, cue: Array) -> Array:
    """Return what is right at every step, (T, B): 0 for nothing, else 1 + the symbol stored last."""
    kept, found = np.zeros(symbol.shape[1], dtype=int), np.zeros(symbol.shape, dtype=int)
    for t, (now, what) in enumerate(zip(symbol, cue, strict=True)):
        kept = np.where(what == CUES.index("store"), now, kept)
        found[t] = np.where(what == CUES.index("ask"), 1 + kept, 0)
    return found


def coded(symbol: Array, cue: Array, symbols: int) -> Array:
    """Return the input (T, B, symbols + 3): the symbol and the cue, one of each at every step."""
    return np.concatenate([np.eye(symbols)[symbol], np.eye(len(CUES))[cue]], axis=-1).astype(np.float32)


def drawn(B: int, rngs: Sequence[np.random.Generator], config: Mapping[str, Any]) -> Data:
    """Draw streams for every generator."""
    pairs = [streams(config["T"], B, config["symbols"], rng) for rng in rngs]
    x = np.stack([coded(*pair, config["symbols"]) for pair in pairs])
    y = np.stack([answers(*pair) for pair in pairs])
    return Data(x, y, np.full(y.shape, True))


def trained(seeds: Sequence[int], config: Mapping[str, Any]):
    """Train a network of every seed; returns layer and head, with the seed on the first axis of their parameters."""
    inputs, outputs = config["symbols"] + len(CUES), config["symbols"] + 1

    def layer(rng: np.random.Generator) -> ref.Layer:
        made = ref.LSTM(inputs, config["hidden"], rng=rng, dtype=np.float32)
        ref.init.forget_bias(made, 1.0)
        return made

    networks = runner(layer, outputs, seeds, config["rate"], config["clip"])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
    for _ in range(config["updates"]):
        networks.update(drawn(config["batch"], rngs, config))
    return networks.network.layer, networks.network.head


def run(layer: ref.Layer, x: Array, held: Mapping[str, Array] | None = None) -> dict[str, Array]:
    """Run an LSTM over x (T, B, I), some gates held at values (H,); returns i, f, g, o, c and h, each (T, B, H)."""
    held = held or {}
    W, U, b_ih, b_hh = layer.params.values()
    driven = x @ W.T + b_ih + b_hh
    h = c = np.zeros((x.shape[1], U.shape[1]), dtype=driven.dtype)
    found: dict[str, list[Array]] = {name: [] for name in ("i", "f", "g", "o", "c", "h")}
    for row in driven:
        a_i, a_f, a_g, a_o = np.split(row + h @ U.T, 4, axis=-1)
        i, f, g, o = sigmoid(a_i), sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
        i, f, o = (np.broadcast_to(held.get(n, v), v.shape) for n, v in zip(GATES, (i, f, o), strict=True))
        c = f * c + i * g
        h = o * np.tanh(c)
        for name, value in zip(found, (i, f, g, o, c, h), strict=True):
            found[name].append(value)
    return {name: np.stack(values) for name, values in found.items()}


def faults(layer: ref.Layer, head: ref.Linear, pair: tuple[Array, Array], held, rng, symbols: int) -> dict[str, float]:
    """Return how many answers are right, how many questions get "nothing" for an answer, and the three faults."""
    symbol, cue = pair
    asks, stores = cue == CUES.index("ask"), cue == CUES.index("store")

    def said(shown: Array) -> Array:
        return head(run(layer, coded(shown, cue, symbols), held)["h"]).argmax(axis=-1)

    base, right, other = said(symbol), answers(symbol, cue), rng.integers(symbols, size=symbol.shape)
    uncued = said(np.where(stores, symbol, other))
    return {
        "asked": float((base == right)[asks].mean()),
        "silent": float((base == 0)[~asks].mean()),
        "mute": float((base == 0)[asks].mean()),
        "stored": float((uncued != base)[asks].mean()),
        "persists": older_changed(said, symbol, stores, asks, base, other),
        "shown": float((base != 0)[~asks].mean()),
    }


def older_changed(said, symbol: Array, stores: Array, asks: Array, base: Array, other: Array) -> float:
    """Return the share of questions with at least two stores before them whose answer hangs on an older one.

    Question by question the last store differs, so the symbols are drawn anew up to a store, for each number of stores.
    """
    count = np.cumsum(stores, axis=0)
    changed = total = 0
    for last in range(2, int(count.max()) + 1):
        at = asks & (count == last)
        if at.any():
            new = said(np.where(stores & (count < last), other, symbol))
            changed, total = changed + int((new != base)[at].sum()), total + int(at.sum())
    return changed / total


def trace(layer: ref.Layer, config: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return one stream, and gates and cell of the unit whose input gate tells stores best from other steps."""
    rng = np.random.default_rng([seed, 3])
    symbol, cue = streams(config["T"], 1, config["symbols"], rng)
    found = run(layer, coded(symbol, cue, config["symbols"]))
    stores = cue[:, 0] == CUES.index("store")
    unit = int((found["i"][stores].mean(axis=(0, 1)) - found["i"][~stores].mean(axis=(0, 1))).argmax())
    series = {name: np.round(found[name][:, 0, unit].astype(float), 4).tolist() for name in ("i", "f", "o", "c", "h")}
    return {"symbol": symbol[:, 0].tolist(), "cue": cue[:, 0].tolist(), "unit": unit, **series}


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the faults with no gate held and with each gate held at its mean or at 1, and a trace."""
    layers, heads = (ref.unstack(part) for part in trained(seeds, config))
    results = []
    for seed, layer, head in zip(seeds, layers, heads, strict=True):
        pair = streams(config["T"], config["trials"], config["symbols"], np.random.default_rng([seed, 2]))
        gates = run(layer, coded(*pair, config["symbols"]))
        ways: dict[str, dict[str, Array]] = {"free": {}}
        for name in GATES:
            ways[f"{name} mean"] = {name: gates[name].mean(axis=(0, 1))}
            ways[f"{name} one"] = {name: np.ones(config["hidden"], np.float32)}
        result: dict[str, Any] = {
            way: faults(layer, head, pair, held, np.random.default_rng([seed, 4]), config["symbols"])
            for way, held in ways.items()
        }
        result["trace"] = trace(layer, config, seed)
        result["opening"] = openings(gates, pair[1])
        results.append(result)
    return results


def openings(gates: Mapping[str, Array], cue: Array) -> dict[str, dict[str, float]]:
    """Return how far each gate is open at each cue, on average over all units."""
    return {name: {what: float(gates[name][cue == k].mean()) for k, what in enumerate(CUES)} for name in GATES}


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means with intervals of every fault in every way, and of the gates' differences, over who learnt."""
    enough = CONFIG["learnt"]
    learnt = [r for r in results if min(r["free"]["asked"], r["free"]["silent"]) >= enough]
    found: dict[str, Any] = {"count": len(results), "learnt": len(learnt)}
    if len(learnt) < 2:
        return found
    for way in ("free", *(f"{name} {kind}" for name in GATES for kind in ("mean", "one"))):
        found[way.replace(" ", "_")] = {
            key: interval([r[way][key] for r in learnt]) for key in ("asked", "silent", "mute", *FAULTS)
        }
    found["ahead"] = {}
    for own, fault in zip(GATES, FAULTS, strict=True):
        for other in GATES:
            if other != own:
                gaps = [r[f"{own} mean"][fault] - r[f"{other} mean"][fault] for r in learnt]
                found["ahead"][f"{fault}_{own}_{other}"] = interval(gaps)
    found["opening"] = {
        name: {cue: float(np.mean([r["opening"][name][cue] for r in learnt])) for cue in CUES} for name in GATES
    }
    return found


EXPERIMENT = Experiment(
    name="clamped_gates",
    title="one gate of a trained LSTM held still, where the right behaviour is known",
    claims=("C23",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=10,
    packages=("numpy", "scipy"),
)
