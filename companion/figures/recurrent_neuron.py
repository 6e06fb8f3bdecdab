"""The pictures of the chapter on the recurrent neuron. Each takes arrays and returns the axes it drew in, or SVG."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label
from companion.figures.vector import curve, document, text


def series(years: np.ndarray, values: np.ndarray, periods: Mapping[str, tuple[int, int]]) -> Axes:
    """Draw the yearly sunspot numbers, and a named band over each period (first and last year)."""
    _, axes = plt.subplots(figsize=(6.4, 2.6))
    axes.plot(years, values, color=LIGHT["input"], linewidth=1.2)
    top = 1.14 * values.max()
    for number, (name, (first, last)) in enumerate(periods.items()):
        if number:
            axes.axvspan(first - 0.5, last + 0.5, color=LIGHT["line"], alpha=0.25 + 0.3 * (number % 2), linewidth=0)
        label(axes, name, ((first + last) / 2, 0.97 * top), offset=(0, 0), ha="center", va="top", fontsize=8.5)
    axes.set(xlabel="year", ylabel="sunspot number", ylim=(0, top))
    return axes


def two_futures(now: np.ndarray, change: np.ndarray, following: np.ndarray) -> Axes:
    """Draw next year's value against this year's, the years after a rise apart from those after a fall."""
    _, axes = plt.subplots(figsize=(6.4, 3.2))
    limit = 1.05 * max(now.max(), following.max())
    axes.plot([0, limit], [0, limit], color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    up = change > 0
    axes.scatter(now[up], following[up], s=16, color=LIGHT["output"], marker="^")
    axes.scatter(now[~up], following[~up], s=16, color=LIGHT["input"], marker="v", facecolors="none")
    label(axes, "no change", (limit, limit), "muted", offset=(-2, -26), ha="right")
    label(axes, "▲ had risen", (0.03 * limit, 0.93 * limit), "output", offset=(0, 0))
    label(axes, "▽ had fallen", (0.03 * limit, 0.85 * limit), "input", offset=(0, 0))
    axes.set(xlabel="sunspot number this year", ylabel="sunspot number next year", xlim=(0, limit), ylim=(0, limit))
    return axes


def responses(h: Mapping[float, np.ndarray], half_lives: Mapping[float, float]) -> Axes:
    """Draw the response to one impulse for each recurrent weight, with its half-life where it has one."""
    _, axes = plt.subplots(figsize=(6.4, 2.9))
    last = len(next(iter(h.values()))) - 1
    ends = apart([trace[-1] for trace in h.values()], 0.09)
    for (u, trace), end in zip(h.items(), ends, strict=True):
        colour, shade = ("muted", 0.6) if u < 0 else ("hidden", 0.45 + 0.55 * min(u, 1))
        axes.plot(trace, color=LIGHT[colour], alpha=shade, marker=".", markersize=4)
        name = f"u = {u:g}".replace("-", "−")
        label(axes, name, (1, trace[1]) if u < 0 else (last, end), colour)
        if u in half_lives:
            axes.plot(
                half_lives[u], 0.5, marker="o", markerfacecolor="white", color=LIGHT["gradient"], linestyle="none"
            )
            label(axes, f"{half_lives[u]:.1f} steps", (half_lives[u], 0.5), "gradient", offset=(4, 9))
    axes.axhline(0.5, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.set(
        xlabel="steps after the impulse",
        ylabel="output h",
        xlim=(-0.3, last * 1.14),
        ylim=(min(map(np.min, h.values())) - 0.08, 1.08),
    )
    return axes


def resting_states(u: np.ndarray, states: Sequence[np.ndarray], slopes: Sequence[np.ndarray]) -> Axes:
    """Draw the fixed points for each recurrent weight: filled dots where they hold, open ones where they do not."""
    _, axes = plt.subplots(figsize=(6.4, 2.9))
    where = np.concatenate([np.full(len(h), weight) for weight, h in zip(u, states, strict=True)])
    h, slope = np.concatenate(states), np.concatenate(slopes)
    holds = np.abs(slope) < 1
    axes.plot(where[holds], h[holds], ".", color=LIGHT["hidden"], markersize=5)
    axes.plot(
        where[~holds], h[~holds], "o", color=LIGHT["muted"], markersize=3, markerfacecolor="none", markeredgewidth=0.8
    )
    axes.axvline(1, color=LIGHT["line"], linewidth=1, zorder=0)
    label(axes, "one resting state: forgets", (0.03, 0.12), "hidden", offset=(0, 6))
    label(axes, "two resting states: one bit", (u[-1], 0.98), "hidden", offset=(0, -26), ha="right")
    label(axes, "does not hold", (u[-1], 0), "muted", offset=(0, 10), ha="right")
    axes.set(xlabel="recurrent weight u", ylabel="resting state h*", ylim=(-1.08, 1.08))
    return axes


def trace(x: np.ndarray, h: Mapping[str, np.ndarray], ylabel: str = "output h") -> tuple[Axes, Axes]:
    """Draw an input above and the outputs it causes below, over one time axis, each named at its end."""
    _, (above, below) = plt.subplots(2, 1, figsize=(6.4, 3.2), sharex=True, height_ratios=[1, 2])
    steps = np.arange(len(x))
    above.vlines(steps, 0, x, color=LIGHT["input"], linewidth=2)
    above.plot(steps, x, ".", color=LIGHT["input"])
    above.axhline(0, color=LIGHT["line"], linewidth=1, zorder=0)
    above.set(ylabel="input x")
    colours = ["hidden", "muted", "output"]
    for colour, (name, values) in zip(colours, h.items(), strict=False):
        below.plot(steps, values, color=LIGHT[colour], marker=".", markersize=4)
        label(below, name, (steps[-1], values[-1]), colour)
    below.axhline(0, color=LIGHT["line"], linewidth=1, zorder=0)
    below.set(xlabel="step t", ylabel=ylabel, xlim=(-0.5, 1.16 * len(x)))
    return above, below


def errors(rows: Mapping[str, Mapping[str, float | Mapping[str, float]]], ours: str) -> list[Axes]:
    """Draw each method's error in one panel a period, from the worst name at the top as the rows are given.

    `rows[method][period]` is a number, or, where there is chance, a mapping with "mean", "low" and "high", drawn as a
    band, and "min" and "max", drawn as a thin line. The row called `ours` has the colour of the hidden state.
    """
    names, periods = list(rows), list(next(iter(rows.values())))
    _, panels = plt.subplots(1, len(periods), figsize=(6.4, 0.9 + 0.36 * len(rows)), sharey=True)
    for axes, period in zip(np.atleast_1d(panels), periods, strict=True):
        for place, name in enumerate(names):
            mean, low, high, least, most = _spread(rows[name][period])
            colour = "hidden" if name == ours else "muted"
            axes.plot([least, most], [place, place], color=LIGHT[colour], linewidth=1)
            axes.plot([low, high], [place, place], color=LIGHT[colour], linewidth=7, alpha=0.4, solid_capstyle="butt")
            axes.plot(mean, place, "o", color=LIGHT[colour], markersize=3.5)
            label(axes, f"{mean:.3f}", (most, place), colour, offset=(6, 0), fontsize=9)
        longest = max(_spread(rows[name][period])[-1] for name in names)
        axes.set(title=period, xlim=(0, 1.25 * longest), ylim=(len(names) - 0.5, -0.5), xlabel="error / variance")
        axes.set_yticks(range(len(names)), names)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", linewidth=0.6)
        axes.set_axisbelow(True)
    return list(np.atleast_1d(panels))


def _spread(value: float | Mapping[str, float]) -> list[float]:
    """Return mean, interval, least and most; a number without chance is all five."""
    keys = ("mean", "low", "high", "min", "max")
    return [value[key] if isinstance(value, Mapping) else value for key in keys]


# ---- the still picture of the interactive neuron ---------------------------------------------------------------------

WIDTH, HEIGHT = 640, 262


def still(x: np.ndarray, h: Mapping[float, np.ndarray]) -> str:
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
        parts.append(curve(column, _height(states), colour, opacity=0.4 + 0.6 * place / max(len(h) - 1, 1)))
        parts.append(text(column[-1] + 8, _height(end), f"u = {u:g}, h = {states[-1]:.3f}", colour, "start"))
    parts.append(text(column[-1] + 8, row[-1], "input x", "input", "start"))
    parts += [text(column[t], HEIGHT - 8, str(t), anchor="middle") for t in range(0, T - 2, 5)]
    parts.append(text(column[-1], HEIGHT - 8, "step t", anchor="middle"))
    parts += [text(24, _height(value), str(value), anchor="end") for value in (0, 1)]
    told = (f"with recurrent weight {u:g} the output ends at {states[-1]:.3f}" for u, states in h.items())
    return document(WIDTH, HEIGHT, "A neuron's answer to one impulse", "; ".join(told), parts)


def _height(value):
    """Place values from 0 to 1 on the page, upwards."""
    return np.interp(value, [0, 1], [236, 108])


def _rule(y: float) -> str:
    return f'<path d="M30 {y:.1f}H{WIDTH - 122}" stroke="var(--u-line)"/>'
