"""The pictures of the chapter on backpropagation through time: axes that were drawn in, and SVG text."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label
from companion.figures.vector import arrow, document, number, text


def missed(years: np.ndarray, x: np.ndarray, h: np.ndarray, target: float) -> Axes:
    """Draw what a neuron read, its states, and how far its last one is from what came a year later."""
    _, axes = plt.subplots(figsize=(6.4, 2.8))
    axes.vlines(years, 0, x, color=LIGHT["input"], linewidth=2)
    axes.plot(years, x, ".", color=LIGHT["input"])
    axes.plot(years, h, color=LIGHT["hidden"], marker="o", markersize=4)
    last = years[-1]
    axes.plot([last + 1, last + 1], [h[-1], target], color=LIGHT["gradient"], linewidth=2)
    axes.plot(last + 1, target, "D", color=LIGHT["output"], markersize=5)
    axes.plot([last, last + 1], [h[-1], h[-1]], color=LIGHT["hidden"], linewidth=1, linestyle=(0, (2, 2)))
    label(axes, "what came", (last + 1, target), "output", offset=(8, 0))
    label(axes, "the miss", (last + 1, (target + h[-1]) / 2), "gradient", offset=(8, 0))
    label(axes, "state h", (years[2], h[2]), "hidden", offset=(0, 12), ha="center")
    label(axes, "input x", (years[np.argmax(x)], x.max()), "input", offset=(0, 9), ha="center")
    axes.axhline(0, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.set(xlabel="year", ylabel="sunspots / 200", xlim=(years[0] - 0.6, last + 3.4), ylim=(0, 1.12))
    return axes


def shares(years: np.ndarray, parts: np.ndarray, whole: float, weight: str = "u") -> Axes:
    """Draw each step's share of one weight's gradient, and their sum as it grows on the way back."""
    _, axes = plt.subplots(figsize=(6.4, 2.8))
    axes.bar(years, parts, color=LIGHT["gradient"], alpha=0.45, width=0.7)
    total = np.cumsum(parts[::-1])[::-1]
    axes.plot(years, total, color=LIGHT["gradient"], marker="o", markersize=3.5)
    axes.axhline(0, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.axhline(whole, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    down = np.sign(whole) or 1
    label(axes, "the gradient", (years[len(years) // 2], whole), "muted", offset=(0, 9 * down), ha="center")
    label(axes, "sum so far,\nfrom the right", (years[-1], total[-1]), "gradient", offset=(16, 0))
    axes.set(
        xlabel="year in which the weight acted", ylabel=f"share of dL/d{weight}", xlim=(years[0] - 0.8, years[-1] + 3.4)
    )
    low, high = sorted((0.0, 1.22 * whole))
    axes.set_ylim(min(low, 1.2 * parts.min()), max(high, 1.2 * parts.max()))
    return axes


def kept(T: Sequence[int], held: Mapping[str, Sequence[float]]) -> Axes:
    """Draw the kilobytes that each way to the gradient keeps against the number of steps, each named at its end."""
    _, axes = plt.subplots(figsize=(6.4, 2.7))
    ends = apart([values[-1] for values in held.values()], 0.05 * max(max(values) for values in held.values()))
    for (name, values), end, colour in zip(held.items(), ends, ("gradient", "hidden", "muted"), strict=False):
        axes.plot(T, values, color=LIGHT[colour], marker="o", markersize=3.5)
        label(axes, name, (T[-1], end), colour, offset=(8, 0))
    axes.set(xlabel="time steps T", ylabel="kept, kilobytes", xlim=(0, 1.42 * T[-1]), ylim=(0, None))
    axes.set_xticks([0, *T])
    return axes


# ---- the still picture of the player ---------------------------------------------------------------------------------

WIDTH, HEIGHT, PITCH = 640, 236, 116


def way_back(x: np.ndarray, h: np.ndarray, dh: np.ndarray, da: np.ndarray, parts: np.ndarray) -> str:
    """Return the still picture of the player, gone back to the first step.

    x, h, dh and da (T,): input, states, and the gradients of states and of pre-activations; parts (T,): each step's
    share of the gradient of the recurrent weight.
    """
    shapes = [text(8, 74, "0", "hidden", "start")]
    for t, values in enumerate(zip(x, h, dh, da, parts, strict=True)):
        x_t, h_t, dh_t, da_t, part = (number(value) for value in values)
        at, before = 78 + PITCH * t, 78 + PITCH * (t - 1) + 24 if t else 18
        shapes += [
            arrow(before, 62, at - 24, 62, "hidden"),
            arrow(at - 24, 74, before, 74, "gradient"),
            f'<rect x="{at - 24}" y="52" width="48" height="32" rx="6" fill="none" stroke="var(--u-muted)"/>',
            text(at, 68, "tanh"),
            text(at, 16, f"h {h_t}", "hidden"),
            text(at, 34, f"dh {dh_t}", "gradient"),
            text(at, 102, f"da {da_t}", "gradient"),
            text(at, 122, f"x {x_t}", "input"),
            arrow(at, 136, at, 160, "gradient"),
            text(at, 172, part, "gradient"),
            text(at, 226, f"t = {t}", "muted"),
        ]
        if t:
            shapes.append(text(at - PITCH / 2, 172, "+", "gradient"))
    total = number(float(np.sum(parts)))
    shapes.append(text(78, 200, f"added up: dL/du = {total}", "gradient", "start"))
    told = "; ".join(f"step {t} adds {number(part)}" for t, part in reversed(list(enumerate(parts))))
    return document(WIDTH, HEIGHT, "The way back through a neuron's steps", f"{told}; together {total}", shapes)
