"""A sigmoid by itself: its largest slope, and what becomes of it when it is applied again and again (C10, C11).

No chance is in it. The slope is taken by the chain rule and, at every point, by the complex step.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments.experiment import Experiment
from companion.reference.activations import SIGMOID
from companion.reference.jacobians import composed, settle

CONFIG = {
    "reach": 10.0,
    "points": 4001,
    "weights": [0.5, 1.0, 2.0, 4.0, 6.0, 8.0],
    "layers": [1, 2, 3, 5, 10, 20, 30, 100],
    "epsilon": 1e-200,
}


def by_complex_step(a: np.ndarray, n: int, w: float, b: float, epsilon: float) -> np.ndarray:
    """Return the slope of the n-fold composition at every point."""
    moved = a + epsilon * 1j
    for _ in range(n):
        moved = SIGMOID(w * moved + b)
    return moved.imag / epsilon


def off(slopes: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest difference, relative to the slope where that is above 1."""
    return float((np.abs(slopes - exact) / np.maximum(1.0, np.abs(exact))).max())


def measure(seeds: Sequence[Any], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every weight, spread and steepest slope after so many layers.

    A sigmoid with weight 1 stands alone, without a bias. With another weight there are two: without a bias, and
    centred by b = -w/2, so that the output 1/2 is mapped to itself.
    """
    a = np.linspace(-config["reach"], config["reach"], config["points"])
    found = []
    for w in config["weights"]:
        for name, b in {"plain": 0.0, "centred": -w / 2}.items():
            layers = [composed(a, n, w, b) for n in config["layers"]]
            exact = [by_complex_step(a, n, w, b, config["epsilon"]) for n in config["layers"]]
            found.append(
                {
                    "weight": w,
                    "bias": name,
                    "spread": [y.max() - y.min() for y, _ in layers],
                    "steepest": [slopes.max() for _, slopes in layers],
                    "error": max(off(slopes, e) for (_, slopes), e in zip(layers, exact, strict=True)),
                    "rests_at": settle(lambda y, w=w, b=b: float(SIGMOID(np.array(w * y + b))), 0.6, 2000),
                }
            )
    return found


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what one sigmoid leaves at best, and which compositions are flat after the most layers."""
    (alone,) = (run for run in results if run["weight"] == 1 and run["bias"] == "plain")
    rest = alone["rests_at"]
    flat = [run["spread"][-1] < 1e-9 and run["steepest"][-1] < 1e-9 for run in results]
    return {
        "steepest": alone["steepest"][0],
        "taken": 1 - alone["steepest"][0],
        "error": max(run["error"] for run in results),
        "rests_at": rest,
        "factor": rest * (1 - rest),
        "spread": dict(zip(map(str, CONFIG["layers"]), alone["spread"], strict=True)),
        "slope": dict(zip(map(str, CONFIG["layers"]), alone["steepest"], strict=True)),
        "of": len(results),
        "flat": sum(flat),
        "not_flat": [[run["weight"], run["bias"]] for run, told in zip(results, flat, strict=True) if not told],
    }


EXPERIMENT = Experiment(
    name="squashing",
    title="the largest slope of a sigmoid, and the sigmoid of a sigmoid of a sigmoid",
    claims=("C10", "C11"),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
)
