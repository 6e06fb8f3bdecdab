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
        "solved": 1 / 60,  # a tenth of the loss of the best constant
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
        "updates": 1200,
        "rates": [0.3, 0.1, 0.03],
        "learn": 1400,
        "solved": 0.9,
        "gains": {"sigmoid": 4.0, "tanh": 1.0, "relu": 2**0.5, "relu, usual": 3**-0.5},
    },
}
PHI = {"sigmoid": torch.sigmoid, "tanh": torch.tanh, "relu": torch.relu}


# ---- recurrent -------------------------------------------------------------------------------------------------------


def over_a_lag(name: str, T: int, rate: float, seeds: Sequence[int], config: Mapping[str, Any]) -> list[float | None]:
    """Return, for every seed, the squared error on new sequences after training; None where it is not finite."""
    activation, kind = config["networks"][name]
    phi, task = PHI[activation], Adding(T)
    weights = [together.drawn_weights(kind, 1.0, 2, config["hidden"], 1, np.random.default_rng(seed)) for seed in seeds]
    params = together.stacked(weights)
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]

    def loss(problem: together.Problem) -> Tensor:
        said = together.answers(params, together.states(params, problem.x, phi), problem.last)
        return together.losses(said, problem.y)

    optimiser = torch.optim.Adam(params.values(), lr=rate)
    limit = torch.full((len(seeds),), config["clip"])
    together.train(
        params,
        lambda update: loss(together.drawn(task, config["batch"], rngs)),
        config["updates"],
        optimiser,
        lambda own: together.clip_norm(own, limit),
    )
    test = together.drawn(task, config["trials"], [np.random.default_rng([seed, 2]) for seed in seeds])
    with torch.no_grad():
        return [float(value) if torch.isfinite(value) else None for value in loss(test)]


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
    activation: str, depth: int, rate: float, seeds: Sequence[int], config: Mapping[str, Any]
) -> list[dict[str, float | None]]:
    """Return, for every seed, the accuracy on new digits, and how much gradient reached the first hidden weights.

    `reach` is the norm of the gradient of the first hidden-to-hidden weights as a part of that of the last ones, before
    the first update.
    """
    (x, y), (x_new, y_new) = digits(config["learn"])
    gain, H = config["gains"][activation], config["hidden"]
    params = together.stacked([deep_weights(depth, H, gain, np.random.default_rng(seed)) for seed in seeds])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]

    def loss(update: int) -> Tensor:
        chosen = np.stack([rng.integers(len(x), size=config["batch"]) for rng in rngs])
        said = deep_answers(params, torch.tensor(x[chosen]).float(), activation)
        return together.losses(said, torch.tensor(y[chosen]))

    optimiser, ratio = torch.optim.SGD(params.values(), lr=rate), []

    def note(own: together.Params) -> None:
        if not ratio:
            first, last = (own[f"W{layer}"].grad.flatten(1).norm(dim=1) for layer in (1, depth - 1))
            ratio.extend((first / last).tolist())

    together.train(params, loss, config["updates"], optimiser, note)
    with torch.no_grad():
        said = deep_answers(params, torch.tensor(x_new).float().expand(len(seeds), -1, -1), activation)
    right = (said.argmax(-1) == torch.tensor(y_new)).double().mean(1).numpy().round(4)
    return [{"accuracy": float(one), "reach": reach} for one, reach in zip(right, ratio, strict=True)]


# ---- together --------------------------------------------------------------------------------------------------------


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the errors over the lag and the accuracies through the layers."""
    return [
        {"recurrent": lag, "deep": deep}
        for lag, deep in zip(_all_lags(seeds, config), _all_depths(seeds, config), strict=True)
    ]


def _all_lags(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = config["recurrent"]
    found: list[dict[str, Any]] = [{name: {} for name in own["networks"]} for _ in seeds]
    for name in own["networks"]:
        for T in own["lengths"]:
            errors = [over_a_lag(name, T, rate, seeds, own) for rate in own["rates"]]
            for one, row in zip(found, zip(*errors, strict=True), strict=True):
                one[name][str(T)] = list(row)
    return found


def _all_depths(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    own = config["deep"]
    found: list[dict[str, Any]] = [{name: {} for name in own["gains"]} for _ in seeds]
    for name in own["gains"]:
        for depth in own["depths"]:
            runs = [through_layers(name, depth, rate, seeds, own) for rate in own["rates"]]
            for one, row in zip(found, zip(*runs, strict=True), strict=True):
                one[name][str(depth)] = {"accuracy": [run["accuracy"] for run in row], "reach": row[0]["reach"]}
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
