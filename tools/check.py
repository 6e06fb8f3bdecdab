"""Run the checks of the course, one part after the other, and say at the end what each took and what failed.

    python tools/check.py              all parts
    python tools/check.py lint unit    some of them

A part that fails does not stop the others. The exit status is 0 only where every part passed. What happened is
written to `_build/reports/run.json` after every part; the book's status page reads it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from companion.experiments.evidence import hardware, versions, write_json

ROOT = Path(__file__).resolve().parents[1]
REPORTS = ROOT / "_build" / "reports"
PACKAGES = ("numpy", "torch", "matplotlib", "statsmodels", "onnxruntime", "keras", "jupyter-book", "pytest", "nbval")
SUMMARY = re.compile(
    r"^=*\s*((?:\d+ (?:passed|failed|errors?|skipped|deselected|xfailed|warnings?)(?:, )?)+) in [\d.]+s"
)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Outcome:
    """What became of one part: its outcome is "passed", "failed" or "nothing to check"."""

    name: str
    outcome: str
    seconds: float
    detail: str
    date: str


@dataclass(frozen=True)
class Part:
    """One part: what it checks, and the commands that check it, made when its turn comes."""

    name: str
    checks: str
    commands: Callable[[], list[list[str]]]


def workers() -> int:
    return max(2, min(os.cpu_count() or 2, 8))


def tracked(*patterns: str) -> list[str]:
    """The project's own files, relative to its root: what git tracks or would track, or the files there are."""
    ask = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns]
    listed = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True) if shutil.which("git") else None
    if listed is None or listed.returncode:
        return sorted(path.relative_to(ROOT).as_posix() for pattern in patterns for path in ROOT.glob(f"**/{pattern}"))
    return [name for name in dict.fromkeys(listed.stdout.splitlines()) if (ROOT / name).exists()]


# ---- the parts ----------------------------------------------------------------------------------------------------


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def pytest(*arguments: str) -> list[str]:
    return python("-m", "pytest", "-q", *arguments)


def lint() -> list[list[str]]:
    return [python("-m", "ruff", "check", "."), python("-m", "ruff", "format", "--check", ".")]


def spelling() -> list[list[str]]:
    names = tracked("*.md", "*.py", "*.ipynb", "*.yml", "*.toml", "*.cff", "*.js", "*.css", "*.html")
    return [python("-m", "codespell_lib", *names)] if names else []


def unit() -> list[list[str]]:
    for old in ("equations.json", "coverage.data"):
        (REPORTS / old).unlink(missing_ok=True)
    coverage = ("--cov", "--cov-report=term", "--cov-report=xml:_build/reports/coverage.xml")
    selected = ("-m", "not (pages or browser or wheel)")  # tests of the GPU skip and say why
    return [pytest("tests", *selected, "-n", str(workers()), *coverage, "--durations=10")]


def notebooks() -> list[list[str]]:
    (REPORTS / "notebooks.xml").unlink(missing_ok=True)
    names = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "book").glob("*.ipynb"))
    strict = ("--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/book/nbval-sanitize.cfg")
    several = ("-n", str(workers()), "--dist", "loadfile", "--nbval-cell-timeout", "300")
    report = ("-p", "no:cacheprovider", "--junitxml", str(REPORTS / "notebooks.xml"))
    return [pytest(*names, *strict, *several, *report)] if names else []


def build() -> list[list[str]]:
    return [python("tools/build.py", "--fresh")]


def pages() -> list[list[str]]:
    if not (ROOT / "_build" / "html" / "index.html").exists():
        return [python("-c", "raise SystemExit('The book is not built: call the part build first.')")]
    return [pytest("tests", "-m", "pages or browser", "-n", str(workers()))]


def wheel() -> list[list[str]]:
    return [pytest("tests", "-m", "wheel")]


PARTS = (
    Part("lint", "ruff: style and format of code and notebooks", lint),
    Part("spelling", "codespell over text, code and notebooks", spelling),
    Part("unit", "unit and property tests, static checks of the chapters, coverage", unit),
    Part("notebooks", "every chapter runs and prints what is committed", notebooks),
    Part("build", "the book builds without a warning", build),
    Part("pages", "links, anchors, and every page in a browser", pages),
    Part("wheel", "the package builds, installs and imports with NumPy alone", wheel),
)


# ---- running ------------------------------------------------------------------------------------------------------


def run_part(part: Part) -> Outcome:
    heading(f"{part.name}: {part.checks}")
    begin = time.monotonic()
    commands = part.commands()
    outcomes = [run_command(command) for command in commands]
    outcome = "nothing to check" if not commands else "failed" if any(code for code, _ in outcomes) else "passed"
    detail = "; ".join(summary for _, summary in outcomes if summary)
    return Outcome(part.name, outcome, round(time.monotonic() - begin, 1), detail, now())


def run_command(command: list[str]) -> tuple[int, str]:
    """Run it with one thread a process, pass on what it prints, return its exit status and pytest's last line."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1", "PYTHONUTF8": "1"}
    summary = ""
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout:
            print(line, end="", flush=True)
            if match := SUMMARY.match(COLOUR.sub("", line)):
                summary = match[1].rstrip(", ")
    return process.returncode, summary


def heading(text: str) -> None:
    print(f"\n==== {text}", flush=True)


# ---- the report ---------------------------------------------------------------------------------------------------


def write_report(outcomes: list[Outcome]) -> None:
    """Update the report; a part that this run did not touch keeps its outcome and its date."""
    path = REPORTS / "run.json"
    earlier = json.loads(path.read_text(encoding="utf-8"))["parts"] if path.exists() else []
    latest = {part["name"]: part for part in [*earlier, *map(asdict, outcomes)]}
    parts = [latest[part.name] for part in PARTS if part.name in latest]
    report = {
        "date": now(),
        "seconds": round(sum(part["seconds"] for part in parts), 1),
        "hardware": hardware(),
        "versions": versions(PACKAGES),
        "parts": parts,
        "notebooks": notebook_times(REPORTS / "notebooks.xml"),
    }
    write_json(path, report)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")


def notebook_times(junit: Path) -> dict[str, float]:
    """Seconds that each notebook took, out of the JUnit file that its run left; empty where none ran."""
    seconds: dict[str, float] = defaultdict(float)
    if junit.exists():
        for case in ElementTree.parse(junit).iter("testcase"):
            seconds[notebook_name(case)] += float(case.get("time", 0))
    return {name: round(took, 1) for name, took in sorted(seconds.items())}


def notebook_name(case: ElementTree.Element) -> str:
    """The chapter that a cell belongs to."""
    path = re.split(r"\.ipynb|::", case.get("classname") or case.get("name"))[0]
    return path.replace("/", ".").split(".")[-1]


def table(outcomes: list[Outcome]) -> str:
    rows = [f"  {o.name:<10} {o.outcome:<17} {o.seconds:7.1f} s   {o.detail}".rstrip() for o in outcomes]
    return "\n".join([*rows, f"  {'together':<28} {sum(o.seconds for o in outcomes):7.1f} s"])


def verdict(outcomes: list[Outcome]) -> tuple[int, str]:
    """The exit status and the last sentence."""
    failed = [outcome.name for outcome in outcomes if outcome.outcome == "failed"]
    if failed:
        again = " ".join(failed)
        return 1, f'Failed: {", ".join(failed)}. To see it again: make test PARTS="{again}"'
    return 0, "Everything passed."


def chosen(names: list[str]) -> list[Part]:
    known = {part.name: part for part in PARTS}
    wrong = [name for name in names if name not in known]
    if wrong:
        listed = "\n".join(f"  {part.name:<10} {part.checks}" for part in PARTS)
        raise SystemExit(f"There is no part {', '.join(wrong)}. The parts are:\n{listed}")
    return [part for part in PARTS if not names or part.name in names]


def main(names: list[str]) -> int:
    parts = chosen(names)
    if len(parts) == len(PARTS):
        (REPORTS / "run.json").unlink(missing_ok=True)
    outcomes: list[Outcome] = []
    for part in parts:
        outcomes.append(run_part(part))
        write_report(outcomes)
    code, sentence = verdict(outcomes)
    heading("summary")
    print(f"{table(outcomes)}\n\n{sentence}")
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
