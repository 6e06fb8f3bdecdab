"""Who forecasts the sunspots of the next year best: a recurrent network, one without memory, a straight line, nobody?

The settings stand in CONFIG as `sunspots_choice` chose them. Every network learns the years 1712-1920, the first that
have twelve years before them, and forecasts 1921-1955 and 1956-1979, each year from the true years before it:

recurrent         a small `RNN` that reads the whole series once, from 1700 on;
memoryless        the same network on sequences of one step, so that its loop has nothing to bring back;
window            a network without a loop that sees the last twelve years at once, as in the benchmark of 1990;
autoregression    a straight line through the last nine years, the order of Akaike's criterion (up to seventeen);
yule              one through the last two, as Yule fitted in 1927, which is also what `sunspots_choice` would take;
persistence       next year is as this year.

There is no chance in the last three. The two lines are two fair choices within the years to learn from; they differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import corrected
from companion.tasks import sunspots
from companion.tasks.batching import Batch
from companion.training import EarlyStop, History, Network, fit, side_by_side, squared_error

MODELS = {"recurrent": 1, "memoryless": 1, "window": 12}  # the years that one step reads
LINES = ("autoregression", "yule")
TESTS = {"test_1": "test 1", "test_2": "test 2"}

CONFIG = {
    "learn": [1712, 1920],
    "hidden": 8,
    "rate": 0.003,
    "clip": 1.0,
    "variance": sunspots.VARIANCE,
    "recurrent": {"decay": 0.03, "updates": 1000},
    "memoryless": {"decay": 0.01, "updates": 1500},
    "window": {"decay": 0.03, "updates": 1000},
    "autoregression": {"order": 9},
    "yule": {"order": 2},
}


def networks(model: str, seeds: Sequence[int], hidden: int) -> Network:
    """Return one untrained network for every seed, side by side."""
    return side_by_side([_network(MODELS[model], hidden, np.random.default_rng(seed)) for seed in seeds])


def _network(size: int, hidden: int, rng: np.random.Generator) -> Network:
    return Network(ref.RNN(size, hidden, rng=rng), ref.Linear(hidden, 1, rng=rng))


def examples(model: str, data: sunspots.Sunspots, learn: np.ndarray) -> Batch:
    """Return what a kind of network learns from: the series as one sequence, or as windows of one step each."""
    if model == "recurrent":
        return sunspots.as_sequence(data, learn)
    return sunspots.as_windows(data, learn, MODELS[model])


def predictions(network: Network, model: str, data: sunspots.Sunspots) -> np.ndarray:
    """Return `(S, T)`: what each network says of every year; nan for the first, which have too few before them."""
    batch = examples(model, data, np.full(len(data.year), True))
    said = sunspots.scale(data).up(network(batch.x)).reshape(network.runs, -1)
    return np.concatenate([np.full((len(said), MODELS[model]), np.nan), said], axis=1)


def train(network: Network, batch: Batch, settings: Mapping[str, Any], watch: EarlyStop | None = None) -> History:
    """Train with the settings "rate", "clip", "decay" and "updates"; all updates see the same batch."""
    optimiser = ref.Adam(network.params, lr=settings["rate"])
    updates, clip, decay = settings["updates"], settings["clip"], settings["decay"]
    loop = {"clip": clip, "decay": decay, "early_stop": watch, "mode": "silent"}
    return fit(network, repeat(batch), squared_error, optimiser, updates, **loop)


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the errors of the three kinds of network."""
    of = {model: measure_model(model, networks(model, seeds, config["hidden"]), config) for model in MODELS}
    return [{model: of[model][i] for model in MODELS} for i in range(len(seeds))]


def measure_model(model: str, network: Network, config: Mapping[str, Any]) -> list[dict[str, float]]:
    """Train the networks that stand side by side and return the errors of each."""
    data = sunspots.load()
    learn = data.between(*config["learn"])
    settings = {"rate": config["rate"], "clip": config["clip"], **config[model]}
    train(network, examples(model, data, learn), settings)
    return [errors(said, data, learn, config["variance"]) for said in predictions(network, model, data)]


def errors(said: np.ndarray, data: sunspots.Sunspots, learn: np.ndarray, variance: float) -> dict[str, float]:
    """Return the error in the years to learn from and in both test periods."""
    years = {"train": learn} | {key: data.period(name) for key, name in TESTS.items()}
    return {
        key: sunspots.normalised_error(said[chosen], data.number[chosen], variance) for key, chosen in years.items()
    }


def baselines() -> dict[str, dict[str, float]]:
    """Return the errors of the forecasts without chance, as `errors` does."""
    data = sunspots.load()
    learn, known = data.between(*CONFIG["learn"]), data.period("train")
    lines = {name: sunspots.autoregression(data.number, CONFIG[name]["order"], known) for name in LINES}
    forecasts = {name: line.predict(data.number) for name, line in lines.items()}
    forecasts["persistence"] = sunspots.persistence(data.number)
    return {name: errors(forecast, data, learn, CONFIG["variance"]) for name, forecast in forecasts.items()}


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the mean over the seeds with a 95 % interval for each network and period, and the baselines.

    The intervals are by bias-corrected bootstrap (`scipy.stats.bootstrap`, BCa); they are for the mean over seeds, not
    for other years. `beats` is the share of seeds whose recurrent network is better than the forecast named.
    """
    known = baselines()
    summary: dict[str, Any] = {
        model: {period: corrected([run[model][period] for run in results]) for period in ("train", *TESTS)}
        for model in MODELS
    }
    summary |= known
    recurrent = {period: np.array([run["recurrent"][period] for run in results]) for period in TESTS}
    rivals = {
        model: {period: np.array([run[model][period] for run in results]) for period in TESTS}
        for model in MODELS
        if model != "recurrent"
    } | known
    summary["beats"] = {
        rival: {period: float(np.mean(recurrent[period] < rivals[rival][period])) for period in TESTS}
        for rival in rivals
    }
    summary["winner"] = {period: min(_means(summary, period), key=_means(summary, period).get) for period in TESTS}
    return summary


def _means(summary: Mapping[str, Any], period: str) -> dict[str, float]:
    nets = {model: summary[model][period]["mean"] for model in MODELS}
    return nets | {name: summary[name][period] for name in (*LINES, "persistence")}


EXPERIMENT = Experiment(
    name="sunspots",
    title="sunspots one year ahead: recurrent, memoryless, window, straight line, persistence",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=50,
    together=10,
    packages=("numpy", "scipy", "statsmodels"),
)
