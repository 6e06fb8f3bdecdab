"""Digits read row by row: when does a recurrent network know, and is reading better than looking?

Every seed draws its own split between the writers' forms (`companion.tasks.digits`). The settings were chosen on the
validation parts of eight splits of other seeds, 100 to 107; the test parts are measured once. Per seed:

last            a recurrent network whose loss asks it after the last row only;
every           the same network, asked after every row;
first_rows      logistic regressions on the pixels of the first k rows, one for each k; at k = 8 they see the picture;
one_row         logistic regressions on row k alone;
same_hands      a logistic regression on the whole picture when the split is drawn picture by picture, so that every
                hand is on both sides.

All are scored on the test part after k = 1 ... 8 rows; the nets and the regressions on first rows also on telling a 3
from an 8, by whichever of the two scores is higher, and on the pictures that they learnt from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments.experiment import Experiment
from companion.experiments.intervals import student
from companion.experiments.reading import Readers
from companion.tasks import digits

ROWS = 8
NETWORKS = ("last", "every")
CONFIG = {
    "hidden": 64,
    "rate": 0.005,
    "batch": 64,
    "clip": 1.0,
    "last": {"updates": 600, "decay": 0.001},
    "every": {"updates": 3000, "decay": 0.0},
    "regression": {"C": 1.0},
}

Array = np.ndarray


def asked(network: str, count: int) -> Array:
    """Return the weights `(R, 8, count)`: after the last row, or after every row."""
    return np.repeat((np.eye(ROWS)[-1:] if network == "last" else np.eye(ROWS))[..., None], count, axis=-1)


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the accuracies after each row."""
    data = [digits.load(seed) for seed in seeds]
    results: list[dict[str, Any]] = [{} for _ in seeds]
    for network in NETWORKS:
        readers = trained(network, seeds, data, config)
        new, seen = (after_each_row(readers, data, part) for part in ("test", "train"))
        for s, own in enumerate(data):
            results[s][network] = scored(new[s], own.labels[own.part("test")])
            results[s][network]["seen"] = scored(seen[s], own.labels[own.part("train")])["rows"]
    for result, own, seed in zip(results, data, seeds, strict=True):
        result |= regressions(own, seed, config["regression"]["C"])
    return results


def trained(network: str, seeds: Sequence[int], data: Sequence[digits.Digits], config: Mapping[str, Any]) -> Readers:
    """Return the networks of all seeds, trained on the training parts."""
    readers = Readers(seeds, 8, 10, {**config, **config[network]})
    parts = [own.part("train") for own in data]
    x = [own.batch(part).x for own, part in zip(data, parts, strict=True)]
    labels = [own.labels[part] for own, part in zip(data, parts, strict=True)]
    readers.train(x, [asked(network, len(part)) for part in parts], labels)
    return readers


def after_each_row(readers: Readers, data: Sequence[digits.Digits], part: str) -> list[Array]:
    """Return the scores `(8, N, 10)` of every network after each row of the pictures of a part."""
    x = [own.batch(part).x for own in data]
    return readers.answers(x, [asked("every", each.shape[1]) for each in x])


def scored(scores: Array, labels: Array) -> dict[str, list[float]]:
    """Return the accuracy after each row, and the accuracy on telling a 3 from an 8."""
    pair = np.isin(labels, (3, 8))
    said = np.where(scores[:, pair, 8] > scores[:, pair, 3], 8, 3)
    return {
        "rows": (scores.argmax(axis=-1) == labels).mean(axis=1).tolist(),
        "three_eight": (said == labels[pair]).mean(axis=1).tolist(),
    }


def regressions(data: digits.Digits, seed: int, C: float) -> dict[str, Any]:
    """Return the accuracies of the linear models."""
    train, test = data.part("train"), data.part("test")
    both = np.concatenate([test, train])
    first = np.stack([scores(data.pictures[:, : k + 1], data.labels, train, both, C) for k in range(ROWS)])
    alone = np.stack([scores(data.pictures[:, k : k + 1], data.labels, train, test, C) for k in range(ROWS)])
    mixed = np.random.default_rng(seed).permutation(len(data.labels))
    known, new = mixed[: len(train)], mixed[len(train) : len(train) + len(test)]
    mixed_scores = scores(data.pictures, data.labels, known, new, C)
    return {
        "first_rows": scored(first[:, : len(test)], data.labels[test])
        | {"seen": scored(first[:, len(test) :], data.labels[train])["rows"]},
        "one_row": scored(alone, data.labels[test])["rows"],
        "same_hands": float((mixed_scores.argmax(axis=-1) == data.labels[new]).mean()),
        "majority": data.majority,
    }


def scores(pixels: Array, labels: Array, train: Array, test: Array, C: float) -> Array:
    """Return the scores `(len(test), 10)` of a logistic regression on these pixels."""
    from sklearn.linear_model import LogisticRegression

    flat = pixels.reshape(len(pixels), -1)
    return LogisticRegression(C=C, max_iter=2000).fit(flat[train], labels[train]).decision_function(flat[test])


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means and intervals over the seeds, row by row, and the paired difference of network and regression."""
    summary: dict[str, Any] = {}
    for name in (*NETWORKS, "first_rows"):
        summary[name] = {
            key: {str(k + 1): student([run[name][key][k] for run in results]) for k in range(ROWS)}
            for key in ("rows", "three_eight", "seen")
        }
    summary["one_row"] = {str(k + 1): student([run["one_row"][k] for run in results]) for k in range(ROWS)}
    for name in ("same_hands", "majority"):
        summary[name] = student([run[name] for run in results])
    ends = {name: np.array([run[name]["rows"][-1] for run in results]) for name in (*NETWORKS, "first_rows")}
    summary["difference"] = student(ends["last"] - ends["first_rows"])
    summary["better"] = int((ends["last"] > ends["first_rows"]).sum())
    summary["price"] = student(ends["last"] - ends["every"])
    return summary


EXPERIMENT = Experiment(
    name="digits_by_rows",
    title="digits read row by row, asked at the end or after every row, against linear models",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=28,
    together=7,
    packages=("numpy", "scipy", "scikit-learn"),
)
