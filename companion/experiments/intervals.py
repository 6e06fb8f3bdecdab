"""How sure a number is: 95 % intervals of shares and of means over seeds, by SciPy.

Most experiments count the runs that succeed, or take a mean over their seeds. What they say of either is said here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def wilson(successes: int, count: int) -> dict[str, float]:
    """Return the share of runs that succeeded with Wilson's 95 % interval (`scipy.stats.binomtest`)."""
    from scipy.stats import binomtest

    found = binomtest(successes, count).proportion_ci(method="wilson")
    return {"share": successes / count, "low": float(found.low), "high": float(found.high)}


def bootstrapped(values: Sequence[float], name: str, statistic: Callable, **options: Any) -> dict[str, float]:
    """Return a statistic under its name with its 95 % interval by percentiles (`scipy.stats.bootstrap`).

    `options` go to SciPy. Where all values are the same, so are both ends.
    """
    from scipy.stats import bootstrap

    values = np.asarray(values, dtype=float)
    low = high = found = float(statistic(values))
    if np.ptp(values):
        rng = np.random.default_rng(0)
        low, high = bootstrap((values,), statistic, method="percentile", rng=rng, **options).confidence_interval
    return {name: found, "low": float(low), "high": float(high)}


def interval(values: Sequence[float]) -> dict[str, float]:
    """Return the mean with its bootstrapped 95 % interval, least and most."""
    return bootstrapped(values, "mean", np.mean) | {"min": float(np.min(values)), "max": float(np.max(values))}


def corrected(values: Sequence[float]) -> dict[str, float]:
    """Return the mean with its bias-corrected bootstrapped 95 % interval (SciPy's BCa), deviation, least and most.

    One value alone has no interval and no deviation.
    """
    from scipy.stats import bootstrap

    values = np.asarray(values)
    numbers = {"mean": float(values.mean()), "min": float(values.min()), "max": float(values.max())}
    if len(values) < 2:
        return numbers
    found = bootstrap((values,), np.mean, rng=np.random.default_rng(0)).confidence_interval
    return numbers | {"deviation": float(values.std(ddof=1)), "low": float(found.low), "high": float(found.high)}


def student(values: Sequence[float]) -> dict[str, float]:
    """Return the mean over the seeds, its 95 % interval by Student's t, and the extremes."""
    from scipy.stats import t

    values = np.asarray(values)
    mean = float(values.mean())
    half = float(t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return {
        "mean": mean,
        "low": mean - half,
        "high": mean + half,
        "min": float(values.min()),
        "max": float(values.max()),
    }
