"""What Matplotlib is told about the book's look, and the one way to label a line: beside it, in its own colour.

The settings are written to `book/matplotlibrc`, which every kernel that runs in `book/` picks up by itself, so that
no notebook has to begin with a line about style.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.text import Annotation

from companion.figures.palette import COLOURS, LIGHT

RC: Mapping[str, str] = {
    "figure.figsize": "6.4, 2.9",
    "figure.dpi": "120",
    "savefig.dpi": "120",
    "figure.constrained_layout.use": "True",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
    "axes.edgecolor": LIGHT["ink"].lstrip("#"),
    "axes.labelcolor": LIGHT["ink"].lstrip("#"),
    "axes.titlecolor": LIGHT["ink"].lstrip("#"),
    "axes.titlelocation": "left",
    "axes.titlesize": "10.5",
    "axes.labelsize": "10",
    "axes.spines.top": "False",
    "axes.spines.right": "False",
    "axes.prop_cycle": "cycler('color', [" + ", ".join(f"'{c.light.lstrip('#')}'" for c in COLOURS) + "])",
    "axes.xmargin": "0.01",
    "xtick.color": LIGHT["ink"].lstrip("#"),
    "ytick.color": LIGHT["ink"].lstrip("#"),
    "xtick.labelsize": "9",
    "ytick.labelsize": "9",
    "text.color": LIGHT["ink"].lstrip("#"),
    "lines.linewidth": "1.6",
    "lines.markersize": "4.5",
    "legend.frameon": "False",
    "grid.color": LIGHT["line"].lstrip("#"),
    "font.size": "10",
    "font.family": "DejaVu Sans",
}
"""Settings of Matplotlib as they stand in a `matplotlibrc` file: colours without `#`, which opens a comment there."""


def matplotlibrc() -> str:
    """Return the text of `book/matplotlibrc`."""
    head = "## Made from companion/figures/style.py by `python -m companion.figures`: change that, not this.\n"
    return head + "".join(f"{name}: {value}\n" for name, value in RC.items())


def label(
    axes: Axes, text: str, at: tuple[float, float], colour: str = "ink", offset: tuple[float, float] = (5, 0), **more
) -> Annotation:
    """Write `text` beside the point `at` (data units), `offset` points away, in the palette's `colour`."""
    style = {"va": "center", "fontsize": 9.5} | more
    return axes.annotate(text, at, xytext=offset, textcoords="offset points", color=LIGHT[colour], **style)


def apart(values: Sequence[float], distance: float) -> list[float]:
    """Return the values moved so far that neighbours stand at least `distance` apart, for labels that would overlap."""
    moved = list(map(float, values))
    order = sorted(range(len(moved)), key=moved.__getitem__)
    for lower, upper in pairwise(order):
        moved[upper] = max(moved[upper], moved[lower] + distance)
    return moved
