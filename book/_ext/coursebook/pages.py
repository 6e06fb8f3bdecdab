"""Small repairs of the HTML that the theme and docutils make: roles that are wrong, tables that need a box to scroll in."""

from __future__ import annotations


from sphinx.application import Sphinx


def setup(app: Sphinx) -> None:
    """Connect the events."""
