"""Evidence: what an experiment measured, in a small JSON file that the book, the tests and the reader can open.

An experiment returns an `Evidence`; `save` writes it to `book/evidence/<experiment>.json`, and the verdict on a claim
(`companion.experiments.claims`) is computed from that file and from nothing else. The page prints its numbers out of
the same file, so the prose cannot drift from the data.
"""

from __future__ import annotations

import json
import math
import os
import platform
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from companion import __version__

__all__ = ["Evidence", "evidence_folder", "hardware", "lookup", "plain", "today", "versions", "write_json"]

FOLDER_VARIABLE = "UNROLLED_EVIDENCE"
WIDTH = 160


@dataclass(frozen=True)
class Evidence:
    """The outcome of one experiment.

    Attributes:
        experiment: name of the experiment, and of its file without `.json`.
        claims: ids of the claims that it is evidence for.
        config: every setting that the results depend on.
        seeds: the seeds that were run, in order; None for an experiment without chance.
        results: one mapping per seed (or per setting, where there is no chance).
        summary: numbers computed from `results` alone, such as means and intervals; recomputed by the tests.
        versions, hardware, seconds, date: with what, on what, for how long and when (ISO, UTC) it was measured.
    """

    experiment: str
    claims: tuple[str, ...]
    config: Mapping[str, Any]
    seeds: tuple[int, ...] | None
    results: tuple[Mapping[str, Any], ...]
    summary: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    hardware: str = ""
    seconds: float = 0.0
    date: str = ""

    def __post_init__(self) -> None:
        """Give JSON's lists back as tuples, so that a loaded evidence equals the saved one."""
        object.__setattr__(self, "claims", tuple(self.claims))
        object.__setattr__(self, "results", tuple(self.results))
        if self.seeds is not None:
            object.__setattr__(self, "seeds", tuple(self.seeds))

    def number(self, path: str) -> Any:
        """Return the value at a dotted path, such as `"summary.rnn.mean"` or `"results.3.steps"`."""
        return lookup(asdict(self), path)

    def save(self, folder: Path | str | None = None) -> Path:
        """Write `<folder>/<experiment>.json` in one piece and return its path. The default folder is the book's."""
        path = Path(folder or evidence_folder()) / f"{self.experiment}.json"
        return write_json(path, asdict(self))

    @classmethod
    def load(cls, name: str | Path, folder: Path | str | None = None) -> Evidence:
        """Read the evidence called `name` from a folder (the book's unless told), or from a path that ends in .json.

        Raises FileNotFoundError where it was never measured, and ValueError where the file is not evidence.
        """
        path = Path(name)
        if path.suffix != ".json":
            path = Path(folder or evidence_folder()) / f"{name}.json"
        data = json.loads(path.read_text(encoding="utf-8"))
        known = {f.name for f in fields(cls)}
        if not isinstance(data, dict) or set(data) - known or not {"experiment", "results"} <= set(data):
            raise ValueError(f"{path.name} is not evidence: expected the keys {sorted(known)}")
        return cls(**data)


def evidence_folder() -> Path:
    """Return the folder of the committed evidence: `$UNROLLED_EVIDENCE`, else `book/evidence` of the checkout.

    Where the package was installed without the book, `book/evidence` below the working directory is taken.
    """
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    checkout = Path(__file__).resolve().parents[2] / "book" / "evidence"
    return checkout if checkout.is_dir() else Path.cwd() / "book" / "evidence"


def write_json(path: Path, data: Any) -> Path:
    """Write `data` as JSON so that a reader sees the old file or the new one, never half of it.

    A number that is not finite is refused with ValueError: JSON has no word for it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    text = _layout(plain(data)) + "\n"
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path


def lookup(data: Any, path: str) -> Any:
    """Follow a dotted path through mappings and sequences; a KeyError names the step that failed."""
    value = data
    for step in path.split("."):
        try:
            value = value[step] if isinstance(value, Mapping) else value[int(step)]
        except (KeyError, IndexError, ValueError, TypeError):
            known = f"; there is {', '.join(map(str, value))}" if isinstance(value, Mapping) else ""
            raise KeyError(f"no {step!r} on the way of {path!r}{known}") from None
    return value


def versions(packages: Iterable[str] = ("numpy",)) -> dict[str, str]:
    """Return the version of Python, of this package and of each package named."""
    found = {"python": platform.python_version(), "companion": __version__}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found


def hardware() -> str:
    """Describe the machine in a few words, such as "2 × AMD EPYC 7B13, 23 GiB"; never its name."""
    processor = _processor()
    memory = f", {_memory():.0f} GiB" if _memory() else ""
    return f"{os.cpu_count()} × {processor}{memory}"


def today() -> str:
    """Return the date in UTC as YYYY-MM-DD."""
    return datetime.now(UTC).date().isoformat()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory() -> float:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    except (AttributeError, ValueError, OSError):
        return 0.0


def plain(value: Any) -> Any:
    """Turn NumPy numbers and arrays, tuples and mappings into what JSON knows; round to 12 significant digits."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"evidence holds finite numbers only, got {value}")
        return float(f"{value:.12g}")
    return value


def _layout(value: Any, indent: str = "") -> str:
    """Print JSON with short lists and mappings on one line, so that a difference between two runs can be read."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) + len(indent) <= WIDTH or not isinstance(value, (list, dict)):
        return flat
    deeper = indent + " "
    if isinstance(value, dict):
        rows = [f"{deeper}{json.dumps(key)}: {_layout(item, deeper)}" for key, item in value.items()]
        return "{\n" + ",\n".join(rows) + f"\n{indent}}}"
    if all(isinstance(item, (int, float)) for item in value):
        return flat
    return "[\n" + ",\n".join(f"{deeper}{_layout(item, deeper)}" for item in value) + f"\n{indent}]"
