"""A progress bar that suits its place: a bar in a terminal, nothing in a notebook, a line now and then in a log.

A notebook's outputs are committed and compared, so nothing that differs between two runs may be printed there.
"""

from __future__ import annotations

import sys
from typing import Any, Literal, TextIO

__all__ = ["Mode", "place", "progress"]

Mode = Literal["terminal", "notebook", "log", "silent"]
SECONDS_BETWEEN_LINES = 30


class Lines:
    """A text stream that makes a line of its own of everything that tqdm would write over."""

    def __init__(self, stream: TextIO):
        self._stream = stream

    def write(self, text: str) -> int:
        """Write what was printed between two carriage returns as a line."""
        for part in text.replace("\x1b[A", "").split("\r"):
            if part.strip():
                self._stream.write(part.strip() + "\n")
        return len(text)

    def flush(self) -> None:
        """Flush the stream below."""
        self._stream.flush()


def place(stream: TextIO | None = None) -> Mode:
    """Say where this runs: in a notebook, in a terminal, or with its output in a log."""
    if "IPython" in sys.modules:
        shell = sys.modules["IPython"].get_ipython()
        if shell is not None and hasattr(shell, "kernel"):
            return "notebook"
    stream = sys.stderr if stream is None else stream
    return "terminal" if stream.isatty() else "log"


def progress(total: int, label: str, mode: Mode | None = None, stream: TextIO | None = None, done: int = 0) -> Any:
    """Return a tqdm bar of `total` steps, to be used in a `with` and moved on by `.update()`.

    Args:
        total: number of steps.
        label: what is under way.
        mode: "terminal", "notebook" or "silent" (both print nothing), or "log"; found out unless told.
        stream: where to print; standard error unless told.
        done: number of steps that were made before, as when a run goes on.

    Raises:
        ValueError: another mode.
    """
    from tqdm import tqdm

    mode = place(stream) if mode is None else mode
    stream = sys.stderr if stream is None else stream
    if mode == "terminal":
        return tqdm(total=total, initial=done, desc=label, file=stream, leave=True, dynamic_ncols=True)
    if mode == "log":
        seconds = SECONDS_BETWEEN_LINES
        form = "{desc}: {n_fmt} of {total_fmt}, {elapsed} gone, {remaining} to go{postfix}"
        options = {"mininterval": seconds, "maxinterval": seconds, "bar_format": form}
        return tqdm(total=total, initial=done, desc=label, file=Lines(stream), **options)
    if mode in ("notebook", "silent"):
        return tqdm(total=total, disable=True)
    raise ValueError(f'mode: expected "terminal", "notebook", "log" or "silent", got {mode!r}')
