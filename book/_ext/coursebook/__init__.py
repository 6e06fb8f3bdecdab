"""The book's own Sphinx extension: what the pages need beyond Jupyter Book.

offline      nothing on a page asks another host: MathJax as files, inventories from text, a start page and a 404 page
repository   launch and source buttons, only where the address of the repository is known
claims       the claim box, numbers out of the evidence, the ledger of claims
equations    the ledger of numbered equations
status       what was run, when and with what
api          the package's documentation out of its docstrings
interactive  interactive figures with a static fallback
diagram      drawings that follow the theme
map          the map of the chapters on the landing page
pages        small repairs of the pages' HTML: landmarks, roles, tables that scroll in their own box
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

from sphinx.application import Sphinx

from . import api, claims, diagram, equations, interactive, map, offline, pages, repository, status


def document_this_checkout(app: Sphinx, config) -> None:
    """Put the root first on the path: the pages describe the package beside them, not one installed elsewhere."""
    root = str(Path(app.srcdir))
    if root not in sys.path:
        sys.path.insert(0, root)


def fingerprint() -> int:
    """Return a number that changes with this extension, so that Sphinx reads every page anew after a change."""
    return zlib.crc32(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py"))))


def setup(app: Sphinx) -> dict:
    """Register every part."""
    # Jupyter Book sets this value even where sphinx_comments is not loaded
    app.add_config_value("comments_config", {}, "html")
    app.connect("config-inited", document_this_checkout, priority=90)
    for part in (offline, repository, api, claims, equations, status, interactive, diagram, map, pages):
        part.setup(app)
    return {"version": "1", "env_version": fingerprint(), "parallel_read_safe": True, "parallel_write_safe": True}
