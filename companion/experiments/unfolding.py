"""A recurrent layer over T steps beside a network of T layers that hold copies of its weights (claim C03).

The explicit network is written in PyTorch, with tensors of its own for every layer, and its gradients are PyTorch's;
the recurrent layer and its gradients are those of `companion.reference`. Cell, sizes, weights, inputs, first state and
upstream gradients are drawn anew for every seed, never with as many sequences as steps, so that the two cannot be taken
for one another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.evidence import Evidence
from companion.experiments.experiment import Experiment
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

CONFIG = {
    "cells": ["tanh", "sigmoid", "LSTM", "GRU"],
    "T": [2, 12],
    "B": [1, 8],
    "I": [1, 5],
    "H": [2, 8],
    "tolerance": 1e-12,
}

Copies = list[dict[str, Any]]


def drawn(seed: int, config: Mapping[str, Any]) -> tuple[str, ref.Layer, dict[str, np.ndarray]]:
    """Return the name of a cell, a layer of it, and input, first state and upstream gradients, all at random."""
    rng = np.random.default_rng(seed)
    T, B, I, H = (int(rng.integers(*config[size], endpoint=True)) for size in "TBIH")  # noqa: E741
    B += B == T
    kind = config["cells"][seed % len(config["cells"])]
    layer = getattr(ref, kind)(I, H, rng=rng) if kind.isupper() else ref.RNN(I, H, nonlinearity=kind, rng=rng)
    for value in layer.params.values():
        value[...] = rng.normal(scale=0.7, size=value.shape)
    shapes = {"x": (T, B, I), "h": (1, B, H), "c": (1, B, H), "dy": (T, B, H), "dh": (1, B, H), "dc": (1, B, H)}
    return kind, layer, {name: rng.normal(size=shape) for name, shape in shapes.items()}


def step(kind: str) -> Callable:
    """Return one layer of the explicit network: from its input, the state before and its own weights to the state."""
    import torch

    def dense(x, h, w):
        return x @ w["weight_ih_l0"].T + w["bias_ih_l0"], h @ w["weight_hh_l0"].T + w["bias_hh_l0"]

    def plain(x, h, c, w):
        return getattr(torch, kind)(sum(dense(x, h, w))), c

    def lstm(x, h, c, w):
        i, f, g, o = sum(dense(x, h, w)).chunk(4, dim=-1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    def gru(x, h, c, w):
        (a_r, a_z, a_n), (s_r, s_z, s_n) = (part.chunk(3, dim=-1) for part in dense(x, h, w))
        r, z = torch.sigmoid(a_r + s_r), torch.sigmoid(a_z + s_z)
        return (1 - z) * torch.tanh(a_n + r * s_n) + z * h, c

    return {"LSTM": lstm, "GRU": gru}.get(kind, plain)


def explicit(kind: str, layer: ref.Layer, arrays: Mapping[str, np.ndarray]) -> tuple[np.ndarray, Copies, Copies]:
    """Build one layer a step, run it and go back: the outputs (T, B, H), and for every copy its share of the gradient
    and the gradient of the last output alone.
    """
    import torch

    t = {name: torch.from_numpy(array) for name, array in arrays.items()}
    h, c, layer_of = t["h"][0], t["c"][0], step(kind)
    copies = [{name: torch.tensor(value, requires_grad=True) for name, value in layer.params.items()} for _ in t["x"]]
    y = []
    for x_t, w in zip(t["x"], copies, strict=True):
        h, c = layer_of(x_t, h, c, w)
        y.append(h)
    loss = (torch.stack(y) * t["dy"]).sum() + (h * t["dh"][0]).sum()
    if kind == "LSTM":
        loss = loss + (c * t["dc"][0]).sum()
    leaves = [value for w in copies for value in w.values()]
    shares, reach = (torch.autograd.grad(value, leaves, retain_graph=True) for value in (loss, h.sum()))
    named = [
        [dict(zip(layer.params, map(np.asarray, found[k : k + 4]), strict=True)) for k in range(0, len(found), 4)]
        for found in (shares, reach)
    ]
    return torch.stack(y).detach().numpy(), *named


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the sizes, the errors and how far the copies' shares differ."""
    return [compared(seed, config) for seed in seeds]


def compared(seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the recurrent layer of one seed with its explicit network.

    layers: how many copies the last output depends on. output, gradient: the largest errors, relative to the largest
    entry. apart: the same measure between the shares of the first and of the last copy, for the bias; where it is not
    0, copies that each follow their own share are copies no longer.
    """
    kind, layer, arrays = drawn(seed, config)
    state, dstate = ((arrays[h], arrays[c]) if kind == "LSTM" else arrays[h] for h, c in (("h", "c"), ("dh", "dc")))
    tape = layer.unroll(arrays["x"], state)
    whole = layer.bptt(tape, arrays["dy"], dstate).params
    y, shares, reach = explicit(kind, layer, arrays)
    T, B, I = arrays["x"].shape  # noqa: E741
    return {
        "cell": kind,
        "T": T,
        "B": B,
        "I": I,
        "H": layer.hidden_size,
        "layers": sum(bool(np.abs(share["bias_hh_l0"]).max() > 0) for share in reach),
        "output": apart(y, tape.y),
        "gradient": max(apart(sum(share[name] for share in shares), whole[name]) for name in whole),
        "apart": apart(shares[0]["bias_hh_l0"], shares[-1]["bias_hh_l0"]),
    }


def apart(actual: np.ndarray, expected: np.ndarray) -> float:
    """Return the largest difference, relative to the largest entry expected."""
    return float(np.abs(actual - expected).max() / np.abs(expected).max())


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the worst errors, and how often there were as many layers as steps and as many as sequences."""
    return {
        "count": len(results),
        "output": max(run["output"] for run in results),
        "gradient": max(run["gradient"] for run in results),
        "as_steps": sum(run["layers"] == run["T"] for run in results),
        "as_sequences": sum(run["layers"] == run["B"] for run in results),
        "apart": min(run["apart"] for run in results),
    }


def judge(data: Evidence) -> Verdict:
    """C03, by its condition."""
    numbers = summarise(data.results)
    count, tolerance = numbers["count"], data.config["tolerance"]
    same = max(numbers["output"], numbers["gradient"]) < tolerance
    if not same or numbers["as_steps"] != count and numbers["as_sequences"] != count:
        return Verdict(FALSE, "The explicit network computes something else than the recurrent layer.", numbers)
    agree = (
        f"In all {count} networks tried, over four kinds of cell, the explicit one gives the same output within "
        f"{numbers['output']:.0e}, and the gradients of its copies add up to the shared gradient within "
        f"{numbers['gradient']:.0e}."
    )
    if numbers["as_sequences"] == count and numbers["apart"] == 0:
        return Verdict(HOLDS, agree, numbers)
    return Verdict(
        CONDITIONAL,
        f"{agree} It has a layer for each time step, however many sequences there are, and it stays the same network "
        f"only while all layers keep one set of weights.",
        numbers,
    )


EXPERIMENT = Experiment(
    name="unfolding",
    title="a recurrent layer and an explicit network of copies: outputs and gradients",
    claims=("C03",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=32,
    together=32,
    packages=("numpy", "torch"),
)
