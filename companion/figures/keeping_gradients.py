"""The pictures of the chapter on keeping a gradient: clipping, activations, normalisation, gains.

Shares of runs come as mappings with "share", "low" and "high" (Wilson's interval), one for each place on the axis.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label

Share = Mapping[str, float]


def blow_up(norms: Mapping[str, np.ndarray], threshold: float) -> Axes:
    """Draw the gradient's norm over the updates with clipping and without, up to where it is no longer finite."""
    _, axes = plt.subplots(figsize=(6.4, 2.7))
    for (name, values), colour in zip(norms.items(), ("muted", "gradient"), strict=True):
        values = np.asarray(values)
        count = len(values) if np.isfinite(values).all() else int(np.argmin(np.isfinite(values)))
        updates = np.arange(count)
        axes.plot(updates, values[:count], color=LIGHT[colour])
        if count < len(values):
            axes.plot(count - 1, values[count - 1], "x", color=LIGHT[colour], markersize=8, markeredgewidth=2)
        label(axes, name, (count - 1, values[count - 1]), colour, offset=(8, 0))
    axes.axhline(threshold, color=LIGHT["line"], linewidth=1, zorder=0)
    axes.set(xlabel="update", ylabel="norm of the gradient", yscale="log")
    axes.set_xlim(-0.5, 1.3 * max(map(len, norms.values())))
    return axes


def survival(
    by_norm: Sequence[float],
    norm: Sequence[Share],
    by_value: Sequence[float],
    value: Sequence[Share],
    cosine: Sequence[float],
    none: Share,
) -> np.ndarray:
    """Draw the share of runs that survive at each threshold, by norm and by value, and what value does to direction."""
    _, (left, right) = plt.subplots(1, 2, figsize=(6.6, 2.9), sharey=True)
    for axes, at, shares in ((left, by_norm, norm), (right, by_value, value)):
        _band(axes, at, shares, "gradient")
        axes.axhspan(none["low"], none["high"], color=LIGHT["muted"], alpha=0.2, linewidth=0)
        axes.set(xscale="log", ylim=(-0.04, 1.1))
    label(
        left, "without clipping", (by_norm[-1], (none["low"] + none["high"]) / 2), "muted", offset=(-4, 0), ha="right"
    )
    right.plot(by_value, cosine, color=LIGHT["ink"], linewidth=1.2, linestyle=(0, (4, 3)))
    label(right, "cosine", (by_value[1], cosine[1]), "ink", offset=(-4, 9), ha="center")
    middle = len(by_value) // 2
    label(right, "survive", (by_value[middle], value[middle]["share"]), "gradient", offset=(-8, 4), ha="right")
    left.set(xlabel="threshold on the norm", ylabel="share of runs that survive")
    right.set(xlabel="threshold on each entry")
    return np.array([left, right])


def lags(thresholds: Sequence[float], rows: Mapping[str, Sequence[Share]], names: Mapping[str, str]) -> Axes:
    """Draw the share of runs that bridge a lag: the first place is without clipping, the others by threshold."""
    _, axes = plt.subplots(figsize=(6.4, 2.8))
    places = np.arange(1 + len(thresholds))
    shades = ("muted", "muted", "hidden", "hidden")
    tops = [max(places, key=lambda at, shares=shares: (shares[at]["share"], at)) for shares in rows.values()]
    heights = apart([shares[at]["share"] for shares, at in zip(rows.values(), tops, strict=True)], 0.1)
    for (name, shares), colour, dashed, at, height in zip(
        rows.items(), shades, (True, False) * 2, tops, heights, strict=True
    ):
        share, low, high = _columns(shares)
        axes.fill_between(places, low, high, color=LIGHT[colour], alpha=0.12, linewidth=0)
        style = (0, (4, 3)) if dashed else "-"
        axes.plot(places, share, color=LIGHT[colour], marker="o", markersize=3.5, linestyle=style)
        aside = {"offset": (-12, 8), "ha": "right"} if at < places[-1] and not dashed else {"offset": (9, 3)}
        label(axes, names[name], (at, height), colour, **aside)
    axes.set_xticks(places, ["none", *(f"{threshold:g}" for threshold in thresholds)])
    axes.set(xlabel="threshold on the norm", ylabel="share of runs that bridge it", ylim=(-0.05, 1.08))
    axes.set_xlim(-0.2, places[-1] + 2.1)
    return axes


def activations(recurrent: Mapping[str, Mapping[str, Share]], deep: Mapping[str, Mapping[str, Share]]) -> np.ndarray:
    """Draw the share of runs that solve the task, over a lag (left) and through layers (right)."""
    _, panels = plt.subplots(1, 2, figsize=(6.8, 3.1), sharey=True)
    for axes, rows, spread in ((panels[0], recurrent, 1.9), (panels[1], deep, 1.75)):
        at = [int(place) for place in next(iter(rows.values()))]
        ends = apart([list(shares.values())[-1]["share"] for shares in rows.values()], 0.085)
        for (name, shares), end in zip(rows.items(), ends, strict=True):
            colour = "hidden" if name.startswith("relu") else "muted"
            style = (0, (4, 3)) if name.endswith("usual") else "-"
            share, low, high = _columns(list(shares.values()))
            axes.fill_between(at, low, high, color=LIGHT[colour], alpha=0.1, linewidth=0)
            axes.plot(at, share, color=LIGHT[colour], marker="o", markersize=3.5, linestyle=style)
            label(axes, name.replace("relu", "ReLU"), (at[-1], end), colour, offset=(7, 0), fontsize=8.5)
        axes.set_xticks(at)
        axes.set(ylim=(-0.05, 1.1), xlim=(at[0] - 0.05 * at[-1], at[0] + spread * (at[-1] - at[0])))
    panels[0].set(xlabel="time steps", ylabel="share of runs that solve it")
    panels[1].set(xlabel="hidden layers")
    return panels


def normalisation(gains: Sequence[float], found: Mapping[str, Mapping[str, Sequence]], names: Mapping[str, str]):
    """Draw what a step back makes of the gradient (left) and the share of solved tasks (right) against the gain."""
    _, panels = plt.subplots(1, 2, figsize=(6.8, 3.1))
    ends = [np.log10(found[kind]["growth"][-1]) for kind in names]
    grown = np.array(apart(ends, 0.07))
    grown -= np.mean(grown - ends)
    solved = apart([found[kind]["solved"][-1]["share"] for kind in names], 0.085)
    for kind, log_end, end in zip(names, grown, solved, strict=True):
        colour = {"none": "muted", "layer": "gate"}.get(kind, "hidden")
        style = {"input": (0, (1, 1.5)), "unit": (0, (4, 3))}.get(kind, "-")
        share, low, high = _columns(found[kind]["solved"])
        panels[0].plot(gains, found[kind]["growth"], color=LIGHT[colour], marker="o", markersize=3.5, linestyle=style)
        panels[1].fill_between(gains, low, high, color=LIGHT[colour], alpha=0.1, linewidth=0)
        panels[1].plot(gains, share, color=LIGHT[colour], marker="o", markersize=3.5, linestyle=style)
        for axes, height in ((panels[0], 10**log_end), (panels[1], end)):
            label(axes, names[kind], (gains[-1], height), colour, offset=(7, 0), fontsize=8.5)
    panels[0].axhline(1, color=LIGHT["line"], linewidth=1, zorder=0)
    panels[0].set(ylabel="factor of the gradient, a step back", yscale="log", ylim=(0.17, 2.4))
    panels[0].set_yticks([0.2, 0.5, 1, 2], ["0.2", "0.5", "1", "2"])
    panels[1].set(ylabel="share of runs that solve it", ylim=(-0.05, 1.1))
    for axes in panels:
        axes.set(xlabel="gain", xscale="log", xlim=(gains[0] * 0.9, gains[-1] * 6))
        axes.set_xticks(gains, [f"{gain:g}" for gain in gains])
        axes.minorticks_off()
    return panels


def maps(
    gains: Sequence[float], lengths: Sequence[int], panels: Mapping[str, np.ndarray], reach: np.ndarray
) -> np.ndarray:
    """Draw maps of gain and length: how far the gradient reaches, then the share of solved runs for each way."""
    _, grid = plt.subplots(2, 2, figsize=(6.8, 5.0), sharex=True, sharey=True)
    spots = grid.ravel()
    powers = np.log10(np.clip(reach, 1e-99, 1e99))
    both = LinearSegmentedColormap.from_list("reach", [LIGHT["input"], "white", LIGHT["gradient"]])
    green = LinearSegmentedColormap.from_list("solved", ["white", LIGHT["hidden"]])
    spots[0].imshow(powers, cmap=both, vmin=-9, vmax=9, aspect="auto", origin="lower")
    _write(spots[0], [list(map(_power, row)) for row in powers], abs(powers) > 6)
    spots[0].set_title("gradient at the first state, power of 10")
    for axes, (name, share) in zip(spots[1:], panels.items(), strict=True):
        axes.imshow(share, cmap=green, vmin=0, vmax=1, aspect="auto", origin="lower")
        _write(axes, [[f"{100 * value:.0f}" for value in row] for row in share], share > 0.6)
        axes.set_title(f"% solved: {name}")
    for axes in spots:
        axes.set_xticks(range(len(gains)), [f"{gain:g}" for gain in gains])
        axes.set_yticks(range(len(lengths)), [str(T) for T in lengths])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
    for axes in grid[1]:
        axes.set_xlabel("gain")
    for axes in grid[:, 0]:
        axes.set_ylabel("length T")
    return grid


def _power(power: float) -> str:
    """Write a power of ten with its sign."""
    return f"{round(power):+d}".replace("-", "\u2212") if round(power) else "0"


def _write(axes: Axes, texts: Sequence[Sequence[str]], dark: np.ndarray) -> None:
    for (row, column), on_dark in np.ndenumerate(dark):
        colour = "white" if on_dark else LIGHT["ink"]
        axes.text(column, row, texts[row][column], ha="center", va="center", fontsize=8.5, color=colour)


def _band(axes: Axes, at: Sequence[float], shares: Sequence[Share], colour: str) -> None:
    share, low, high = _columns(shares)
    axes.fill_between(at, low, high, color=LIGHT[colour], alpha=0.2, linewidth=0)
    axes.plot(at, share, color=LIGHT[colour], marker="o", markersize=3.5)


def _columns(shares: Sequence[Share]) -> tuple[list[float], list[float], list[float]]:
    share, low, high = ([one[key] for one in shares] for key in ("share", "low", "high"))
    return share, low, high
