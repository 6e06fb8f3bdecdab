"""The pictures of the chapter on long-term dependencies."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.cell_parts import box, document, paint, word
from companion.figures.palette import LIGHT
from companion.figures.style import label

CELLS = {"RNN": "tanh", "IRNN": "IRNN", "GRU": "GRU", "LSTM": "LSTM", "PeepholeLSTM": "peepholes"}
COLOURS = {"RNN": "hidden", "IRNN": "input", "GRU": "gate", "LSTM": "cell", "PeepholeLSTM": "output"}
TASKS = {"adding": "adding", "temporal_order": "temporal order", "copying": "copying", "agreement": "agreement"}


def information(distances: np.ndarray, bits: np.ndarray, floor: float) -> Axes:
    """Draw how many bits two characters of a text tell of each other against their distance, both axes logarithmic.

    floor: the bits that chance alone makes of a text of this length.
    """
    _, axes = plt.subplots(figsize=(6.4, 2.9))
    axes.plot(distances, bits, color=LIGHT["input"], marker="o", markersize=3)
    axes.axhline(floor, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    label(axes, "shuffled text", (distances[0], floor), "muted", offset=(2, 8))
    axes.set(xscale="log", yscale="log", xlabel="characters apart", ylabel="bits")
    return axes


def success(summary: Mapping[str, Any], names: Sequence[str]) -> np.ndarray:
    """Draw the share of runs that solve a task against its lag, a row a task, a column a cell, with 95 % bands.

    summary: that of the experiment `long_lags`; names: the tasks.
    """
    size = (6.4, 0.75 + 1.35 * len(names))
    _, axes = plt.subplots(len(names), len(CELLS), figsize=size, sharex="row", sharey=True, squeeze=False)
    for place, (row, name) in enumerate(zip(axes, names, strict=True)):
        for panel, (cell, text) in zip(row, CELLS.items(), strict=True):
            found, colour = summary[name][cell]["lags"], COLOURS[cell]
            lags, rows = [int(lag) for lag in found], list(found.values())
            share, low, high = (100 * np.array([each[key] for each in rows]) for key in ("share", "low", "high"))
            panel.fill_between(lags, low, high, color=LIGHT[colour], alpha=0.18, linewidth=0)
            panel.plot(lags, share, color=LIGHT[colour], marker="o", markersize=3.5, clip_on=False)
            panel.set(xscale="log", ylim=(0, 100), yticks=[0, 50, 100], xlim=(lags[0] / 1.25, lags[-1] * 1.25))
            shown = lags if len(lags) < 4 else lags[::2] if len(lags) < 6 else [lags[0], *lags[2::2], lags[-1]]
            panel.set_xticks(shown, [str(lag) for lag in shown], fontsize=8)
            panel.set_xticks([], minor=True)
            if place == 0:
                panel.set_title(text, color=LIGHT[colour])
        row[0].set_ylabel(f"{TASKS[name]}\nsolved, %")
        row[len(row) // 2].set_xlabel("lag, steps" if place == len(names) - 1 else "")
    return axes


def learning(evidence: Any) -> np.ndarray:
    """Draw score against updates at one lag of each task: medians over the runs, bands from quartile to quartile.

    evidence: that of the experiment `long_lags`. A line ends where all runs that were trained together had solved it.
    """
    _, axes = plt.subplots(2, 2, figsize=(6.4, 5.2))
    config = evidence.config
    for panel, (name, lag) in zip(axes.flat, config["curves"].items(), strict=True):
        for cell, found in evidence.summary[name].items():
            runs = [run["curves"][f"{name}/{lag}/{cell}/{found['rate']}"] for run in evidence.results]
            steps, low, middle, high = quartiles(runs, config["every"])
            panel.fill_between(steps, low, high, color=LIGHT[COLOURS[cell]], alpha=0.12, linewidth=0)
            panel.plot(steps, middle, color=LIGHT[COLOURS[cell]], linewidth=1.4)
            panel.plot(steps[-1], middle[-1], "o", color=LIGHT[COLOURS[cell]], markersize=3)
        if name == "adding":
            panel.set(yscale="log", ylabel="squared error")
        else:
            panel.set(ylim=(0, 1.05), ylabel="right")
        panel.set(title=f"{TASKS[name]}, lag {lag}", xlabel="updates", xlim=(0, config["updates"] * 1.02))
    for place, (cell, text) in enumerate(CELLS.items()):
        at = (0.99, 0.62 - 0.11 * place)
        axes[0, 0].text(*at, text, transform=axes[0, 0].transAxes, color=LIGHT[COLOURS[cell]], ha="right", fontsize=9)
    return axes


def quartiles(runs: Sequence[Sequence[float | None]], every: int) -> tuple[np.ndarray, ...]:
    """Return updates, lower quartile, median and upper quartile of curves; one that has ended stays where it was."""
    longest = max(map(len, runs))
    held = np.array([list(run) + [run[-1]] * (longest - len(run)) for run in runs], dtype=float)
    low, middle, high = np.nanpercentile(held, [25, 50, 75], axis=0)
    return every * np.arange(1, longest + 1), low, middle, high


def latches(steps: np.ndarray, x: np.ndarray, kept: Mapping[str, np.ndarray]) -> np.ndarray:
    """Draw pulses (T,), and below them the state of each latch by its name."""
    _, axes = plt.subplots(1 + len(kept), 1, figsize=(6.4, 3.4), sharex=True, sharey=True)
    axes[0].vlines(steps, 0, x, color=LIGHT["input"], linewidth=2)
    axes[0].set_ylabel("pulse")
    for panel, (name, states) in zip(axes[1:], kept.items(), strict=True):
        panel.plot(steps, states, color=LIGHT["hidden"])
        label(panel, name, (steps[-1], states[-1]), "hidden", offset=(6, 0))
        panel.set_ylabel("state")
    for panel in axes:
        panel.axhline(0, color=LIGHT["line"], linewidth=1, zorder=0)
        panel.set(ylim=(-1.2, 1.2), yticks=[-1, 0, 1], xlim=(-0.5, 1.3 * steps[-1]))
    axes[-1].set_xlabel("step")
    return axes


def surface(
    u: np.ndarray, w: np.ndarray, loss: np.ndarray, slopes: Mapping[str, np.ndarray], marks: Mapping[str, Any]
) -> np.ndarray:
    """Draw a loss over two weights as a map, and beside it how steep it is along one line of equal w.

    loss (len(w), len(u)); slopes: sizes of derivatives (len(u),) at one w, by name; marks: named points (u, w), or a
    range of u with one w, ((low, high), w).
    """
    _, axes = plt.subplots(1, 2, figsize=(6.4, 3.1), width_ratios=(1.15, 1))
    levels = np.linspace(0, loss.max(), 13)
    axes[0].contourf(u, w, loss, levels=levels, cmap="Greys", vmin=0, vmax=2.6 * loss.max())
    for name, (at, height) in marks.items():
        if np.ndim(at):
            axes[0].plot(at, [height] * 2, color=LIGHT["gradient"], linewidth=4, solid_capstyle="butt")
            label(axes[0], name, (at[0], height), "gradient", offset=(0, 12), fontweight="bold")
        else:
            axes[0].plot(at, height, "o", color=LIGHT["hidden"], markersize=7)
            label(axes[0], name, (at, height), "hidden", offset=(0, 13), ha="center", fontweight="bold")
    axes[0].set(xlabel="recurrent weight u", ylabel="input weight w", title="loss")
    for (name, slope), colour in zip(slopes.items(), ("ink", "gradient"), strict=True):
        axes[1].plot(u, slope, color=LIGHT[colour])
        last = int(np.flatnonzero(slope > 1e-9)[-1])
        label(axes[1], name, (u[last], slope[last]), colour, offset=(6, 0))
    axes[1].set(xlabel="recurrent weight u", title="its slope", yscale="log", xlim=(u[0], u[-1] + 0.3 * np.ptp(u)))
    return axes


def heard(distances: Sequence[int], lines: Mapping[str, Sequence[float]], floor: float) -> Axes:
    """Draw norms of gradients against the distance, logarithmic, and what float32 can add to a number near 1."""
    _, axes = plt.subplots(figsize=(6.4, 3.0))
    for (name, values), colour in zip(lines.items(), ("muted", "gradient"), strict=True):
        axes.plot(distances, values, color=LIGHT[colour], marker="o", markersize=3.5)
        label(axes, name, (distances[-1], values[-1]), colour, offset=(8, 0))
    axes.axhline(floor, color=LIGHT["line"], linewidth=1.2, zorder=0)
    label(axes, "rounding", (distances[0], floor), "muted", offset=(2, -9))
    axes.set(xscale="log", yscale="log", xlabel="distance, steps", ylabel="norm of the gradient")
    axes.set_xticks(distances, [str(d) for d in distances])
    axes.set_xticks([], minor=True)
    axes.set_xlim(distances[0] / 1.05, distances[-1] * 4)
    return axes


def starts(summary: Mapping[str, Any]) -> np.ndarray:
    """Draw the loss of starts between the weights by hand and ordinary ones, and which are right before and after.

    summary: that of the experiment `by_hand`.
    """
    rows = list(summary["starts"].values())
    share = [100 * row["share"] for row in rows]
    _, axes = plt.subplots(2, 1, figsize=(6.4, 4.2), sharex=True)
    axes[0].plot(share, [row["loss"] for row in rows], color=LIGHT["ink"], marker="o", markersize=3.5)
    axes[0].axhline(np.log(4), color=LIGHT["line"], linewidth=1, zorder=0)
    label(axes[0], "chance", (share[0], np.log(4)), "muted", offset=(2, -9))
    axes[0].set(ylabel="loss at the start")
    for when, colour, name in (("before", "hidden", "before training"), ("after", "gradient", "after")):
        middle, low, high = (100 * np.array([row[when][key] for row in rows]) for key in ("share", "low", "high"))
        axes[1].fill_between(share, low, high, color=LIGHT[colour], alpha=0.12, linewidth=0)
        axes[1].plot(share, middle, color=LIGHT[colour], marker="o", markersize=3.5, clip_on=False)
        half = int(np.argmax(middle < 60))
        place = {"ha": "right", "offset": (-8, -8)} if when == "before" else {"offset": (8, 8)}
        label(axes[1], name, (share[half], middle[half]), colour, **place)
    axes[1].set(xlabel="way from the weights by hand to an ordinary start, %", ylabel="starts, %", ylim=(-2, 102))
    return axes


def beginnings(summary: Mapping[str, Any], told: Mapping[str, str]) -> np.ndarray:
    """Draw the runs that solve agreement, by how their cell began, at each distance; whiskers are 95 % intervals.

    summary: that of the experiment `beginnings`; told: what each beginning is called.
    """
    names = list(summary["begun"])
    distances = [key for key in next(iter(summary["begun"].values())) if key.startswith("d")]
    _, axes = plt.subplots(1, len(distances), figsize=(6.4, 3.2), sharey=True, squeeze=False)
    for panel, distance in zip(axes[0], distances, strict=True):
        for place, name in enumerate(names):
            found, colour = summary["begun"][name][distance], LIGHT[COLOURS[name.partition("_")[0]]]
            panel.barh(place, 100 * found["share"], height=0.7, color=colour, alpha=0.45 if "_" in name else 1.0)
            panel.plot([100 * found["low"], 100 * found["high"]], [place] * 2, color=LIGHT["ink"], linewidth=1.2)
        panel.set(title=f"distance {distance[1:]}", xlabel="runs that solve it, %", xlim=(0, 105), xticks=[0, 50, 100])
    axes[0, 0].set_yticks(range(len(names)), [told[name] for name in names])
    axes[0, 0].invert_yaxis()
    return axes[0]


# ---- the diagram -----------------------------------------------------------------------------------------------------


def diagram() -> str:
    """Return the three ideas of the networks set by hand, a latch, a sum and a chain, as SVG that follows the theme."""
    tip = "hand-tip"

    def arrow(path: str, colour: str = "ink") -> str:
        return f'<path d="{path}" stroke="{paint(colour)}" marker-end="url(#{tip})"/>'

    latch = [arrow("M38 120H72", "input"), arrow("M118 120H158", "hidden")]
    latch.append(arrow("M134 120V66H95V100", "hidden"))
    latch += [box(95, 120, "tanh", "hidden"), f'<circle cx="134" cy="120" r="3" fill="{paint("hidden")}"/>']
    words = [word(24, 120, "s", "input"), word(56, 106, "w", "input"), word(114, 52, "u > 1", "hidden")]
    words += [word(172, 120, "h", "hidden"), word(95, 206, "a latch", "ink", plain=True)]

    add = [arrow("M238 90H268", "input"), arrow("M238 150H268", "input"), arrow("M238 150L268 98", "input")]
    add += [arrow("M314 90L352 112"), arrow("M314 150L352 128"), arrow("M398 120H436", "hidden")]
    add.append(arrow("M416 120V66H375V100", "hidden"))
    add += [box(291, 90, "p"), box(291, 150, "q"), box(375, 120, "s", "hidden")]
    add.append(f'<circle cx="416" cy="120" r="3" fill="{paint("hidden")}"/>')
    words += [word(224, 90, "x", "input"), word(224, 150, "m", "input"), word(336, 88, "+", "ink", plain=True)]
    words += [word(336, 154, "−", "ink", plain=True), word(396, 52, "1", "hidden", plain=True)]
    words += [word(450, 120, "y", "output"), word(340, 206, "a sum", "ink", plain=True)]

    chain = [arrow("M496 120H514", "input")]
    for place in range(3):
        chain.append(arrow(f"M{558 + 62 * place} 120H{576 + 62 * place}", "hidden"))
    chain.append(arrow("M744 120H764", "hidden"))
    for place in range(4):
        chain.append(box(536 + 62 * place, 120, "tanh", "hidden"))
    words += [word(484, 120, "x", "input"), word(778, 120, "y", "output")]
    words.append(word(630, 206, "a chain", "ink", plain=True))
    desc = (
        "Left, a latch: an input with the weight w goes into a tanh unit whose own output comes back with a weight u "
        "above 1. In the middle, a sum: a number goes into the unit p, its mark into p and q, and p minus q into a "
        "unit s whose output comes back with the weight 1. Right, a chain: a symbol goes into the first of four tanh "
        "units, each of which hears the one before it, and comes out of the last."
    )
    drawn = [*latch, *add, *chain]
    return document((800, 230), ("Three networks set by hand", desc), tip, drawn, words)
