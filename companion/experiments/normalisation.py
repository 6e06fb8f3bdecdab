"""Normalised recurrences: how far gradients reach, and whether the adding problem is solved (claim C15).

none        h = tanh(x W + h U + b);
input       batch normalisation of x W alone, over batch and steps (Laurent, Pereyra, Brakel, Zhang and Bengio 2016);
recurrent   of x W and of h U, each over the batch and with statistics of its own at every step, begun with the scale
            0.1 (Cooijmans, Ballas, Laurent, Gülçehre and Courville 2016);
unit        the same begun with the scale 1, as feed-forward layers begin;
layer       layer normalisation of x W + h U over the units of each sequence (Ba, Kiros and Hinton 2016).

Every network has its recurrent matrix as `torch.nn` draws it, or times a gain. After training, the batch statistics are
those of the sequences it is tried on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from companion.experiments import together
from companion.experiments.experiment import Experiment
from companion.tasks import Adding

CONFIG = {
    "T": 20,
    "hidden": 32,
    "batch": 32,
    "updates": 1500,
    "rate": 0.002,
    "clip": 1.0,
    "gains": [0.5, 1.0, 4.0],
    "back": 30,
    "trials": 500,
    "solved": round(1 / 60, 13),  # a tenth of the loss of the best constant
    "epsilon": 1e-5,
    "scales": {"none": 1.0, "input": 1.0, "recurrent": 0.1, "unit": 1.0, "layer": 1.0},
}
KINDS = tuple(CONFIG["scales"])
SCALES = {"none": "", "input": "k", "recurrent": "gk", "unit": "gk", "layer": "g"}  # the scales that are learnt


def normalised(a: Tensor, over: int | tuple[int, ...], epsilon: float = 1e-5) -> Tensor:
    """Return `a` with mean 0 and variance 1 over some axes."""
    centred = a - a.mean(over, keepdim=True)
    return centred * torch.rsqrt(centred.pow(2).mean(over, keepdim=True) + epsilon)


def states(kind: str, params: together.Params, x: Tensor, nudges: Tensor | None = None) -> Tensor:
    """Return the states (S, T, B, H) for x (S, T, B, I); `nudges` of their shape are added to them, step by step."""
    W, U, b, g, k = (params.get(name) for name in "WUbgk")
    driven = torch.bmm(x.flatten(1, 2), W).unflatten(1, x.shape[1:3])  # (S, T, B, H)
    if kind == "input":
        driven = k[:, None] * normalised(driven, (1, 2))
    elif kind in ("recurrent", "unit"):
        driven = k[:, None] * normalised(driven, 2)
    h, found = driven.new_zeros(driven[:, 0].shape), []
    for t, driven_t in enumerate(driven.unbind(1)):
        carried = torch.bmm(h, U)
        if kind in ("recurrent", "unit"):
            carried = g * normalised(carried, 1)
        a = driven_t + carried
        h = torch.tanh(g * normalised(a, 2) + b if kind == "layer" else a + b)
        if nudges is not None:
            h = h + nudges[:, t]
        found.append(h)
    return torch.stack(found, dim=1)


def networks(kind: str, gains: Sequence[float], seeds: Sequence[int], config: Mapping[str, Any]) -> together.Params:
    """Return untrained networks of each seed, the gains side by side, and the scales, `k` of x W and `g`, of the kind.

    Every kind and gain gets the same draws.
    """
    H = config["hidden"]
    scale = {name: np.full((1, H), config["scales"][kind]) for name in SCALES[kind]}
    draws = [
        together.drawn_weights("default", gain, 2, H, 1, np.random.default_rng(seed))
        for seed in seeds
        for gain in gains
    ]
    return together.stacked([drawn | scale for drawn in draws])


def growth(kind: str, params: together.Params, problem: together.Problem) -> list[float]:
    """Return, for each run, by what factor the gradient of the states grows at a step back, as a mean over all steps.

    The loss is a random sum of the last states. The factor is that of the straight line through the logarithm of the
    gradient's size against the steps, from the last state to the first but one.
    """
    S, T, B, _ = problem.x.shape
    H = params["U"].shape[-1]
    nudges = torch.zeros(S, T, B, H, dtype=problem.x.dtype, requires_grad=True)
    upstream = torch.tensor(np.random.default_rng(0).normal(size=(B, H))).to(problem.x.dtype)
    last = states(kind, params, problem.x, nudges)[:, -1]
    (gradient,) = torch.autograd.grad((last * upstream).sum(), nudges)
    size = gradient.double().pow(2).mean((2, 3)).sqrt().numpy()[:, 1:]
    steps = np.arange(T - 1)[::-1]
    return [float(np.exp(np.polyfit(steps, np.log(np.maximum(one, 1e-300)), 1)[0])) for one in size]


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed and kind, the factor for a step back and the error after training, gain by gain."""
    found: list[dict[str, Any]] = [{} for _ in seeds]
    count = len(config["gains"])
    for kind in KINDS:
        params = networks(kind, config["gains"], seeds, config)
        longer = together.drawn(Adding(config["back"]), config["batch"], generators(seeds, 3), count)
        factors = np.reshape(growth(kind, params, longer), (-1, count)).tolist()
        errors = np.reshape(np.array(trained(kind, params, seeds, config), dtype=object), (-1, count)).tolist()
        for one, factor, error in zip(found, factors, errors, strict=True):
            one[kind] = {"growth": factor, "error": error}
    return found


def generators(seeds: Sequence[int], purpose: int) -> list[np.random.Generator]:
    """Return a generator of each seed for a purpose: 1 to train, 2 to test, 3 for the gradients."""
    return [np.random.default_rng([seed, purpose]) for seed in seeds]


def trained(kind: str, params: together.Params, seeds: Sequence[int], config: Mapping[str, Any]) -> list[float | None]:
    """Train the networks and return the squared error of each on new sequences, None where it is not finite."""
    task, rngs, count = Adding(config["T"]), generators(seeds, 1), len(config["gains"])

    def loss(problem: together.Problem) -> Tensor:
        h = states(kind, params, problem.x)
        return together.losses(together.answers(params, h, problem.last), problem.y)

    limit = torch.full((len(seeds) * count,), config["clip"])
    together.train(
        params,
        lambda update: loss(together.drawn(task, config["batch"], rngs, count)),
        config["updates"],
        torch.optim.Adam(params.values(), lr=config["rate"]),
        lambda own: together.clip_norm(own, limit),
    )
    with torch.no_grad():
        errors = loss(together.drawn(task, config["trials"], generators(seeds, 2), count))
    return [float(value) if torch.isfinite(value) else None for value in errors]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return, for each kind and gain, the median factor, the shares of runs that solved it, and paired comparisons.

    `closer` is the share of seeds in which a step back changes the gradient less, in either direction, than without
    normalisation.
    """
    plain = np.abs(np.log([run["none"]["growth"] for run in results]))
    return {"count": len(results)} | {
        kind: {
            "growth": together.medians([run[kind]["growth"] for run in results]),
            "closer": np.mean(np.abs(np.log([run[kind]["growth"] for run in results])) < plain, axis=0).tolist(),
            "solved": together.shares(
                [[e is not None and e < CONFIG["solved"] for e in run[kind]["error"]] for run in results]
            ),
        }
        for kind in KINDS
    }


EXPERIMENT = Experiment(
    name="normalisation",
    title="batch and layer normalisation in the recurrence: how far gradients reach, and adding",
    claims=("C15",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=10,
    packages=("numpy", "scipy", "torch"),
)
