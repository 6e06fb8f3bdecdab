"""Buttons that lead to the repository, to Binder and to Colab: only where its address is known, never a dead link."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

VARIABLE = "BOOK_REPOSITORY_URL"
ADDRESS = re.compile(
    r"(?:git@|https?://(?:[^@/]*@)?|ssh://git@)(github\.com|gitlab\.com)[:/]([\w.-]+/[\w./-]+?)(?:\.git)?/?"
)


def clean(address: str) -> str | None:
    """Return https://host/owner/name for the address of a GitHub or GitLab repository, without credentials, or None."""
    found = ADDRESS.fullmatch(address.strip())
    return f"https://{found[1]}/{found[2]}" if found else None


def origin(root: Path) -> str | None:
    """Return the address of git's remote `origin`, if `root` is the top of a repository that has one."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != root.resolve():
            return None
        return clean(git("remote", "get-url", "origin"))
    except (OSError, subprocess.CalledProcessError):
        return None


def address(root: Path) -> str | None:
    """Return the repository's address: the variable BOOK_REPOSITORY_URL (empty: none), else git's origin, else None."""
    named = os.environ.get(VARIABLE)
    if named is None:
        return origin(root)
    found = clean(named)
    if named and not found:
        logger.warning("%s is not the address of a GitHub or GitLab repository: %s", VARIABLE, named)
    return found


def choose_buttons(app: Sphinx, config) -> None:
    """Set the theme's options for the address, or take the buttons away."""
    options = config.html_theme_options
    url = address(Path(app.srcdir))
    config.coursebook_repository = url or ""
    if "launch_buttons" not in options:  # another theme
        return
    if url is None:
        options["launch_buttons"] = {}
        options.pop("repository_url", None)  # Jupyter Book's own repository is its default
        return
    options |= {"repository_url": url, "use_repository_button": True, "use_issues_button": True}
    if "github.com" not in url:  # Colab opens notebooks from GitHub only
        options["launch_buttons"] = {k: v for k, v in options["launch_buttons"].items() if k != "colab_url"}


COLAB = """!git clone -q --depth 1 {url}
%pip install -q -e "./{name}[figures,tasks,training]"
%cd {name}"""
LOCAL = """git clone {url}
cd {name}
make lab"""


def explain_running(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Say on each chapter how it runs at home and, where the buttons lead there, in Colab, which has no `companion`."""
    url = app.config.coursebook_repository
    title = next(iter(doctree.findall(nodes.title)), None)
    if not url or title is None or not str(app.env.doc2path(docname)).endswith(".ipynb"):
        return
    names = {"url": url, "name": url.rpartition("/")[2]}
    note = nodes.admonition("", nodes.title("", "Running this chapter"), classes=["note", "dropdown", "u-running"])
    note += advice("On your own machine, with Python 3.11 or newer and make:", LOCAL.format(**names), "shell")
    if "github.com" in url:
        words = "In Colab put this into a cell above all others, for Colab opens the notebook without what it needs:"
        note += advice(words, COLAB.format(**names), "ipython3")
    section = title.parent
    section.insert(section.index(title) + 1, note)


def advice(words: str, code: str, language: str) -> list[nodes.Node]:
    """Return a sentence and the code that it speaks of."""
    return [nodes.paragraph("", words), nodes.literal_block(code, code, language=language)]


def setup(app: Sphinx) -> None:
    """Connect the events. The address is a value of the configuration: when it changes, pages are written anew."""
    app.add_config_value("coursebook_repository", "", "env")
    app.connect("config-inited", choose_buttons, priority=100)
    app.connect("doctree-resolved", explain_running)
