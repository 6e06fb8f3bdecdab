"""What the package promises as a whole: a cheap import, a reference that needs NumPy alone, arrows one way."""

import ast
import os
import platform
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

import companion

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "companion"
HEAVY = ("torch", "matplotlib", "scipy", "pandas", "statsmodels", "onnx", "onnxruntime", "keras", "tqdm", "IPython")

# Who may know whom; a subpackage that is not named here may know every other, and so may a command (__main__).
KNOWS = {
    "reference": set(),
    "nn": set(),
    "tasks": set(),
    "figures": set(),
    "interop": {"reference", "nn"},
}


def run(program: str, **environment: str) -> str:
    """What a new Python prints that runs this program."""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_takes_less_than_a_fifth_of_a_second():
    program = "import time; begin = time.perf_counter(); import companion; print(time.perf_counter() - begin)"
    assert min(float(run(program)) for _ in range(3)) < 0.2


def test_importing_the_package_loads_nothing_heavy():
    loaded = run("import sys, companion; print(*sys.modules)").split()
    assert not {"numpy", *HEAVY} & set(loaded)


def test_the_reference_imports_where_nothing_but_numpy_is_installed():
    absent = "".join(f"sys.modules[{name!r}] = None\n" for name in HEAVY)
    loaded = run(f"import sys\n{absent}import companion.reference\nprint(*sys.modules)").split()
    assert "numpy" in loaded


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every module that a file imports, at its top or inside a function, as an absolute name."""
    package = path.relative_to(ROOT).parent.parts
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            origin = ".".join([*base, *([node.module] if node.module else [])])
            names |= {origin, *(f"{origin}.{alias.name}" for alias in node.names)}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_arrows_point_one_way(path):
    subpackage = path.relative_to(PACKAGE).parts[0]
    if subpackage not in KNOWS or path.name == "__main__.py":
        return
    seen = {name.split(".")[1] for name in imported(path) if name.startswith("companion.")}
    inside = {entry.name for entry in PACKAGE.iterdir() if (entry / "__init__.py").exists()}
    assert (seen & inside) - {subpackage} <= KNOWS[subpackage]


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_module_opens_by_saying_what_it_holds(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))


def test_the_reference_imports_numpy_and_the_standard_library_only():
    outside = set()
    for path in (PACKAGE / "reference").rglob("*.py"):
        outside |= {name.split(".")[0] for name in imported(path)} - set(sys.stdlib_module_names)
    assert outside <= {"numpy", "companion"}


def test_one_version_stands_everywhere():
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.+)$", citation, re.MULTILINE)[1] == companion.__version__
    assert metadata.version("companion") == companion.__version__


PINNED = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.]+)(?:; (?P<where>platform_system == \"\w+\"))? +# .+")


def requirements() -> list[str]:
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def pinned() -> list[re.Match]:
    return [PINNED.fullmatch(line) for line in requirements()[:-1]]


def test_every_requirement_is_pinned_and_has_its_reason_and_the_package_comes_last():
    assert requirements()[-1] == "-e ."
    assert [line for line in requirements()[:-1] if not PINNED.fullmatch(line)] == []


def test_what_is_installed_is_what_is_pinned():
    for line in pinned():
        if line["where"] is None or platform.system() in line["where"]:
            assert metadata.version(line["name"]).split("+")[0] == line["version"]


def test_every_package_that_an_extra_asks_for_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {line["name"] for line in pinned()}
    asked = {re.match(r"[\w.-]+", need)[0] for extra in project["optional-dependencies"].values() for need in extra}
    assert asked - {"companion"} <= names


def test_the_example_of_the_readme_runs():
    (example,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.M
    )
    names = {}
    exec(example, names)
    assert names["grads"].x.shape == (7, 2, 3)
    assert set(names["grads"].params) == set(names["layer"].params)
