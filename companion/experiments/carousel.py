"""What a change of the cell is worth many steps later: along its own path, and in all (C21, C24).

Networks of 16 units with weights from U(-1/4, 1/4), as torch.nn draws them, hear 1000 steps of noise. For each lag k
two derivatives of the last cell state by that of k steps before are taken. *Along the cell's own path* the gates and
the candidate are held as they were; autograd finds it with h cut off (`detach`) on its way into the gates. *The whole*
derivative is an H × H matrix that goes through the gates too; its largest singular value is kept. Of a plain tanh
network there is one derivative only, of the state by a state before. Written before the data:

C21   holds if in the cell of 1997 the derivative along the path is exactly 1 at every lag in every network, and the
      whole derivative stays between one half and 2 at every lag in nine of ten networks. Holds with a condition if the
      first is so, but not the second. False if the first is not so.
C24   of what is left after 100 steps, in the median over the networks: holds if along the cell's path a tenth or more
      is left in every kind that adds (1997, forget gate as it comes, forget bias 1 and 3), and less in the tanh
      network; with a condition if that is so in the cell of 1997, which adds only, but not in every kind with a forget
      gate, which multiplies as well; false otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment

CONFIG: dict[str, Any] = {"H": 16, "I": 4, "T": 1000, "lags": [1, 3, 10, 30, 100, 300, 1000]}
KINDS: Mapping[str, tuple[bool, float | None]] = {
    "1997": (False, None),
    "forget gate": (True, None),
    "bias 1": (True, 1.0),
    "bias 3": (True, 3.0),
}

Array = np.ndarray


def layer_of(kind: str, seed: int, config: Mapping[str, Any]) -> ref.Layer:
    """Return an LSTM of one kind, in float64."""
    forgets, bias = KINDS[kind]
    layer = ref.LSTM(config["I"], config["H"], forget_gate=forgets, rng=seed)
    if bias is not None:
        ref.init.forget_bias(layer, bias)
    return layer


def along_the_path(layer: ref.Layer, x: Array, lags: Sequence[int]) -> list[Array]:
    """Return the derivative (H,) of each cell's last state by its own of k steps before, gates held, by autograd."""
    import torch

    W, U, b_ih, b_hh = (torch.from_numpy(value) for value in layer.params.values())
    forgets = "f" in layer.cell.blocks
    h, c, cells = torch.zeros(len(U.T), dtype=U.dtype), torch.zeros(len(U.T), dtype=U.dtype), []
    for x_t in torch.from_numpy(x):
        c.requires_grad_(True)
        cells.append(c)
        a = torch.split(W @ x_t + b_ih + b_hh + U @ h.detach(), len(h))
        if forgets:
            c = torch.sigmoid(a[1]) * c + torch.sigmoid(a[0]) * torch.tanh(a[2])
        else:
            c = c + torch.sigmoid(a[0]) * torch.tanh(a[1])
        h = torch.sigmoid(a[-1]) * torch.tanh(c)
    # with h cut off no cell hears another, so that the sum over the cells has each one's own derivative
    grads = torch.autograd.grad(c.sum(), [cells[len(x) - k] for k in lags])
    return [grad.numpy() for grad in grads]


def whole(layer: ref.Layer, x: Array, lags: Sequence[int]) -> list[float]:
    """Return the largest singular value of the whole derivative of the last state by that of k steps before.

    Of the cell state, where there is one, with the h of that step held; else of h.
    """
    H, found = layer.hidden_size, []
    tape = layer.unroll(x)
    names = layer.cell.state
    for k in lags:
        start = len(x) - k
        state = tuple(
            np.repeat((tape[name][start - 1] if start else np.zeros(H))[None, None], H, axis=1) for name in names
        )
        each = np.repeat(x[start:, None], H, axis=1)
        last, zero = np.eye(H)[None], np.zeros((1, H, H))
        if len(names) == 1:
            back = layer.bptt(layer.unroll(each, state[0]), None, last).state[0]
        else:
            back = layer.bptt(layer.unroll(each, state), None, (zero, last)).state[1][0]
        found.append(float(np.linalg.norm(back, 2)))
    return found


def step_jacobian(U: Array, c: Array, o: Array, i: Array, f: Array, g: Array) -> Array:
    """Return the derivative (H, H) of the cell state by the one before, through the gates too.

    U (4H, H) with rows i, f, g, o; c and o (H,) of the step before; i, f, g (H,) of this one. How h of the step before
    hangs on its own cell state is taken with its output gate as it was.
    """
    U_i, U_f, U_g, _ = np.split(U, 4)
    gates = (g * i * (1 - i))[:, None] * U_i + (c * f * (1 - f))[:, None] * U_f + (i * (1 - g**2))[:, None] * U_g
    return np.diag(f) + gates * (o * (1 - np.tanh(c) ** 2))


def products(layer: ref.Layer, x: Array, lags: Sequence[int]) -> list[Array]:
    """Return the product (H,) of each cell's last k forget gates; ones where there is no such gate."""
    tape = layer.unroll(x)
    if "f" not in layer.cell.blocks:
        return [np.ones(layer.hidden_size) for _ in lags]
    return [tape["f"][len(x) - k :].prod(axis=0) for k in lags]


def apart(found: Array, expected: Array) -> float:
    """Return the largest relative difference; where the expected number has run under, the difference itself."""
    return float(np.max(np.abs(found - expected) / np.where(expected < 1e-300, 1.0, expected)))


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed and kind, at each lag: the path, how far it is from the product, the whole."""
    results, lags = [], config["lags"]
    for seed in seeds:
        x = np.random.default_rng([seed, 1]).standard_normal((config["T"], config["I"]))
        result: dict[str, Any] = {"tanh": whole(ref.RNN(config["I"], config["H"], rng=seed), x, lags)}
        for kind in KINDS:
            layer = layer_of(kind, seed, config)
            path, product = along_the_path(layer, x, lags), products(layer, x, lags)
            result[kind] = {
                "path": [float(np.abs(value).max()) for value in path],
                "least": [float(np.abs(value).min()) for value in path],
                "off": float(
                    max(np.max(np.abs(p - q) / np.maximum(q, 1e-300)) for p, q in zip(path, product, strict=True))
                ),
                "whole": whole(layer, x, lags),
            }
        results.append(result)
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return medians, least and most by kind and lag, and what the two conditions ask for."""
    lags = [f"k{k}" for k in CONFIG["lags"]]

    def by_lag(rows: list[list[float]]) -> dict[str, dict[str, float]]:
        columns = zip(lags, np.array(rows).T, strict=True)
        return {k: {"median": float(np.median(v)), "min": float(v.min()), "max": float(v.max())} for k, v in columns}

    found: dict[str, Any] = {"count": len(results), "tanh": by_lag([r["tanh"] for r in results])}
    for kind in KINDS:
        runs = [r[kind] for r in results]
        found[kind.replace(" ", "_")] = {
            "path": by_lag([run["path"] for run in runs]),
            "whole": by_lag([run["whole"] for run in runs]),
            "off": max(run["off"] for run in runs),
        }
    old = [r["1997"] for r in results]
    found["exact"] = all(value == 1.0 for run in old for value in (*run["path"], *run["least"]))
    found["steady"] = sum(all(0.5 <= value <= 2.0 for value in run["whole"]) for run in old)
    return found


EXPERIMENT = Experiment(
    name="carousel",
    title="the derivative of the last cell state by earlier ones, along the cell's path and in all",
    claims=("C21", "C24"),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=32,
    together=4,
    packages=("numpy", "torch"),
)
