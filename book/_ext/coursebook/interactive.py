"""Interactive figures: a script of our own on the page that has the figure, and a picture where no script runs."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)

FOLDER = "interactive"


class interactive_figure(nodes.figure):
    """A figure whose stage a script fills; its still picture is an SVG inside the page and follows the theme."""


class still_picture(nodes.General, nodes.Element):
    """The stage and the still picture."""


class Pictured(SphinxDirective):
    """A directive with a name, the option `alt`, a caption as content, and an SVG of that name in `book/_assets`."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required, "name": directives.unchanged}

    def picture(self, kind: str, folder: str) -> Path:
        """Return where the picture is to be; the page depends on it."""
        name = self.arguments[0]
        if not self.options.get("alt"):
            raise self.error(f"{kind} {name}: the option alt is missing (what is seen)")
        picture = Path(self.env.srcdir) / "book" / "_assets" / folder / f"{name}.svg"
        self.env.note_dependency(str(picture))
        return picture


class Interactive(Pictured):
    """`{interactive} neuron`: a stage that a script fills, and its picture."""

    def run(self) -> list[nodes.Node]:
        name, picture = self.arguments[0], self.picture("interactive figure", FOLDER)
        for needed in (picture, picture.with_suffix(".js")):
            if not needed.exists():
                logger.warning("interactive figure %s: there is no %s", name, needed.name, location=self.get_location())
        figure = interactive_figure(name_of_figure=name, classes=["u-interactive"])
        figure["align"] = "default"
        self.set_source_info(figure)
        figure += still_picture(name_of_figure=name, alt=self.options["alt"], picture=str(picture))
        return [captioned(self, figure, name)]


def captioned(directive: SphinxDirective, figure: nodes.figure, name: str) -> nodes.figure:
    """Give a figure its directive's content as caption and legend, and the label `fig-name` unless told otherwise."""
    content = nodes.Element()
    directive.state.nested_parse(directive.content, directive.content_offset, content)
    if content.children:
        first, *rest = content.children
        figure += nodes.caption(first.rawsource, "", *first.children)
        if rest:
            figure += nodes.legend("", *rest)
    directive.options.setdefault("name", f"fig-{name}")
    directive.add_name(figure)
    return figure


def inline_svg(picture: Path, alt: str) -> str:
    """Return the SVG's text, ready to stand in a page: no XML declaration, a role and the alternative text."""
    text = re.sub(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->", "", picture.read_text(encoding="utf-8"), flags=re.S).strip()
    label = alt.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")
    text = re.sub(
        r"<svg\b((?:(?!>)[^>])*)>",
        lambda m: "<svg" + re.sub(r'\s(role|aria-\w+)="[^"]*"', "", m[1]) + ">",
        text,
        count=1,
    )
    return text.replace("<svg", f'<svg role="img" aria-label="{label}" focusable="false"', 1)


def visit_figure(self, node) -> None:
    self.body.append(
        self.starttag(node, "figure", CLASS="align-default", **{"data-interactive": node["name_of_figure"]})
    )


def depart_figure(self, node) -> None:
    self.body.append("</figure>\n")


def visit_picture(self, node) -> None:
    alt = self.attval(node["alt"])
    picture = Path(node["picture"])
    still = inline_svg(picture, node["alt"]) if picture.exists() else f"<p>{alt}</p>"
    self.body.append(
        f'<div class="u-stage" role="group" aria-label="{alt}" hidden></div>\n<div class="u-still">{still}</div>\n'
    )
    raise nodes.SkipNode


def add_scripts(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Load the scripts of the figures on this page, and on no other."""
    if doctree is None:
        return
    names = list(dict.fromkeys(figure["name_of_figure"] for figure in doctree.findall(interactive_figure)))
    for script in ["common", *names] if names else []:
        app.add_js_file(f"{FOLDER}/{script}.js", loading_method="defer")


def skip(self, node) -> None:
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """Register the directive, its nodes (numbered as figures) and the scripts."""
    app.add_directive("interactive", Interactive)
    app.add_enumerable_node(
        interactive_figure,
        "figure",
        lambda node: next((child.astext() for child in node.findall(nodes.caption)), None),
        html=(visit_figure, depart_figure),
        latex=(skip, None),
        text=(skip, None),
    )
    app.add_node(still_picture, html=(visit_picture, None), latex=(skip, None), text=(skip, None))
    app.connect("html-page-context", add_scripts)
