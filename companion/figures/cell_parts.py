"""The parts that the diagrams of the cells are drawn with: boxes, nodes, words, and the document around them.

The colours are those of the theme, so a diagram follows it: `ink` is the colour of the text, every other name one of
the palette.
"""

from collections.abc import Sequence


def document(size: tuple[int, int], told: tuple[str, str], tip: str, drawn: Sequence[str], words: Sequence[str]) -> str:
    """Return an SVG of a size, with its title and description, the marker `tip` for arrows, lines and shapes, words."""
    (width, height), (title, desc) = size, told
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" role="img" '
        'font-size="15" style="max-width: 100%; height: auto">'
    )
    marker = (
        f'<marker id="{tip}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
        'markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8Z" fill="context-stroke"/></marker>'
    )
    body = [f"<title>{title}</title>", f"<desc>{desc}</desc>", f"<defs>{marker}</defs>"]
    body += ['<g fill="none" stroke-width="2">', *drawn, "</g>"]
    body += ['<g text-anchor="middle" dominant-baseline="central" fill="currentColor">', *words, "</g>"]
    return "\n".join([head, *(f"  {part}" for part in body), "</svg>"]) + "\n"


def paint(name: str) -> str:
    """Return a colour of the theme as SVG knows it."""
    return "currentColor" if name == "ink" else f"var(--u-{name})"


def box(x: int, y: int, text: str, colour: str = "ink") -> str:
    """Draw a layer: a box with its activation or its matrix in it."""
    shape = f'<rect x="{x - 22}" y="{y - 17}" width="44" height="34" rx="6" stroke="{paint(colour)}"/>'
    return shape + _inside(x, y, text, colour)


def node(x: int, y: int, text: str, colour: str = "ink") -> str:
    """Draw an operation on numbers: a circle with its sign in it."""
    return f'<circle cx="{x}" cy="{y}" r="16" stroke="{paint(colour)}"/>' + _inside(x, y, text, colour)


def word(x: int, y: int, text: str, colour: str, below: str = "", plain: bool = False) -> str:
    """Write a letter with its index, or a plain word."""
    small = f'<tspan font-size="11" dy="4">{below}</tspan>' if below else ""
    style = "" if plain else ' font-style="italic"'
    return f'<text x="{x}" y="{y}"{style} fill="{paint(colour)}">{text}{small}</text>'


def _inside(x: int, y: int, text: str, colour: str) -> str:
    place = f'x="{x}" y="{y}" text-anchor="middle" dominant-baseline="central" stroke="none" fill="{paint(colour)}"'
    return f"<text {place}>{text}</text>"
