"""Which cell for which task and lag: what the chapter on long-term dependencies makes of the comparison of five cells.

A cell is reliable at a lag if the 95 % interval of the share of its runs that solve the task lies above one half.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CELLS = {"RNN": "tanh", "IRNN": "IRNN", "GRU": "GRU", "LSTM": "LSTM", "PeepholeLSTM": "peepholes"}  # simplest first


def reliable(cells: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the median updates of the cells that are reliable, by their names on the pages, the simplest first."""
    return {called: cells[name]["updates"] for name, called in CELLS.items() if cells[name]["low"] > 0.5}


def said(name: str) -> str:
    """Return the name of a cell, and how it begins (behind a _), as the pages say it."""
    kind, _, how = name.partition("_")
    return f"{CELLS[kind]}, {how}" if how else CELLS[kind]


def decided(cells: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """Return the simplest reliable cell and the quickest, with its median updates; a dash where none is reliable."""
    found = reliable(cells)
    quickest = min(found, key=found.get, default="")
    return next(iter(found), "–"), f"{quickest} ({found[quickest]:.0f})" if quickest else "–"


def of_lags(summary: Mapping[str, Any]) -> list[tuple[str, int, str, str]]:
    """Return task, lag, simplest and quickest reliable cell; `summary` is that of the experiment `long_lags`."""
    return [
        (name.replace("_", " "), int(lag), *decided({cell: found["lags"][lag] for cell, found in cells.items()}))
        for name, cells in summary.items()
        for lag in cells["RNN"]["lags"]
    ]
