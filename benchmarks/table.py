"""What the benchmarks on a CPU share: a table that is printed as it is measured, its targets, options and record."""

import argparse
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from companion.experiments.evidence import Evidence, hardware, today, versions, write_json


@dataclass(frozen=True)
class Target:
    """What was asked for, and whether it was reached."""

    what: str
    value: float
    limit: float
    reached: bool


def at_least(what: str, value: float, limit: float) -> Target:
    """A target that is reached from below."""
    return Target(what, value, limit, value >= limit)


def at_most(what: str, value: float, limit: float) -> Target:
    """A target that is reached from above."""
    return Target(what, value, limit, value <= limit)


@dataclass(frozen=True)
class Table:
    """One benchmark.

    Attributes:
        name: its module.
        about: one line.
        kinds: the layers that it knows.
        rounds: how often each contender is timed, unless told.
        header: what stands over the columns.
        rows: from the layers chosen and the number of rounds to the rows, dataclasses, one after the other.
        line: a row as it is printed.
        judge: from all rows to the targets.
    """

    name: str
    about: str
    kinds: Sequence[str]
    rounds: int
    header: str
    rows: Callable[[Sequence[str], int], Iterator[Any]]
    line: Callable[[Any], str]
    judge: Callable[[list[Any]], list[Target]]


def threads() -> int:
    """The threads that matrix products may use."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return os.cpu_count() or 1


def parser(table: Table) -> argparse.ArgumentParser:
    """The options of a benchmark's command."""
    made = argparse.ArgumentParser(prog=f"python -m benchmarks {table.name}", description=table.about)
    made.add_argument("--json", type=Path, help="write the numbers to this file")
    made.add_argument("--only", nargs="+", choices=table.kinds, help="only these layers")
    made.add_argument("--rounds", type=int, default=table.rounds, help="how often each contender is timed")
    return made


def show(table: Table, only: Sequence[str] | None = None, rounds: int | None = None) -> tuple[list[Any], list[Target]]:
    """Measure, and print the rows as they come, then the targets."""
    print(f"{hardware()}, {threads()} threads, {', '.join(map(' '.join, versions(PACKAGES).items()))}\n{table.header}")
    rows = []
    for row in table.rows(only or table.kinds, rounds or table.rounds):
        rows.append(row)
        print(table.line(row), flush=True)
    targets = table.judge(rows)
    for target in targets:
        verdict = "reached" if target.reached else "MISSED "
        print(f"{verdict} {target.what}: {target.value:.2f} (asked for {target.limit:g})")
    return rows, targets


PACKAGES = ("numpy", "torch")


def save(path: Path, shown: dict[Table, tuple[list[Any], list[Target]]], began: float) -> None:
    """Write everything that was measured, with what it was measured on, as the book's evidence is written."""
    rows = [{"benchmark": table.name, **asdict(row)} for table, (found, _) in shown.items() for row in found]
    evidence = Evidence(
        experiment=path.stem,
        claims=(),
        config={"dtype": "float32", "threads": threads(), "timing": "the best of all rounds, contenders in turn"},
        seeds=None,
        results=tuple(rows),
        summary={"targets": [asdict(target) for _, targets in shown.values() for target in targets]},
        versions=versions(PACKAGES),
        hardware=hardware(),
        seconds=round(time.perf_counter() - began, 1),
        date=today(),
    )
    write_json(path, asdict(evidence))
