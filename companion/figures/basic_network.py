"""The pictures of the chapter on a basic network. Each takes arrays and returns the Matplotlib axes it drew in."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from companion.figures.palette import LIGHT
from companion.figures.style import label


def shades(colour: str) -> LinearSegmentedColormap:
    """Return the colours from white to one of the palette."""
    return LinearSegmentedColormap.from_list(colour, ["white", LIGHT[colour]])


def unveiled(pictures: np.ndarray, counts: Sequence[int]) -> np.ndarray:
    """Draw each picture `(P, rows, columns)` as it stands after some numbers of rows; what is not yet read is grey."""
    _, panels = plt.subplots(len(pictures), len(counts), figsize=(6.4, 0.3 + 0.8 * len(pictures)), squeeze=False)
    for line, picture in zip(panels, pictures, strict=True):
        for axes, count in zip(line, counts, strict=True):
            show(axes, picture)
            axes.axhspan(count - 0.5, len(picture) - 0.5, color=LIGHT["line"])
    for axes, count in zip(panels[0], counts, strict=True):
        axes.set_title(f"{count} row" + "s" * (count > 1), fontsize=9, loc="center")
    return panels


def show(axes: Axes, picture: np.ndarray) -> None:
    """Draw one picture of ink, 0 to 1, with a frame and without ticks."""
    axes.imshow(picture, cmap=shades("input"), vmin=0, vmax=1, aspect="equal")
    axes.set_xticks([])
    axes.set_yticks([])
    frame(axes)


def frame(axes: Axes) -> None:
    """Draw a thin frame around the axes."""
    for spine in axes.spines.values():
        spine.set(visible=True, color=LIGHT["muted"], linewidth=0.6)


def probabilities(pictures: np.ndarray, p: np.ndarray, classes: Sequence[str]) -> np.ndarray:
    """Draw each picture `(P, rows, columns)` beside the probabilities `(P, rows, classes)` after each of its rows."""
    _, panels = plt.subplots(1, 2 * len(pictures), figsize=(6.4, 2.7), width_ratios=[1, 1.25] * len(pictures))
    for place, (picture, own) in enumerate(zip(pictures, p, strict=True)):
        left, right = panels[2 * place : 2 * place + 2]
        show(left, picture)
        left.set_aspect("auto")
        left.set_yticks(range(len(picture)), [str(row + 1) for row in range(len(picture))])
        left.tick_params(length=0)
        left.set(ylabel="rows read" if place == 0 else "", xlabel="picture")
        right.imshow(own, cmap=shades("output"), vmin=0, vmax=1, aspect="auto")
        right.set_xticks(range(len(classes)), classes)
        right.set_yticks([])
        right.tick_params(length=0)
        right.set_xlabel("probability, %")
        frame(right)
        for row in range(len(own)):
            best = int(own[row].argmax())
            tone = "white" if own[row, best] > 0.55 else LIGHT["ink"]
            number = f"{100 * own[row, best]:.0f}"
            right.text(best, row, number, ha="center", va="center", color=tone, fontsize=7.5)
    return panels


def after_rows(
    curves: Mapping[str, Sequence[Mapping[str, float]]],
    colours: Mapping[str, str],
    beside: Mapping[str, int],
    low: float,
) -> Axes:
    """Draw accuracies after 1, 2, ... rows with intervals as bands; `beside[name]` is the row where a name stands."""
    _, axes = plt.subplots(figsize=(6.4, 3.1))
    for name, values in curves.items():
        rows, colour = np.arange(1, len(values) + 1), colours[name]
        axes.fill_between(
            rows,
            [value["low"] for value in values],
            [value["high"] for value in values],
            color=LIGHT[colour],
            alpha=0.3,
            linewidth=0,
        )
        mean = [value["mean"] for value in values]
        axes.plot(rows, mean, color=LIGHT[colour], marker="o", markersize=3.5)
        at = beside[name]
        label(axes, name, (at, mean[at - 1]), colour, offset=(8, -9))
    axes.set(xlabel="rows read", ylabel="right on new hands", ylim=(low, 1.01), xlim=(0.7, len(rows) + 0.5))
    axes.set_xticks(rows)
    axes.grid(axis="y", linewidth=0.6)
    return axes


def confusion(counts: np.ndarray, classes: Sequence[str]) -> Axes:
    """Draw how often class i (row) was called class j (column); what is right is muted, mistakes have a colour."""
    size = len(classes)
    _, axes = plt.subplots(figsize=(5.0, 4.0) if size > 10 else (4.4, 3.4))
    wrong = np.where(np.eye(size, dtype=bool), 0, counts)
    axes.imshow(wrong, cmap=shades("output"), vmin=0, vmax=max(1, 1.5 * wrong.max()))
    for i in range(size):
        for j in range(size):
            if counts[i, j]:
                tone = LIGHT["muted"] if i == j else LIGHT["ink"]
                axes.text(j, i, f"{counts[i, j]}", ha="center", va="center", fontsize=8, color=tone)
    axes.set_xticks(range(size), classes, rotation=0 if size <= 10 else 60, ha="center" if size <= 10 else "right")
    axes.set_yticks(range(size), classes)
    axes.tick_params(length=0)
    axes.set(xlabel="what the network says", ylabel="what is right")
    frame(axes)
    return axes


def mistakes(pictures: np.ndarray, right: Sequence[int], said: Sequence[int], columns: int = 8) -> np.ndarray:
    """Draw pictures with what they are and what was said, the latter in the colour of outputs."""
    rows = -(-len(pictures) // columns)
    _, panels = plt.subplots(rows, columns, figsize=(6.4, 1.15 * rows), squeeze=False)
    for axes in panels.flat[len(pictures) :]:
        axes.axis("off")
    for axes, picture, is_, was in zip(panels.flat, pictures, right, said, strict=False):
        show(axes, picture)
        axes.set_title(f"a {is_}: “{was}”", fontsize=8.5, loc="center", color=LIGHT["output"])
    return panels


def accuracies(rows: Mapping[str, Mapping[str, float]], ours: Sequence[str], title: str = "") -> Axes:
    """Draw each method's accuracy: the mean as a dot, its interval as a band, the extremes as a thin line."""
    _, axes = plt.subplots(figsize=(6.4, 0.8 + 0.33 * len(rows)))
    for place, (name, value) in enumerate(rows.items()):
        colour = "hidden" if name in ours else "muted"
        axes.plot([value["min"], value["max"]], [place, place], color=LIGHT[colour], linewidth=1)
        band = [value["low"], value["high"]]
        axes.plot(band, [place, place], color=LIGHT[colour], linewidth=7, alpha=0.4, solid_capstyle="butt")
        axes.plot(value["mean"], place, "o", color=LIGHT[colour], markersize=3.5)
        label(axes, f"{value['mean']:.3f}", (value["max"], place), colour, offset=(6, 0), fontsize=9)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xlabel="right on new names", title=title)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", linewidth=0.6)
    axes.set_axisbelow(True)
    return axes


def floors(losses: Mapping[str, np.ndarray], floor: float, colours: Mapping[str, str]) -> Axes:
    """Draw losses against updates, and the floor under one of them."""
    _, axes = plt.subplots(figsize=(6.4, 2.6))
    for name, values in losses.items():
        axes.plot(values, color=LIGHT[colours[name]], linewidth=1.2)
        label(axes, name, (len(values) - 1, values[-1]), colours[name], offset=(6, 9))
    axes.axhline(floor, color=LIGHT["muted"], linewidth=1, linestyle=(0, (4, 3)))
    label(axes, "floor", (0, floor), "muted", offset=(4, -8), fontsize=9)
    longest = max(map(len, losses.values()))
    axes.set(xlabel="update", ylabel="loss, nats", xlim=(0, 1.3 * longest), ylim=(0, None))
    return axes
