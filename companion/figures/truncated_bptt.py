"""The pictures of the chapter on truncated backpropagation. They draw arrays and know no model."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label

Bands = Mapping[str, Mapping[str, float]]  # by the cut, as text


def shared(distance: Sequence[int], bits: Sequence[float], shuffled: Sequence[float]) -> Axes:
    """Draw how many bits a character shares with the one so far before it, in the text and in a shuffled one."""
    _, axes = plt.subplots(figsize=(6.4, 2.9))
    axes.loglog(distance, bits, color=LIGHT["input"], marker="o", markersize=3.5)
    axes.loglog(distance, shuffled, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    label(axes, "the text", (distance[-1], bits[-1]), "input", offset=(6, 0))
    label(axes, "shuffled", (distance[-1], shuffled[-1]), "muted", offset=(6, 0))
    axes.set(xlabel="characters apart", ylabel="bits shared", xlim=(0.9, 3.2 * distance[-1]))
    return axes


def weights(lags: np.ndarray, ways: Mapping[str, np.ndarray], k: int) -> Axes:
    """Draw the weight that each way of cutting gives to each lag, named beside its line; k is the length of the cut."""
    _, axes = plt.subplots(figsize=(6.4, 2.7))
    colours = ("hidden", "gradient", "muted", "ink")
    dashes = ("-", "-", (0, (4, 3)), (0, (1, 2)))
    for values, colour, dash in zip(ways.values(), colours, dashes, strict=False):
        steps = "steps-mid" if set(values) == {0.0, 1.0} else "default"
        axes.plot(lags, values, color=LIGHT[colour], linestyle=dash, marker="o", markersize=3.5, drawstyle=steps)
    ends = apart([float(values[-1]) for values in ways.values()], 0.11)
    for name, end, colour in zip(ways, ends, colours, strict=False):
        label(axes, name, (lags[-1], end), colour, offset=(8, 0))
    axes.axvline(k - 0.5, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.set(xlabel="lag j", ylabel="weight of the lag", xlim=(-0.3, 1.55 * lags[-1]), ylim=(-0.06, 1.22))
    axes.set_xticks(lags[::2])
    return axes


def costs(lengths: Sequence[int], per_step: Sequence[float], ratio: Bands) -> np.ndarray:
    """Draw a step's time in the full gradient by length, and that of chunks by their length, as a ratio."""
    _, axes = plt.subplots(1, 2, figsize=(6.4, 2.8))
    axes[0].semilogx(lengths, per_step, color=LIGHT["gradient"], marker="o", markersize=3.5)
    axes[0].set(xlabel="steps T, no cut", ylabel="time of a step, µs", ylim=(0, 1.25 * max(per_step)))
    axes[0].set_title("A step of the full gradient")
    cuts, middle, low, high = _band(ratio, "median")
    axes[1].semilogx(cuts, middle, color=LIGHT["hidden"], marker="o", markersize=3.5)
    axes[1].fill_between(cuts, low, high, color=LIGHT["hidden"], alpha=0.25, lw=0)
    axes[1].axhline(1, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    label(axes[1], "no cut", (cuts[0], 1), "muted", offset=(0, -9))
    axes[1].set(xlabel="steps k in a chunk", ylabel="time, no cut = 1", ylim=(0, 1.12 * max(middle)))
    axes[1].set_title("A step of a chunk")
    return axes


def _band(bands: Bands, middle: str = "mean") -> tuple[list[int], list[float], list[float], list[float]]:
    """Return the cuts, and the middle, the lower and the upper ends of their intervals."""
    return list(map(int, bands)), *([one[name] for one in bands.values()] for name in (middle, "low", "high"))


SHARE = LinearSegmentedColormap.from_list("share", ["#ffffff", LIGHT["hidden"]])


def frontier(
    lags: Sequence[int], cuts: Sequence[int], won: Mapping[str, np.ndarray], frozen: Sequence[int], count: int
) -> np.ndarray:
    """Draw how many of `count` runs succeed, by lag and cut, a panel for each way and a row for frozen networks.

    The stroke stands between the cuts that do not reach the symbol and those that do.
    """
    figure, axes = plt.subplots(1, len(won), figsize=(6.4, 4.6), sharey=True)
    for ax, (name, grid) in zip(np.atleast_1d(axes), won.items(), strict=True):
        rows = np.vstack([np.asarray(frozen)[None], np.asarray(grid).T])
        ax.imshow(rows / count, cmap=SHARE, vmin=0, vmax=1, origin="lower", aspect="auto")
        for (row, column), value in np.ndenumerate(rows):
            ink = "white" if value > 0.6 * count else LIGHT["ink"]
            ax.text(column, row, f"{int(value)}", ha="center", va="center", fontsize=7.5, color=ink)
        heights = [0.5 + sum(k <= lag for k in cuts) for lag in lags]
        edges = np.arange(len(lags) + 1) - 0.5
        ax.stairs(heights, edges, baseline=None, color=LIGHT["gradient"], linewidth=2)
        ax.axhline(0.5, color=LIGHT["ink"], linewidth=1)
        ax.set_xticks(range(len(lags)), list(map(str, lags)))
        ax.set(xlabel="lag", title=name)
        ax.tick_params(length=0)
    first = np.atleast_1d(axes)[0]
    first.set_yticks(range(len(cuts) + 1), ["frozen", *map(str, cuts)])
    first.set_ylabel("gradient cut after k steps")
    return axes


def off(found: Mapping[str, Mapping[str, Mapping[str, Bands]]]) -> np.ndarray:
    """Draw angle and length of the cut-off gradient against the exact one, by cut, for each net and way."""
    _, axes = plt.subplots(1, 2, figsize=(6.4, 3.0))
    looks = {("untrained", "windows"): ("muted", "-"), ("untrained", "chunks"): ("muted", (0, (3, 2)))}
    looks |= {("trained", "windows"): ("gradient", "-"), ("trained", "chunks"): ("gradient", (0, (3, 2)))}
    for (net, way), (colour, dash) in looks.items():
        bands = found[net][way]
        for ax, which in zip(axes, ("cosine", "length"), strict=True):
            cuts, *curves = _band(bands[which])
            turn = _angle if which == "cosine" else float
            middle, low, high = ([turn(value) for value in curve] for curve in curves)
            ax.semilogx(cuts, middle, color=LIGHT[colour], linestyle=dash, marker="o", ms=3, label=f"{net}, {way}")
            ax.fill_between(cuts, low, high, color=LIGHT[colour], alpha=0.2, lw=0)
    axes[0].set(xlabel="cut k", ylabel="angle, degrees", ylim=(-2, None))
    axes[1].set(xlabel="cut k", ylabel="length, exact = 1", ylim=(0, None))
    axes[0].legend(fontsize=8.5, loc="upper right")  # four bands that cross leave no room beside the lines
    axes[1].axhline(1, color=LIGHT["line"], linewidth=1, zorder=0)
    return axes


def _angle(cosine: float) -> float:
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def estimates(draws: np.ndarray, exact: float, biased: float) -> Axes:
    """Draw the running mean of random estimates of one entry of the gradient, its standard error, and the truth."""
    _, axes = plt.subplots(figsize=(6.4, 2.8))
    count = np.arange(1, len(draws) + 1)
    mean = np.cumsum(draws) / count
    spread = np.sqrt(np.maximum(np.cumsum(draws**2) / count - mean**2, 0) / count)
    shown = count >= 10
    axes.semilogx(count[shown], mean[shown], color=LIGHT["gradient"])
    axes.fill_between(
        count[shown], (mean - 2 * spread)[shown], (mean + 2 * spread)[shown], color=LIGHT["gradient"], alpha=0.2, lw=0
    )
    for value, name, colour in ((exact, "exact", "ink"), (biased, "chunks", "hidden")):
        axes.plot([10, count[-1]], [value, value], color=LIGHT[colour], linewidth=1, linestyle=(0, (4, 3)))
        label(axes, name, (count[-1], value), colour, offset=(6, 0))
    axes.set(xlabel="draws", ylabel="mean of one entry of dU", xlim=(10, 2.2 * count[-1]))
    return axes


def text_bits(lines: Mapping[str, Bands]) -> Axes:
    """Draw bits per character against the cut, for two ways of updating, each named at one of its ends."""
    _, axes = plt.subplots(figsize=(6.4, 3.0))
    for bands, colour in zip(lines.values(), ("output", "hidden"), strict=True):
        cuts, middle, low, high = _band(bands)
        axes.semilogx(cuts, middle, color=LIGHT[colour], marker="o", markersize=3.5)
        axes.fill_between(cuts, low, high, color=LIGHT[colour], alpha=0.25, lw=0)
    (early, late), (one, other) = lines, map(_band, lines.values())
    label(axes, early, (one[0][0], one[1][0]), "output", offset=(4, 10))
    label(axes, late, (other[0][-1], other[1][-1]), "hidden", offset=(-12, 0), ha="right")
    axes.set(xlabel="cut after k characters", ylabel="bits per character")
    axes.set_xticks([1, 2, 5, 10, 20, 50, 100, 200], ["1", "2", "5", "10", "20", "50", "100", "200"])
    axes.minorticks_off()
    return axes
