"""The ledger of numbered equations: the function that each one is, the test that checks it, the largest error found."""

from __future__ import annotations

import json
import pkgutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .claims import written

logger = logging.getLogger(__name__)

HEADS = ("No.", "Equation", "Function and what was tested", "Largest error", "Allowed")


class equation_ledger(nodes.General, nodes.Element):
    """The place of the ledger; filled when all pages have been read."""


def records(root: Path) -> tuple[dict[str, dict], str | None]:
    """Return what the tests recorded about the equations, and when: the last run here, else the committed snapshot.

    A run of a few tests reports a few equations; for the others the snapshot stands.
    """
    snapshot = read(root / "book" / "evidence" / "equations.json")
    report = read(root / "_build" / "reports" / "equations.json")
    known = {label: {**entry, "from": "snapshot"} for label, entry in snapshot.items()}
    return known | {label: {**entry, "from": "run"} for label, entry in report.items()}


def read(path: Path) -> dict[str, dict]:
    """Return the records in a file; none where there is no file."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


class EquationLedger(SphinxDirective):
    """`{equation-ledger}`."""

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        for path in ("book/evidence/equations.json", "_build/reports/equations.json"):
            self.env.note_dependency(str(root / path))
        self.env.__dict__.setdefault("coursebook_equation_pages", set()).add(self.env.docname)
        return [equation_ledger()]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the table in its place."""
    for place in list(doctree.findall(equation_ledger)):
        place.replace_self(ledger(app, docname))


def ledger(app: Sphinx, docname: str) -> list[nodes.Node]:
    """Return the ledger: one table per chapter, in the order of the book."""
    env = app.env
    found = records(Path(app.srcdir))
    math = env.get_domain("math")
    by_page: dict[str, list[str]] = {}
    for label, (page, _) in math.equations.items():
        if label.startswith("eq-"):
            by_page.setdefault(page, []).append(label)
    if not by_page:
        return [nodes.paragraph("", "No chapter has a numbered equation yet.")]
    result: list[nodes.Node] = [tally(by_page, found)]
    for page in sorted(by_page, key=lambda name: reading_order(env).get(name, 10**6)):
        section = nodes.section(ids=[f"equations-{page.rpartition('/')[2]}"])
        section += nodes.title("", env.titles[page].astext())
        section += table(app, docname, page, by_page[page], found)
        result.append(section)
    return result


def tally(by_page: dict[str, list[str]], found: dict[str, dict]) -> nodes.paragraph:
    """Say how many equations there are, and where the numbers come from."""
    labels = [label for page in by_page.values() for label in page]
    fresh = sum(found.get(label, {}).get("from") == "run" for label in labels)
    kept = sum(found.get(label, {}).get("from") == "snapshot" for label in labels)
    equations = f"{len(labels)} numbered equation" + ("s" if len(labels) != 1 else "")
    if fresh == len(labels):
        text = f"{equations}; every error is from the last run of the tests on this machine."
    elif kept == len(labels):
        text = f"{equations}; the errors are the committed ones, as no test has run on this machine yet."
    else:
        missing = len(labels) - fresh - kept
        text = f"{equations}: {fresh} measured by the last run of the tests on this machine, "
        text += f"{kept} from the committed record"
        text += f", {missing} not yet measured." if missing else "."
    return nodes.paragraph("", text, classes=["u-tally"])


def reading_order(env) -> dict[str, int]:
    """Return the position of every page in the table of contents."""
    order: list[str] = []

    def walk(page: str) -> None:
        if page not in order:
            order.append(page)
            for child in env.toctree_includes.get(page, []):
                walk(child)

    walk(env.config.root_doc)
    return {page: position for position, page in enumerate(order)}


def table(app: Sphinx, docname: str, page: str, labels: list[str], found: dict[str, dict]) -> nodes.table:
    """Return the table of one chapter."""
    formulas = {block.get("label"): block.astext() for block in app.env.get_doctree(page).findall(nodes.math_block)}
    group = nodes.tgroup("", cols=len(HEADS))
    group += [nodes.colspec(colwidth=1) for _ in HEADS]
    head = nodes.row()
    for text in HEADS:
        head += nodes.entry("", nodes.paragraph("", text))
    body = nodes.tbody()
    for label in labels:
        body += row(app, docname, page, label, formulas.get(label, ""), found.get(label))
    group += [nodes.thead("", head), body]
    return nodes.table("", group, classes=["u-equations"])


def row(app: Sphinx, docname: str, page: str, label: str, formula: str, record: dict | None) -> nodes.row:
    """Return the row of one equation."""
    uri = app.builder.get_relative_uri(docname, page) + f"#equation-{label}"
    number = nodes.reference("", f"({equation_number(app, page, label)})", internal=True, refuri=uri)
    cells: list[list[nodes.Node]] = [[number], [nodes.math("", shown(formula))]]
    if record is None:
        logger.warning("no test has recorded an error for the equation %s", label, location=page)
        cells += [[nodes.Text("no test recorded")], [], []]
    else:
        mark = "u-good" if record["error"] <= record["tolerance"] else "u-bad"
        cells += [
            [function_link(app, docname, record["function"]), nodes.Text(" "), test_sentence(record["test"])],
            [nodes.inline("", "", *written(error_text(record["error"])), classes=[mark])],
            written(f"{record['tolerance']:.0e}"),
        ]
    line = nodes.row(ids=[f"ledger-{label}"])
    for content in cells:
        line += nodes.entry("", nodes.paragraph("", "", *content))
    return line


def error_text(error: float) -> str:
    """Return a measured error in two digits; exact agreement is said as 0."""
    return "0" if error == 0 else f"{error:.1e}"


def test_sentence(node_id: str) -> nodes.inline:
    """Return the name of a test, which is a sentence, with the file it stands in."""
    path, _, name = node_id.partition("::")
    words = name.rpartition("::")[2].removeprefix("test_").replace("_", " ")
    return nodes.inline(
        "",
        "",
        nodes.Text(words[:1].upper() + words[1:]),
        nodes.Text(" ("),
        nodes.inline("", path.rpartition("/")[2]),
        nodes.Text(")"),
        classes=["u-test"],
    )


def shown(formula: str) -> str:
    """Return a display formula so that it can stand in a table's cell."""
    text = formula.strip()
    return (
        rf"\displaystyle\begin{{aligned}}{text}\end{{aligned}}"
        if r"\\" in text or "&" in text
        else rf"\displaystyle {text}"
    )


def equation_number(app: Sphinx, page: str, label: str) -> str:
    """Return the number that the equation has on its page."""
    numbers = app.env.toc_fignumbers.get(page, {}).get("displaymath", {}).get(f"equation-{label}")
    if app.config.math_numfig and app.config.numfig and numbers:
        return ".".join(map(str, numbers))
    return str(app.env.get_domain("math").equations[label][1])


def function_link(app: Sphinx, docname: str, name: str) -> nodes.Node:
    """Return the function's name with what it belongs to, linked to its documentation where the book has it."""
    short = ".".join(name.split(".")[-2:])
    text = nodes.literal("", short)
    documented = app.env.get_domain("py").objects
    entry = documented.get(name)
    if entry is None:  # a class or function may be documented where it is imported to
        last = "." + (short if short[0].isupper() else name.rpartition(".")[2])
        same = (other for other in documented if other.endswith(last) and found(other) is found(name) is not None)
        entry = documented.get(next(same, ""))
    if entry is None:
        return text
    uri = app.builder.get_relative_uri(docname, entry.docname) + f"#{entry.node_id}"
    return nodes.reference("", "", text, internal=True, refuri=uri, reftitle=name)


def found(name: str) -> object | None:
    """Return the class or function of a full name, or None."""
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError, ValueError):
        return None


def refresh(app: Sphinx, env) -> list[str]:
    """Have the ledger written anew in every build: any page may have changed an equation."""
    pages = sorted(getattr(env, "coursebook_equation_pages", set()) & env.found_docs)
    for page in pages:  # MathJax is loaded on pages that are known to have mathematics
        env.get_domain("math").data["has_equations"][page] = True
    return pages


def setup(app: Sphinx) -> None:
    """Register the directive and the events."""
    app.add_directive("equation-ledger", EquationLedger)
    app.add_node(equation_ledger)
    app.connect("doctree-resolved", fill)
    app.connect("env-updated", refresh)
