"""The pictures of the chapter on connection schemes. Each takes arrays and returns the Matplotlib axes it drew in."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label

Interval = Mapping[str, float]


def carried(years: np.ndarray, spots: np.ndarray, hidden: np.ndarray, output: np.ndarray) -> np.ndarray:
    """Draw a series, the hidden states (T, H) that one network hands on, and the one output that another hands on."""
    _, rows = plt.subplots(3, 1, figsize=(6.4, 4.2), sharex=True, height_ratios=[1, 1.3, 1])
    rows[0].plot(years, spots, color=LIGHT["input"], marker="o", markersize=2.5)
    for shade, series in zip(np.linspace(1, 0.35, hidden.shape[1]), hidden.T, strict=True):
        rows[1].plot(years, series, color=LIGHT["hidden"], alpha=shade, linewidth=1.2)
    rows[2].plot(years, output, color=LIGHT["output"], marker="o", markersize=2.5)
    rows[0].set(ylabel="spots", title="what both networks read")
    rows[1].set(ylabel="state h", ylim=(-1.05, 1.05), title=f"what comes back in one: {hidden.shape[1]} numbers")
    rows[2].set(ylabel="output y", xlabel="year", title="what comes back in the other: its forecast")
    return rows


def lags(
    steps: Sequence[int], rows: Mapping[str, Sequence[Interval]], kept: Mapping[str, Mapping[str, Interval]]
) -> np.ndarray:
    """Draw the accuracy of each network against the lag, and beside it on the tasks whose answers are the state.

    `rows[name]` and `kept[name][task]` hold mappings with "mean", "low", "high", "min" and "max".
    """
    colours = dict(zip(rows, ("hidden", "output", "muted"), strict=True))
    _, (left, right) = plt.subplots(1, 2, figsize=(6.4, 3.1), sharey=True, width_ratios=[2.1, 1])
    for axes in (left, right):
        axes.axhline(0.5, color=LIGHT["line"], linewidth=1, zorder=0)
    for name, values in rows.items():
        _band(left, steps, values, colours[name])
    ends = apart([values[-1]["mean"] for values in rows.values()], 0.055)
    for (name, colour), end in zip(colours.items(), ends, strict=True):
        label(left, name, (steps[-1], end), colour, offset=(7, 0), fontsize=9)
    tasks = list(next(iter(kept.values())))
    for place, (name, values) in enumerate(kept.items()):
        at = np.arange(len(tasks)) + 0.17 * (place - 1)
        found = [values[task] for task in tasks]
        right.vlines(
            at, [v["min"] for v in found], [v["max"] for v in found], color=LIGHT[colours[name]], linewidth=0.9
        )
        right.vlines(at, [v["low"] for v in found], [v["high"] for v in found], color=LIGHT[colours[name]], linewidth=4)
        right.plot(at, [v["mean"] for v in found], "o", color=LIGHT[colours[name]])
    right.set_xticks(range(len(tasks)), tasks)
    right.set(xlim=(-0.5, len(tasks) - 0.5), title="the answer is the state")
    left.set(
        xlabel="lag of the echo, steps", ylabel="right answers", ylim=(0.45, 1.03), title="the answer says too little"
    )
    left.set_xlim(-0.3, steps[-1] * 1.5)
    left.set_xticks(steps)
    return np.array([left, right])


def times(lengths: Sequence[int], panels: Mapping[str, Mapping[str, Sequence[float]]]) -> np.ndarray:
    """Draw the milliseconds of a training step against the length, a panel for each library, on two log scales."""
    _, row = plt.subplots(1, len(panels), figsize=(6.4, 3.1), sharey=True)
    for axes, (title, ways) in zip(row, panels.items(), strict=True):
        colours = dict(zip(ways, ("hidden", "muted", "output"), strict=True))
        axes.set(xscale="log", yscale="log", xlabel="time steps T", title=title)
        for name, spent in ways.items():
            axes.plot(lengths, spent, color=LIGHT[colours[name]], marker="o", markersize=3.5)
        ends = np.exp(apart(np.log([spent[-1] for spent in ways.values()]), 0.42))
        for (name, colour), end in zip(colours.items(), ends, strict=True):
            label(axes, name, (lengths[-1], end), colour, offset=(6, 0), fontsize=8.5)
        axes.set_xticks(lengths, [str(T) for T in lengths])
        axes.minorticks_off()
        axes.set_xlim(lengths[0] / 1.3, lengths[-1] * 11)
    row[0].set_ylabel("training step, ms")
    return row


def exposure(
    steps: Sequence[int], panels: Mapping[str, Mapping[str, Sequence[Interval]]], forced: Mapping[str, float]
) -> np.ndarray:
    """Draw the error against the steps that a network has fed itself, a panel for each noise; dashed with a teacher."""
    _, row = plt.subplots(1, len(panels), figsize=(6.4, 3.2), sharey=True)
    for axes, (title, ways) in zip(row, panels.items(), strict=True):
        colours = dict(zip(ways, ("muted", "output", "ink"), strict=True))
        axes.set(yscale="log", xlabel="steps since the true start", title=title)
        for name, values in ways.items():
            _band(axes, steps, values, colours[name])
        ends = np.exp(apart(np.log([values[-1]["mean"] for values in ways.values()]), 0.6))
        for (name, colour), end in zip(colours.items(), ends, strict=True):
            label(axes, name, (steps[-1], end), colour, offset=(6, 0), fontsize=8.5)
        axes.axhline(forced[title], color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
        label(
            axes,
            "taught, with its teacher",
            (steps[-1], forced[title]),
            "muted",
            offset=(0, -8),
            ha="right",
            fontsize=8.5,
        )
        axes.set_xlim(0, steps[-1] * 1.55)
        axes.set_xticks(range(0, steps[-1] + 1, 20))
    row[0].set_ylabel("error / variance")
    return row


def waiting(delays: Sequence[int], one: Sequence[Interval], two: Interval) -> Axes:
    """Draw the accuracy of one direction against how late it may answer, and that of two directions."""
    _, axes = plt.subplots(figsize=(6.4, 2.8))
    axes.axhline(0.5, color=LIGHT["line"], linewidth=1, zorder=0)
    _band(axes, delays, one, "hidden")
    label(axes, "one direction", (delays[0], one[0]["mean"]), "hidden", offset=(4, 10))
    axes.plot([delays[0]], [two["mean"]], "D", color=LIGHT["gradient"], markersize=6)
    label(axes, "two directions, at once", (delays[0], two["mean"]), "gradient", offset=(9, 0))
    axes.set(xlabel="steps that the answer may wait", ylabel="right answers", ylim=(0.45, 1.04))
    axes.set_xlim(-0.15, delays[-1] + 0.15)
    axes.set_xticks(delays)
    return axes


def _band(axes: Axes, at: Sequence[float], values: Sequence[Interval], colour: str) -> None:
    """Draw means as a line, their intervals as a band and the extremes as thin lines."""
    keys = ("mean", "low", "high", "min", "max")
    mean, low, high, least, most = ([value[key] for value in values] for key in keys)
    axes.vlines(at, least, most, color=LIGHT[colour], linewidth=0.8, alpha=0.6)
    axes.fill_between(at, low, high, color=LIGHT[colour], alpha=0.3, linewidth=0)
    axes.plot(at, mean, color=LIGHT[colour], marker="o", markersize=3.5)
