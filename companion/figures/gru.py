"""The pictures of the chapter on the GRU."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label

STEPS = {
    "open": "never resets",
    "moved": "output gate moved",
    "free": "resets as drawn",
    "tanh": "tanh kept",
    "untied": "i not tied",
}


def two_gates(f: np.ndarray, i: np.ndarray, chosen: Sequence[int]) -> np.ndarray:
    """Draw the input gate against the forget gate of some units, a dot a step, and the line i = 1 − f.

    f and i: (T, H); chosen: the units.
    """
    _, axes = plt.subplots(1, len(chosen), figsize=(6.4, 2.6), sharey=True)
    for place, (panel, unit) in enumerate(zip(axes, chosen, strict=True)):
        panel.plot([0, 1], [1, 0], color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
        panel.plot(f[:, unit], i[:, unit], "o", color=LIGHT["gate"], markersize=2.5, alpha=0.6)
        panel.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel="forget gate f", title=f"unit {unit}")
        if place == 0:
            label(panel, "i = 1 − f", (0.3, 0.7), "muted", offset=(6, 8))
    axes[0].set_ylabel("input gate i")
    return axes


def differences(results: Sequence[Mapping[str, Any]]) -> Axes:
    """Draw how far an LSTM, restricted in several ways, is from a GRU: a dot a network, on a logarithmic axis."""
    _, axes = plt.subplots(figsize=(6.4, 2.8))
    spread = (np.arange(len(results)) % 10 - 4.5) / 20
    for place, key in enumerate(STEPS):
        values = np.array([run[key] for run in results])
        colour = LIGHT["hidden" if key in ("open", "moved") else "gradient"]
        axes.plot(values, place + spread[: len(values)], "o", color=colour, markersize=3, alpha=0.6)
    axes.set_yticks(range(len(STEPS)), STEPS.values())
    axes.set(xscale="log", xlabel="largest difference of the states", xlim=(1e-17, 20))
    axes.invert_yaxis()
    return axes


def ported(
    years: np.ndarray, seen: np.ndarray, forecasts: Mapping[str, np.ndarray], colours: Mapping[str, str]
) -> Axes:
    """Draw what was observed as dots, and the forecasts of one set of weights read in several ways as lines."""
    _, axes = plt.subplots(figsize=(6.4, 3.0))
    axes.plot(years, seen, "o", color=LIGHT["input"], markersize=3)
    ends = apart([values[-1] for values in forecasts.values()], 22)
    for (name, values), end in zip(forecasts.items(), ends, strict=True):
        axes.plot(years, values, color=LIGHT[colours[name]])
        label(axes, name, (years[-1], end), colours[name], offset=(6, 0))
    axes.set(xlabel="year", ylabel="sunspot number", xlim=(years[0] - 1, years[-1] + 0.32 * len(years)))
    return axes


def counted(steps: np.ndarray, lines: Mapping[str, np.ndarray], colours: Mapping[str, str]) -> Axes:
    """Draw how far a state gets when every step adds to it as much as the gates allow."""
    _, axes = plt.subplots(figsize=(6.4, 2.5))
    for name, values in lines.items():
        axes.plot(steps, values, color=LIGHT[colours[name]], marker="o", markersize=2.5)
        label(axes, name, (steps[-1], values[-1]), colours[name], offset=(7, 0))
    axes.set(xlabel="step", ylabel="state", xlim=(0.5, 1.35 * steps[-1]), ylim=(0, None))
    return axes


def times(rows: Mapping[str, Mapping[str, float]]) -> np.ndarray:
    """Draw the time of a step of an LSTM and of a GRU, forward, in two programs; the numbers stand on the bars.

    rows: for each program the microseconds by the name of the layer.
    """
    _, axes = plt.subplots(1, len(rows), figsize=(6.4, 2.5))
    for panel, (program, found) in zip(axes, rows.items(), strict=True):
        panel.bar(list(found), list(found.values()), color=[LIGHT["cell"], LIGHT["hidden"]], width=0.6)
        for place, value in enumerate(found.values()):
            label(panel, f"{value:.0f}", (place, value), offset=(0, 7), ha="center")
        panel.set(title=program, xlabel="layer", ylabel="µs a step", ylim=(0, 1.2 * max(found.values())))
    return axes


SIGNED = LinearSegmentedColormap.from_list("signed", [LIGHT["gradient"], "#ffffff", LIGHT["hidden"]])
CELL_COLOURS = {"RNN": "input", "GRU": "hidden", "LSTM": "cell", "PeepholeLSTM": "gate"}
NAMES = {"RNN": "plain", "PeepholeLSTM": "peephole"}


def readers(
    read: Sequence[int],
    curves: Mapping[str, Sequence[float]],
    costs: Mapping[str, Mapping[str, float]],
    counting: float,
) -> np.ndarray:
    """Draw bits per character against the characters read, and against the seconds that it takes in some programs.

    curves: mean bits by cell, at the numbers of characters in `read`. costs: by program the microseconds a character,
    by cell. counting: the bits of the best n-gram, as a dashed line.
    """
    shares = {"width_ratios": [1.7, *[1] * len(costs)]}
    _, axes = plt.subplots(1, 1 + len(costs), figsize=(6.4, 3.1), sharey=True, gridspec_kw=shares)
    read = np.asarray(read)
    for cell, curve in curves.items():
        axes[0].plot(read, curve, color=LIGHT[CELL_COLOURS[cell]])
        for panel, cost in zip(axes[1:], costs.values(), strict=True):
            panel.plot(1e-6 * cost[cell] * read, curve, color=LIGHT[CELL_COLOURS[cell]])
    ends = apart([curve[-1] for curve in curves.values()], 0.19)
    for cell, end in zip(curves, ends, strict=True):
        label(axes[0], NAMES.get(cell, cell), (read[-1], end), CELL_COLOURS[cell])
    for panel, name in zip(axes, ("", *costs), strict=True):
        panel.axhline(counting, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
        panel.set(xscale="log", xlabel=f"seconds, {name}" if name else "characters read")
        panel.xaxis.set_minor_formatter("")
    spent = [1e-6 * value for cost in costs.values() for value in cost.values()]
    for panel in axes[1:]:
        panel.set_xlim(0.8 * min(spent) * read[0], 1.2 * max(spent) * read[-1])
    label(axes[0], "counting", (read[0], counting), "muted", offset=(2, -8))
    axes[0].set(ylabel="bits per character", xlim=(0.8 * read[0], 9 * read[-1]))
    axes[0].set_ylim(counting - 0.3, None)
    return axes


def trace(text: str, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """Write a text once for every unit, and colour each character by the unit's value after it.

    values: by a name, (characters,) between -1 and 1: green is positive, pink negative, white 0.
    """
    rows = text.split("\n")
    columns = max(map(len, rows)) + 1
    _, axes = plt.subplots(len(values), 1, figsize=(6.4, 0.35 + len(values) * (0.3 + 0.165 * len(rows))))
    axes = np.atleast_1d(axes)
    for panel, (name, own) in zip(axes, values.items(), strict=True):
        field = np.full((len(rows), columns), np.nan)
        at = 0
        for y, row in enumerate(rows):
            length = min(len(row) + 1, len(own) - at)
            field[y, :length] = own[at : at + length]
            at += len(row) + 1
            for x, symbol in enumerate(row):
                panel.text(x, y, symbol, ha="center", va="center", family="DejaVu Sans Mono", fontsize=7)
        panel.imshow(field, cmap=SIGNED, vmin=-1, vmax=1, alpha=0.65, aspect="auto", interpolation="nearest")
        panel.set_title(name)
        panel.set_axis_off()
    return axes
