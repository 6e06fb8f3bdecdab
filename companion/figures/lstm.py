"""The pictures of the chapter on the LSTM: axes that were drawn in, and the still picture of the interactive cell."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label
from companion.figures.vector import curve, document, number, text

GATES = {"i": "input gate", "f": "forget gate", "o": "output gate"}


def distances(gaps: np.ndarray, marks: Sequence[int]) -> Axes:
    """Draw which share of the brackets stands open for longer than a number of characters; some lags are marked."""
    _, axes = plt.subplots(figsize=(6.4, 2.6))
    lags = np.unique(np.geomspace(1, gaps.max(), 60).astype(int))
    axes.plot(lags, [100 * np.mean(gaps > k) for k in lags], color=LIGHT["input"])
    for k in marks:
        share = 100 * np.mean(gaps > k)
        axes.plot(k, share, "o", color=LIGHT["input"])
        label(axes, f"{k} characters", (k, share), "input", offset=(7, 8))
    axes.set(xscale="log", xlabel="characters", ylabel="still open, %", ylim=(0, None))
    return axes


def weights_at_odds(steps: np.ndarray, x: np.ndarray, kept: Mapping[str, np.ndarray], store: int) -> Axes:
    """Draw an input of which one value is to be kept, and what units without gates make of it.

    x (T,); kept: the state (T,) of each unit by its name; store: the step whose value is to be kept.
    """
    _, axes = plt.subplots(figsize=(6.4, 2.8))
    axes.vlines(steps, 0, x, color=LIGHT["input"], linewidth=1.5)
    axes.plot(store, x[store], "D", color=LIGHT["input"], markersize=6)
    axes.axhline(x[store], color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    ends = apart([states[-1] for states in kept.values()], 0.3)
    for (name, states), end, colour in zip(kept.items(), ends, ("hidden", "cell"), strict=False):
        axes.plot(steps, states, color=LIGHT[colour])
        label(axes, name, (steps[-1], end), colour, offset=(8, 0))
    label(axes, "keep this", (store, x[store]), "input", offset=(8, 8))
    axes.axhline(0, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.set(xlabel="step", ylabel="input, state", xlim=(-0.5, 1.3 * steps[-1]))
    return axes


def stream(parts: Sequence[Mapping[str, Any]], kinds: Mapping[str, str]) -> np.ndarray:
    """Draw largest cell and share of right repeats by tenths of a stream, every network thin and their median thick.

    parts: the results of the experiment `continual`; kinds: the colour of each kind by its name.
    """
    _, axes = plt.subplots(1, 2, figsize=(6.4, 3.0))
    tenths = np.arange(1, 11) * 10
    for place, (key, what) in enumerate({"cell": "largest |c|", "repeat": "right repeats"}.items()):
        for kind, colour in kinds.items():
            runs = np.array([run[kind][key] for run in parts])
            axes[place].plot(tenths, runs.T, color=LIGHT[colour], linewidth=0.6, alpha=0.35)
            middle = np.median(runs, axis=0)
            axes[place].plot(tenths, middle, color=LIGHT[colour], linewidth=2.2)
            if key == "cell":
                label(axes[place], kind, (55, middle[5]), colour, offset=(0, 11), ha="center")
        axes[place].set(xlabel="read, % of the stream", ylabel=what)
    axes[0].set_yscale("log")
    axes[0].set_ylim(4, 6000)
    axes[1].set_ylim(-0.03, 1.06)
    return axes


def fading(lags: Sequence[int], lines: Mapping[str, Sequence[float]], colours: Mapping[str, str], ylim) -> Axes:
    """Draw what is left of a derivative against the steps back, both axes logarithmic.

    A line that leaves the picture is named at its last point inside: to the right of it, or below for a plain network.
    """
    _, axes = plt.subplots(figsize=(6.4, 3.0))
    for name, values in lines.items():
        axes.plot(lags, values, color=LIGHT[colours[name]], marker="o", markersize=3)
        last = int(np.flatnonzero(np.asarray(values) >= ylim[0])[-1])
        plain = colours[name] == "hidden"
        place = {"offset": (-8, -3), "ha": "right"} if plain else {"offset": (7, 4)}
        label(axes, name, (lags[last], values[last]), colours[name], **place)
    axes.axhline(1, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.set(xscale="log", yscale="log", ylim=ylim, xlabel="steps back k", ylabel="left", xlim=(lags[0], 6 * lags[-1]))
    return axes


def carousel(summary: Mapping[str, Any], lags: Sequence[int]) -> np.ndarray:
    """Draw path and whole derivative over the lags, for the cell of 1997 and for one with a forget gate.

    summary: that of the experiment `carousel`. Bands reach from the least network to the most.
    """
    _, axes = plt.subplots(1, 2, figsize=(6.4, 3.0), sharey=True)
    for place, (kind, title) in enumerate({"1997": "1997", "bias_3": "forget bias 3"}.items()):
        for way, colour, name in (("whole", "gradient", "in all"), ("path", "cell", "along the path")):
            rows = [summary[kind][way][f"k{k}"] for k in lags]
            middle, low, high = (np.array([row[key] for row in rows]) for key in ("median", "min", "max"))
            axes[place].fill_between(lags, low, high, color=LIGHT[colour], alpha=0.15, linewidth=0)
            axes[place].plot(lags, middle, color=LIGHT[colour], marker="o", markersize=3)
            if way == "path":
                label(axes[place], name, (lags[0], middle[0]), colour, offset=(3, -12))
            else:
                label(axes[place], name, (lags[3], middle[3]), colour, offset=(0, 13), ha="center")
        axes[place].set(xscale="log", yscale="log", xlabel="steps back k", title=title, ylim=(1e-4, 1e4))
    axes[0].set_ylabel("d c by an earlier c")
    return axes


def traces(trace: Mapping[str, Any], cues: Sequence[str] = ("nothing", "store", "ask")) -> np.ndarray:
    """Draw the gates, the cell state and the output of one unit over a stream, with its cues above."""
    _, axes = plt.subplots(4, 1, figsize=(6.4, 4.4), sharex=True, height_ratios=(1, 1, 1, 1.5))
    steps = np.arange(len(trace["cue"]))
    for place, (gate, name) in enumerate(GATES.items()):
        axes[place].bar(steps, trace[gate], color=LIGHT["gate"], width=0.8)
        axes[place].set(ylim=(0, 1.05), yticks=[0, 1], ylabel=name.replace(" ", "\n"))
    axes[3].plot(steps, trace["c"], color=LIGHT["cell"])
    axes[3].plot(steps, trace["h"], color=LIGHT["hidden"])
    ends = apart([trace["c"][-1], trace["h"][-1]], 0.45)
    for name, end, colour in zip("ch", ends, ("cell", "hidden"), strict=True):
        label(axes[3], name, (steps[-1], end), colour)
    axes[3].axhline(0, color=LIGHT["line"], linewidth=1, zorder=0)
    axes[3].set(xlabel="step", ylabel="state")
    for t, cue in enumerate(trace["cue"]):
        if cues[cue] != "nothing":
            kind = {"store": "input", "ask": "output"}[cues[cue]]
            symbol = "ABCD"[trace["symbol"][t]] if kind == "input" else "?"
            label(axes[0], symbol, (t, 1.1), kind, offset=(0, 6), ha="center", annotation_clip=False)
    return axes


def faults(summary: Mapping[str, Any]) -> np.ndarray:
    """Draw four faults with no gate held and with each gate held at its mean; whiskers are 95 % intervals."""
    _, axes = plt.subplots(1, 4, figsize=(6.4, 2.7), sharey=True)
    names = {
        "stored": "not to be\nstored",
        "persists": "to be\ndropped",
        "shown": "speaks\nunasked",
        "mute": "is silent\nwhen asked",
    }
    ways = {"free": "–", "i_mean": "i", "f_mean": "f", "o_mean": "o"}
    own = {"stored": "i_mean", "persists": "f_mean", "shown": "o_mean", "mute": "o_mean"}
    for panel, (fault, title) in zip(axes, names.items(), strict=True):
        for place, way in enumerate(ways):
            found = summary[way][fault]
            colour = LIGHT["gate"] if own[fault] == way else LIGHT["muted"]
            panel.bar(place, 100 * found["mean"], color=colour, width=0.7)
            panel.plot([place, place], [100 * found["low"], 100 * found["high"]], color=LIGHT["ink"], linewidth=1.2)
        panel.set_title(title, fontsize=9.5)
        panel.set_xticks(range(len(ways)), ways.values())
        panel.set_xlabel("gate held")
    axes[0].set_ylabel("%")
    return axes


# ---- the still picture of the interactive cell -----------------------------------------------------------------------

WIDTH, HEIGHT, LEFT = 640, 384, 26
ROWS = {"g": 34, "i": 80, "f": 104, "o": 128, "c": 196, "h": 272, "left": 338}


def still(found: Mapping[str, np.ndarray]) -> str:
    """Return the still picture of the cell: g, i, f, o, c, h and what is left of a change of c at the end, all (T,)."""
    T = len(found["c"])
    pitch = (WIDTH - LEFT - 4) / T
    column = LEFT + (np.arange(T) + 0.5) * pitch
    shapes = []
    for name, colour in {"g": "input", "i": "gate", "f": "gate", "o": "gate", "c": "cell", "h": "hidden"}.items():
        shapes.append(text(2, ROWS[name], name, colour, "start"))
    shapes.append(text(2, ROWS["left"] - 12, "dc", "gradient", "start"))
    for t, at in enumerate(column):
        shapes.append(_bar(at - 0.3 * pitch, ROWS["g"], 0.6 * pitch, 24 * found["g"][t], "input"))
        for gate in ("i", "f", "o"):
            shapes.append(_bar(at - 0.42 * pitch, ROWS[gate] + 9, 0.84 * pitch, 18 * found[gate][t], "gate"))
        shapes.append(_bar(at - 0.3 * pitch, ROWS["left"], 0.6 * pitch, 24 * found["left"][t], "gradient"))
        if t % 4 == 0 or t == T - 1:
            shapes.append(text(at, 362, str(t), "muted"))
    for name, colour, tall in (("c", "cell", 40), ("h", "hidden", 28)):
        y = ROWS[name] - tall * found[name] / max(1.0, np.abs(found[name]).max())
        shapes.append(curve(column, y, colour))
    t = int(np.argmax(np.abs(found["h"])))
    told = f"c at the end {number(found['c'][-1])}, h at step {t} {number(found['h'][t])}"
    shapes.append(text(LEFT, HEIGHT - 6, told, "ink", "start"))
    return document(WIDTH, HEIGHT, "One LSTM cell over sixteen steps", told, shapes)


def _bar(x: float, y: float, width: float, high: float, colour: str) -> str:
    top, tall = min(y, y - high), max(abs(high), 0.5)
    return f'<rect x="{x:.1f}" y="{top:.1f}" width="{width:.1f}" height="{tall:.1f}" fill="var(--u-{colour})"/>'
