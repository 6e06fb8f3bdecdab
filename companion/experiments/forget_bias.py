"""What the first bias of the forget gate is worth: how much of a gradient is left at the start, and what is learnt.

Gradients as in `default_gradients`, H = 64: what is left at the inputs of k steps before, in a plain tanh network and
in LSTMs as they come, with a forget bias of 1 or 3, and with the chrono biases for up to 100 steps. Then LSTMs begun
in these four ways learn agreement at a distance of 50 words (equal batches, equal rate, 20 seeds).

Written before the data, but two of the four numbers were known from `default_gradients` ("as they come" and 3):

C26   holds if in the LSTM as it comes a tenth of the gradient or more is left after 50 steps, in the median over the
      seeds. Holds with a condition if that is so only with a forget bias of 1 or of 3, false if with none of them.

What the biases buy in training carries no claim: reported is the share of the seeds that solve the task.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion import tasks
from companion.experiments.default_gradients import left
from companion.experiments.experiment import Experiment
from companion.experiments.long_lags import share
from companion.experiments.race import drawn, runner, score

CONFIG: dict[str, Any] = {
    "gradient": {"H": 64, "I": 16, "B": 16, "T": 120, "lags": [1, 2, 5, 10, 20, 30, 40, 50, 70, 100]},
    "task": {"distance": 50, "hidden": 24, "batch": 20, "updates": 1500, "rate": 0.005, "clip": 1.0, "every": 50},
    "longest": 100,
    "trials": 200,
    "solved": 0.95,
}
STARTS: Mapping[str, Callable[[ref.Layer, np.random.Generator], None]] = {
    "as it comes": lambda layer, rng: None,
    "bias 1": lambda layer, rng: ref.init.forget_bias(layer, 1.0),
    "bias 3": lambda layer, rng: ref.init.forget_bias(layer, 3.0),
    "chrono": lambda layer, rng: ref.init.chrono(layer, CONFIG["longest"], rng),
}


def begun(start: str, inputs: int, hidden: int, rng: np.random.Generator, dtype: Any = np.float64) -> ref.Layer:
    """Return an LSTM that is begun in one of the ways."""
    layer = ref.LSTM(inputs, hidden, rng=rng, dtype=dtype)
    STARTS[start](layer, rng)
    return layer


def gradients(seed: int, config: Mapping[str, Any]) -> dict[str, list[float]]:
    """Return what is left of a gradient at each lag, by kind of network."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((config["T"], config["B"], config["I"]))
    dy = rng.standard_normal((config["B"], config["H"]))
    found = {"tanh": left(ref.RNN(config["I"], config["H"], rng=seed), x, dy, config["lags"])}
    for start in STARTS:
        layer = begun(start, config["I"], config["H"], np.random.default_rng(seed))
        found[start] = left(layer, x, dy, config["lags"])
    return found


def learnt(start: str, seeds: Sequence[int], config: Mapping[str, Any]) -> list[int | None]:
    """Return for every seed the update at which the task was solved for the first time, or None."""
    what = tasks.Agreement(distance=config["task"]["distance"])
    own = config["task"]
    networks = runner(
        lambda rng: begun(start, len(what.words), own["hidden"], rng, np.float32),
        what.countries,
        seeds,
        own["rate"],
        own["clip"],
    )
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
    test = drawn(what, config["trials"], [np.random.default_rng([seed, 2]) for seed in seeds])
    solved: list[int | None] = [None] * len(seeds)
    for update in range(1, own["updates"] + 1):
        networks.update(drawn(what, own["batch"], rngs))
        if update % own["every"] == 0:
            for s in np.flatnonzero(score(networks(test.x), test) >= config["solved"]):
                solved[s] = solved[s] or update
            if None not in solved:
                break
    return solved


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the gradients left and when each start had solved the task."""
    by_start = {start: learnt(start, seeds, config) for start in STARTS}
    return [
        {
            "left": gradients(seed, config["gradient"]),
            "solved": {start: updates[s] for start, updates in by_start.items()},
        }
        for s, seed in enumerate(seeds)
    ]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return medians of what is left by kind and lag, and the share of seeds that solved the task by start."""
    found: dict[str, Any] = {"count": len(results), "left": {}, "solved": {}}
    for kind in results[0]["left"]:
        each = np.array([r["left"][kind] for r in results])
        found["left"][kind.replace(" ", "_")] = {
            f"k{k}": {"median": float(np.median(v)), "min": float(v.min()), "max": float(v.max())}
            for k, v in zip(CONFIG["gradient"]["lags"], each.T, strict=True)
        }
    for start in STARTS:
        updates = np.array([r["solved"][start] for r in results if r["solved"][start] is not None])
        found["solved"][start.replace(" ", "_")] = share(updates, len(results))
    return found


EXPERIMENT = Experiment(
    name="forget_bias",
    title="LSTMs with four first biases of the forget gate: gradients left, and a task with a lag of 50",
    claims=("C26",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=10,
    packages=("numpy", "scipy"),
)
