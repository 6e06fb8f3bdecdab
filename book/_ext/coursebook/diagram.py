"""Diagrams: an SVG inside the page, so that it takes the theme's colours, with a caption and a number."""

from __future__ import annotations

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from .interactive import Pictured, captioned, inline_svg, skip

logger = logging.getLogger(__name__)


class diagram_figure(nodes.figure):
    """A figure whose picture is an SVG of `book/_assets/diagrams`."""


class Diagram(Pictured):
    """`{diagram} loop`: a picture that does not move; its label is `fig-loop`."""

    def run(self) -> list[nodes.Node]:
        name, picture = self.arguments[0], self.picture("diagram", "diagrams")
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
