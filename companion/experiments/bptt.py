"""The gradient of a recurrent layer, found in six ways, and what two optimisers do with it (claims C06, C07, C37).

For every seed a network, an input, an initial state and targets are drawn. The loss is half the sum of all squared
errors of the outputs, plus half that of the final state. Its gradient is found by `companion.reference` going back
through the unrolled steps, by the complex step, by PyTorch's autograd on a graph written out step by step, by real-time
recurrent learning, by adding up the shares of the steps, and, wrongly, by backpropagation through the loop as it
stands, which takes the last state for a constant.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np

from companion.experiments.experiment import Experiment
from companion.reference import RNN, SGD, Adam
from companion.reference.rtrl import rtrl

CONFIG = {
    "T": [2, 12],
    "I": [1, 5],
    "H": [2, 8],
    "scale": 0.7,
    "epsilon": 1e-30,
    "updates": 20,
    "rate": 0.01,
    "timed": {"T": 200, "B": 32, "I": 32, "H": 64, "repeats": 5},
    "tolerance": 1e-9,
}

Array = np.ndarray
Weights = dict[str, Array]
NAMES = {"W": "weight_ih_l0", "U": "weight_hh_l0", "b": "bias_ih_l0"}


@dataclass(frozen=True)
class Problem:
    """A network by its weights W, U and b, one sequence x (T, I), a first state h (H,), targets (T, H) and (H,)."""

    weights: Weights
    x: Array
    h: Array
    target: Array
    goal: Array


def drawn(seed: int, config: Mapping[str, Any]) -> Problem:
    """Return a network, an input and targets at random."""
    rng = np.random.default_rng(seed)
    T, I, H = (int(rng.integers(*config[size], endpoint=True)) for size in "TIH")  # noqa: E741
    shapes = {"W": (H, I), "U": (H, H), "b": (H,)}
    weights = {name: rng.normal(scale=config["scale"], size=shape) for name, shape in shapes.items()}
    return Problem(weights, rng.normal(size=(T, I)), *(rng.uniform(-1, 1, size) for size in (H, (T, H), H)))


# ---- the loss, and its gradient in six ways --------------------------------------------------------------------------


def loss(problem: Problem, weights: Sequence[Weights]) -> Any:
    """Run the steps with weights of their own for each, and return the loss; complex weights make it complex."""
    h, total = problem.h, 0.0
    for x_t, target, own in zip(problem.x, problem.target, weights, strict=True):
        h = np.tanh(own["W"] @ x_t + own["U"] @ h + own["b"])
        total = total + np.sum((h - target) ** 2) / 2
    return total + np.sum((h - problem.goal) ** 2) / 2


def by_complex_step(problem: Problem, steps: Sequence[int], epsilon: float) -> Weights:
    """Return the gradient by the weights of the chosen steps alone, one entry at a time."""
    T, found = len(problem.x), {}
    for name, value in problem.weights.items():
        found[name] = np.empty(value.shape)
        for index in np.ndindex(value.shape):
            moved = value.astype(complex)
            moved[index] += 1j * epsilon
            other = problem.weights | {name: moved}
            copies = [other if t in steps else problem.weights for t in range(T)]
            found[name][index] = loss(problem, copies).imag / epsilon
    return found


def layer_of(problem: Problem) -> RNN:
    """Return the layer of `companion.reference` with the problem's weights."""
    H, I = problem.weights["W"].shape  # noqa: E741
    layer = RNN(I, H)
    layer.load_state_dict({NAMES[name]: w for name, w in problem.weights.items()} | {"bias_hh_l0": np.zeros(H)})
    return layer


def upstream(problem: Problem, y: Array) -> tuple[Array, Array]:
    """Return the gradients of the loss with respect to the outputs and to the final state, for outputs y (T, H)."""
    return y - problem.target, y[-1] - problem.goal


def by_going_back(problem: Problem, horizon: int | None = None) -> Weights:
    """Return the gradient that `companion.reference` finds; with horizon 1 it goes through the loop as it stands."""
    layer = layer_of(problem)
    tape = layer.unroll(problem.x, problem.h[None])
    dy, dh = upstream(problem, tape.y)
    params = layer.bptt(tape, dy, dh[None], horizon).params
    return {name: params[long] for name, long in NAMES.items()}


def by_autograd(problem: Problem) -> Weights:
    """Return the gradient that PyTorch finds on the unrolled graph, written out with its tensors."""
    import torch

    weights = {name: torch.tensor(value, requires_grad=True) for name, value in problem.weights.items()}
    x, h, targets, goal = map(torch.from_numpy, (problem.x, problem.h, problem.target, problem.goal))
    total = 0.0
    for x_t, target in zip(x, targets, strict=True):
        h = torch.tanh(weights["W"] @ x_t + weights["U"] @ h + weights["b"])
        total = total + ((h - target) ** 2).sum() / 2
    (total + ((h - goal) ** 2).sum() / 2).backward()
    return {name: value.grad.numpy() for name, value in weights.items()}


def by_going_forward(problem: Problem) -> Weights:
    """Return the gradient of real-time recurrent learning, which neither unrolls nor goes back."""
    w = problem.weights
    states = layer_of(problem)(problem.x, problem.h[None])[0]
    dy, dh = upstream(problem, states)
    dy[-1] += dh
    return rtrl(w["W"], w["U"], w["b"], problem.x, dy, problem.h)[0]


def shares(problem: Problem) -> list[Weights]:
    """Return each step's share of the gradient: da_t times what the weight was multiplied with at that step."""
    layer = layer_of(problem)
    tape = layer.unroll(problem.x, problem.h[None])
    y, U = tape.y, problem.weights["U"]
    dy, dh_next = upstream(problem, y)
    before = np.concatenate([problem.h[None], y[:-1]])
    found = []
    for t in reversed(range(len(y))):
        da = (dy[t] + dh_next) * (1 - y[t] ** 2)
        found.append({"W": np.outer(da, problem.x[t]), "U": np.outer(da, before[t]), "b": da})
        dh_next = U.T @ da
    return found[::-1]


# ---- what is measured ------------------------------------------------------------------------------------------------


def flat(weights: Weights) -> Array:
    """Return all entries in one row."""
    return np.concatenate([weights[name].ravel() for name in NAMES])


def off(actual: Weights, expected: Weights) -> float:
    """Return the largest difference, relative to the largest entry expected."""
    return float(np.abs(flat(actual) - flat(expected)).max() / np.abs(flat(expected)).max())


def cosine(one: Array, other: Array) -> float:
    """Return the cosine of the angle between two rows."""
    return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, sizes, errors, and what the optimisers did."""
    return [gradients(drawn(seed, config), config) | timing(seed, config) for seed in seeds]


def gradients(problem: Problem, config: Mapping[str, Any]) -> dict[str, Any]:
    """Compare the ways to the gradient on one problem, and two ways to use it.

    loop: how far backpropagation through the loop as it stands is off; loop_cosine: of its angle to the gradient.
    sum, mean: how far the sum and the mean of the steps' shares are off. share: the worst of the shares against the
    complex step by that step's weights alone.
    """
    T, epsilon = len(problem.x), config["epsilon"]
    back, exact = by_going_back(problem), by_complex_step(problem, range(T), epsilon)
    loop, parts = by_going_back(problem, horizon=1), shares(problem)
    added = {name: sum(part[name] for part in parts) for name in NAMES}
    alone = [by_complex_step(problem, [t], epsilon) for t in range(T)]
    return {
        "T": T,
        "I": problem.x.shape[1],
        "H": len(problem.h),
        "complex_step": off(back, exact),
        "autograd": off(back, by_autograd(problem)),
        "rtrl": off(by_going_forward(problem), back),
        "loop": off(loop, exact),
        "loop_cosine": cosine(flat(loop), flat(exact)),
        "share": max(off(part, one) for part, one in zip(parts, alone, strict=True)),
        "sum": off(added, exact),
        "mean": off({name: value / T for name, value in added.items()}, exact),
        **descents(problem, config),
    }


def descents(problem: Problem, config: Mapping[str, Any]) -> dict[str, float]:
    """Descend with two optimisers on gradients found by going back; at each point of one path, go forward too.

    first_cosine: of the angle between the first steps of the two, which saw the same gradient. apart: how far their
    weights are from one another at the end, measured by how far the first has come. path: how far the gradient found
    going forward is off, at the worst point of the path. (Where two descents end would say less: some of these
    landscapes make of a difference of 1e-16 one of 1e-7 in 20 updates.)
    """
    start, updates, rate = flat(problem.weights), config["updates"], config["rate"]
    one, two = (descend(problem, kind, by_going_back, 1, rate) - start for kind in (SGD, Adam))
    errors: list[float] = []

    def by_both(problem: Problem) -> Weights:
        back = by_going_back(problem)
        errors.append(off(by_going_forward(problem), back))
        return back

    sgd = descend(problem, SGD, by_both, updates, rate) - start
    adam = descend(problem, Adam, by_going_back, updates, rate) - start
    return {
        "first_cosine": cosine(one, two),
        "apart": float(np.abs(adam - sgd).max() / np.abs(sgd).max()),
        "path": max(errors),
    }


def descend(
    problem: Problem, optimiser: type, gradient: Callable[[Problem], Weights], updates: int, rate: float
) -> Array:
    """Return the weights, in one row, after some updates by an optimiser."""
    weights = {name: value.copy() for name, value in problem.weights.items()}
    step = optimiser(weights, lr=rate).step
    for _ in range(updates):
        step(gradient(replace(problem, weights=weights)))
    return flat(weights)


def timing(seed: int, config: Mapping[str, Any]) -> dict[str, float]:
    """Time a pass forward, and one forward and back, on one layer: the least processor time of some, as a ratio."""
    size = config["timed"]
    rng = np.random.default_rng(seed)
    layer = RNN(size["I"], size["H"], rng=rng)
    x, dy = (rng.normal(size=(size["T"], size["B"], size[width])) for width in "IH")

    def best(work: Callable[[], Any]) -> float:
        spent = []
        for _ in range(size["repeats"]):
            begin = time.process_time()
            work()
            spent.append(time.process_time() - begin)
        return min(spent)

    forward = best(lambda: layer.unroll(x))
    return {"cost": best(lambda: layer.bptt(layer.unroll(x), dy)) / forward}


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the worst errors, the nearest misses, and the counts that the claims turn on."""
    worst = {
        name: max(run[name] for run in results)
        for name in ("complex_step", "autograd", "rtrl", "share", "sum", "path", "first_cosine", "apart")
    }
    least = {name: min(run[name] for run in results) for name in ("loop", "mean", "apart", "first_cosine")}
    cost = sorted(run["cost"] for run in results)
    return {
        "count": len(results),
        **worst,
        **{f"{name}_least": value for name, value in least.items()},
        "loop_median": median(run["loop"] for run in results),
        "loop_downhill": sum(run["loop_cosine"] > 0 for run in results),
        "loop_cosine_median": median(run["loop_cosine"] for run in results),
        "cost": {"median": median(cost), "min": cost[0], "max": cost[-1]},
    }


EXPERIMENT = Experiment(
    name="bptt",
    title="the gradient of a recurrent layer in six ways, and two optimisers on one gradient",
    claims=("C06", "C07", "C37"),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=32,
    together=4,
    packages=("numpy", "torch"),
    timed=True,
)
