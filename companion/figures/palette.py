"""The six colours of the book, chosen once, for two themes and for every kind of colour vision.

Input, hidden state, cell state, gate, output and gradient keep their colour in plots, diagrams, interactive figures
and equations. Only the light value of a colour is chosen. Notebook pictures are PNG files on white, which the dark
theme turns over with the CSS filter `invert(1) hue-rotate(180deg)` and the blend mode `screen`; the dark value is
what that turns the light one into, so that a line in a picture and the word beside it agree in both themes.
"""

from dataclasses import dataclass

PAGE = {"light": "#ffffff", "dark": "#14181e"}
"""The backgrounds of the theme's pages, on which the colours have to be readable."""

# Rows of the matrix of the CSS filter hue-rotate(180deg) (Filter Effects Module, feColorMatrix): the cosine is -1.
_HUE_ROTATE = (
    (-0.574, 1.430, 0.144),
    (0.426, 0.430, 0.144),
    (0.426, 1.430, -0.856),
)


@dataclass(frozen=True)
class Colour:
    """One entry of the palette: its name, its two values as `#rrggbb`, and what it stands for."""

    name: str
    light: str
    dark: str
    meaning: str


def channels(colour: str) -> tuple[float, float, float]:
    """Return red, green and blue of `#rrggbb` as fractions of one."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def turned_over(colour: str, page: str = PAGE["dark"]) -> str:
    """Return what the dark theme's filter and blend mode make of `colour` on a page of the given background."""
    inverted = [1 - value for value in channels(colour)]
    rotated = [sum(m * v for m, v in zip(row, inverted, strict=True)) for row in _HUE_ROTATE]
    screened = [1 - (1 - min(max(v, 0), 1)) * (1 - p) for v, p in zip(rotated, channels(page), strict=True)]
    return "#" + "".join(f"{round(255 * value):02x}" for value in screened)


def luminance(colour: str) -> float:
    """Return the relative luminance of `colour` (WCAG 2.2)."""
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in channels(colour)]
    return sum(weight * value for weight, value in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(colour: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(colour), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _entry(name: str, light: str, meaning: str) -> Colour:
    return Colour(name, light, turned_over(light), meaning)


COLOURS = (
    _entry("input", "#1626d2", "what comes from outside: x, and data as it was observed"),
    _entry("hidden", "#28775e", "the hidden state h and the weights that carry it on"),
    _entry("cell", "#9a650a", "the cell state c of a gated network"),
    _entry("gate", "#7253fc", "gates: i, f, o and r, z"),
    _entry("output", "#7d2600", "the output y, predictions"),
    _entry("gradient", "#c93882", "gradients, and whatever else runs backwards"),
)

GREYS = (
    _entry("ink", "#1f2328", "axes and labels"),
    _entry("muted", "#5c636b", "whatever is there for comparison"),
    _entry("line", "#c9ced4", "grids and frames, never text"),
)

LIGHT = {colour.name: colour.light for colour in COLOURS + GREYS}
"""Light value by name: what a Matplotlib figure uses."""


def css() -> str:
    """Return the style sheet `book/_assets/palette.css`: a variable and a class for each colour."""
    everything = COLOURS + GREYS
    lines = [
        "/* Made from companion/figures/palette.py by `python -m companion.figures`: change that, not this. */",
        ":root {",
    ]
    lines += [f"  --u-{c.name}: {c.light};" for c in everything]
    lines += ["}", 'html[data-theme="dark"] {']
    lines += [f"  --u-{c.name}: {c.dark};" for c in everything]
    lines += ["}", "@media print {", '  :root, html[data-theme="dark"] {']
    lines += [f"    --u-{c.name}: {c.light};" for c in everything]
    lines += ["  }", "}"]
    lines += [f".u-{c.name} {{ color: var(--u-{c.name}); }}" for c in COLOURS]
    return "\n".join(lines) + "\n"
