"""The package's documentation out of its docstrings, for the modules that exist."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import re
from pathlib import Path
from types import ModuleType

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective, SphinxRole

logger = logging.getLogger(__name__)


class Api(SphinxDirective):
    """`{companion-api}` with one module per line: the page's own first, each further one in a section."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        result: list[nodes.Node] = []
        for position, name in enumerate(filter(None, map(str.strip, self.content))):
            module = imported(name, self.get_location())
            if module is None:
                continue
            self.env.note_dependency(module.__file__)
            box = nodes.section(ids=[f"module-{name}"], names=[name]) if position else nodes.Element()
            if position:
                box += nodes.title("", "", nodes.literal("", name))
            self.state.nested_parse(StringList(["```{eval-rst}", *markup(module), "```"], f"{name}.md"), 0, box)
            result += [box] if position else box.children
        return result


class Modules(SphinxDirective):
    """`{companion-modules}`: the pages below this one, each with the first sentence of its module."""

    def run(self) -> list[nodes.Node]:
        group = nodes.tgroup("", nodes.colspec(colwidth=1), nodes.colspec(colwidth=3), cols=2)
        head = nodes.row("", *(nodes.entry("", nodes.paragraph("", text)) for text in ("Module", "What it holds")))
        body = nodes.tbody()
        for file in sorted(Path(self.env.doc2path(self.env.docname)).with_suffix("").glob("*.md")):
            module = imported(f"companion.{file.stem}", self.get_location())
            if module is None:
                continue
            self.env.note_dependency(module.__file__)
            link = addnodes.pending_xref("", nodes.literal("", module.__name__), refdomain="std", reftype="doc")
            link.attributes |= {"reftarget": f"/{self.env.docname}/{file.stem}", "refexplicit": True, "refwarn": True}
            words = nodes.entry()
            first = (inspect.getdoc(module) or "").partition("\n\n")[0].replace("\n", " ")
            self.state.nested_parse(StringList([first], file.name), 0, words)
            body += nodes.row("", nodes.entry("", nodes.paragraph("", "", link)), words)
        group += [nodes.thead("", head), body]
        return [nodes.table("", group)]


def imported(name: str, location) -> ModuleType | None:
    """Return a module, or None where it does not exist or, with a warning, does not import."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:  # a folder without __init__.py is not a module yet
        return None
    try:
        return importlib.import_module(name)
    except ImportError as error:
        logger.warning("%s cannot be documented: %s", name, error, location=location)
        return None


def public(module: ModuleType) -> list[str]:
    """Return what a module offers: classes and functions, and such data as have a docstring of their own."""
    names = getattr(module, "__all__", None) or [
        name for name, thing in vars(module).items() if inspect.getmodule(thing) is module
    ]
    explained = {name for _, name in ModuleAnalyzer.for_module(module.__name__).find_attr_docs()}
    return [n for n in names if n[0] != "_" and (callable(getattr(module, n)) or n in explained)]


def markup(module: ModuleType) -> list[str]:
    """Return the reStructuredText that documents a module: its own words, a table of its names, then each of them."""
    name, names = module.__name__, public(module)
    lines = [f".. automodule:: {name}", "   :no-members:", ""]
    lines += [
        f".. currentmodule:: {name}",
        "",
        ".. autosummary::",
        "   :nosignatures:",
        "",
        *(f"   {entry}" for entry in names),
        "",
    ]
    for entry in names:
        thing = getattr(module, entry)
        lines += [f".. {kind(thing)}:: {entry}"]
        lines += ["   :members:"] if inspect.isclass(thing) else []
        lines += ["   :no-value:"] if kind(thing) == "autodata" else []
        lines += [""]
    return lines


def kind(thing: object) -> str:
    """Return the directive that documents a thing."""
    if inspect.isclass(thing):
        return "autoexception" if issubclass(thing, BaseException) else "autoclass"
    return "autofunction" if callable(thing) else "autodata"


class NameRole(SphinxRole):
    """What stands in single backticks in a docstring: code, and a link where it is a name that the book documents."""

    def run(self):
        context = {"py:module": self.env.ref_context.get("py:module"), "py:class": self.env.ref_context.get("py:class")}
        name = addnodes.pending_xref(
            "",
            nodes.literal("", self.text),
            refdomain="py",
            reftype="obj",
            reftarget=self.text,
            refdoc=self.env.docname,
            **context,
        )
        name["soft"] = True
        return [name], []


def stay_silent(app: Sphinx, domain, node: addnodes.pending_xref) -> bool | None:
    """Let names in single backticks and types be undocumented; a reference that is written out has to lead somewhere.

    Types in docstrings are prose, such as "array of shape (T, B, I)", and those in signatures may be internal.
    """
    written = "refwarn" in node
    return True if node.get("soft") or (node["refdomain"] == "py" and not written) else None


def as_meant(app: Sphinx, what: str, name: str, thing, options, lines: list[str]) -> None:
    """Read docstrings as they are meant: bars are absolute values, and what a module indents is code."""
    for number, line in enumerate(lines):
        if not line.lstrip().startswith(("|", "+", "..")):
            parts = re.split(r"(`+[^`]*`+)", line)
            lines[number] = "".join(part if part.startswith("`") else part.replace("|", r"\|") for part in parts)
    if what != "module":
        return
    for number in range(len(lines) - 1, 1, -1):
        before = lines[number - 2]
        starts = lines[number].startswith("    ") and not lines[number - 1].strip()
        if starts and before.strip() and not before.startswith((" ", "..", ":", "-")) and not before.endswith("::"):
            lines[number:number] = ["::", ""]


def setup(app: Sphinx) -> None:
    """Register the directive, and the meaning of single backticks in docstrings."""
    app.add_directive("companion-api", Api)
    app.add_directive("companion-modules", Modules)
    app.add_role("name", NameRole())
    app.connect("warn-missing-reference", stay_silent)
    if "autodoc-process-docstring" in app.events.events:
        app.connect("autodoc-process-docstring", as_meant, priority=600)  # after napoleon
