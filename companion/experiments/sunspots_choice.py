"""How the settings of the sunspot forecasts were chosen: by errors within the years 1712-1920, never by the test years.

The years to learn from are cut into blocks, one of which is left out at a time; its years are still read, but none is
asked for. The decay of the weights and the number of updates with the smallest mean error over the blocks and a few
seeds are taken, for each kind of network; for the autoregression likewise its order. The seeds are not those of the
forecasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments.experiment import Experiment
from companion.experiments.sunspots import MODELS, examples, networks, predictions, train
from companion.tasks import sunspots
from companion.training import EarlyStop

CONFIG = {
    "models": list(MODELS),
    "seeds": [1000, 1001, 1002, 1003, 1004],
    "blocks": [[1712, 1763], [1764, 1815], [1816, 1868], [1869, 1920]],
    "decays": [0.0, 0.001, 0.003, 0.01, 0.03, 0.1],
    "checks": [250, 500, 750, 1000, 1250, 1500],
    "orders": list(range(1, 13)),
    "hidden": 8,
    "rate": 0.003,
    "clip": 1.0,
}


def measure(seeds: Sequence[None], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the error on every block left out, for every order and for every kind of network and decay."""
    data = sunspots.load()
    results = []
    for first, last in config["blocks"]:
        left_out = data.between(first, last)
        learn = data.between(1712, 1920) & ~left_out
        for order in config["orders"]:
            said = sunspots.autoregression(data.number, order, learn).predict(data.number)
            error = sunspots.normalised_error(said[left_out], data.number[left_out])
            results.append({"model": "autoregression", "order": order, "block": first, "error": error})
        for model in config["models"]:
            for decay in config["decays"]:
                errors = _errors(model, decay, data, learn, left_out, config)
                results.append({"model": model, "decay": decay, "block": first, "errors": errors})
    return results


def _errors(model, decay, data, learn, left_out, config) -> list[float]:
    """Return the mean error over the seeds after each of the numbers of updates to be looked at."""
    checks = config["checks"]

    def error(network) -> np.ndarray:
        said = predictions(network, model, data)[:, left_out]
        return np.array([sunspots.normalised_error(own, data.number[left_out]) for own in said])

    network = networks(model, config["seeds"], config["hidden"])
    watch = EarlyStop(error, every=checks[0], patience=len(checks) + 1)
    settings = {"rate": config["rate"], "clip": config["clip"], "decay": decay, "updates": checks[-1]}
    history = train(network, examples(model, data, learn), settings, watch)
    return [float(value) for value in history.validation[1:].mean(axis=1)]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the choice for each model, with its mean error over the blocks."""
    lines = [run for run in results if run["model"] == "autoregression"]
    orders = {
        order: float(np.mean([run["error"] for run in lines if run["order"] == order])) for order in CONFIG["orders"]
    }
    order = min(orders, key=orders.get)
    nets = {model: _smallest([run for run in results if run["model"] == model]) for model in MODELS}
    return {"autoregression": {"order": order, "error": orders[order]}, **nets}


def _smallest(runs: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return decay and updates with the smallest mean error over the blocks; where two are level, the fewer updates."""
    table = {
        (decay, updates): float(np.mean([run["errors"][i] for run in runs if run["decay"] == decay]))
        for decay in sorted({run["decay"] for run in runs})
        for i, updates in enumerate(CONFIG["checks"])
    }
    decay, updates = min(table, key=lambda key: (table[key], key[1], key[0]))
    return {"decay": decay, "updates": updates, "error": table[decay, updates]}


EXPERIMENT = Experiment(
    name="sunspots_choice",
    title="decay, updates and order for the sunspot forecasts, chosen within the years to learn from",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    packages=("numpy", "statsmodels"),
)
