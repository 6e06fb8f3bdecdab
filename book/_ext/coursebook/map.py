"""The map of the chapters: an SVG inside the landing page that follows the theme.

The plan is book/chapters.yml; what exists is what Sphinx has read. Two drawings are made, a wide one and a narrow one, and
the style sheet shows the one that fits.
"""

from __future__ import annotations

import textwrap
from html import escape
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

FOLDER = "book"
COLUMN, ROW, LEFT, TOP = 152, 132, 84, 74
"""Distances of the wide drawing, in its own units."""


class chapter_map(nodes.General, nodes.Element):
    """The place of the map."""


def plan_file(env) -> Path:
    """Return the file that lists the chapters."""
    return Path(env.srcdir) / FOLDER / "chapters.yml"


def plan(env) -> list[dict]:
    """Return the parts of the course, each with its chapters."""
    return yaml.safe_load(plan_file(env).read_text(encoding="utf-8"))


def titles(env) -> dict[str, str]:
    """Return the chapters' titles by page name, in the order of the course."""
    return {chapter["page"]: chapter["title"] for part in plan(env) for chapter in part["chapters"]}


class ChapterMap(SphinxDirective):
    """`{chapter-map}`."""

    def run(self) -> list[nodes.Node]:
        self.env.note_dependency(str(plan_file(self.env)))
        pages = self.env.__dict__.setdefault("coursebook_maps", set())
        pages.add(self.env.docname)
        return [chapter_map()]


def lines(title: str, width: int = 18) -> list[str]:
    """Break a title into short lines."""
    return textwrap.wrap(title, width) or [title]


def wide(parts: list[dict], href) -> str:
    """Draw one row per part: the line of the hidden state runs through its chapters and on into the next part."""
    columns = max(len(part["chapters"]) for part in parts)
    width, height = LEFT + columns * COLUMN, TOP + len(parts) * ROW - 18
    rail, stations = [], []
    for row, part in enumerate(parts):
        y = TOP + row * ROW
        last = LEFT + (len(part["chapters"]) - 0.5) * COLUMN
        in_course = bool(part["number"])
        if in_course:
            begin = 24 if row == 0 else 46
            rail.append(f'<path d="M{begin} {y}H{last:.0f}"/>')
        if row == 0:  # the loop that the course unrolls
            rail.append(f'<path d="M24 {y}A17 17 0 1 1 41 {y - 17}"/><path class="u-map-tip" d="M41 {y - 22}l9 5-9 5z"/>')
        if in_course and row + 1 < len(parts) and parts[row + 1]["number"]:
            lower, turn = y + ROW, y + ROW / 2 + 18
            rail.append(
                f'<path d="M{last:.0f} {y}H{last + 52:.0f}q22 0 22 22V{turn - 18:.0f}q0 18-18 18H64q-18 0-18 18V{lower - 0:.0f}"/>'
            )
        label = f"Part {part['number']} · {part['part']}" if part["number"] else part["part"]
        stations.append(f'<text class="u-map-part" x="{LEFT + 20}" y="{y - 30}">{escape(label)}</text>')
        for column, chapter in enumerate(part["chapters"]):
            stations.append(station(LEFT + (column + 0.5) * COLUMN, y, chapter, href(chapter["page"])))
    return drawing("wide", width, height, rail, stations)


def station(x: float, y: float, chapter: dict, link: str | None) -> str:
    """Draw one chapter of the wide map: a dot, its title below, and a word where it is only planned."""
    text = "".join(
        f'<tspan x="{x:.0f}" dy="{0 if k == 0 else 17}">{escape(line)}</tspan>' for k, line in enumerate(lines(chapter["title"]))
    )
    title = f'<text class="u-map-title" x="{x:.0f}" y="{y + 33}">{text}</text>'
    dot = f'<circle cx="{x:.0f}" cy="{y}" r="10"/>'
    if link:
        area = f'<rect class="u-map-area" x="{x - COLUMN / 2 + 4:.0f}" y="{y - 18}" width="{COLUMN - 8}" height="76" rx="6"/>'
        return f'<a class="u-map-here" href="{escape(link)}">{area}{dot}{title}</a>'
    below = y + 33 + 16 * len(lines(chapter["title"]))
    return f'<g class="u-map-planned">{dot}{title}<text class="u-map-note" x="{x:.0f}" y="{below}">planned</text></g>'


def narrow(parts: list[dict], href) -> str:
    """Draw one column for all parts."""
    y, rail, stations = 8, [], []
    course: list[float] = []
    for part in parts:
        y += 22
        label = f"Part {part['number']} · {part['part']}" if part["number"] else part["part"]
        stations.append(f'<text class="u-map-part" x="46" y="{y}">{escape(label)}</text>')
        for chapter in part["chapters"]:
            y += 32
            if part["number"]:
                course.append(y)
            link = href(chapter["page"])
            dot = f'<circle cx="20" cy="{y}" r="9"/>'
            title = f'<text class="u-map-title" x="46" y="{y + 5}">{escape(chapter["title"])}</text>'
            if link:
                area = f'<rect class="u-map-area" x="2" y="{y - 15}" width="336" height="30" rx="6"/>'
                stations.append(f'<a class="u-map-here" href="{escape(link)}">{area}{dot}{title}</a>')
            else:
                note = f'<text class="u-map-note" x="336" y="{y + 5}">planned</text>'
                stations.append(f'<g class="u-map-planned">{dot}{title}{note}</g>')
        y += 14
    rail.append(f'<path d="M20 {course[0]}V{course[-1]}"/>')
    return drawing("narrow", 340, y + 4, rail, stations)


def drawing(kind: str, width: float, height: float, rail: list[str], stations: list[str]) -> str:
    """Wrap the parts of a drawing. It is a group, not an image: its links can be reached by keyboard."""
    return (
        f'<svg class="u-map u-map-{kind}" viewBox="0 0 {width:.0f} {height:.0f}" role="group" '
        f'aria-label="Map of the chapters" xmlns="http://www.w3.org/2000/svg">'
        f'<g class="u-map-rail" aria-hidden="true">{"".join(rail)}</g>{"".join(stations)}</svg>'
    )


def visit_map(self, node) -> None:
    env, here = self.builder.env, self.builder.current_docname

    def href(page: str) -> str | None:
        name = f"{FOLDER}/{page}"
        return self.builder.get_relative_uri(here, name) if name in env.found_docs else None

    parts = plan(env)
    self.body.append(f'<div class="u-map-box">{wide(parts, href)}{narrow(parts, href)}</div>\n')
    raise nodes.SkipNode


def skip(self, node) -> None:
    raise nodes.SkipNode


def redraw(app: Sphinx, env) -> list[str]:
    """Have the pages with a map written anew: a chapter may have come or gone."""
    return sorted(getattr(env, "coursebook_maps", set()) & env.found_docs)


def setup(app: Sphinx) -> None:
    """Register the directive and its node."""
    app.add_directive("chapter-map", ChapterMap)
    app.add_node(chapter_map, html=(visit_map, None), latex=(skip, None), text=(skip, None))
    app.connect("env-updated", redraw)
