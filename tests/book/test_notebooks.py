"""What the committed chapters have to look like, so that strict nbval proves them and everybody can read them."""

import json
import re
from pathlib import Path

import pytest

BOOK = Path(__file__).resolve().parents[2] / "book"
CHAPTERS = sorted(BOOK.glob("*.ipynb"))
LARGEST = 500_000
LONGEST_CELL = 15
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|Users|work|tmp|opt|mnt|builds?|var)/\w|\b[A-Z]:\\{1,2}\w")
PICTURES = ("image/png", "image/jpeg", "image/svg+xml")

pytestmark = pytest.mark.skipif(not CHAPTERS, reason="there is no chapter yet")
every_chapter = pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == kind]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def code(path: Path) -> list[dict]:
    return [cell for cell in cells(path, "code") if source(cell).strip()]


def printed(cell: dict) -> str:
    """Everything a cell shows as text."""
    texts = []
    for output in cell["outputs"]:
        texts.append("".join(output.get("text", "")))
        texts += ["".join(data) for kind, data in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)


def shows_picture(cell: dict) -> bool:
    return any(kind in output.get("data", {}) for output in cell["outputs"] for kind in PICTURES)


@every_chapter
def test_cells_were_run_once_in_order(path):
    """nbval runs a cell without a count but does not compare it."""
    cells_ = code(path)
    assert [cell["execution_count"] for cell in cells_] == list(range(1, len(cells_) + 1))
    assert len(cells_) == len(cells(path, "code")), "there is an empty code cell"


@every_chapter
def test_no_output_is_an_error_or_a_warning(path):
    for cell in code(path):
        for output in cell["outputs"]:
            assert output["output_type"] != "error", source(cell)
            assert output.get("name") != "stderr", "".join(output["text"])


@every_chapter
def test_no_path_of_a_machine_stands_in_it(path):
    for cell in cells(path, "code"):
        found = MACHINE_PATH.search(source(cell)) or MACHINE_PATH.search(printed(cell))
        assert not found, found[0]
    for cell in cells(path, "markdown"):
        assert not MACHINE_PATH.search(source(cell)), source(cell)


@every_chapter
def test_every_figure_says_what_is_seen(path):
    for cell in code(path):
        if shows_picture(cell):
            picture = cell["metadata"].get("mystnb", {}).get("image", {})
            assert len(picture.get("alt", "").strip()) >= 20, f"a figure without an alternative text:\n{source(cell)}"


@every_chapter
def test_every_picture_in_the_text_says_what_is_seen(path):
    for cell in cells(path, "markdown"):
        text = source(cell)
        for alt in re.findall(r"!\[([^\]]*)\]\(", text):
            assert alt.strip(), text
        for block in re.findall(
            r"^(`{3,}|:{3,})\{(?:image|figure|interactive)\}[^\n]*\n(.*?)^\1", text, re.DOTALL | re.M
        ):
            assert re.search(r"^:alt: +\S", block[1], re.MULTILINE), text


@every_chapter
def test_it_is_small(path):
    assert path.stat().st_size < LARGEST


@every_chapter
def test_a_cell_is_short(path):
    for cell in code(path):
        lines = [line for line in source(cell).splitlines() if line.strip()]
        assert len(lines) <= LONGEST_CELL, source(cell)


@every_chapter
def test_imports_stand_in_the_first_cell(path):
    first, *others = code(path)
    assert re.search(r"^(import|from) ", source(first), re.MULTILINE)
    for cell in others:
        assert not re.search(r"^(import|from) ", source(cell), re.MULTILINE), source(cell)


@every_chapter
def test_cells_keep_their_ids(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    ids = [cell.get("id") for cell in notebook["cells"]]
    assert (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5)
    assert all(ids)
    assert len(set(ids)) == len(ids)


@every_chapter
def test_nothing_is_recorded_that_changes_with_every_run(path):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    assert "version" not in notebook["metadata"].get("language_info", {}), "call make notebooks"
    for cell in notebook["cells"]:
        assert not {"execution", "ExecuteTime", "collapsed"} & set(cell["metadata"]), cell["id"]


@every_chapter
def test_no_cell_opts_out_of_the_comparison_but_by_the_tag_for_what_varies(path):
    """nbval also knows marks in comments and tags that would turn an error into a success."""
    for cell in code(path):
        assert "nbval" not in source(cell).lower(), source(cell)
        tags = {tag.lower() for tag in cell["metadata"].get("tags", []) if "nbval" in tag.lower()}
        assert tags <= {"nbval-ignore-output"}, tags
        assert "raises-exception" not in cell["metadata"].get("tags", [])


@every_chapter
def test_the_page_opens_with_a_title_and_is_in_the_table_of_contents(path):
    first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]
    assert first["cell_type"] == "markdown"
    assert re.search(r"^# \S", source(first), re.MULTILINE)
    assert re.search(rf"\bbook/{path.stem}\s*$", (BOOK.parent / "_toc.yml").read_text(), re.MULTILINE)
