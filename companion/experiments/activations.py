"""ReLU against units that saturate: over a long lag, and through a deep network without pretraining (claim C14).

recurrent   The adding problem, by Adam with clipping. Tanh units with the usual and with an orthogonal start, ReLU
            units with the usual start and with the identity (Le, Jaitly and Hinton 2015), each at its best rate.
deep        Handwritten digits through many equal layers, by plain gradient descent, nothing trained in advance. Each
            activation has the initial scale that suits its slope, so that sigmoid, tanh and ReLU alike keep the size
            of a gradient from layer to layer where the state is small; ReLU has the usual scale of `torch.nn` too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from companion.experiments import together
from companion.experiments.experiment import Experiment
from companion.tasks import Adding

CONFIG = {
    "recurrent": {
        "lengths": [30, 60],
        "hidden": 32,
        "batch": 20,
        "updates": 1200,
        "rates": [0.003, 0.001],
        "clip": 1.0,
        "trials": 500,
        "solved": round(1 / 60, 13),  # a tenth of the loss of the best constant
        "networks": {
            "tanh, usual": ["tanh", "default"],
            "tanh, orthogonal": ["tanh", "orthogonal"],
            "relu, usual": ["relu", "default"],
            "relu, identity": ["relu", "identity"],
        },
    },
    "deep": {
        "depths": [3, 10, 20],
        "hidden": 32,
        "batch": 32,
        "updates": 2000,
        "rates": [0.3, 0.1, 0.03],
        "learn": 1400,
        "solved": 0.9,
        "gains": {"sigmoid": 4.0, "tanh": 1.0, "relu": round(2**0.5, 11), "relu, usual": round(3**-0.5, 12)},
    },
}
PHI = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


# ---- recurrent -------------------------------------------------------------------------------------------------------


def over_a_lag(name: str, T: int, seeds: Sequence[int], config: Mapping[str, Any]) -> list[list[float | None]]:
    """Return, for every seed, the squared error on new sequences after training at each rate; None if not finite."""
    activation, kind = config["networks"][name]
    phi, task, count = PHI[activation], Adding(T), len(config["rates"])
    weights = [together.drawn_weights(kind, 1.0, 2, config["hidden"], 1, np.random.default_rng(seed)) for seed in seeds]
    params = together.stacked([drawn for drawn in weights for _ in range(count)])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]

    def loss(problem: together.Problem) -> Tensor:
        said = together.answers(params, together.states(params, problem.x, phi), problem.last)
        return together.losses(said, problem.y)

    limit = torch.full((len(seeds) * count,), config["clip"])
    together.train(
        params,
        lambda update: loss(together.drawn(task, config["batch"], rngs, count)),
        config["updates"],
        together.Adam(params, torch.tensor(config["rates"]).repeat(len(seeds))),
        lambda own: together.clip_norm(own, limit),
    )
    test = together.drawn(task, config["trials"], [np.random.default_rng([seed, 2]) for seed in seeds], count)
    with torch.no_grad():
        errors = loss(test).reshape(-1, count)
    return [[float(value) if torch.isfinite(value) else None for value in row] for row in errors]


# ---- deep ------------------------------------------------------------------------------------------------------------


def digits(learn: int) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return scikit-learn's digits, pixels from 0 to 1 and labels: those to learn from, and the rest."""
    from sklearn.datasets import load_digits

    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    x, y = data.data[order] / 16, data.target[order]
    return (x[:learn], y[:learn]), (x[learn:], y[learn:])


def deep_weights(depth: int, H: int, gain: float, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return a network of `depth` hidden layers: Gaussian weights of variance gain² / fan-in, biases 0."""
    widths = [64, *[H] * depth, 10]
    found = {}
    for layer, (into, out) in enumerate(pairwise(widths)):
        scale = (gain if layer < depth else 1.0) / np.sqrt(into)
        found[f"W{layer}"] = scale * rng.normal(size=(into, out))
        found[f"b{layer}"] = np.zeros((1, out))
    return found


def deep_answers(params: together.Params, x: Tensor, activation: str) -> Tensor:
    """Return the logits (S, B, 10) of deep networks for pictures (S, B, 64)."""
    last, h, phi = len(params) // 2 - 1, x, PHI[activation.split(",")[0]]
    for layer in range(last):
        h = phi(torch.baddbmm(params[f"b{layer}"], h, params[f"W{layer}"]))
    return torch.baddbmm(params[f"b{last}"], h, params[f"W{last}"])


def through_layers(
    activation: str, depth: int, seeds: Sequence[int], config: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return, for every seed, the accuracy on new digits at each rate, and how much gradient reached the first layers.

    `reach` is the norm of the gradient of the first hidden-to-hidden weights as a part of that of the last ones, before
    the first update.
    """
    (x, y), (x_new, y_new) = digits(config["learn"])
    gain, H, count = config["gains"][activation], config["hidden"], len(config["rates"])
    weights = [deep_weights(depth, H, gain, np.random.default_rng(seed)) for seed in seeds]
    params = together.stacked([drawn for drawn in weights for _ in range(count)])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]

    def loss(update: int) -> Tensor:
        chosen = np.stack([rng.integers(len(x), size=config["batch"]) for rng in rngs]).repeat(count, axis=0)
        said = deep_answers(params, torch.tensor(x[chosen]).float(), activation)
        return together.losses(said, torch.tensor(y[chosen]))

    ratio = []

    def note(own: together.Params) -> None:
        if not ratio:
            first, last = (own[f"W{layer}"].grad.flatten(1).norm(dim=1) for layer in (1, depth - 1))
            ratio.extend((first / last)[::count].tolist())

    rates = torch.tensor(config["rates"]).repeat(len(seeds))
    together.train(params, loss, config["updates"], together.Descent(params, rates), note)
    with torch.no_grad():
        said = deep_answers(params, torch.tensor(x_new).float().expand(len(rates), -1, -1), activation)
    right = (said.argmax(-1) == torch.tensor(y_new)).double().mean(1).reshape(-1, count).numpy().round(4)
    return [{"accuracy": row.tolist(), "reach": reach} for row, reach in zip(right, ratio, strict=True)]


# ---- together --------------------------------------------------------------------------------------------------------


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the errors over the lag and the accuracies through the layers."""
    found: list[dict[str, Any]] = [{"recurrent": {}, "deep": {}} for _ in seeds]
    for part, names, places, tried in (
        ("recurrent", "networks", "lengths", over_a_lag),
        ("deep", "gains", "depths", through_layers),
    ):
        own = config[part]
        for name in own[names]:
            for place in own[places]:
                for one, result in zip(found, tried(name, place, seeds, own), strict=True):
                    one[part].setdefault(name, {})[str(place)] = result
    return found


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the shares of runs that succeeded, each kind at the rate that most of its runs succeeded at."""
    lag, deep = CONFIG["recurrent"], CONFIG["deep"]
    recurrent = {
        name: {
            str(T): _best(
                [[e is not None and e < lag["solved"] for e in run["recurrent"][name][str(T)]] for run in results],
                lag["rates"],
            )
            for T in lag["lengths"]
        }
        for name in lag["networks"]
    }
    layers = {
        name: {
            str(depth): _best(
                [[a >= deep["solved"] for a in run["deep"][name][str(depth)]["accuracy"]] for run in results],
                deep["rates"],
            )
            | {"reach": float(np.median([run["deep"][name][str(depth)]["reach"] for run in results]))}
            for depth in deep["depths"]
        }
        for name in deep["gains"]
    }
    return {"count": len(results), "recurrent": recurrent, "deep": layers}


def _best(outcomes: Sequence[Sequence[bool]], rates: Sequence[float]) -> dict[str, float]:
    found = together.shares(outcomes)
    best = max(range(len(rates)), key=lambda i: found[i]["share"])
    return found[best] | {"rate": rates[best]}


EXPERIMENT = Experiment(
    name="activations",
    title="ReLU against tanh and sigmoid: adding over a lag, and digits through many layers",
    claims=("C14",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=5,
    packages=("numpy", "scipy", "torch", "scikit-learn"),
)
