"""The pictures of the chapter on vanishing and exploding gradients: axes that were drawn in, and SVG text."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label
from companion.figures.vector import curve, document, text

FADE = LinearSegmentedColormap.from_list("gradient", ["#ffffff", LIGHT["gradient"], LIGHT["ink"]])
COLOURS = ("gradient", "hidden", "gate", "cell", "output", "input")


def heat(symbols: Sequence[str], rows: Mapping[str, np.ndarray], floor: float = -8.0) -> Axes:
    """Draw what reaches each step of a text, one row for each state of the network; values are log10 of norms."""
    figure, axes = plt.subplots(figsize=(6.4, 0.9 + 0.42 * len(rows)))
    values = np.clip(np.array(list(rows.values())), floor, 0)
    image = axes.imshow(values, cmap=FADE, vmin=floor, vmax=0, aspect="auto", interpolation="nearest")
    axes.set_yticks(range(len(rows)), rows)
    shown = [" " if symbol.isspace() else symbol.replace("$", r"\$") for symbol in symbols]
    axes.set_xticks(range(len(shown)), shown, family="DejaVu Sans Mono", fontsize=7)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("the text that was read; the loss is that of the character after it")
    bar = figure.colorbar(image, ax=axes, ticks=[floor, floor / 2, 0], pad=0.02, aspect=8)
    bar.ax.set_yticklabels([f"$10^{{{tick:.0f}}}$" for tick in (floor, floor / 2, 0)])
    bar.outline.set_visible(False)
    return axes


def norms(
    lags: Sequence[int],
    lines: Mapping[str, np.ndarray],
    dashed: Mapping[str, np.ndarray] | None = None,
    ylabel: str = "norm of the Jacobian",
    ylim: tuple[float, float] | None = None,
    distance: float = 0.085,
) -> Axes:
    """Draw norms over steps back on a logarithmic axis, each named at its end; a dashed line has its name's colour."""
    _, axes = plt.subplots(figsize=(6.4, 3.0))
    for (name, values), colour in zip(lines.items(), COLOURS, strict=False):
        axes.semilogy(lags, values, color=LIGHT[colour])
        for other, bound in (dashed or {}).items():
            if other == name:
                axes.semilogy(lags, bound, color=LIGHT[colour], linewidth=1.1, linestyle=(0, (4, 3)))
    axes.set_ylim(*(ylim or axes.get_ylim()))
    low, high = np.log10(axes.get_ylim())
    stays = {name: np.log10(values[-1]) for name, values in lines.items() if np.log10(values[-1]) > low}
    ends = dict(zip(stays, apart(list(stays.values()), distance * (high - low)), strict=True))
    for (name, values), colour in zip(lines.items(), COLOURS, strict=False):
        if name in ends:
            label(axes, name, (lags[-1], 10 ** ends[name]), colour, offset=(7, 0), annotation_clip=False)
        else:
            out = np.interp(-low, -np.log10(values), lags)
            label(axes, name, (out, 10 ** (low + 0.1 * (high - low))), colour, offset=(6, 0))
    axes.axhline(1, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.set(xlabel="steps back k", ylabel=ylabel, xlim=(lags[0], lags[-1] * 1.32))
    axes.set_xticks([tick for tick in axes.get_xticks() if lags[0] <= tick <= lags[-1]])
    return axes


def slopes(a: np.ndarray, curves: Mapping[str, np.ndarray], crossing: float) -> Axes:
    """Draw the slopes of activations, and mark where two of them cross."""
    _, axes = plt.subplots(figsize=(6.4, 2.6))
    for (name, values), colour, share in zip(curves.items(), ("gradient", "hidden"), (0.9, 0.3), strict=False):
        axes.plot(a, values, color=LIGHT[colour])
        at = np.interp(share * values.max(), values[a <= 0], a[a <= 0])
        label(
            axes, f"{name}: at most {values.max():.2f}", (at, share * values.max()), colour, offset=(-8, 6), ha="right"
        )
    at = np.interp(crossing, a, next(iter(curves.values())))
    for side in (-crossing, crossing):
        axes.plot(side, at, "o", color="white", markeredgecolor=LIGHT["ink"], markersize=5)
    label(axes, f"|a| = {crossing:.2f}", (crossing, at), "ink", offset=(8, 7))
    axes.set(xlabel="pre-activation a", ylabel="slope", ylim=(0, 1.17), xlim=(a[0], a[-1]))
    return axes


def composed(a: np.ndarray, curves: Mapping[int, np.ndarray], rest: float) -> Axes:
    """Draw a sigmoid applied n times for some n, each named at its end, and the value that is left."""
    _, axes = plt.subplots(figsize=(6.4, 2.8))
    axes.plot(a[[0, -1]], [rest, rest], color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    ends = apart([values[-1] - 0.06 for values in curves.values()], 0.075)
    for place, ((n, values), end) in enumerate(zip(curves.items(), ends, strict=True)):
        axes.plot(a, values, color=LIGHT["gradient"], alpha=1 - 0.6 * place / max(len(curves) - 1, 1))
        label(axes, f"n = {n}", (a[-1], end), "gradient", offset=(6, 0))
    label(axes, f"{rest:.4f}", (a[0], rest), "muted", offset=(4, 9))
    axes.set(xlabel="number put in", ylabel="after n sigmoids", ylim=(0, 1.05), xlim=(a[0], a[-1] * 1.18))
    axes.set_xticks(np.linspace(a[0], a[-1], 5))
    return axes


def cliff(u: np.ndarray, b: np.ndarray, loss: np.ndarray, paths: Mapping[str, np.ndarray]) -> Axes:
    """Draw a loss over two weights from above, and the ways of two descents (steps, 2) over it."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6))
    greys = LinearSegmentedColormap.from_list("loss", ["#ffffff", LIGHT["line"], LIGHT["muted"]])
    image = axes.pcolormesh(u, b, loss, cmap=greys, shading="auto", rasterized=True)
    bar = figure.colorbar(image, ax=axes, pad=0.02, aspect=22)
    bar.set_label("loss")
    bar.outline.set_visible(False)
    axes.set_autoscale_on(False)
    for (name, path), colour in zip(paths.items(), ("gradient", "hidden"), strict=False):
        axes.plot(*path.T, color=LIGHT[colour], marker="o", markersize=2.6, linewidth=1.2)
        outside = (path < [u[0], b[0]]).any(axis=1) | (path > [u[-1], b[-1]]).any(axis=1)
        if outside.any():
            last, after = path[np.argmax(outside) - 1], path[np.argmax(outside)]
            way = after - last
            edges = np.where(way > 0, [u[-1], b[-1]], [u[0], b[0]])
            label(axes, name, last + 0.6 * np.min((edges - last) / way) * way, colour, offset=(7, 0))
        else:
            label(axes, name, path[-1], colour, offset=(-8, 3), ha="right")
    start = next(iter(paths.values()))[0]
    axes.plot(*start, "D", color=LIGHT["ink"], markersize=5)
    label(axes, "start", start, "ink", offset=(8, 0))
    axes.set(xlabel="recurrent weight u", ylabel="bias b", xlim=(u[0], u[-1]), ylim=(b[0], b[-1]))
    return axes


def heights(x: np.ndarray, values: np.ndarray, sizes: np.ndarray) -> Sequence[Axes]:
    """Draw a loss along one weight, and the size of its gradient below on a logarithmic axis."""
    _, (above, below) = plt.subplots(2, 1, figsize=(6.4, 3.2), sharex=True)
    above.plot(x, values, color=LIGHT["output"])
    below.semilogy(x, sizes, color=LIGHT["gradient"])
    above.set(ylabel="loss", ylim=(0, None))
    below.set(ylabel="|gradient|", xlabel="recurrent weight u", xlim=(x[0], x[-1]))
    return above, below


# ---- the still picture of the explorer -------------------------------------------------------------------------------

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 44, 372, 14, 206


def still(walks: Mapping[float, np.ndarray], data: Mapping[str, Any], matrix: str = "Gaussian") -> str:
    """Return the still picture of the explorer: norms for some gains, and the eigenvalues at gain 1."""
    logs = {gain: np.log10(walk) for gain, walk in walks.items()}
    steps = len(next(iter(logs.values()))) - 1
    low = 4 * np.floor(min(values.min() for values in logs.values()) / 4)
    high = max(2.0, 2 * np.ceil(max(values.max() for values in logs.values()) / 2))
    across = np.interp(np.arange(steps + 1), [0, steps], [LEFT, RIGHT])

    def row(value):
        return np.interp(value, [low, high], [BOTTOM, TOP])

    parts = []
    for power in np.arange(low, high + 1, 4):
        parts.append(f'<path d="M{LEFT} {row(power):.1f}H{RIGHT}" stroke="var(--u-line)"/>')
        parts.append(text(LEFT - 6, row(power), f"10^{power:.0f}".replace("-", "\u2212"), anchor="end"))
    ends = apart([row(values[-1]) for values in logs.values()], 15)
    for (gain, values), end in zip(logs.items(), ends, strict=True):
        parts.append(curve(across, row(values), "gradient"))
        parts.append(text(RIGHT + 6, end, f"gain {gain:g}: {_short(walks[gain][-1])}", "gradient", "start"))
    parts += [text(across[k], BOTTOM + 16, str(k), anchor="middle") for k in (0, steps // 2, steps)]
    parts.append(text(RIGHT, BOTTOM + 30, "steps back k", "muted", "end"))
    cx, cy, unit = WIDTH - 74, 104, 56
    parts.append(f'<circle cx="{cx}" cy="{cy}" r="{unit}" fill="none" stroke="var(--u-muted)" stroke-dasharray="4 3"/>')
    for re, im in data["matrices"][matrix]["eigenvalues"]:
        parts.append(f'<circle cx="{cx + unit * re:.1f}" cy="{cy - unit * im:.1f}" r="4" fill="var(--u-hidden)"/>')
    parts.append(text(cx, cy + unit + 16, "eigenvalues at gain 1", "muted", "middle"))
    told = (
        f"with gain {gain:g} a gradient of 1 is {_short(walk[-1])} after {steps} steps" for gain, walk in walks.items()
    )
    return document(WIDTH, HEIGHT, "The norm of a gradient over the steps back", "; ".join(told), parts)


def _short(value: float) -> str:
    return f"{value:.3g}".replace("e-0", "e-").replace("-", "\u2212")
