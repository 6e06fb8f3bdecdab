"""Makefile, workflows and the script for a bare machine: what they name is there."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tools import check

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
PROMISED = {"book", "test", "lab", "notebooks", "experiments", "bench", "gpu", "lint", "serve"}


def targets() -> set[str]:
    return set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make here")
def test_make_alone_lists_the_targets_with_a_line_each():
    shown = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    listed = re.findall(r"^  make (\w+) +\S", shown, re.MULTILINE)
    assert set(listed) >= PROMISED
    assert set(listed) == targets() - {"help", "setup"}


def test_every_script_that_the_makefile_names_is_there():
    named = re.findall(r"tools/\w+\.py", MAKEFILE)
    named += [f"tools/{name}.py" for name in re.findall(r"-m tools\.(\w+)", MAKEFILE)]
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_calls_targets_and_scripts_that_exist(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    lines = [step["run"] for job in workflow["jobs"].values() for step in job["steps"] if "run" in step]
    for line in lines:
        for target in re.findall(r"\bmake (\w+)", line):
            assert target in targets()
        for script in re.findall(r"tools[/\\](\w+\.py)", line):
            assert (ROOT / "tools" / script).exists()


def test_the_checks_run_on_three_systems():
    test = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    systems = test["jobs"]["test"]["strategy"]["matrix"]["os"]
    assert {name.split("-")[0] for name in systems} == {"ubuntu", "macos", "windows"}


@pytest.mark.skipif(os.name == "nt", reason="a script of bash")
def test_the_script_for_a_bare_machine_can_be_run():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", script], check=True)


def test_the_guide_names_the_parts_that_there_are():
    guide = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.search(r"runs some parts: ([\w, ]+)\.", guide)[1].split(", ")
    assert named == [part.name for part in check.PARTS]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_file_that_a_page_links_to_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for address in re.findall(r"\]\((?!https?:)([^)#]+)\)", text):
        assert (ROOT / address).exists(), address
    for folder in re.findall(r"^\| `([\w.]+)/`", text, re.MULTILINE):
        assert (ROOT / folder).is_dir(), folder
