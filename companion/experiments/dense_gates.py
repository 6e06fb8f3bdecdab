"""An LSTM cell built of four dense layers: its parameters, its numbers, and what of it is no dense layer (C25).

Each of the three gates and the candidate is a `torch.nn.Linear` of the pair (x_t, h_{t-1}) with a sigmoid or tanh on
top. What joins them, f ⊙ c and i ⊙ g and o ⊙ tanh(c), has no weights. Whether that could be a dense layer without
activation is asked by its mixed second difference, p(u + v) - p(u) - p(v) + p(0), which is 0 for every such layer.
Written before the data:

C25   holds if the four dense layers have as many parameters as the LSTM (its two biases counted as the one that they
      add up to), outputs and gradients agree within 1e-12 in every network tried, and the mixed second difference of
      the products is 0 within 1e-9. Holds with a condition if all but the last is so. False otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment

CONFIG: dict[str, Any] = {"T": [3, 30], "B": 3, "I": [1, 8], "H": [1, 16]}


def four_layers(layer: ref.Layer):
    """Return the dense layers of i, f, g and o, each of the pair (x, h), with the weights of an LSTM."""
    import torch

    W, U, b_ih, b_hh = layer.params.values()
    found = []
    for rows in np.split(np.arange(len(W)), 4):
        dense = torch.nn.Linear(W.shape[1] + U.shape[1], len(rows), dtype=torch.float64)
        with torch.no_grad():
            dense.weight.copy_(torch.from_numpy(np.hstack([W[rows], U[rows]])))
            dense.bias.copy_(torch.from_numpy((b_ih + b_hh)[rows]))
        found.append(dense)
    return found


def run(dense, x):
    """Run the cell made of four dense layers over x (T, B, I); returns all h (T, B, H)."""
    import torch

    entrance, forget, candidate, shown = dense
    h = c = torch.zeros(x.shape[1], forget.out_features, dtype=x.dtype)
    outputs = []
    for x_t in x:
        pair = torch.cat([x_t, h], dim=-1)
        i, f, o = (torch.sigmoid(gate(pair)) for gate in (entrance, forget, shown))
        c = f * c + i * torch.tanh(candidate(pair))
        h = o * torch.tanh(c)
        outputs.append(h)
    return torch.stack(outputs)


def compared(seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return counts of parameters, the largest differences of outputs and gradients, and the second difference."""
    import torch

    rng = np.random.default_rng(seed)
    T, I, H = (int(rng.integers(low, high + 1)) for low, high in (config["T"], config["I"], config["H"]))  # noqa: E741
    layer = ref.LSTM(I, H, rng=rng)
    x, dy = rng.standard_normal((T, config["B"], I)), rng.standard_normal((T, config["B"], H))
    dense = four_layers(layer)
    y = run(dense, torch.from_numpy(x))
    (y * torch.from_numpy(dy)).sum().backward()
    tape = layer.unroll(x)
    grads = layer.bptt(tape, dy).params
    weights = np.hstack([grads["weight_ih_l0"], grads["weight_hh_l0"]])
    found = np.concatenate([gate.weight.grad.numpy() for gate in dense])
    f, c = rng.uniform(size=(2, H)), rng.standard_normal((2, H))
    mixed = (f[0] + f[1]) * (c[0] + c[1]) - f[0] * c[0] - f[1] * c[1]
    return {
        "T": T,
        "I": I,
        "H": H,
        "dense": sum(p.numel() for gate in dense for p in gate.parameters()),
        "lstm": sum(value.size for value in layer.params.values()) - 4 * H,
        "output": float(np.abs(y.detach().numpy() - tape.y).max()),
        "gradient": float(np.abs(found - weights).max() / np.abs(weights).max()),
        "mixed": float(np.abs(mixed).max()),
    }


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one comparison for every seed."""
    return [compared(seed, config) for seed in seeds]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return whether all counts agree, and the largest differences."""
    return {
        "count": len(results),
        "same_count": all(r["dense"] == r["lstm"] for r in results),
        "output": max(r["output"] for r in results),
        "gradient": max(r["gradient"] for r in results),
        "mixed": min(r["mixed"] for r in results),
    }


EXPERIMENT = Experiment(
    name="dense_gates",
    title="an LSTM cell built of four dense layers",
    claims=("C25",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=100,
    together=100,
    packages=("numpy", "torch"),
)
