"""What was run, when, with which versions, and how long each notebook took, out of the report of `make test`."""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

REPORT, SNAPSHOT = "_build/reports/run.json", "book/evidence/run.json"

PACKAGES = ("jupyter-book", "sphinx", "myst-nb", "numpy", "torch", "matplotlib", "statsmodels", "onnxruntime", "keras")


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]], kind: str) -> nodes.table:
    """Return a plain table."""

    def line(cells: tuple[str, ...]) -> nodes.row:
        return nodes.row("", *(nodes.entry("", nodes.paragraph("", str(cell))) for cell in cells))

    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in heads), cols=len(heads))
    group += [nodes.thead("", line(heads)), nodes.tbody("", *map(line, rows))]
    return nodes.table("", group, classes=[kind])


def duration(seconds: float) -> str:
    """Return a time as a reader says it."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds // 60:.0f} min {seconds % 60:02.0f} s"


def titled(title: str, anchor: str, *content: nodes.Node) -> nodes.section:
    """Return a section."""
    return nodes.section("", nodes.title("", title), *content, ids=[anchor])


class RunStatus(SphinxDirective):
    """`{run-status}`."""

    def run(self) -> list[nodes.Node]:
        root = Path(self.env.srcdir)
        for name in (REPORT, SNAPSHOT):
            self.env.note_dependency(str(root / name))
        here = next((root / name for name in (REPORT, SNAPSHOT) if (root / name).exists()), None)
        report = json.loads(here.read_text(encoding="utf-8")) if here else {}
        return [self.headline(report, here), *self.checks(report), *self.notebooks(report), self.versions(report)]

    def headline(self, report: dict, here: Path | None) -> nodes.paragraph:
        """Say what the page shows."""
        if not here:
            text = (
                "The checks have not been run in this folder yet: make test runs them, the next build shows them here."
            )
            return nodes.paragraph("", text, classes=["u-tally"])
        whose = (
            "in this folder"
            if "_build" in here.parts
            else "before these pages were committed; make test puts your own in their place"
        )
        if "seconds" in report:
            text = f"Last run of the checks: {report['date']}, {whose}, {duration(report['seconds'])} in all."
        else:  # what `make notebooks` leaves: it has run the chapters and nothing else
            text = f"The chapters were last run on {report['date']}, {whose}."
        if report.get("hardware"):
            text += f" Machine: {report['hardware']}."
        return nodes.paragraph("", text, classes=["u-tally"])

    def checks(self, report: dict) -> list[nodes.Node]:
        """List the parts of the check and how each ended."""
        parts = report.get("parts", [])
        rows = [
            (p["name"], p["outcome"], duration(p["seconds"]), p.get("detail", ""), p.get("date", "")) for p in parts
        ]
        heads = ("Check", "Result", "Time", "What it says", "When")
        return [titled("Checks", "checks", table(heads, rows, "u-checks"))] if rows else []

    def notebooks(self, report: dict) -> list[nodes.Node]:
        """List the notebooks and how long each took."""
        rows = [(name, duration(seconds)) for name, seconds in sorted(report.get("notebooks", {}).items())]
        return (
            [titled("Notebooks", "notebooks", table(("Notebook", "Time to run"), rows, "u-notebooks"))] if rows else []
        )

    def versions(self, report: dict) -> nodes.section:
        """List the versions of the run and of this build."""
        built = {"python": platform.python_version()} | {name: installed(name) for name in PACKAGES}
        ran = report.get("versions", {})
        names = list(dict.fromkeys([*built, *ran]))
        if ran:
            rows = [(name, ran.get(name, "–"), built.get(name, installed(name))) for name in names]
            return titled(
                "Versions",
                "versions",
                table(("Package", "The checks ran with", "This page was built with"), rows, "u-versions"),
            )
        return titled(
            "Versions", "versions", table(("Package", "This page was built with"), list(built.items()), "u-versions")
        )


def installed(name: str) -> str:
    """Return the version of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def setup(app: Sphinx) -> None:
    """Register the directive."""
    app.add_directive("run-status", RunStatus)
