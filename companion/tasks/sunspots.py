"""A sunspot for every year since 1700: one real series, short enough to look at, and old enough to have a benchmark.

The reader meets it in the chapter on the recurrent neuron: how much of the next value is in the last ones? The yearly
means 1700-2008 come with statsmodels (`statsmodels.datasets.sunspots`; Wolf's relative sunspot number, National
Geophysical Data Center), so nothing is downloaded.

The split is the one of Weigend, Huberman and Rumelhart, "Predicting the future: a connectionist approach"
(International Journal of Neural Systems 1(3), 1990), which most later papers share: 1700-1920 to learn from, 1921-1955
and 1956-1979 to test on, one year ahead. The second period is the harder one: its cycles are higher than all before.

Which variance
--------------
Their error is the *average relative variance*: the mean squared error over the variance of the data. One constant
divides both periods, 1535, the number that the benchmark is quoted with. It is nearly the variance of the whole
series they had (1700-1979: 1496 in the present data, 1511 from 1712 on, the first year that has twelve
predecessors). It is not that of the period tested, 1674 and 3047: by those, persistence is at 0.38 and 0.47 instead
of 0.42 and 0.94. `normalised_error` divides by 1535 unless told otherwise, so that its numbers can be put beside the
published ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from companion.tasks.batching import Batch

__all__ = [
    "PERIODS",
    "VARIANCE",
    "Autoregression",
    "Scale",
    "Sunspots",
    "as_sequence",
    "as_windows",
    "autoregression",
    "load",
    "normalised_error",
    "persistence",
    "scale",
    "windows",
]

VARIANCE = 1535.0
PERIODS: Mapping[str, tuple[int, int]] = {"train": (1700, 1920), "test 1": (1921, 1955), "test 2": (1956, 1979)}


@dataclass(frozen=True, eq=False)
class Sunspots:
    """The series: `year` `(T,)` as whole numbers and `number` `(T,)`, the yearly mean of the relative number."""

    year: np.ndarray
    number: np.ndarray

    def period(self, name: str) -> np.ndarray:
        """Return `(T,)`, true in the years of "train", "test 1" or "test 2"."""
        if name not in PERIODS:
            raise ValueError(f"name: expected one of {', '.join(map(repr, PERIODS))}, got {name!r}")
        return self.between(*PERIODS[name])

    def between(self, first: int, last: int) -> np.ndarray:
        """Return `(T,)`, true from the year `first` to the year `last`, both included."""
        return (self.year >= first) & (self.year <= last)


@cache
def load() -> Sunspots:
    """Return the series 1700-2008 from statsmodels. The arrays cannot be written to."""
    from statsmodels.datasets import sunspots

    data = sunspots.load_pandas().data
    year, number = data["YEAR"].to_numpy().astype(int), data["SUNACTIVITY"].to_numpy(dtype=float)
    year.flags.writeable = number.flags.writeable = False
    return Sunspots(year, number)


def normalised_error(prediction: np.ndarray, target: np.ndarray, variance: float = VARIANCE) -> float:
    """Return the mean squared error over the variance: 0 is perfect, 1 about what the mean of the series scores.

    `prediction` and `target` have the same shape. Raises ValueError where they have not, or hold no value.
    """
    prediction, target = np.asarray(prediction), np.asarray(target)
    if prediction.shape != target.shape:
        raise ValueError(f"prediction: expected the shape of target, {target.shape}, got {prediction.shape}")
    if target.size == 0:
        raise ValueError("target: expected at least one value, got none")
    return float(np.mean((prediction - target) ** 2) / variance)


def windows(series: np.ndarray, size: int) -> np.ndarray:
    """Return `(T - size, size)`: row `i` holds the `size` values before `series[i + size]`, the oldest first.

    Raises ValueError for a `series` that is not `(T,)`, and for a `size` below 1 or above `T - 1`.
    """
    series = np.asarray(series)
    if series.ndim != 1:
        raise ValueError(f"series: expected one axis, got shape {series.shape}")
    if not 1 <= size < len(series):
        raise ValueError(f"size: expected 1 to {len(series) - 1}, got {size}")
    return np.lib.stride_tricks.sliding_window_view(series, size)[:-1]


def persistence(series: np.ndarray) -> np.ndarray:
    """Predict that the next value is the last one: `(T,)`, with nan for the first, which has none before it."""
    return np.concatenate([[np.nan], np.asarray(series, dtype=float)[:-1]])


@dataclass(frozen=True, eq=False)
class Autoregression:
    """A linear prediction from the last values: `weights` `(order,)`, the oldest first, and `intercept`."""

    weights: np.ndarray
    intercept: float

    def predict(self, series: np.ndarray) -> np.ndarray:
        """Predict every value of `series` `(T,)` from those before it; nan where there are too few."""
        size = len(self.weights)
        return np.concatenate([np.full(size, np.nan), windows(series, size) @ self.weights + self.intercept])


def autoregression(series: np.ndarray, order: int, learn: np.ndarray | None = None) -> Autoregression:
    """Fit a linear prediction from the last `order` values by least squares, with an intercept.

    `learn` `(T,)` says which values of the series are to be predicted; all that have a past unless told. Raises
    ValueError where they are not more than `order`.
    """
    past, target = windows(series, order), np.asarray(series, dtype=float)[order:]
    rows = np.full(len(target), True) if learn is None else np.asarray(learn)[order:]
    if rows.sum() <= order:
        raise ValueError(f"learn: expected at least {order + 1} values to predict for order {order}, got {rows.sum()}")
    design = np.column_stack([past, np.ones(len(past))])
    *weights, intercept = np.linalg.lstsq(design[rows], target[rows], rcond=None)[0]
    return Autoregression(np.array(weights), float(intercept))


# ---- for a network -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scale:
    """A shift and a factor that bring a series to mean 0 and variance 1."""

    mean: float
    deviation: float

    def down(self, series: np.ndarray) -> np.ndarray:
        """From sunspot numbers to what a network reads."""
        return (np.asarray(series) - self.mean) / self.deviation

    def up(self, series: np.ndarray) -> np.ndarray:
        """From what a network says to sunspot numbers."""
        return np.asarray(series) * self.deviation + self.mean


def scale(data: Sunspots) -> Scale:
    """Return the scale of the training period, so that nothing of the test periods is known beforehand."""
    known = data.number[data.period("train")]
    return Scale(float(known.mean()), float(known.std()))


def as_sequence(data: Sunspots, learn: np.ndarray) -> Batch:
    """Return the series as one sequence for a recurrent network: it reads a year and is asked for the next.

    `x` and `y` are `(T - 1, 1, 1)`, scaled; `y` is nan where the year asked for is not in `learn` `(T,)`. The outputs
    in order are predictions of `data.number[1:]`.
    """
    series = scale(data).down(data.number)
    target = np.where(learn, series, np.nan)[1:]
    return Batch(series[:-1, None, None], target[:, None, None])


def as_windows(data: Sunspots, learn: np.ndarray, size: int) -> Batch:
    """Return every year's last `size` values as a sequence of one step, for a network without memory.

    `x` is `(1, T - size, size)` and `y` `(1, T - size, 1)`, scaled; with `size` 1 the network sees what a recurrent one
    reads in one step, and nothing else. The outputs in order are predictions of `data.number[size:]`.
    """
    series = scale(data).down(data.number)
    target = np.where(learn, series, np.nan)[size:]
    return Batch(windows(series, size)[None].copy(), target[None, :, None])
