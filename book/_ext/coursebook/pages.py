"""Small repairs of the HTML that docutils makes."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator


def visit_entry(self, node: nodes.entry) -> None:
    """Write the empty corner of a table as a plain cell: a heading without words says nothing to a screen reader."""
    if isinstance(node.parent.parent, nodes.thead) and not node.astext().strip():
        node.parent.column += 1 + node.get("morecols", 0)
        self.body.append(self.starttag(node, "td", ""))
        self.context.append("</td>\n")
        return
    HTML5Translator.visit_entry(self, node)


def depart_entry(self, node: nodes.entry) -> None:
    HTML5Translator.depart_entry(self, node)


def visit_citation(self, node: nodes.citation) -> None:
    """Write an entry of the bibliography as an item of a list; docutils gives it a role it cannot have."""
    if not isinstance(node.previous_sibling(), nodes.citation):
        self.body.append('<div role="list" class="citation-list">\n')
    self.body.append(self.starttag(node, "div", CLASS="citation", role="listitem"))


def depart_citation(self, node: nodes.citation) -> None:
    HTML5Translator.depart_citation(self, node)


def forget_source_pages(app: Sphinx, env) -> None:
    """Have the pages of source written anew: viewcode keeps those of unchanged modules, with links that may be dead."""
    shutil.rmtree(Path(app.outdir) / "_modules", ignore_errors=True)


def flatten_the_list_of_modules(app: Sphinx, page: str, template: str, context: dict, tree) -> None:
    """Make one list of the modules: viewcode puts the list of a package's modules into a list, and not into an item."""
    if page == "_modules/index":
        head, *items = re.split(r"</?ul>", context["body"])
        context["body"] = f"{head}<ul>{''.join(items)}</ul>"


def setup(app: Sphinx) -> None:
    """Replace the writers of table cells and of citations, and keep the pages of source fresh and well formed."""
    app.connect("env-updated", forget_source_pages)
    app.connect("html-page-context", flatten_the_list_of_modules)
    app.add_node(nodes.entry, override=True, html=(visit_entry, depart_entry))
    app.add_node(nodes.citation, override=True, html=(visit_citation, depart_citation))
