"""Which cell for which task and lag: what the chapter on long-term dependencies makes of the comparison of five cells.

A cell is reliable at a lag if the 95 % interval of the share of its runs that solve the task lies above one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SIMPLEST_FIRST = {"RNN": "tanh", "IRNN": "IRNN", "GRU": "GRU", "LSTM": "LSTM", "PeepholeLSTM": "peepholes"}


def reliable(summary: Mapping[str, Any], name: str, lag: str) -> dict[str, float]:
    """Return the median updates of the cells that are reliable on a task at a lag, the simplest cell first."""
    cells = {cell: summary[name][cell]["lags"][lag] for cell in SIMPLEST_FIRST}
    return {SIMPLEST_FIRST[cell]: found["updates"] for cell, found in cells.items() if found["low"] > 0.5}


def table(summary: Mapping[str, Any]) -> list[tuple[str, int, str, str]]:
    """Return for every task and lag the simplest cell that is reliable and the quickest one, or a dash.

    summary: that of the experiment `long_lags`. The quickest has the fewest updates in the median, named with them.
    """
    rows = []
    for name, cells in summary.items():
        for lag in cells["RNN"]["lags"]:
            found = reliable(summary, name, lag)
            quickest = min(found, key=found.get, default="")
            told = f"{quickest} ({found[quickest]:.0f})" if quickest else "–"
            rows.append((name.replace("_", " "), int(lag), next(iter(found), "–"), told))
    return rows
