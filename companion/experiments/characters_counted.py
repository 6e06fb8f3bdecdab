"""The rival without a network: how well counting reads the documentation, by the number of characters it looks at.

An n-gram counts what followed the last n - 1 characters of the training part (`companion.tasks.characters.NGram`). Its
order is chosen on the validation part; what is said of it comes from the test part, of all characters and of new ones
(see `characters`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments.characters import fresh
from companion.experiments.experiment import Experiment
from companion.tasks import characters

CONFIG: dict[str, Any] = {"orders": list(range(1, 8)), "copied": 30}


def measure(seeds: Sequence[Any], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, by order, the bits of the validation part and of the test part, and how much was counted."""
    text = characters.load()
    numbers = {part: text.part(part).tolist() for part in ("validation", "test")}
    new = fresh(text, "test", config["copied"])
    results = []
    for order in config["orders"]:
        model = characters.NGram(text.part("train"), order, len(text.symbols))
        worth = {part: surprises(model, own) for part, own in numbers.items()}
        results.append(
            {
                "order": order,
                "validation": float(worth["validation"].mean()),
                "test": float(worth["test"][1:].mean()),
                "new": float(worth["test"][1:][new[1:]].mean()),
                "counted": model.counted,
            }
        )
    return [{**run, "share_new": float(new.mean()), "characters": len(text.text)} for run in results]


def surprises(model: characters.NGram, numbers: Sequence[int]) -> np.ndarray:
    """Return the bits that each character was worth, (characters,)."""
    back = model.order - 1
    p = [model.probability(number, tuple(numbers[max(0, i - back) : i])) for i, number in enumerate(numbers)]
    return -np.log2(p)


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the results of the order that is best on the validation part."""
    return {"best": dict(min(results, key=lambda run: run["validation"]))}


EXPERIMENT = Experiment(
    name="characters_counted",
    title="the documentation read by counting what followed the last characters",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
)
