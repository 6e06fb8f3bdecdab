"""Book, tests, evidence and package speak of the same equations and the same claims."""

import ast
import importlib
import json
import re
from pathlib import Path

import pytest

from companion.experiments.claims import CLAIMS
from companion.experiments.experiment import EXPERIMENTS
from tests.conftest import LABEL

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
SNAPSHOT = BOOK / "evidence" / "equations.json"
NOT_EVIDENCE = {"equations", "run"}
BENCHMARKS = {"bench_cpu", "gpu"}  # what `make bench` and `make gpu` write; the page on speed shows them
TESTS_OF_THE_FIXTURE = {"test_conftest.py", "test_snapshot.py"}


def pages() -> dict[str, str]:
    """The Markdown of every page and chapter, by name."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in BOOK.glob("*.md")}
    for path in BOOK.glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts[path.stem] = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    return texts


def labels_in_the_book() -> set[str]:
    """Labels of numbered equations: of the directive, and in brackets behind a block of dollars."""
    text = "\n".join(pages().values())
    directive = re.findall(r"^[`:]{3,}\{math\}[^\n]*\n(?::\w+:[^\n]*\n)*?:label: *(\S+)", text, re.MULTILINE)
    dollars = re.findall(r"\$\$\s*\(([\w-]+)\)\s*$", text, re.MULTILINE)
    return {*directive, *dollars}


def labels_in_the_tests() -> set[str]:
    """Labels that stand in the code of a test, but for those of the toy pages that the tests make."""
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        if path.name in TESTS_OF_THE_FIXTURE:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and LABEL.fullmatch(node.value):
                found.add(node.value)
    return {label for label in found if not label.startswith("eq-x-")}


def test_every_numbered_equation_has_a_label_of_the_common_form():
    assert all(LABEL.fullmatch(label) for label in labels_in_the_book())


def chapter_of(label: str) -> str:
    """The short name of a chapter inside a label: rn of eq-rn-step."""
    return label.split("-")[1]


def test_every_numbered_equation_has_a_test():
    assert labels_in_the_book() - labels_in_the_tests() == set()


def test_every_equation_that_a_test_names_stands_in_its_chapter():
    """The package may be ahead of the book: a chapter that has no numbered equation is not written yet."""
    book = labels_in_the_book()
    written = {chapter_of(label) for label in book}
    assert {label for label in labels_in_the_tests() if chapter_of(label) in written} - book == set()


def test_the_committed_errors_cover_the_numbered_equations():
    snapshot = json.loads(SNAPSHOT.read_text(encoding="utf-8")) if SNAPSHOT.exists() else {}
    assert labels_in_the_book() <= set(snapshot) <= labels_in_the_tests(), "make test PARTS=unit, then make snapshot"
    for label, entry in snapshot.items():
        assert 0 <= entry["error"] <= entry["tolerance"], label
        assert (ROOT / entry["test"].split("::")[0]).is_file(), label
        assert is_in_the_package(entry["function"]), label


def is_in_the_package(qualified: str) -> bool:
    """Is this the name of something that `companion` has?"""
    parts = qualified.split(".")
    for end in range(len(parts), 0, -1):
        try:
            thing = importlib.import_module(".".join(parts[:end]))
        except ImportError:
            continue
        for name in parts[end:]:
            thing = getattr(thing, name, None)
        return parts[0] == "companion" and thing is not None
    return False


def boxes() -> dict[str, list[str]]:
    """The pages on which each claim has its box."""
    found: dict[str, list[str]] = {}
    for name, text in pages().items():
        for claim in re.findall(r"^[`:]{3,}\{claim\} *(\S+)", text, re.MULTILINE):
            found.setdefault(claim, []).append(name)
    return found


def test_every_claim_box_names_a_claim_of_the_registry():
    assert set(boxes()) <= set(CLAIMS)


def test_a_claim_has_one_box():
    assert {claim: names for claim, names in boxes().items() if len(names) > 1} == {}


@pytest.mark.parametrize("name", sorted(path.stem for path in BOOK.glob("*.ipynb")))
def test_a_chapter_shows_every_claim_that_is_its_own(name):
    own = {claim.id for claim in CLAIMS.values() if claim.chapter == name}
    assert own <= {claim for claim, names in boxes().items() if name in names}


def named_in_the_text() -> set[str]:
    """Claims and files of evidence out of which a page prints a number."""
    return set(re.findall(r"\{evidence\}`([\w-]+):", "\n".join(pages().values())))


def test_every_file_of_evidence_is_what_an_experiment_writes():
    files = {path.stem for path in (BOOK / "evidence").glob("*.json")} - NOT_EVIDENCE
    assert files <= set(EXPERIMENTS) | BENCHMARKS


def test_every_number_out_of_the_evidence_names_a_claim_or_a_file():
    files = {path.stem for path in (BOOK / "evidence").glob("*.json")}
    assert named_in_the_text() <= set(CLAIMS) | files
