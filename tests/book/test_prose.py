"""The prose keeps one spelling and one tone: British, and without an exclamation mark."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("book/*.md"), *ROOT.glob("book/*.ipynb")])

STEMS = "character|discret|general|initial|maxim|memor|minim|normal|optim|organ|random|recogn|regular|summar|vector"
CODE = r"\{(?:math|code-block|code-cell|literalinclude|raw|list-table)\}.*?|\w*\s*?"
AMERICAN = re.compile(
    rf"\b((?:{STEMS})iz(?:e|es|ed|er|ers|ing|ation|ations)|analyz(?:e|es|ed|ing)|behaviors?|centers?|centered|colors?"
    r"|colored|defense|favors?|favorite|fulfill|gray|labeled|labeling|modeled|modeling|neighbors?|neighboring|signaling"
    r"|traveled|canceled)\b",
    re.IGNORECASE,
)


def prose(path: Path) -> str:
    """The Markdown of a page without code, formulas, comments and addresses; directives keep their text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    text = re.sub(r"<!--.*?-->", " ", text, flags=re.DOTALL)
    text = re.sub(rf"^(`{{3,}})(?:{CODE})$.*?^\1", " ", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^[`:]{3,}.*$|^:\w+:.*$|^ {4,}\S.*$", " ", text, flags=re.MULTILINE)
    text = re.sub(r"\$\$.*?\$\$|\$[^$\n]+\$|``[^\n]*?``|`[^`\n]*`", " ", text, flags=re.DOTALL)
    text = re.sub(r"\]\([^)]*\)|<[^>\n]*>|https?://\S+", " ", text)
    return text.replace("![", "[")


every_text = pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())


@every_text
def test_the_spelling_is_british(path):
    found = AMERICAN.search(prose(path))
    assert not found, found[0]


@every_text
def test_nothing_is_exclaimed(path):
    found = re.search(r".{0,40}\w!(?!=).{0,10}", prose(path))
    assert not found, found[0]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a `color` here", "a   here"),
        ("the colour of $x!$ and", "the colour of   and"),
        ("```python\ncolor = 1\n```\nafter", " \nafter"),
        ("```{note}\nkept\n```", " \nkept\n "),
        ("![a loop](loop.svg)", "[a loop "),
    ],
)
def test_code_and_formulas_are_no_prose(tmp_path, text, left):
    (tmp_path / "page.md").write_text(text, encoding="utf-8")
    assert prose(tmp_path / "page.md") == left
