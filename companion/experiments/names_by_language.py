"""Family names by language: a recurrent network against bags of letters, and four places to read its answer from.

Every seed draws its own split (`companion.tasks.names`). The settings were chosen on the validation parts of splits of
other seeds, 100 to 103; the test parts are measured once. All names are filled up to the same length. Per seed:

last            the network is asked at each name's last letter;
padded          at the last step of the filled-up sequence, the mistake `output[:, -1]`;
mean            the mean of its states over the letters of the name;
mean_padded     the mean over all steps, those past the end among them;
letters         logistic regression on how often each letter occurs;
pairs, triples  logistic regression on how often each piece of up to two, up to three letters occurs, ends marked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments.experiment import Experiment
from companion.experiments.intervals import student
from companion.experiments.reading import Readers
from companion.tasks import names
from companion.tasks.batching import Batch

NETWORKS = ("last", "padded", "mean", "mean_padded")
REGRESSIONS = {"letters": ("char", 1), "pairs": ("char_wb", 2), "triples": ("char_wb", 3)}
CONFIG = {
    "T": 16,
    "hidden": 64,
    "rate": 0.003,
    "batch": 64,
    "clip": 1.0,
    "decay": 0.0,
    "updates": 1500,
    "C": 1.0,
}

Array = np.ndarray


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the accuracies on its test part."""
    data = [names.load(seed) for seed in seeds]
    results: list[dict[str, Any]] = [{"majority": own.majority} for own in data]
    for network in NETWORKS:
        readers = trained(network, seeds, data, config)
        for result, share in zip(results, accuracy(readers, network, data, "test", config["T"]), strict=True):
            result[network] = share
    for result, own in zip(results, data, strict=True):
        result |= {name: regression(own, *how, C=config["C"]) for name, how in REGRESSIONS.items()}
    return results


def filled(batch: Batch, T: int) -> Array:
    """Return the inputs with empty steps behind, `(T, B, 26)`."""
    return np.pad(batch.x, ((0, T - len(batch.x)), (0, 0), (0, 0)))


def asked(network: str, lengths: Array, T: int) -> Array:
    """Return the weights `(1, T, B)` by which a network's states are read."""
    step = np.arange(T)[:, None]
    weights = {
        "last": step == lengths - 1,
        "padded": np.broadcast_to(step == T - 1, (T, len(lengths))),
        "mean": (step < lengths) / lengths,
        "mean_padded": np.full((T, len(lengths)), 1 / T),
    }
    return weights[network][None].astype(float)


def trained(network: str, seeds: Sequence[int], data: Sequence[names.Names], config: Mapping[str, Any]) -> Readers:
    """Return the networks of all seeds, trained on the training parts."""
    readers = Readers(seeds, len(names.LETTERS), len(data[0].languages), config)
    batches = [own.batch("train") for own in data]
    readers.train(
        [filled(batch, config["T"]) for batch in batches],
        [asked(network, batch.lengths, config["T"]) for batch in batches],
        [own.labels[own.part("train")] for own in data],
    )
    return readers


def accuracy(readers: Readers, network: str, data: Sequence[names.Names], part: str, T: int) -> list[float]:
    """Return the share of names of a part whose language is named rightly, for every seed."""
    batches = [own.batch(part) for own in data]
    said = readers.answers([filled(b, T) for b in batches], [asked(network, b.lengths, T) for b in batches])
    pairs = zip(said, data, strict=True)
    return [float((scores[0].argmax(axis=-1) == own.labels[own.part(part)]).mean()) for scores, own in pairs]


def regression(data: names.Names, analyzer: str, longest: int, C: float, part: str = "test") -> float:
    """Return the accuracy of a logistic regression on counts of pieces of up to `longest` letters."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression

    words = {name: [data.words[n] for n in data.part(name)] for name in ("train", part)}
    counter = CountVectorizer(analyzer=analyzer, ngram_range=(1, longest))
    model = LogisticRegression(C=C, max_iter=1000)
    model.fit(counter.fit_transform(words["train"]), data.labels[data.part("train")])
    return float(model.score(counter.transform(words[part]), data.labels[data.part(part)]))


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return means and intervals over the seeds, and the paired differences from the network asked at the end."""
    kinds = (*NETWORKS, *REGRESSIONS, "majority")
    of = {name: np.array([run[name] for run in results]) for name in kinds}
    summary: dict[str, Any] = {name: student(values) for name, values in of.items()}
    summary["behind"] = {name: student(of["last"] - of[name]) for name in kinds if name != "last"}
    summary["better"] = {name: int((of["last"] > of[name]).sum()) for name in kinds if name != "last"}
    return summary


EXPERIMENT = Experiment(
    name="names_by_language",
    title="names by language, read letter by letter or counted, and where the answer is read",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=5,
    packages=("numpy", "scipy", "scikit-learn", "Faker"),
)
