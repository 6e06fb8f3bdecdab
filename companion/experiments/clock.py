"""Times of short computations, measured side by side. The benchmarks, the experiment and the chapter *speed* share it.

Other work on a machine only ever makes a run longer, and it comes and goes. So contenders are timed in turn, all of
them in every round, and of each the best run counts.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping

__all__ = ["in_turn", "load", "once", "one_thread"]


def in_turn(contenders: Mapping[str, Callable[[], object]], rounds: int, window: float = 0.02) -> dict[str, float]:
    """Return the best time of each contender in seconds.

    Each runs once unmeasured, so that nobody pays for what happens at a first call. Then every round runs each of them
    for `window` seconds, at least once.
    """
    best = dict.fromkeys(contenders, math.inf)
    for run in contenders.values():
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            now = time.perf_counter()
            end = now + window
            while True:
                start = now
                run()
                now = time.perf_counter()
                best[name] = min(best[name], now - start)
                if now >= end:
                    break
    return best


def once(run: Callable[[], object]) -> float:
    """Return the seconds of a single call, whatever happens in it for the first time."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Let PyTorch, and the libraries that multiply for NumPy, use one thread inside the block."""
    import threadpoolctl
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpoolctl.threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)


def load() -> float:
    """Return how many processes wanted a core over the last minute; 0 where the system does not say."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
