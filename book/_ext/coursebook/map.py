"""The map of the chapters: an SVG inside the landing page that follows the theme.

The plan is book/chapters.yml; what exists is what Sphinx has read. Two drawings are made, a wide one and a narrow one,
and the style sheet shows the one that fits.
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
COLUMN, ROW, LEFT, TOP = 156, 106, 66, 52
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


def lines(title: str, width: int = 20) -> list[str]:
    """Break a title into short lines."""
    return textwrap.wrap(title, width) or [title]


def wide(parts: list[dict], href) -> str:
    """Draw one row per part: the line of the hidden state runs through its chapters and on into the next part."""
    columns = max(len(part["chapters"]) for part in parts)
    width, height = LEFT + columns * COLUMN, TOP + (len(parts) - 1) * ROW + 44
    rail, stations = [], []
    for row, part in enumerate(parts):
        y = TOP + row * ROW
        stations.append(f'<text class="u-map-part" x="{LEFT}" y="{y - 24}">{escape(heading(part))}</text>')
        stations += [
            station(LEFT + (column + 0.5) * COLUMN, y, chapter, href(chapter["page"]))
            for column, chapter in enumerate(part["chapters"])
        ]
        if part["number"]:
            rail.append(row_of_rail(row, y, LEFT + (len(part["chapters"]) - 0.5) * COLUMN))
            if row + 1 < len(parts) and parts[row + 1]["number"]:
                rail.append(turn(y, LEFT + (len(part["chapters"]) - 0.5) * COLUMN))
    stations.append(legend(width, height))
    return drawing("wide", width, height, rail, stations)


def heading(part: dict) -> str:
    """Return the words over a part."""
    return f"Part {part['number']} · {part['part']}" if part["number"] else part["part"]


def row_of_rail(row: int, y: float, last: float) -> str:
    """Draw the line through a part; the first one leaves the loop that the course unrolls."""
    if row:
        return f'<path d="M38 {y}H{last:.0f}"/>'
    loop, tip = f"M22 {y}A17 17 0 1 1 39 {y - 17}", f"M34 {y - 20}h10l-5 8z"
    return f'<path d="{loop}"/><path class="u-map-tip" d="{tip}"/><path d="M22 {y}H{last:.0f}"/>'


def turn(y: float, last: float) -> str:
    """Draw the way from the end of a part to the beginning of the next."""
    between, lower = y + 60, y + ROW
    down = f"M{last:.0f} {y}H{last + 62:.0f}q14 0 14 14V{between - 14}q0 14-14 14"
    return f'<path d="{down}H38q-16 0-16 16V{lower - 16}q0 16 16 16"/>'


def legend(width: float, height: float) -> str:
    """Say what the two kinds of dots are."""
    x, y = width - COLUMN + 22, height - 44
    entries = (("u-map-here", y, "ready to read"), ("u-map-planned", y + 24, "planned"))
    return "".join(
        f'<g class="{kind} u-map-legend"><circle cx="{x}" cy="{at}" r="7"/>'
        f'<text x="{x + 16}" y="{at + 5}">{words}</text></g>'
        for kind, at, words in entries
    )


def station(x: float, y: float, chapter: dict, link: str | None) -> str:
    """Draw one chapter of the wide map: a dot with its title below."""
    text = "".join(
        f'<tspan x="{x:.0f}" dy="{0 if k == 0 else 17}">{escape(line)}</tspan>'
        for k, line in enumerate(lines(chapter["title"]))
    )
    title = f'<text class="u-map-title" x="{x:.0f}" y="{y + 30}">{text}</text>'
    dot = f'<circle cx="{x:.0f}" cy="{y}" r="10"/>'
    area = (
        f'<rect class="u-map-area" x="{x - COLUMN / 2 + 4:.0f}" y="{y - 16}" width="{COLUMN - 8}" height="72" rx="6"/>'
    )
    return linked(chapter, link, area, dot + title)


def linked(chapter: dict, link: str | None, area: str, picture: str) -> str:
    """Make a chapter a link where its page exists; else it is an image that says that it is planned."""
    if link:
        return f'<a class="u-map-here" href="{escape(link)}">{area}{picture}</a>'
    return f'<g class="u-map-planned" role="img" aria-label="{escape(chapter["title"])}, planned">{picture}</g>'


def narrow(parts: list[dict], href) -> str:
    """Draw one column for all parts."""
    y, stations = 8, []
    course: list[float] = []
    for part in parts:
        y += 22
        stations.append(f'<text class="u-map-part" x="46" y="{y}">{escape(heading(part))}</text>')
        for chapter in part["chapters"]:
            y += 32
            if part["number"]:
                course.append(y)
            title = f'<text class="u-map-title" x="46" y="{y + 5}">{escape(chapter["title"])}</text>'
            link = href(chapter["page"])
            note = "" if link else f'<text class="u-map-note" x="336" y="{y + 5}">planned</text>'
            area = f'<rect class="u-map-area" x="2" y="{y - 15}" width="336" height="30" rx="6"/>'
            stations.append(linked(chapter, link, area, f'<circle cx="20" cy="{y}" r="9"/>{title}{note}'))
        y += 16
    return drawing("narrow", 340, y, [f'<path d="M20 {course[0]}V{course[-1]}"/>'], stations)


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
