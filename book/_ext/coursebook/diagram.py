"""Diagrams: an SVG inside the page, so that it takes the theme's colours, with a caption and a number."""

from __future__ import annotations

from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from .interactive import captioned, inline_svg, skip

logger = logging.getLogger(__name__)


class diagram_figure(nodes.figure):
    """A figure whose picture is an SVG of `book/_assets/diagrams`."""


class Diagram(SphinxDirective):
    """`{diagram} loop` with the option `alt` and a caption as content; its label is `fig-loop`."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required, "name": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        name = self.arguments[0]
        if not self.options.get("alt"):
            raise self.error(f"diagram {name}: the option alt is missing (what is seen)")
        picture = Path(self.env.srcdir) / "book" / "_assets" / "diagrams" / f"{name}.svg"
        self.env.note_dependency(str(picture))
        if not picture.exists():
            logger.warning("diagram %s: there is no %s", name, picture.name, location=self.get_location())
            return []
        figure = diagram_figure(classes=["u-diagram"])
        figure["align"] = "default"
        self.set_source_info(figure)
        figure += nodes.raw("", inline_svg(picture, self.options["alt"]), format="html")
        return [captioned(self, figure, name)]


def visit(self, node) -> None:
    self.body.append(self.starttag(node, "figure", CLASS="align-default"))


def depart(self, node) -> None:
    self.body.append("</figure>\n")


def setup(app: Sphinx) -> None:
    """Register the directive and its node, numbered as the other figures are."""
    app.add_directive("diagram", Diagram)
    app.add_enumerable_node(
        diagram_figure,
        "figure",
        lambda node: next((child.astext() for child in node.findall(nodes.caption)), None),
        html=(visit, depart),
        latex=(skip, None),
        text=(skip, None),
    )
