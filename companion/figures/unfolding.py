"""The pictures of the chapter on unfolding. Each takes arrays and returns the Matplotlib axes it drew in, or SVG."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import label
from companion.figures.vector import arrow, document, number, text


def cycles(first_years: Sequence[int], pieces: Sequence[np.ndarray]) -> Axes:
    """Draw each piece of a series as a row of dots from its own first year on, the larger the higher the value."""
    _, axes = plt.subplots(figsize=(6.4, 0.8 + 0.17 * len(pieces)))
    top = max(map(np.max, pieces))
    for place, piece in enumerate(pieces):
        years = np.arange(len(piece))
        axes.scatter(years, np.full(len(piece), place), s=3 + 75 * piece / top, color=LIGHT["input"], linewidths=0)
        label(axes, f"{len(piece)}", (len(piece) - 1, place), "muted", offset=(9, 0), fontsize=8.5)
    rows = range(0, len(pieces), 2)
    axes.set_yticks(rows, [str(first_years[row]) for row in rows])
    axes.set(xlabel="years since the cycle began", ylabel="first year of the cycle", ylim=(len(pieces) - 0.3, -0.9))
    axes.set_xlim(-0.6, max(map(len, pieces)) + 0.6)
    axes.tick_params(axis="y", length=0)
    return axes


def shares(parts: np.ndarray, whole: float, weight: str) -> Axes:
    """Draw the share of each copy in the gradient of one weight, and their running sum, which ends at the whole."""
    _, axes = plt.subplots(figsize=(6.4, 2.7))
    steps = np.arange(len(parts))
    axes.bar(steps, parts, color=LIGHT["gradient"], alpha=0.45, width=0.7)
    total = np.cumsum(parts)
    axes.plot(steps, total, color=LIGHT["gradient"], marker="o", markersize=3.5)
    axes.axhline(0, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.axhline(whole, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    label(axes, "shared gradient", (0, whole), "muted", offset=(-8, 8 if whole > 0 else -8), fontsize=9)
    label(axes, "running sum", (steps[-1], total[-1]), "gradient", offset=(8, 9 if whole < 0 else -9), fontsize=9)
    axes.set(xlabel="copy, that is step t", ylabel=f"gradient of {weight}", xlim=(-0.6, 1.16 * len(parts)))
    axes.set_xticks(steps)
    return axes


def memory(T: np.ndarray, measured: Mapping[str, np.ndarray], predicted: Mapping[str, np.ndarray]) -> Axes:
    """Draw the bytes that each kind of tape holds against the length: dots measured, lines by the formula."""
    _, axes = plt.subplots(figsize=(6.4, 2.7))
    for (name, held), shade in zip(measured.items(), np.linspace(1, 0.55, len(measured)), strict=True):
        axes.plot(T, predicted[name] / 1e6, color=LIGHT["hidden"], alpha=shade, linewidth=1.3)
        axes.plot(T, held / 1e6, "o", color=LIGHT["hidden"], alpha=shade, markersize=4)
        label(axes, name, (T[-1], held[-1] / 1e6), "hidden", offset=(8, 0))
    axes.set(xlabel="time steps T", ylabel="tape, megabytes", xlim=(0, 1.12 * T[-1]), ylim=(0, None))
    return axes


def learning(examples: Sequence[int], rows: Mapping[str, Sequence[Mapping[str, float]]], ours: str) -> Axes:
    """Draw the accuracy of each kind of network against the number of examples, with intervals as bands.

    `rows[name]` has one mapping for each number of examples: "mean", "low", "high", "min" and "max".
    """
    _, axes = plt.subplots(figsize=(6.4, 2.9))
    for name, values in rows.items():
        colour = "hidden" if name == ours else "muted"
        keys = ("mean", "low", "high", "min", "max")
        mean, low, high, least, most = ([value[key] for value in values] for key in keys)
        axes.vlines(examples, least, most, color=LIGHT[colour], linewidth=0.9)
        axes.fill_between(examples, low, high, color=LIGHT[colour], alpha=0.3, linewidth=0)
        axes.plot(examples, mean, color=LIGHT[colour], marker="o", markersize=3.5)
        label(axes, name, (examples[0], mean[0]), colour, offset=(-8, 0), ha="right")
    axes.set_xscale("log", base=2)
    axes.set_xticks(examples, [str(n) for n in examples])
    axes.set(xlabel="sequences to learn from", ylabel="right on new sequences", ylim=(0.45, 1.02))
    axes.set_xlim(examples[0] / 3.4, examples[-1] * 1.2)
    return axes


# ---- the still picture of the unroll player ---------------------------------------------------------------------

WIDTH, HEIGHT, PITCH = 640, 208, 116


def chain(x: np.ndarray, w: float, u: float, h: np.ndarray) -> str:
    """Return the still picture of the unroll player: every step done, with the number that runs along each edge."""
    parts = [text(8, 106, "0", "hidden", "start")]
    for t, (x_t, h_t) in enumerate(zip(x, h, strict=True)):
        at, before = 70 + PITCH * t, 70 + PITCH * (t - 1) + 24 if t else 8
        carried = u * h[t - 1] if t else 0.0
        parts += [
            arrow(at, 162, at, 108, "input"),
            arrow(before, 92, at - 24, 92, "hidden"),
            arrow(at, 76, at, 28, "hidden"),
            f'<rect x="{at - 24}" y="76" width="48" height="32" rx="6" fill="none" stroke="var(--u-muted)"/>',
            text(at, 92, "tanh"),
            text(at, 172, number(x_t, 2), "input"),
            text(at + 5, 136, number(w * x_t, 3), "input", "start"),
            text((before + at - 24) / 2, 78, number(carried, 3), "hidden"),
            text(at, 16, number(h_t, 3), "hidden"),
            text(at, 196, f"t = {t}", "muted"),
        ]
    told = ", ".join(number(h_t, 3) for h_t in h)
    desc = f"With w = {w:g} and u = {u:g} the states of the {len(h)} steps are {told}"
    return document(WIDTH, HEIGHT, "A neuron's loop, unrolled", desc, parts)
