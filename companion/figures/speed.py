"""The pictures of the chapter "Speed". Each takes numbers and returns the Matplotlib axes it drew in."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import label

Spread = Mapping[str, float]


def ladder(times: Mapping[str, float], floor: str, unit: str) -> Axes:
    """Draw a dot for each program, on a logarithmic axis, with its time beside it; `floor` names the one below all."""
    _, axes = plt.subplots(figsize=(6.4, 0.9 + 0.3 * len(times)))
    for place, (name, value) in enumerate(times.items()):
        colour = "muted" if name == floor else "hidden"
        axes.plot(value, place, "o", color=LIGHT[colour], markersize=7)
        label(axes, f"{value:.3g}", (value, place), colour, offset=(8, 0))
    axes.set(xscale="log", xlabel=unit, ylim=(len(times) - 0.5, -0.5))
    axes.set_xlim(min(times.values()) / 2, 3 * max(times.values()))
    axes.set_yticks(range(len(times)), times)
    axes.tick_params(axis="y", length=0)
    axes.grid(linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def growth(units: Sequence[int], panels: Mapping[str, Sequence[Mapping[str, Spread]]]) -> np.ndarray:
    """Draw time per step against units: the layer, the same arithmetic without its chain, and the slope of the work.

    `panels[title]` has one mapping for each number of units, with "chain" and "free".
    """
    _, row = plt.subplots(1, len(panels), figsize=(6.6, 3.1), sharey=True, squeeze=False)
    for axes, (title, sizes) in zip(row[0], panels.items(), strict=True):
        for name, colour in (("chain", "hidden"), ("free", "muted")):
            median, low, high = ([size[name][key] for size in sizes] for key in ("median", "low", "high"))
            axes.fill_between(units, low, high, color=LIGHT[colour], alpha=0.3, linewidth=0)
            axes.plot(units, median, color=LIGHT[colour], marker="o", markersize=3.5)
        top = sizes[-1]["chain"]["median"]
        ends = np.array(units[-2:], dtype=float)
        axes.plot(ends, 2.2 * top * (ends / ends[-1]) ** 2, color=LIGHT["ink"], linewidth=1)
        label(axes, "as the\nwork", (ends[0], 0.55 * top), offset=(-4, 8), ha="right", va="bottom", fontsize=8.5)
        axes.set(xscale="log", yscale="log", xlabel="units H")
        axes.set_title(title, loc="left")
        axes.set_xticks(units, [str(H) for H in units], fontsize=8)
        axes.minorticks_off()
        axes.set_xlim(units[0] / 1.4, units[-1] * 1.5)
        axes.grid(linewidth=0.6)
    first = next(iter(panels.values()))
    middle = len(units) // 2
    label(row[0][0], "step after step", (units[0], first[0]["chain"]["median"]), "hidden", offset=(-2, 20))
    label(row[0][0], "all at once", (units[middle], first[middle]["free"]["median"]), "muted", offset=(8, -8))
    row[0][0].set(ylabel="µs per step")
    return row[0]


def batch_and_length(
    batches: Sequence[int], per_step: Sequence[Spread], lengths: Sequence[int], whole: Sequence[Spread]
) -> np.ndarray:
    """Draw the time of a step against the batch, with the time of each sequence in it, and of a pass against length."""
    _, (left, right) = plt.subplots(1, 2, figsize=(6.6, 3.0))
    step = np.array([entry["median"] for entry in per_step])
    left.plot(batches, step, color=LIGHT["hidden"], marker="o", markersize=3.5)
    left.plot(batches, step / batches, color=LIGHT["output"], marker="o", markersize=3.5)
    label(left, "a step", (batches[2], step[2]), "hidden", offset=(-4, 14), ha="right")
    label(left, "per sequence", (batches[2], step[2] / batches[2]), "output", offset=(2, 12))
    left.set(xscale="log", yscale="log", xlabel="sequences B", ylabel="µs")
    left.set_xticks(batches[::2], [str(B) for B in batches[::2]])
    times = np.array([entry["median"] for entry in whole]) / 1000
    right.plot(lengths, times, color=LIGHT["hidden"], marker="o", markersize=3.5)
    right.plot([0, lengths[-1]], [0, times[-1]], color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)), zorder=0)
    right.set(xlabel="time steps T", ylabel="ms", xlim=(0, 1.05 * lengths[-1]), ylim=(0, None))
    for axes in (left, right):
        axes.minorticks_off()
        axes.grid(linewidth=0.6)
    return np.array([left, right])
