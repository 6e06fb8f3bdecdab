"""Does the cell decide how far back it hears, or how it begins? One task, three cells, each begun in two ways.

The task is agreement at a distance, the sizes and the updates are smaller than in `long_lags`, everything else is as
there: equal numbers of parameters, the same batches of a seed, two rates to choose from, and what counts as solved.

tanh           as PyTorch begins it, uniform weights; or with a random orthogonal recurrent matrix
GRU            as PyTorch begins it; or with biases of the update gate for time scales up to the distance (chrono)
LSTM           with a forget bias of 1; or with biases of input and forget gate for such time scales (chrono)
IRNN           ReLU and the identity, which is a beginning of its own

Written before the data, but for a trial at distance 40 with three seeds at one rate: of its two
rates each has the one with which more of its runs solve the task, over all distances. A beginning helps a cell at a
distance if more of its runs solve the task than of those begun as usual, by Fisher's exact test, two-sided, p < 0.05.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments import long_lags
from companion.experiments.experiment import Experiment

CONFIG: dict[str, Any] = {
    "distances": [40],
    "begun": ["RNN", "RNN orthogonal", "IRNN", "GRU", "GRU chrono", "LSTM", "LSTM chrono"],
    "pairs": {"RNN": "RNN orthogonal", "GRU": "GRU chrono", "LSTM": "LSTM chrono"},
    "parameters": 1000,
    "rates": [0.002, 0.01],
    "updates": 300,
    "every": 50,
    **{key: long_lags.CONFIG[key] for key in ("batch", "clip", "trials", "solved")},
}


def orthogonal(inputs: int, hidden: int, rng: Any) -> ref.Layer:
    """Return a tanh layer with a random orthogonal recurrent matrix."""
    made = ref.RNN(inputs, hidden, rng=rng, dtype=np.float32)
    ref.init.orthogonal(made, rng)
    return made


def chrono(kind: str, longest: int, inputs: int, hidden: int, rng: Any) -> ref.Layer:
    """Return a layer with gates whose biases are drawn for time scales up to `longest` steps."""
    made = getattr(ref, kind)(inputs, hidden, rng=rng, dtype=np.float32)
    ref.init.chrono(made, longest, rng)
    return made


def begun(name: str, distance: int) -> long_lags.Cell:
    """Return what makes a layer that begins as named."""
    kind, _, how = name.partition(" ")
    return {"": kind, "orthogonal": orthogonal, "chrono": partial(chrono, kind, distance)}[how]


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, when it had solved the task, by distance, beginning and rate."""
    results: list[dict[str, Any]] = [{} for _ in seeds]
    for distance in config["distances"]:
        for name in config["begun"]:
            for rate in config["rates"]:
                solved, _ = long_lags.trained("agreement", distance, begun(name, distance), rate, seeds, config)
                for result, update in zip(results, solved, strict=True):
                    result[f"{distance}/{name}/{rate}"] = update
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, by beginning, its better rate and what it solved at each distance; and where one helps its cell."""
    from scipy.stats import fisher_exact

    count, found = len(results), {}
    for name in CONFIG["begun"]:

        def solved(distance, rate, name=name):
            updates = [result[f"{distance}/{name}/{rate}"] for result in results]
            return np.array([update for update in updates if update is not None])

        rate = max(CONFIG["rates"], key=lambda r: sum(solved(d, r).size for d in CONFIG["distances"]))
        at = {f"d{distance}": long_lags.share(solved(distance, rate), count) for distance in CONFIG["distances"]}
        found[name.replace(" ", "_")] = {"rate": rate, **at}
    helps = {}
    for usual, other in CONFIG["pairs"].items():
        for distance in CONFIG["distances"]:
            a, b = (found[name.replace(" ", "_")][f"d{distance}"]["solved"] for name in (other, usual))
            p = float(fisher_exact([[a, count - a], [b, count - b]]).pvalue)
            helps[f"{usual}_d{distance}"] = {"p": p, "helps": bool(p < 0.05 and a > b)}
    return {"count": count, "begun": found, "helps": helps}


EXPERIMENT = Experiment(
    name="beginnings",
    title="three cells begun in two ways, on agreement at a distance",
    claims=("C30",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=20,
    packages=("numpy", "scipy"),
)
