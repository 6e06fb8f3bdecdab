"""The package as a stranger gets it: a wheel in an empty environment that has NumPy and nothing else."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

PROBE = """
import importlib.util, sys, time
begin = time.perf_counter()
import companion
took = time.perf_counter() - begin
for absent in ("torch", "matplotlib", "scipy", "tqdm"):
    assert importlib.util.find_spec(absent) is None, f"{absent} is installed, so this proves nothing"
assert "site-packages" in companion.__file__, companion.__file__
import companion.reference
print(took)
"""


def succeed(*command: str | Path, cwd: Path = ROOT) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from the source archive as an installer would build it."""
    folder = tmp_path_factory.mktemp("dist")
    succeed(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def empty(wheel, tmp_path_factory) -> Path:
    """The Python of an environment that holds the wheel and what it asks for without any extra."""
    folder = tmp_path_factory.mktemp("empty")
    succeed(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    pinned = re.search(r"^numpy==\S+", (ROOT / "requirements.txt").read_text(), re.MULTILINE)[0]
    succeed(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-input", pinned, wheel)
    return python


def test_the_wheel_holds_the_whole_package_and_only_that(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    ask = ["git", "ls-files", "companion"]
    listed = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this folder is no git repository, so what belongs to the package is not known")
    tracked = {name for name in listed.stdout.splitlines() if (ROOT / name).exists()}
    assert tracked <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"companion"}


def test_without_torch_the_reference_imports_and_the_package_imports_fast(empty, tmp_path):
    assert min(float(succeed(empty, "-c", PROBE, cwd=tmp_path)) for _ in range(3)) < 0.2


def test_without_torch_the_layers_of_torch_say_how_to_get_it(empty, tmp_path):
    program = "try:\n    import companion.nn\nexcept ImportError as error:\n    print(error)"
    said = succeed(empty, "-c", program, cwd=tmp_path)
    assert re.search(r'PyTorch.*pip install "companion\[\w+\]"', said, re.DOTALL), said


def test_the_command_of_the_package_is_installed(empty, tmp_path):
    command = empty.with_name("companion.exe" if os.name == "nt" else "companion")
    assert "experiment" in succeed(command, "--help", cwd=tmp_path)
