"""The pictures of the chapter on peepholes."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures import lstm_diagrams
from companion.figures.cell_parts import document, paint
from companion.figures.palette import LIGHT
from companion.figures.style import label


def line_lengths(lengths: np.ndarray, marks: tuple[int, int]) -> Axes:
    """Draw how many lines of a text have each length, with the two lengths between which most breaks lie."""
    _, axes = plt.subplots(figsize=(6.4, 2.6))
    counts = np.bincount(lengths)
    axes.bar(np.arange(len(counts)), counts, width=1.0, color=LIGHT["input"])
    low, high = marks
    axes.axvspan(low - 0.5, high + 0.5, color=LIGHT["line"], alpha=0.5, zorder=0, linewidth=0)
    label(axes, f"{low} to {high}", (low, counts.max()), "ink", offset=(-6, 0), ha="right")
    axes.set(xlabel="characters since the last line break", ylabel="line breaks", xlim=(0, 90))
    return axes


def clock(tapes: Mapping[str, Mapping[str, np.ndarray]]) -> np.ndarray:
    """Draw count, forget gate and output of a clock by the name of each of its variants; c, f and h are (T,)."""
    rows = {"c": "cell", "f": "gate", "o": "gate", "h": "hidden"}
    _, axes = plt.subplots(len(rows), len(tapes), figsize=(6.4, 3.9), sharex=True, sharey="row", squeeze=False)
    for column, (name, tape) in zip(axes.T, tapes.items(), strict=True):
        column[0].set_title(name)
        for panel, (row, colour) in zip(column, rows.items(), strict=True):
            panel.bar(np.arange(len(tape[row])), tape[row], color=LIGHT[colour], width=0.8)
            panel.set(ylim=(0, 1.15), yticks=[0, 1])
        column[-1].set_xlabel("step")
    for panel, row in zip(axes[:, 0], rows, strict=True):
        panel.set_ylabel(row, rotation=0, labelpad=12)
    return axes


def timing(summary: Mapping[str, Any]) -> np.ndarray:
    """Draw the share of runs that solve each task with one cell and with two; whiskers are 95 % intervals.

    summary: that of the experiment `timing`.
    """
    titles = {"timed_spikes": "timed spikes", "spike_delays": "spike delays"}
    colours = {"LSTM": "hidden", "PeepholeLSTM": "cell"}
    _, axes = plt.subplots(1, 2, figsize=(6.4, 2.9), sharey=True)
    for panel, (name, title) in zip(axes, titles.items(), strict=True):
        for at, hidden in enumerate((1, 2)):
            for side, (cell, colour) in enumerate(colours.items()):
                found, place = summary[f"{name}_{hidden}"][cell], at + 0.36 * (side - 0.5)
                panel.bar(place, 100 * found["share"], width=0.32, color=LIGHT[colour])
                panel.plot([place] * 2, [100 * found["low"], 100 * found["high"]], color=LIGHT["ink"], linewidth=1.2)
                text = {"LSTM": "LSTM", "PeepholeLSTM": "with\npeepholes"}[cell]
                label(panel, text, (place, 100 * found["high"]), colour, offset=(0, 4), ha="center", va="bottom")
        panel.set_xticks([0, 1], ["one cell", "two cells"])
        panel.set(title=title, ylim=(0, 130), yticks=[0, 50, 100])
    axes[0].set_ylabel("runs that solve it, %")
    return axes


# ---- the diagram -----------------------------------------------------------------------------------------------------


def diagram() -> str:
    """Return the LSTM cell with its three peepholes as SVG that follows the theme."""
    tip = "peephole-tip"

    def arrow(path: str, colour: str) -> str:
        return f'<path d="{path}" stroke="{paint(colour)}" marker-end="url(#{tip})"/>'

    lines, shapes, words = [], [], []
    lstm_diagrams.carry("forget", arrow, lines, shapes, words)
    lstm_diagrams.candidate("forget", arrow, lines, shapes, words)
    for gate in (lstm_diagrams.input_gate, lstm_diagrams.output_gate, lstm_diagrams.forget_gate):
        gate(arrow, lines, shapes, words)
    peep = f'stroke="var(--u-cell)" stroke-dasharray="5 4" marker-end="url(#{tip})"'
    for path in ("M92 62V172H144", "M92 172V206H226V172H236", "M426 62V172H436"):
        lines.append(f'<path d="{path}" {peep}/>')
    desc = (
        "The LSTM cell with a forget gate. Three dashed lines come from the line of the cell state. Two leave it "
        "before the forget gate acts and go to the forget gate and the input gate. The third leaves it behind the "
        "sum, where it is the new cell state, and goes to the output gate."
    )
    return document(lstm_diagrams.SIZE, ("The cell with peepholes", desc), tip, [*lines, *shapes], words)
