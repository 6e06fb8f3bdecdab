"""What the benchmarks recorded, as the chapter *speed* shows it. A record that nobody has made yet is said to be so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from companion.experiments.evidence import Evidence, evidence_folder

__all__ = ["cpu_table", "gpu_table", "gpu_times", "load"]

NOT_YET = "not measured yet: `make {command}` writes book/evidence/{name}.json, and this cell then shows it"
COMMANDS = {"gpu": "gpu", "bench_cpu": "bench"}
CELLS = {
    "lstm": "LSTM",
    "gru_after": "GRU",
    "peephole_new": "peephole LSTM",
    "gru_before": "GRU, reset before",
}


def load(name: str, folder=None) -> Evidence | None:
    """Return the record of a benchmark, "bench_cpu" or "gpu"; None where there is none, or only that of a dry run."""
    path = (folder or evidence_folder()) / f"{name}.json"
    if not path.exists():
        return None
    record = Evidence.load(path)
    return None if record.config.get("dry_run") else record


def head(record: Evidence) -> str:
    """Say what was measured on what and when."""
    packages = ", ".join(f"{name} {version}" for name, version in record.versions.items() if name != "companion")
    return f"{record.date}, {record.hardware}\n{packages}"


def cpu_table(record: Evidence | None) -> str:
    """Return a training step of every layer of `companion.nn` beside PyTorch's, in ms, and the ratio to its LSTM."""
    if record is None:
        return NOT_YET.format(command=COMMANDS["bench_cpu"], name="bench_cpu")
    rows = [row for row in record.results if row["benchmark"] == "nn"]
    lines = [head(record)]
    for size in dict.fromkeys((row["T"], row["B"], row["D"], row["H"]) for row in rows):
        T, B, D, H = size
        lines.append(f"\nT={T} B={B} I={D} H={H}")
        lines.append(f"  {'ms':<17}{'forward':>9}{'training':>10}{'ratio':>10}")
        lines += [
            f"  {row['layer']:<17}{row['inference']:>9.3g}{row['training']:>10.3g}{row['ratio']:>10.2f}"
            for row in rows
            if (row["T"], row["B"], row["D"], row["H"]) == size
        ]
    return "\n".join(lines)


def main_rows(record: Evidence, cell: str) -> Iterator[Mapping[str, Any]]:
    """Yield the rows of one cell at the benchmark's main size, forward and back: the longest sequences it has."""
    rows = [row for row in record.results if row["pass"] == "forward+backward"]
    longest = max(row["T"] for row in rows)
    yield from (row for row in rows if row["T"] == longest and row["cell"] == cell)


def gpu_table(record: Evidence | None) -> str:
    """Return, for the main size, the time of every program on the GPU, and how often the bound would fit into it."""
    if record is None:
        return NOT_YET.format(command=COMMANDS["gpu"], name="gpu")
    lines = [head(record)]
    for cell, name in CELLS.items():
        rows = list(main_rows(record, cell))
        if rows:
            lines.append(f"\n{name}, T={rows[0]['T']} B={rows[0]['B']} H={rows[0]['H']}, forward and back")
            lines.append(f"  {'program':<12}{'numbers':<9}{'ms':>8}{'µs a step':>11}{'over bound':>12}")
        for row in rows:
            over = 1 / row["fraction_of_bound"]
            lines.append(f"  {row['by']:<12}{row['mode']:<9}{row['ms']:>8.3g}{row['us_per_step']:>11.3g}{over:>12.3g}")
    return "\n".join(lines)


def gpu_times(record: Evidence, cell: str, mode: str = "bf16") -> dict[str, float]:
    """Return ms by program for one cell at the main size, the bound first, the rest from fast to slow."""
    rows = [row for row in main_rows(record, cell) if row["mode"] == mode]
    times = {row["by"]: row["ms"] for row in sorted(rows, key=lambda row: row["ms"])}
    return {"bound": min(row["bound_ms"] for row in rows)} | times
