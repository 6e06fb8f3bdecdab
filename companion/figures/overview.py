"""The pictures of the overview. Each takes numbers and returns the Matplotlib axes it drew in."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from companion.figures.palette import LIGHT
from companion.figures.style import label


def next_letters(rows: Mapping[str, Mapping[str, float]]) -> np.ndarray:
    """Draw, for each context, the shares of the letters that follow it as bars; a space is written as ␣."""
    _, panels = plt.subplots(1, len(rows), figsize=(6.4, 2.3), sharey=True)
    panels = np.atleast_1d(panels)
    for axes, (context, shares) in zip(panels, rows.items(), strict=True):
        names = [{" ": "␣", "\n": "↵"}.get(letter, letter) for letter in shares]
        axes.bar(range(len(names)), list(shares.values()), color=LIGHT["input"], width=0.7)
        axes.set_xticks(range(len(names)), names)
        axes.tick_params(axis="x", length=0)
        axes.set_title(f"…{context}", loc="left")
        axes.set_xlabel("next character")
    panels[0].set_ylabel("share")
    return panels


def windows(
    rows: Mapping[str, Mapping[int, float]], looped: Mapping[str, Mapping[str, float]], chance: float = 0.5
) -> Axes:
    """Draw the score of window networks against the window, a line a task, and the recurrent network's on the right.

    `rows[task][window]` is the share of right answers; `looped[task]` has "mean", "min" and "max" of the recurrent
    networks. Parity, the task that no window solves, is drawn in the colour of the output, echo in that of the input.
    """
    _, axes = plt.subplots(figsize=(6.4, 3.0))
    last = max(window for scores in rows.values() for window in scores)
    right = last + 2.2
    axes.axhline(chance, color=LIGHT["line"], linewidth=1, zorder=0)
    label(axes, "guessing", (0.75, chance), "muted", offset=(0, -8), fontsize=9)
    for task, scores in rows.items():
        colour = "output" if task == "parity" else "input"
        axes.plot(list(scores), list(scores.values()), color=LIGHT[colour], marker="o", markersize=4)
        first = next((window for window, score in scores.items() if score > (1 + chance) / 2), None)
        at, up = ((max(scores), chance), 9) if first is None else ((first, 1.0), -9)
        label(axes, task, at, colour, offset=(-5, up), ha="right", fontsize=9)
    for place, (task, score) in zip(np.linspace(-0.6, 0.6, len(looped)), looped.items(), strict=True):
        axes.vlines(right + place, score["min"], score["max"], color=LIGHT["hidden"], linewidth=1)
        axes.plot(right + place, score["mean"], "s", color=LIGHT["hidden"], markersize=5)
        label(axes, task, (right + place, 0.74), "hidden", (0, 0), rotation=90, va="top", ha="center", fontsize=9)
    axes.axvline(last + 1, color=LIGHT["line"], linewidth=1)
    ticks = list(range(1, last + 1))
    axes.set_xticks([*ticks, right], [*map(str, ticks), "loop"])
    axes.set(xlabel="symbols in the window", ylabel="right on new streams", ylim=(0.42, 1.04), xlim=(0.6, right + 1))
    return axes


def machines(visited: Mapping[str, Sequence[tuple[str, int, str]]]) -> np.ndarray:
    """Draw graphs of states: `visited[task]` lists moves (state, bit, next state).

    A state is written as its bits. States lie on a circle in the order of a Gray code, so that neighbours differ in one
    bit.
    """
    _, panels = plt.subplots(1, len(visited), figsize=(6.4, 2.6))
    for axes, (task, moves) in zip(np.atleast_1d(panels), visited.items(), strict=True):
        states = sorted({state for move in moves for state in move[::2]}, key=_gray)
        angle = np.pi - 2 * np.pi * np.arange(len(states)) / len(states)
        at = dict(zip(states, np.stack([np.cos(angle), np.sin(angle)], axis=1), strict=True))
        for state, bit, after in sorted(set(moves)):
            _move(axes, at[state], at[after], bit)
        axes.scatter(*np.array(list(at.values())).T, s=300, color=LIGHT["hidden"], zorder=3)
        for state, place in at.items():
            axes.annotate(state, place, color="white", ha="center", va="center", zorder=4, fontsize=9.5)
        axes.set_title(task, loc="left")
        axes.set(xlim=(-1.85, 1.85), ylim=(-1.5, 1.5), aspect="equal")
        axes.axis("off")
    return np.atleast_1d(panels)


def _gray(state: str) -> int:
    """The place of some bits in the reflected Gray code."""
    number = place = int(state, 2)
    while number := number >> 1:
        place ^= number
    return place


def _move(axes: Axes, start: np.ndarray, end: np.ndarray, bit: int) -> None:
    """Draw the move from one state to another, dashed for a 0, with its bit."""
    style = {"color": LIGHT["input"], "lw": 1.3, "ls": "-" if bit else (0, (3, 2)), "shrinkA": 9, "shrinkB": 9}
    if np.allclose(start, end):
        far = start * 1.55
        axes.add_patch(plt.Circle(start * 1.28, 0.28, fill=False, color=LIGHT["input"], lw=1.3, ls=style["ls"]))
        axes.annotate(str(bit), far, xytext=start * 1.72, color=LIGHT["input"], ha="center", va="center", fontsize=9)
        return
    axes.annotate("", end, start, arrowprops=style | {"arrowstyle": "-|>", "connectionstyle": "arc3,rad=-0.25"})
    along = end - start
    middle = (start + end) / 2 + 0.2 * np.array([-along[1], along[0]])
    axes.annotate(str(bit), middle, color=LIGHT["input"], ha="center", va="center", fontsize=9)
