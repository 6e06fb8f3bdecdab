"""A teacher who fades out: the small project of the chapter on connection schemes, measured (no claim).

The oscillator's network of `schemes_feedback`, with as many updates. At each the network first runs freely; then it is
taught a mixture of the right answers, whose share falls from 1 to 0, and of what it said itself (Duckworth 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.race import shorten
from companion.experiments.schemes_feedback import CONFIG as FEEDBACK
from companion.experiments.schemes_feedback import HORIZONS, errors, geometric, lessons, networks, percent

NEEDED = ("hidden", "rate", "clip", "updates", "batch", "window", "steps", "noises", "trials")
CONFIG = {name: FEEDBACK[name] for name in NEEDED}


def train(seeds: Sequence[int], noise: float, config: Mapping[str, Any]) -> ref.JordanRNN:
    """Descend on windows of the series while the teacher fades out."""
    layer, series = networks(seeds, config["hidden"]), lessons(seeds, noise, config)
    adam, window = ref.Adam(layer.params, lr=config["rate"]), config["window"]
    places = np.random.default_rng(0).integers(0, config["steps"] - window + 1, size=config["updates"])
    rngs = [np.random.default_rng([seed, 2]) for seed in seeds]
    x = np.zeros((window, config["batch"], 1))
    for update, place in enumerate(places):
        target = series[:, place + 1 : place + window + 1]
        start = series[:, place][:, None]
        keep = np.stack([rng.random(target.shape[1:3]) for rng in rngs]) < 1 - update / len(places)
        read = np.where(keep[..., None], target, layer(x, start)[0])
        tape = layer.unroll(x, start, targets=read)
        gradients = layer.bptt(tape, 2 * (tape.y - target) / target[0].size).params
        shorten(gradients, config["clip"])
        adam.step(gradients)
    return layer


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the errors by noise."""
    results: list[dict[str, Any]] = [{} for _ in seeds]
    for noise in config["noises"]:
        free, forced = errors(train(seeds, noise, config), seeds, config)
        for result, row, one in zip(results, free, forced, strict=True):
            ahead = {f"free_{k}": float(row[k - 1]) for k in HORIZONS}
            result[f"faded_{percent(noise)}"] = {"forced": float(one), **ahead}
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return geometric means of the errors with intervals."""
    keys = [key for key in results[0] if key != "seed"]
    return {key: {name: geometric([run[key][name] for run in results]) for name in results[0][key]} for key in keys}


EXPERIMENT = Experiment(
    name="schemes_fading",
    title="a teacher who fades out, on the oscillator",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=24,
    together=8,
    packages=("numpy", "scipy"),
)
