"""Pictures as SVG text that follows the page's theme: CSS variables of the palette, `currentColor` for what is ink.

A still picture stands where an interactive figure does when no script runs, and in print. Its numbers come from
`companion.reference`, through `python -m companion.figures`.
"""

from collections.abc import Mapping
from html import escape

import numpy as np

from companion.figures.style import apart

WIDTH, HEIGHT = 640, 262


def neuron(x: np.ndarray, h: Mapping[float, np.ndarray]) -> str:
    """Return the still picture of the interactive neuron: the input above, an output for each weight below."""
    T = len(x)
    column, row = np.linspace(44, WIDTH - 130, T), np.interp(x, [-1, 1], [84, 16])
    parts = [_rule(50), _rule(_height(0)), _rule(_height(1))]
    for a, b in zip(column, row, strict=True):
        parts.append(f'<path d="M{a:.1f} 50V{b:.1f}" stroke="var(--u-input)" stroke-width="2"/>')
        parts.append(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" fill="var(--u-input)"/>')
    ends = apart([states[-1] for states in h.values()], 0.11)
    for place, ((u, states), end) in enumerate(zip(h.items(), ends, strict=True)):
        colour = "hidden" if u else "muted"
        parts.append(
            _line(column, _height(states), f"var(--u-{colour})", opacity=0.4 + 0.6 * place / max(len(h) - 1, 1))
        )
        parts.append(_text(column[-1] + 8, _height(end), f"u = {u:g}, h = {states[-1]:.3f}", colour))
    parts.append(_text(column[-1] + 8, row[-1], "input x", "input"))
    parts += [_text(column[t], HEIGHT - 8, str(t), anchor="middle") for t in range(0, T - 2, 5)]
    parts.append(_text(column[-1], HEIGHT - 8, "step t", anchor="middle"))
    parts += [_text(24, _height(value), str(value), anchor="end") for value in (0, 1)]
    told = (f"with recurrent weight {u:g} the output ends at {states[-1]:.3f}" for u, states in h.items())
    return document(WIDTH, HEIGHT, "A neuron's answer to one impulse", "; ".join(told), parts)


def document(width: int, height: int, title: str, desc: str, parts: list[str]) -> str:
    """Return an SVG document with a title and a description that scales with the page and takes its colours from it."""
    box = f'viewBox="0 0 {width} {height}" width="{width}" style="max-width: 100%; height: auto"'
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" {box} role="img" font-size="12">']
    lines += [f"  <title>{escape(title, quote=False)}</title>", f"  <desc>{escape(desc, quote=False)}.</desc>"]
    return "\n".join([*lines, *(f"  {part}" for part in parts), "</svg>"]) + "\n"


def _height(value):
    """Place values from 0 to 1 on the page, upwards."""
    return np.interp(value, [0, 1], [236, 108])


def _rule(y: float) -> str:
    return f'<path d="M30 {y:.1f}H{WIDTH - 122}" stroke="var(--u-line)"/>'


def _line(x: np.ndarray, y: np.ndarray, colour: str, opacity: float) -> str:
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    return (
        f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2" stroke-opacity="{opacity:.2f}"/>'
    )


def _text(x: float, y: float, text: str, colour: str = "ink", anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" dominant-baseline="middle"'
    return f'<text {place} style="fill: var(--u-{colour})">{escape(text, quote=False)}</text>'
