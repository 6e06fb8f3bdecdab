"""The pictures of how far each cell counts."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import label

COLOURS = {"RNN": "hidden", "IRNN": "hidden", "GRU": "hidden", "LSTM": "cell", "PeepholeLSTM": "cell"}
NAMES = {"RNN": "tanh", "IRNN": "ReLU", "PeepholeLSTM": "LSTM with\npeepholes"}


def reaches(summary: Mapping[str, Any], longest: int = 10) -> Axes:
    """Draw a dot for each run at its reach, a row for each cell, the smallest at the bottom of its row.

    summary: that of the experiment `counting`. A line marks the median; the lessons, up to `longest`, are grey. Runs
    that get to less than half of them stand at the left edge.
    """
    _, axes = plt.subplots(figsize=(6.4, 3.4))
    edge = longest / 2
    axes.axvspan(edge, longest, color=LIGHT["line"], alpha=0.5, linewidth=0, zorder=0)
    cells = [cell for cell in COLOURS if cell in summary]
    for row, cell in enumerate(reversed(cells)):
        found = np.maximum(summary[cell]["reaches"], edge)
        place = row + np.linspace(-0.34, 0.34, len(found))
        axes.plot(found, place, "o", color=LIGHT[COLOURS[cell]], markersize=4, clip_on=False)
        axes.vlines(summary[cell]["median"], row - 0.42, row + 0.42, color=LIGHT["ink"], linewidth=1.4)
    label(axes, "lessons", (longest, len(cells) - 0.5), "muted", offset=(-4, 6), ha="right")
    axes.set_yticks(range(len(cells)), [NAMES.get(cell, cell) for cell in reversed(cells)])
    axes.tick_params(axis="y", length=0)
    axes.set_xscale("log")
    ticks = [5, 10, 20, 50, 100, 200, 500, 1000]
    axes.set_xticks(ticks, map(str, ticks))
    axes.set_xticks([], minor=True)
    largest = max(summary[cell]["largest"] for cell in cells)
    axes.set(xlabel="all words right up to n =", xlim=(edge, 1.15 * largest), ylim=(-0.6, len(cells) - 0.2))
    return axes


def traces(found: Mapping[str, Mapping[str, Any]], colours: Mapping[str, str] = COLOURS) -> np.ndarray:
    """Draw one unit over a word of as many b as a, a panel for each cell, and where it first says the end.

    found: the trace by the name of its cell, as the experiment `counting` keeps it: state (1 + 2 n,), and `says`.
    """
    _, panels = plt.subplots(1, len(found), figsize=(6.4, 2.8), squeeze=False)
    for axes, (cell, trace) in zip(panels[0], found.items(), strict=True):
        state = np.array(trace["state"])
        n = len(state) // 2
        axes.axvspan(n, 2 * n, color=LIGHT["line"], alpha=0.5, linewidth=0, zorder=0)
        axes.plot(state, color=LIGHT[colours[cell]], marker="o", markersize=2.5)
        if trace["says"] is not None:
            at = n + trace["says"]
            axes.plot(at, state[at], "D", color=LIGHT["output"], markersize=7)
            label(axes, "says the end", (at, state[at]), "output", offset=(-9, 0), ha="right")
        letter = "c" if cell in ("LSTM", "PeepholeLSTM") else "h"
        axes.set(title=NAMES.get(cell, cell).replace("\n", " "), xlabel="letters read: a, then b", ylabel=letter)
        axes.set_xticks([0, n, 2 * n])
        axes.margins(x=0.03, y=0.1)
    return panels[0]
