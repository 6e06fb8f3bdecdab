"""Try mutants on a copy of the package: each has its own folder, and the working tree is never touched."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutation.mutants import ROOT, Mutant

SETUP = ("pyproject.toml", "companion/__init__.py", "tests/conftest.py")


def copy_project(folder: Path, part: str = "reference") -> None:
    """What the tests of a part need, and no more: the reference stands alone, the others on the whole package."""
    package = ["companion/reference"] if part == "reference" else ["companion", "book/evidence", "tests/figures"]
    for name in (*package, f"tests/{part}"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    for name in SETUP:
        shutil.copy(ROOT / name, folder / name)


def run_tests(folder: Path, chosen: tuple[str, ...], part: str = "reference") -> subprocess.CompletedProcess:
    """Run these test files in the copy, with these options, up to the first failure."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider"]
    command += [str(Path("tests", part, name)) if name.endswith(".py") else name for name in chosen]
    environment = os.environ | {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",  # the plug-ins take longer to load than the tests to fail
        "CI": "1",
        "OMP_NUM_THREADS": "1",
    }
    environment.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=600)


def is_killed(mutant: Mutant) -> bool:
    """Whether a test fails on a copy with this mistake. Raises RuntimeError where the tests could not run at all."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as name:
        folder = Path(name)
        copy_project(folder, mutant.part)
        mutant.apply(folder)
        result = run_tests(folder, mutant.tests, mutant.part)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"{mutant}: pytest ended with {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result.returncode == 1


def survivors(mutants: list[Mutant], jobs: int, say: Callable[[str], object] = lambda line: None) -> list[Mutant]:
    """The mutants that no test noticed."""

    def attempt(mutant: Mutant) -> bool:
        killed = is_killed(mutant)
        say(f"{'killed  ' if killed else 'SURVIVED'} {mutant}")
        return killed

    with ThreadPoolExecutor(jobs) as pool:
        return [mutant for mutant, killed in zip(mutants, pool.map(attempt, mutants), strict=True) if not killed]
