"""Pages that ask no other host, over http and from the disk."""

from __future__ import annotations

import importlib.util
import os
import shutil
import zlib
from pathlib import Path
from urllib.parse import urlsplit

from sphinx.application import Sphinx

INVENTORY_HEAD = """# Sphinx inventory version 2
# Project: {project}
# Version:
# The remainder of this file is compressed using zlib.
"""

# The part of MathJax that a page with TeX input and HTML output may ask for; the whole package has 24 MB.
MATHJAX_PARTS = (
    "tex-chtml.js",
    "output/chtml/fonts/woff-v2",
    "input/tex/extensions",
    "a11y",
    "sre/mathmaps/en.json",
    "sre/mathmaps/base.json",
)

START_PAGE = """<!DOCTYPE html>
<html lang="en-GB">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="refresh" content="0; url={target}">
<title>{title}</title>
<link rel="canonical" href="{target}">
<link rel="icon" href="data:,">
</head>
<body><main><h1>{title}</h1><p>The book begins at <a href="{target}">{target}</a>.</p></main></body>
</html>
"""


def write_inventory(source: Path, target: Path) -> str:
    """Write the Sphinx inventory that the text file `source` lists, and return the address on its first line."""
    first, *lines = source.read_text(encoding="utf-8").splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    target.parent.mkdir(parents=True, exist_ok=True)
    body = zlib.compress(("\n".join(entries) + "\n").encode(), 9)
    target.write_bytes(INVENTORY_HEAD.format(project=source.stem).encode() + body)
    return first.removeprefix("# ").strip()


def use_inventories(app: Sphinx, config) -> None:
    """Let names of numpy, torch, python and matplotlib link to their documentation, without fetching an inventory."""
    for source in inventories(app):
        inventory = Path(app.doctreedir) / f"{source.stem}.inv"
        config.intersphinx_mapping[source.stem] = (write_inventory(source, inventory), str(inventory))


def use_local_mathjax(app: Sphinx, config) -> None:
    """Point the pages at the copy that `copy_mathjax` makes."""
    config.mathjax_path = "mathjax/tex-chtml.js"


def place_lost_page(app: Sphinx, config) -> None:
    """Let the 404 page find its style sheets where the book is published below the root of its host.

    A server shows that page at any depth, so its links are absolute; BOOK_BASE_URL is the book's full address.
    """
    base = os.environ.get("BOOK_BASE_URL", "")
    path = urlsplit(base).path.strip("/")
    config.notfound_urls_prefix = f"/{path}/" if path else "/"
    if base:
        config.html_baseurl = base.rstrip("/") + "/"


def copy_mathjax(app: Sphinx, failure: Exception | None) -> None:
    """Copy MathJax out of the package sphinx-mathjax-offline."""
    if failure or app.builder.format != "html":
        return
    package = importlib.util.find_spec("sphinx-mathjax-offline")
    source = Path(package.origin).parent / "static" / "mathjax"
    target = Path(app.outdir) / "_static" / "mathjax"
    for part in MATHJAX_PARTS:
        if (source / part).is_dir():
            shutil.copytree(source / part, target / part, dirs_exist_ok=True)
        else:
            (target / part).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / part, target / part)


def write_start_page(app: Sphinx, failure: Exception | None) -> None:
    """Write an index.html that is a page of its own: it leads on to the landing page."""
    if failure or app.builder.format != "html" or app.config.root_doc == "index":
        return
    text = START_PAGE.format(title=app.config.html_title, target=app.builder.get_target_uri(app.config.root_doc))
    (Path(app.outdir) / "index.html").write_text(text, encoding="utf-8")


def mend_codeautolink() -> None:
    """Let codeautolink pass the sections without a title that sphinx-proof and sphinx-exercise make.

    Version 0.19.0 pops a title for each of them and crashes on the empty stack.
    """
    from sphinx_codeautolink.extension.block import CodeBlockAnalyser

    def depart_section(self, node):
        if self.title_stack and node.children and node.children[0].tagname == "title":
            self.title_stack.pop()

    CodeBlockAnalyser.depart_section = depart_section


def import_what_is_documented(app: Sphinx, config) -> None:
    """Let codeautolink import only what its links can lead to; Keras alone would cost seconds for nothing."""
    from sphinx_codeautolink.extension import resolve

    known = {"companion", "builtins"} | {name for source in inventories(app) for name in packages(source)}
    closest_module = getattr(resolve.closest_module, "of_all", resolve.closest_module)

    def closest_documented_module(components: tuple[str, ...]):
        if components[0] not in known:
            raise resolve.CouldNotResolve(f"{components[0]} has no documentation here")
        return closest_module(components)

    closest_documented_module.of_all = closest_module
    resolve.closest_module = closest_documented_module


def inventories(app: Sphinx) -> list[Path]:
    """Return the text files that list the names of other projects."""
    return sorted((Path(app.srcdir) / "book" / "_inv").glob("*.txt"))


def packages(source: Path) -> set[str]:
    """Return the packages that an inventory has names of."""
    entries = [line.split() for line in source.read_text(encoding="utf-8").splitlines()[1:] if line]
    return {name.partition(".")[0] for name, kind, *_ in entries if "." in name or kind == "py:module"}


def setup(app: Sphinx) -> None:
    """Connect the events."""
    mend_codeautolink()
    app.connect("config-inited", use_local_mathjax)
    app.connect("config-inited", use_inventories, priority=100)
    app.connect("config-inited", import_what_is_documented, priority=100)
    app.connect("config-inited", place_lost_page, priority=100)
    app.connect("build-finished", copy_mathjax)
    app.connect("build-finished", write_start_page, priority=900)
