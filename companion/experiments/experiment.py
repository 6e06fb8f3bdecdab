"""How an experiment is run: seed by seed or a batch of seeds at once, resumed where it was stopped, saved in one piece.

An experiment says only how it measures some seeds and how it sums them up. What was measured is written to a working
file after every batch, so that a run that was killed goes on where it was; when all seeds are there, the evidence is
written to `book/evidence` and the working file goes away. A working file made with other settings is not used.
"""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.experiments.evidence import Evidence, evidence_folder, hardware, plain, today, versions, write_json

__all__ = ["EXPERIMENTS", "Experiment", "find", "run"]

EXPERIMENTS = (
    "windows",
    "impulse",
    "sunspots_choice",
    "sunspots",
    "rosetta",
    "unfolding",
    "sharing",
    "schemes_memory",
    "schemes_feedback",
    "schemes_future",
    "schemes_fading",
    "bptt",
    "speed",
    "jacobians",
    "squashing",
    "default_gradients",
    "clipping",
    "activations",
    "normalisation",
    "initialisation",
    "truncation",
    "truncation_cost",
    "truncation_text",
    "digits_by_rows",
    "names_by_language",
    "continual",
    "carousel",
    "clamped_gates",
    "dense_gates",
    "forget_bias",
    "reber",
    "gru_from_lstm",
    "characters",
    "characters_counted",
    "characters_times",
    "writer",
    "timing",
    "timing_again",
    "beginnings",
    "by_hand",
    "long_lags",
    "counting",
)  # each a module of this package that holds EXPERIMENT


@dataclass(frozen=True, eq=False)
class Experiment:
    """One experiment.

    Attributes:
        name: its module and its evidence file, without ending.
        title: a few words.
        claims: ids of the claims that it is evidence for.
        config: the settings, as JSON knows them.
        measure: from a sequence of seeds and the settings to a list of results, one mapping per seed. An experiment
            without chance is given `[None]` and may return any number of results.
        summarise: from all results to the numbers of the summary.
        seeds: how many seeds a full run has, from 0 on; None for an experiment without chance.
        together: how many seeds are measured at once.
        packages: packages whose versions matter.
        timed: whether it takes times, which a second process beside it would spoil; then there is never one.
    """

    name: str
    title: str
    claims: tuple[str, ...]
    config: Mapping[str, Any]
    measure: Callable[[Sequence[Any], Mapping[str, Any]], list[dict[str, Any]]]
    summarise: Callable[[Sequence[Mapping[str, Any]]], dict[str, Any]] = lambda results: {}
    seeds: int | None = None
    together: int = 1
    packages: tuple[str, ...] = ("numpy",)
    timed: bool = False


def find(name: str) -> Experiment:
    """Return the experiment called `name`; a LookupError lists those there are."""
    if name not in EXPERIMENTS:
        raise LookupError(f"no experiment {name!r}: there are {', '.join(EXPERIMENTS)}")
    return importlib.import_module(f"companion.experiments.{name}").EXPERIMENT


def run(
    experiment: Experiment,
    seeds: int | None = None,
    folder: Path | str | None = None,
    working: Path | str | None = None,
    jobs: int = 1,
    cluster: str | None = None,
    mode: str | None = None,
) -> Evidence:
    """Run an experiment, save its evidence and return it.

    The results do not depend on where a seed is run, so neither `jobs` nor `cluster` is written into the evidence.

    Args:
        experiment: what to run.
        seeds: how many seeds, from 0 on; the experiment's own number unless told.
        folder: where the evidence goes; the book's folder unless told.
        working: folder of the working file; `_build/experiments` beside the book unless told.
        jobs: how many batches run side by side, in processes of their own (joblib); -1 takes a process for each core.
        cluster: the address of a Dask scheduler, such as "tcp://10.0.0.1:8786"; batches then run on all its workers,
            each of which has this package installed.
        mode: how progress is shown, as in `companion.training.progress`.

    Raises:
        ValueError: a number of seeds below 1, or one for an experiment without chance; a cluster for one that takes
            times.
        OSError: no scheduler answers at the address.
        ImportError: a cluster is asked for and `distributed` is not installed.
    """
    from companion.training import progress

    if cluster and experiment.timed:
        raise ValueError(f"cluster: {experiment.name} takes times, so it runs on one machine, got {cluster}")
    wanted = _seeds(experiment, seeds)
    folder = Path(folder or evidence_folder())
    working = Path(working or evidence_folder().parents[1] / "_build" / "experiments") / f"{experiment.name}.json"
    done, seconds = _resume(working, experiment)
    missing = [seed for seed in wanted if str(seed) not in done]
    batches = [missing[i : i + experiment.together] for i in range(0, len(missing), experiment.together)]
    with progress(len(wanted), experiment.name, mode) as bar:
        bar.update(len(wanted) - len(missing))
        start = time.perf_counter()
        for batch, results in _measured(experiment, batches, jobs, cluster):
            done |= _by_seed(batch, results)
            spent = seconds + time.perf_counter() - start
            write_json(working, {"config": experiment.config, "seconds": spent, "results": done})
            bar.update(len(batch))
        seconds += time.perf_counter() - start
    evidence = _evidence(experiment, wanted, done, seconds)
    evidence.save(folder)
    working.unlink(missing_ok=True)
    return evidence


def _seeds(experiment: Experiment, seeds: int | None) -> list[int | None]:
    if experiment.seeds is None:
        if seeds is not None:
            raise ValueError(f"seeds: {experiment.name} has no chance in it, so it takes none, got {seeds}")
        return [None]
    seeds = experiment.seeds if seeds is None else seeds
    if seeds < 1:
        raise ValueError(f"seeds: expected at least 1, got {seeds}")
    return list(range(seeds))


def _resume(working: Path, experiment: Experiment) -> tuple[dict[str, list], float]:
    """Return the results of a run that was stopped, by seed, and the seconds they took."""
    try:
        data = json.loads(working.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        return {}, 0.0
    same = data["config"] == json.loads(json.dumps(plain(experiment.config)))
    return (data["results"], data["seconds"]) if same else ({}, 0.0)


def _measured(experiment: Experiment, batches: Sequence[Sequence[Any]], jobs: int, cluster: str | None):
    """Yield each batch with its results, in order."""
    if (jobs == 1 and cluster is None) or experiment.timed:
        for batch in batches:
            yield batch, experiment.measure(batch, experiment.config)
        return
    from joblib import Parallel, delayed

    work = (delayed(_in_process)(experiment.name, batch) for batch in batches)
    with _workers(jobs, cluster):
        yield from zip(batches, Parallel(return_as="generator")(work), strict=True)


@contextmanager
def _workers(jobs: int, cluster: str | None):
    """Let joblib use this many processes, or all workers of a cluster, for as long as the block lasts."""
    from joblib import parallel_config

    if cluster is None:
        with parallel_config(n_jobs=jobs):
            yield
        return
    from distributed import Client

    with (
        Client(cluster, set_as_default=False) as client,
        parallel_config("dask", client=client, n_jobs=-1),
    ):
        yield


def _in_process(name: str, batch: Sequence[Any]) -> list[dict[str, Any]]:
    experiment = find(name)
    return experiment.measure(batch, experiment.config)


def _by_seed(batch: Sequence[Any], results: list[dict[str, Any]]) -> dict[str, list]:
    if list(batch) == [None]:
        return {"None": results}
    return {str(seed): [{"seed": seed, **result}] for seed, result in zip(batch, results, strict=True)}


def _evidence(experiment: Experiment, wanted: Sequence[Any], done: Mapping[str, list], seconds: float) -> Evidence:
    results = [result for seed in wanted for result in done[str(seed)]]
    return Evidence(
        experiment=experiment.name,
        claims=experiment.claims,
        config=dict(experiment.config),
        seeds=None if experiment.seeds is None else tuple(wanted),
        results=tuple(results),
        summary=experiment.summarise(results),
        versions=versions(experiment.packages),
        hardware=hardware(),
        seconds=round(seconds, 3),
        date=today(),
    )
