"""How right must the initial weights be? Gain and length swept, for two matrices and two ways to train (claim C16).

A tanh layer learns the temporal order of two symbols. Its recurrent matrix begins as a gain times an orthogonal or a
Gaussian matrix, whose spectral radius is the gain, or near it. "sgd" is plain gradient descent, "adam" is Adam on a
clipped gradient. Before any training, the gradient of the loss is followed back from the last state to the first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from companion.experiments import together
from companion.experiments.experiment import Experiment
from companion.tasks import TemporalOrder

CONFIG = {
    "lengths": [10, 20, 40],
    "gains": [0.25, 0.5, 0.7, 1.0, 1.4, 2.0, 4.0],
    "hidden": 32,
    "batch": 20,
    "updates": 500,
    "ways": {
        "orthogonal, sgd": {"matrix": "orthogonal", "optimiser": "sgd", "rate": 0.1, "clip": None},
        "orthogonal, adam": {"matrix": "orthogonal", "optimiser": "adam", "rate": 0.001, "clip": 1.0},
        "gaussian, adam": {"matrix": "gaussian", "optimiser": "adam", "rate": 0.001, "clip": 1.0},
    },
    "trials": 500,
    "solved": 0.9,
}
OPTIMISERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def networks(seeds: Sequence[int], matrix: str, config: Mapping[str, Any]) -> together.Params:
    """Return untrained networks for each seed and gain, the gains of a seed side by side."""
    runs = [
        together.drawn_weights(matrix, gain, 8, config["hidden"], 4, np.random.default_rng(seed))
        for seed in seeds
        for gain in config["gains"]
    ]
    return together.stacked(runs)


def reach(params: together.Params, problem: together.Problem) -> list[float | None]:
    """Return, for each run, the size of the first state's gradient as a part of the last one's; None if not finite.

    The loss is that of the untrained network, and the gradients are total: what the state changes through all later
    steps. Root mean square over units and sequences.
    """
    S, T, B, _ = problem.x.shape
    driven = torch.baddbmm(params["b"], problem.x.flatten(1, 2), params["W"]).unflatten(1, (T, B))
    nudges = torch.zeros_like(driven, requires_grad=True)  # added to each state
    h, found = driven.new_zeros(S, B, params["U"].shape[-1]), []
    for t in range(T):
        h = torch.tanh(torch.baddbmm(driven[:, t], h, params["U"])) + nudges[:, t]
        found.append(h)
    said = together.answers(params, torch.stack(found, dim=1), problem.last)
    (gradient,) = torch.autograd.grad(together.losses(said, problem.y).sum(), nudges)
    gradient = gradient.double()  # their squares may be too small for single precision
    every = torch.arange(S)[:, None], problem.last, torch.arange(B)[None]
    ratio = gradient[:, 0].pow(2).sum((1, 2)).sqrt() / gradient[every].pow(2).sum((1, 2)).sqrt()
    return [float(value) if torch.isfinite(value) else None for value in ratio]


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, way and length, whether the gains' networks solved it, and how far gradients reached."""
    found: list[dict[str, Any]] = [{way: {} for way in config["ways"]} for _ in seeds]
    for way, settings in config["ways"].items():
        for T in config["lengths"]:
            params = networks(seeds, settings["matrix"], config)
            rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
            tests = [np.random.default_rng([seed, 2]) for seed in seeds]
            task, gains = TemporalOrder(T), len(config["gains"])
            test = together.drawn(task, config["trials"], tests, gains)
            ratio = np.array(reach(params, test), dtype=object).reshape(-1, gains)
            train(params, task, rngs, settings, config)
            right = accuracy(params, test).reshape(-1, gains)
            for i, one in enumerate(found):
                one[way][str(T)] = {"accuracy": right[i].tolist(), "reach": ratio[i].tolist()}
    return found


def train(
    params: together.Params,
    task: TemporalOrder,
    rngs: Sequence[np.random.Generator],
    settings: Mapping[str, Any],
    config: Mapping[str, Any],
) -> None:
    """Train all networks in place; the gains of a seed see the same sequences."""
    times = len(params["U"]) // len(rngs)

    def loss(update: int) -> torch.Tensor:
        problem = together.drawn(task, config["batch"], rngs, times)
        return together.losses(together.answers(params, together.states(params, problem.x), problem.last), problem.y)

    optimiser = OPTIMISERS[settings["optimiser"]](params.values(), lr=settings["rate"])
    limit = None if settings["clip"] is None else torch.full((len(params["U"]),), settings["clip"])
    clip = None if limit is None else partial(together.clip_norm, limit=limit)
    together.train(params, loss, config["updates"], optimiser, clip)


def accuracy(params: together.Params, problem: together.Problem) -> np.ndarray:
    """Return each run's share of right answers, rounded to what the number of sequences can tell."""
    with torch.no_grad():
        said = together.answers(params, together.states(params, problem.x), problem.last)
    return (said.argmax(-1) == problem.y).double().mean(1).numpy().round(4)


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, for each way and length, the share of solved runs at each gain with Wilson's interval, and the reach.

    `reach` is the median over the seeds (None counts as endless). `window` is the number of gains, of all, that nine
    tenths of the seeds solved.
    """
    summary: dict[str, Any] = {}
    for way in CONFIG["ways"]:
        summary[way] = {}
        for T in map(str, CONFIG["lengths"]):
            right = np.array([run[way][T]["accuracy"] for run in results]) >= CONFIG["solved"]
            ratio = np.array([run[way][T]["reach"] for run in results], dtype=float)
            solved = together.shares(right)
            summary[way][T] = {
                "solved": solved,
                "window": sum(one["share"] >= 0.9 for one in solved),
                "reach": together.medians(np.where(np.isnan(ratio), 1e300, ratio)),
            }
    return summary


EXPERIMENT = Experiment(
    name="initialisation",
    title="temporal order learnt from initial weights of different gain, by length, matrix and optimiser",
    claims=("C16",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=10,
    packages=("numpy", "scipy", "torch"),
)
