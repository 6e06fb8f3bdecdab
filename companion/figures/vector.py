"""The strokes of pictures that are SVG text and follow the page's theme: the colours are CSS variables of the palette.

A still picture stands where an interactive figure does when no script runs, and in print. Its numbers come from
`companion.reference`, through `python -m companion.figures`.
"""

from html import escape

import numpy as np


def document(width: int, height: int, title: str, desc: str, parts: list[str]) -> str:
    """Return an SVG document with a title and a description that scales with the page and takes its colours from it."""
    box = f'viewBox="0 0 {width} {height}" width="{width}" style="max-width: 100%; height: auto"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" font-size="12">']
    lines += [f"  <title>{escape(title, quote=False)}</title>", f"  <desc>{escape(desc, quote=False)}.</desc>"]
    return "\n".join([*lines, *(f"  {part}" for part in parts), "</svg>"]) + "\n"


def text(x: float, y: float, words: str, colour: str = "ink", anchor: str = "middle", size: float | None = None) -> str:
    """Return words whose middle, beginning or end (`anchor` middle, start, end) is at (x, y)."""
    place = f'x="{_place(x)}" y="{_place(y)}" text-anchor="{anchor}" dominant-baseline="middle"'
    if size is not None:
        place += f' font-size="{size:g}"'
    return f'<text {place} style="fill: var(--u-{colour})">{escape(words, quote=False)}</text>'


def number(value: float, decimals: int = 3) -> str:
    """Return a number as the pages show it: a true minus sign, and none before zero."""
    digits = f"{abs(value):.{decimals}f}"
    return ("\u2212" if value < 0 and float(digits) else "") + digits


def line(path: str, colour: str, width: float = 2) -> str:
    """Return a path in a colour of the palette."""
    return f'<path d="{path}" fill="none" stroke="var(--u-{colour})" stroke-width="{width:g}"/>'


def curve(x: np.ndarray, y: np.ndarray, colour: str, opacity: float = 1.0) -> str:
    """Return a line through the points (x, y), both (T,)."""
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    faint = f' stroke-opacity="{opacity:.2f}"' if opacity < 1 else ""
    return f'<polyline points="{points}" fill="none" stroke="var(--u-{colour})" stroke-width="2"{faint}/>'


def tip(x: float, y: float, turn: float, colour: str) -> str:
    """Return the head of an arrow that ends at (x, y); at turn 0 it points to the right, at 90 down."""
    place = f"translate({_place(x)} {_place(y)}) rotate({turn:g})"
    return f'<path d="M-6 -4L0 0L-6 4Z" transform="{place}" fill="var(--u-{colour})"/>'


def arrow(x: float, y: float, to_x: float, to_y: float, colour: str, width: float = 2) -> str:
    """Return a straight arrow along one axis; its line stops short of the point, so that the point is sharp."""
    turn = (0 if to_x > x else 180) if y == to_y else (90 if to_y > y else -90)
    back_x, back_y = {0: (-4, 0), 180: (4, 0), 90: (0, -4), -90: (0, 4)}[turn]
    path = f"M{_place(x)} {_place(y)}L{_place(to_x + back_x)} {_place(to_y + back_y)}"
    return line(path, colour, width) + tip(to_x, to_y, turn, colour)


def _place(value: float) -> str:
    return f"{round(float(value), 1):g}"
