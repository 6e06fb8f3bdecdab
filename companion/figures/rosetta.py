"""The pictures of the chapter "Rosetta". Each takes numbers and returns the Matplotlib axes it drew in."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import apart, label


def two_ports(years: np.ndarray, observed: np.ndarray, forecasts: Mapping[str, np.ndarray]) -> Axes:
    """Draw a series and its forecasts: the first as it should be, a line; every other one broken and grey."""
    _, axes = plt.subplots(figsize=(6.4, 2.9))
    axes.plot(years, observed, ".", color=LIGHT["input"], markersize=6)
    styles = [("output", "-"), ("muted", (0, (4, 2)))]
    ends = apart([observed[-1], *(values[-1] for values in forecasts.values())], 0.11 * np.ptp(observed))
    label(axes, "observed", (years[-1], ends[0]), "input")
    for (name, values), end, (colour, line) in zip(forecasts.items(), ends[1:], styles, strict=False):
        axes.plot(years, values, color=LIGHT[colour], linestyle=line)
        label(axes, name, (years[-1], end), colour)
    axes.set(xlabel="year", ylabel="sunspot number", xlim=(years[0] - 0.5, years[-1] + 0.25 * (years[-1] - years[0])))
    axes.set_xticks([year for year in years if year % 10 == 0])
    return axes


def engine_errors(errors: Mapping[str, Sequence[float]]) -> Axes:
    """Draw a dot for each cell's error in a row for each engine, on a logarithmic axis, with one rounding step of both
    precisions."""
    _, axes = plt.subplots(figsize=(6.4, 0.9 + 0.32 * len(errors)))
    for name, precision in {"float64": np.float64, "float32": np.float32}.items():
        step = float(np.finfo(precision).eps)
        axes.axvline(step, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
        label(axes, f"last digit of {name}", (step, -0.75), "muted", offset=(4, 0), fontsize=8.5)
    for place, (name, values) in enumerate(errors.items()):
        colour = "hidden" if "float64" in name else "gate"
        axes.plot(values, [place] * len(values), "o", color=LIGHT[colour], markersize=4.5, alpha=0.75)
    axes.set(xscale="log", xlim=(3e-17, 1e-4), ylim=(len(errors) - 0.5, -1.2), xlabel="largest error, relative")
    axes.set_yticks(range(len(errors)), errors)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def offered(names: Mapping[str, Mapping[str, bool]]) -> Axes:
    """Draw a row of releases for each name: a filled dot where the release has it, an open one where it has not."""
    _, axes = plt.subplots(figsize=(6.4, 1.1 + 0.4 * len(names)))
    releases = list(next(iter(names.values())))
    columns = np.cumsum([1.6 if " " in release else 1.0 for release in releases])  # two words need more room
    for place, there in enumerate(names.values()):
        for column, release in zip(columns, releases, strict=True):
            face = LIGHT["hidden"] if there[release] else "none"
            colour = LIGHT["hidden" if there[release] else "muted"]
            axes.plot(column, place, "o", markerfacecolor=face, markeredgecolor=colour, markersize=7)
    axes.set(xlim=(columns[0] - 0.6, columns[-1] + 0.9), ylim=(len(names) - 0.5, -0.5), xlabel="release of TensorFlow")
    axes.set_xticks(columns, [release.replace(" ", "\n") for release in releases], fontsize=7.5)
    axes.set_yticks(range(len(names)), [name.rpartition(".")[2] for name in names])
    axes.tick_params(length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
    return axes
