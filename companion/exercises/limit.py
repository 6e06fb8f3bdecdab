"""A time limit for code that may never end.

Two ways, because no single one works wherever a notebook runs:

- In the main thread of Linux and macOS a timer signal (`signal.setitimer`) interrupts the code between two bytecodes,
  and also in a system call such as `time.sleep`. Nothing else about the call changes, so this is taken where it can be.
- Windows has no such signal, and no thread but the main one may set it. There the code runs in a helper thread, and
  when the time is up `PyThreadState_SetAsyncExc` raises the same exception inside it.

Both repeat themselves, for a learner's bare `except:` inside the endless loop may swallow the first attempt. The
exception derives from `BaseException` so that `except Exception` does not. What neither can stop is a single call
into C that never comes back; the helper thread is then left behind, and the signal arrives when the call returns.
"""

from __future__ import annotations

import ctypes
import signal
import threading
from collections.abc import Callable
from typing import Any

__all__ = ["TimeIsUp", "call_within"]

AGAIN = 0.1  # seconds between two attempts to stop
ATTEMPTS = 20


class TimeIsUp(BaseException):
    """Raised inside code that has run past its limit, and by `call_within` for it."""


def call_within(seconds: float, function: Callable[[], Any]) -> Any:
    """Return `function()`, or raise `TimeIsUp` when it takes longer than `seconds`. Its own exceptions pass through."""
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        return _by_signal(seconds, function)
    return _by_thread(seconds, function)


def _by_signal(seconds: float, function: Callable[[], Any]) -> Any:
    running = True

    def stop(number: int, frame: Any) -> None:
        if running:
            raise TimeIsUp

    handler = signal.signal(signal.SIGALRM, stop)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        return function()
    finally:
        running = False
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def _by_thread(seconds: float, function: Callable[[], Any]) -> Any:
    outcome: list[tuple[bool, Any]] = []

    def work() -> None:
        try:
            outcome.append((True, function()))
        except BaseException as error:
            outcome.append((False, error))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        thread.join(seconds)
    finally:  # also when the stop button interrupts the waiting
        late = thread.is_alive()
        if late:
            _stop(thread)
    if late:
        raise TimeIsUp
    succeeded, value = outcome[0]
    if succeeded:
        return value
    raise value


def _stop(thread: threading.Thread) -> None:
    attempts = 0
    while thread.is_alive() and attempts < ATTEMPTS:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TimeIsUp))
        thread.join(AGAIN)
        attempts += 1
