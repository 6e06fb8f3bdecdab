"""How far each cell counts: five cells learn aⁿ bⁿ up to n = 10 and are tried on n up to 1000.

The question is that of Gers and Schmidhuber (2001), who taught LSTMs the words up to n = 10, and of Weiss, Goldberg and
Yahav (2018), who argue that in finite precision LSTM and ReLU network can count without end, GRU and tanh network not.
All cells have the same number of parameters within a few percent, the same updates, at each of them all ten words, and
two learning rates to choose from; the runs of a cell differ in the weights that they begin with. A network predicts the
next letter. A word is wholly right if every letter that is certain is rated highest: each b after the first, and the
end after the last b. Whether another a or the first b comes is not certain, and is not judged. The reach of a run is
the largest n up to which all words are wholly right.

Written before the data. The number of parameters, the updates and the rates were chosen by how long a step takes and by
how many runs with seeds from 1000 on get the words up to n = 10 right; how far those counted was not looked at.

- A run has learnt its lessons if its reach is 10 or more, and counts beyond them if its reach is 20 or more: it is
  right on every word up to twice the longest that it saw.
- Of its two rates a cell is given the one with which more of its runs have learnt their lessons; if they are as many,
  the one with the larger median reach.
- A cell counts beyond its lessons if the 95 % interval of the share of its runs that do lies above one half, does not
  if it lies below one half, and is undecided otherwise.
- What Weiss, Goldberg and Yahav found is found here if the reach of the LSTMs is larger than that of the GRUs, by the
  test of Mann and Whitney, two-sided, p < 0.05.

Kept beside it, for every run: one unit over the word with n = 30. It is the unit whose c (where there is none, whose h)
goes through the widest range in that word. And after how many b of that word the network first says the end. Added
when the reaches were known: which share of its count that unit keeps at a letter, where it has a forget gate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from companion import tasks
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import wilson
from companion.experiments.long_lags import CELLS, hidden_size, layer
from companion.experiments.race import Array, Data, runner
from companion.training import Network

START, A, B, END = range(4)
CONFIG: dict[str, Any] = {
    "cells": list(CELLS),
    "parameters": 700,
    "longest": 10,
    "rates": [0.003, 0.01],
    "updates": 3000,
    "clip": 1.0,
    "blocks": [1, 33, 129, 401, 1001],
    "beyond": 20,
    "traced": 30,
}


def trained(cell: str, rate: float, seeds: Sequence[int], config: Mapping[str, Any]) -> Network:
    """Return the networks of all seeds after training on words up to the longest."""
    hidden = hidden_size(cell, 4, 4, config["parameters"])
    networks = runner(lambda rng: layer(cell, 4, hidden, rng), 4, seeds, rate, config["clip"])
    data = lessons(config["longest"], len(seeds))
    for _ in range(config["updates"]):
        networks.update(data)
    return networks.network


def lessons(longest: int, seeds: int) -> Data:
    """Return the words up to the longest, the same for all seeds."""
    rng = np.random.default_rng(0)  # each of these tasks has one word
    words = [tasks.AnBn(n, n).batch(1, rng) for n in range(1, longest + 1)]
    x, y = (tasks.pad([getattr(word, name)[:, 0] for word in words], fill)[0] for name, fill in (("x", 0), ("y", -1)))
    x, y = (np.stack([array] * seeds) for array in (x.astype(np.float32), y))
    return Data(x, y, y >= 0)


def letters(symbol: int, T: int, words: int, seeds: int) -> Array:
    """Return one letter `T` times as inputs, (S, T, B, 4)."""
    x = np.zeros((seeds, T, words, 4), np.float32)
    x[..., symbol] = 1
    return x


def said(network: Network, sizes: Sequence[int], chunk: int = 25) -> Iterator[Array]:
    """Yield, for k = 1, 2, …, what is rated highest after a^n b^k, (S, len(sizes)), for as many k as the largest n.

    The words share their a: a state is kept after each n of them, and all go on side by side.
    """
    runs, largest = network.runs, max(sizes)
    _, state = network.layer(letters(START, 1, 1, runs))
    kept = []
    for n in range(1, largest + 1):
        _, state = network.layer(letters(A, 1, 1, runs), state)
        if n in sizes:
            kept.append(state)
    joined = [np.concatenate(parts, axis=2) for parts in zip(*map(as_tuple, kept), strict=True)]
    state = tuple(joined) if isinstance(state, tuple) else joined[0]
    for start in range(0, largest, chunk):
        x = letters(B, min(chunk, largest - start), len(sizes), runs)
        y, state = network.layer(x, state)
        outputs = network.head(y)
        best = np.where(np.isfinite(outputs).all(axis=-1), outputs.argmax(axis=-1), -1)
        yield from best.swapaxes(0, 1)


def as_tuple(state: Any) -> tuple[Array, ...]:
    """Return a state as a tuple of arrays, (h,) or (h, c)."""
    return state if isinstance(state, tuple) else (state,)


def right(network: Network, sizes: Sequence[int]) -> Array:
    """Return which words a^n b^n are predicted wholly right, (S, len(sizes)); the a are not judged."""
    n = np.asarray(sizes)
    found = np.full((network.runs, len(n)), True)
    for k, best in enumerate(said(network, sizes), start=1):
        found &= (k > n) | (best == np.where(k < n, B, END))
    return found


def reaches(network: Network, blocks: Sequence[int]) -> list[int]:
    """Return for every network the largest n up to which all words are right, one block of n after the other.

    The last block ends before the last number; what is right until there has that reach, and may have more.
    """
    found = np.zeros(network.runs, int)
    for low, high in zip(blocks, blocks[1:], strict=False):
        whole = found == low - 1
        if not whole.any():
            break
        found += np.where(whole, right(network, range(low, high)).cumprod(axis=1).sum(axis=1), 0)
    return found.tolist()


def widest(states: Array) -> Array:
    """Return through which range each unit goes, (H,); states (T, H)."""
    return np.ptp(states, axis=0)


def turned(states: Array) -> Array:
    """Return how far each unit goes up to the middle and back again, (H,); below 0 where it does not come back."""
    middle = states[len(states) // 2]
    way, back = middle - states[0], middle - states[-1]
    return np.minimum(np.abs(way), np.sign(way) * back)


def traces(network: Network, n: int, by: Callable[[Array], Array] = widest) -> list[dict[str, Any]]:
    """Return one unit of every network over S a^n b^n, and after how many b it first says the end, or None.

    It is the unit with the largest value of `by`. If it has a forget gate, `keeps` is its mean over the a and b.
    """
    read = (letters(symbol, T, 1, network.runs) for symbol, T in ((START, 1), (A, n), (B, n)))
    tape = network.layer.unroll(np.concatenate(list(read), axis=1))
    series = tape.layers[0][0]
    states = (series["c"] if "c" in series else series["h"])[:, :, 0]
    ends = network.head(tape.y)[:, 1 + n :, 0].argmax(axis=-1) == END
    found = []
    for s, (own, end) in enumerate(zip(states, ends, strict=True)):
        unit = int(by(own).argmax()) if np.isfinite(own).all() else 0
        values = [float(f"{value:.4g}") if np.isfinite(value) else None for value in own[:, unit]]
        found.append({"unit": unit, "state": values, "says": int(end.argmax()) + 1 if end.any() else None})
        if "f" in series:
            found[-1]["keeps"] = float(f"{series['f'][s, 1:, 0, unit].mean():.4g}")
    return found


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, reach and trace by cell and rate."""
    results: list[dict[str, Any]] = [{"reach": {}, "trace": {}} for _ in seeds]
    with np.errstate(over="ignore", invalid="ignore"):
        for cell in config["cells"]:
            for rate in config["rates"]:
                network = trained(cell, rate, seeds, config)
                found = zip(reaches(network, config["blocks"]), traces(network, config["traced"]), strict=True)
                for result, (reach, trace) in zip(results, found, strict=True):
                    result["reach"][f"{cell}/{rate}"] = reach
                    result["trace"][f"{cell}/{rate}"] = trace
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, by cell, its rate, the runs that learnt and that count beyond, the reaches in order, and a trace.

    The trace is that of the run with the largest reach, the first of them; `p` compares the LSTMs with the GRUs.
    """
    from scipy.stats import mannwhitneyu

    keys = [key.split("/") for key in results[0]["reach"]]
    found: dict[str, Any] = {}
    for cell in dict.fromkeys(cell for cell, _ in keys):
        rates = [rate for own, rate in keys if own == cell]
        rate, found[cell] = summed_up({rate: [run["reach"][f"{cell}/{rate}"] for run in results] for rate in rates})
        longest = max(results, key=lambda run, key=f"{cell}/{rate}": run["reach"][key])
        found[cell]["trace"] = longest["trace"][f"{cell}/{rate}"]
        found[cell] |= told([run["trace"][f"{cell}/{rate}"] for run in results])
    if {"LSTM", "GRU"} <= set(found):
        found["p"] = float(mannwhitneyu(found["LSTM"]["reaches"], found["GRU"]["reaches"]).pvalue)
    return found


def summed_up(reaches: Mapping[str, Sequence[int]]) -> tuple[str, dict[str, Any]]:
    """Return the rate that is given to a cell, and what the reaches of its runs come to; `reaches` has all rates."""
    learnt = {rate: int(np.sum(np.array(values) >= CONFIG["longest"])) for rate, values in reaches.items()}
    rate = max(reaches, key=lambda own: (learnt[own], np.median(reaches[own])))
    values = np.array(reaches[rate])
    beyond = int(np.sum(values >= CONFIG["beyond"]))
    quarters = dict(zip(("lower", "median", "upper"), np.percentile(values, [25, 50, 75]).tolist(), strict=True))
    sums = {"rate": float(rate), "learnt": learnt[rate], "beyond": beyond, **wilson(beyond, len(values))}
    return rate, sums | quarters | {"largest": int(values.max()), "reaches": sorted(values.tolist())}


def told(traces: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return after how many b of the traced word the runs say the end, in order, and the median share that is kept."""
    says = {"says": sorted(trace["says"] for trace in traces if trace["says"] is not None)}
    return says | ({"keeps": float(np.median([trace["keeps"] for trace in traces]))} if "keeps" in traces[0] else {})


EXPERIMENT = Experiment(
    name="counting",
    title="five cells learn aⁿ bⁿ up to n = 10 and are tried on longer words",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=20,
    packages=("numpy", "scipy"),
)
