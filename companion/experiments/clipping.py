"""What clipping saves and what it does not: runs that survive, directions that bend, lags that stay (claim C13).

survival    A layer of ReLU units learns the characters of Python's documentation by plain gradient descent, at a rate
            at which it explodes. Every threshold, by norm and by value, sees the same text from the same weights. A
            run has survived if its loss on other text is finite and below that of guessing by the frequencies.
direction   The cosine of the angle between the gradient and what clipping by value made of it.
lag         A tanh layer whose gradient vanishes learns the temporal order of two symbols by plain gradient descent,
            with and without clipping. For comparison the same layer with an orthogonal start, which keeps its gradient.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from companion.experiments import together
from companion.experiments.experiment import Experiment
from companion.tasks import TemporalOrder, characters

CONFIG = {
    "survival": {"T": 32, "batch": 16, "hidden": 64, "rate": 1.0, "updates": 120, "trials": 128},
    "norm": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0],
    "value": [0.0001, 0.001, 0.01, 0.1, 1.0],
    "quantiles": [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1.0],
    "lag": {"lengths": [20, 40], "hidden": 32, "batch": 20, "rate": 0.1, "updates": 1200, "trials": 500, "solved": 0.9},
    "lag_norm": [0.1, 1.0, 10.0],
}
STARTS = ("default", "orthogonal")


# ---- survival --------------------------------------------------------------------------------------------------------


def thresholds(config: Mapping[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return for each setting its threshold by norm and that by value: first none, then by norm, then by value."""
    by_norm, by_value = config["norm"], config["value"]
    endless = float("inf")
    norm = [endless, *by_norm, *[endless] * len(by_value)]
    value = [endless, *[endless] * len(by_norm), *by_value]
    return torch.tensor(norm), torch.tensor(value)


def texts(numbers: np.ndarray, T: int, B: int, rng: np.random.Generator) -> np.ndarray:
    """Return B pieces of T + 1 characters from anywhere in the text, (T + 1, B)."""
    start = rng.integers(len(numbers) - T, size=B)
    return numbers[start + np.arange(T + 1)[:, None]]


def read_characters(params: together.Params, pieces: torch.Tensor) -> torch.Tensor:
    """Return the loss of each run, in nats for each character, on pieces of text (S, T + 1, B)."""
    S, _, B = pieces.shape
    rows = pieces[:, :-1] + params["W"].shape[1] * torch.arange(S)[:, None, None]
    driven = torch.nn.functional.embedding(rows, params["W"].flatten(0, 1)) + params["b"][:, None]
    h, found = driven.new_zeros(S, B, params["U"].shape[-1]), []
    for driven_t in driven.unbind(1):
        h = torch.relu(torch.baddbmm(driven_t, h, params["U"]))
        found.append(h)
    said = torch.baddbmm(params["c"], torch.stack(found, dim=1).flatten(1, 2), params["V"])
    return together.losses(said, pieces[:, 1:].flatten(1))


def survival(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, what became of the run of each threshold.

    `finite_updates`: how many gradients were finite before the first that was not. `cosine`: between the gradient and
    what clipping made of it, the median over the updates. `norms`: quantiles of the gradient's norm, before clipping,
    in the run with the threshold 1 by norm. `first_norm`: that of the first gradient of all.
    """
    text, size = characters.load(), config["survival"]
    learn, other = text.part("train"), text.part("validation")
    symbols, (norm, value) = len(text.symbols), thresholds(config)
    count = len(norm)
    norm, value = norm.repeat(len(seeds)), value.repeat(len(seeds))
    drawn = [
        together.drawn_weights("default", 1.0, symbols, size["hidden"], symbols, np.random.default_rng(seed))
        for seed in seeds
    ]
    params = together.stacked([run for run in drawn for _ in range(count)])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]

    def pieces(numbers: np.ndarray, B: int) -> torch.Tensor:
        each = np.stack([texts(numbers, size["T"], B, rng) for rng in rngs])
        return torch.tensor(each).repeat_interleave(count, dim=0)

    cosines = []

    def clip(params: together.Params) -> None:
        whole = gradient(params)
        together.clip_norm(params, norm)
        together.clip_value(params, value)
        cosines.append(torch.nn.functional.cosine_similarity(whole, gradient(params), dim=1))

    optimiser = torch.optim.SGD(params.values(), lr=size["rate"])
    sizes = together.train(
        params, lambda update: read_characters(params, pieces(learn, size["batch"])), size["updates"], optimiser, clip
    )
    with torch.no_grad():
        loss = read_characters(params, pieces(other, size["trials"])).reshape(-1, count)
    return _survived(loss, sizes, torch.stack(cosines), count, frequencies(text), config)


def gradient(params: together.Params) -> torch.Tensor:
    """Return each run's gradient in one row, in float64, (S, entries)."""
    return torch.cat([value.grad.flatten(1) for value in params.values()], dim=1).double()


def frequencies(text: characters.Characters) -> float:
    """Return the loss, in nats for each character of the other text, of guessing by the frequencies learnt."""
    counts = np.bincount(text.part("train"), minlength=len(text.symbols)) + 1.0
    return float(-np.log(counts / counts.sum())[text.part("validation")].mean())


def _survived(
    loss: torch.Tensor,
    sizes: torch.Tensor,
    cosines: torch.Tensor,
    count: int,
    baseline: float,
    config: Mapping[str, Any],
) -> list[dict[str, Any]]:
    runs, reference = [], 1 + config["norm"].index(1.0)
    for i, own in enumerate(loss):
        at = slice(i * count, (i + 1) * count)
        norms, bent = sizes[:, at].double().numpy(), cosines[:, at].numpy()
        finite = np.isfinite(norms)
        runs.append(
            {
                "loss": [float(value) if torch.isfinite(value) else None for value in own],
                "baseline": baseline,
                "finite_updates": [int(np.argmin(column)) if not column.all() else len(column) for column in finite.T],
                "norms": [
                    float(f"{size:.4g}")
                    for size in np.quantile(norms[finite[:, reference], reference], config["quantiles"])
                ],
                "cosine": [
                    float(f"{np.median(column[np.isfinite(column)]):.4g}") if np.isfinite(column).any() else None
                    for column in bent.T
                ],
                "first_norm": float(norms[0, 0]),
            }
        )
    return runs


# ---- lag -------------------------------------------------------------------------------------------------------------


def lag(kind: str, T: int, seeds: Sequence[int], config: Mapping[str, Any]) -> list[list[float]]:
    """Return, for every seed, the accuracy without clipping and at each threshold, from recurrent weights of a kind."""
    size, task, count = config["lag"], TemporalOrder(T), 1 + len(config["lag_norm"])
    limits = torch.tensor([float("inf"), *config["lag_norm"]]).repeat(len(seeds))
    drawn = [together.drawn_weights(kind, 1.0, 8, size["hidden"], 4, np.random.default_rng(seed)) for seed in seeds]
    params = together.stacked([run for run in drawn for _ in range(count)])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]

    def said(problem: together.Problem) -> torch.Tensor:
        return together.answers(params, together.states(params, problem.x), problem.last)

    def loss(update: int) -> torch.Tensor:
        problem = together.drawn(task, size["batch"], rngs, count)
        return together.losses(said(problem), problem.y)

    optimiser = torch.optim.SGD(params.values(), lr=size["rate"])
    together.train(params, loss, size["updates"], optimiser, lambda own: together.clip_norm(own, limits))
    test = together.drawn(task, size["trials"], [np.random.default_rng([seed, 2]) for seed in seeds], count)
    with torch.no_grad():
        right = (said(test).argmax(-1) == test.y).double().mean(1)
    return right.reshape(-1, count).numpy().round(4).tolist()


# ---- together --------------------------------------------------------------------------------------------------------


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, what survived and which lags were bridged."""
    found = [{"characters": len(characters.load().text), **run, "lag": {}} for run in survival(seeds, config)]
    for kind in STARTS:
        for T in config["lag"]["lengths"]:
            for one, right in zip(found, lag(kind, T, seeds, config), strict=True):
                one["lag"].setdefault(kind, {})[str(T)] = right
    return found


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the shares of runs that survived and that bridged the lag, and the medians of cosines and norms."""
    survived = [[loss is not None and loss < run["baseline"] for loss in run["loss"]] for run in results]
    none, *clipped = together.shares(survived)
    many = len(CONFIG["norm"])
    cosine = [
        float(np.median([value for value in column if value is not None]))
        for column in zip(*(run["cosine"] for run in results), strict=True)
    ]
    solved = {
        kind: {
            T: together.shares(np.array([run["lag"][kind][T] for run in results]) >= CONFIG["lag"]["solved"])
            for T in map(str, CONFIG["lag"]["lengths"])
        }
        for kind in STARTS
    }
    ends = [run["finite_updates"][0] for run in results]
    return {
        "count": len(results),
        "none": none,
        "norm": clipped[:many],
        "value": clipped[many:],
        "cosine": {"norm": cosine[1 : 1 + many], "value": cosine[1 + many :]},
        "norms_at_1": together.medians([run["norms"] for run in results]),
        "ends": {"median": float(np.median(ends)), "min": min(ends), "max": max(ends)},
        "baseline": results[0]["baseline"],
        "lag": solved,
    }


EXPERIMENT = Experiment(
    name="clipping",
    title="runs that survive with gradients clipped at a threshold, by norm and by value, and lags that stay",
    claims=("C13",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=5,
    packages=("numpy", "scipy", "torch"),
)
