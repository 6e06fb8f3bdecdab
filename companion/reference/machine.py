"""Machines that carry a state from step to step, without any weights: what has to be carried, and what a window misses.

The reader meets these lines in the overview. A machine is a function from an input and a state to an output and the
next state, `y_t, s = step(x_t, s)`; a recurrent layer is such a machine whose state is the array h. A task is a
function from a history, a tuple of symbols, to the answer after its last symbol.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

Step = Callable[[Any, Any], tuple[Any, Any]]
Task = Callable[[tuple[int, ...]], Any]


def run(step: Step, s: Any, x: Iterable) -> list:
    """Return the outputs of a machine that starts in state `s` and reads `x`."""
    y = []
    for x_t in x:
        y_t, s = step(x_t, s)
        y.append(y_t)
    return y


def echo(x_t: Any, s: tuple) -> tuple[Any, tuple]:
    """One step of echo. The state is the last symbols, oldest first; its length is the lag."""
    s = (*s, x_t)
    return s[0], s[1:]


def parity(x_t: int, s: int) -> tuple[int, int]:
    """One step of running parity. The state is the answer so far, 0 at the start."""
    s = (s + x_t) % 2
    return s, s


def ceiling(task: Task, window: int, length: int) -> float:
    """Return the best score that a function of the last `window` bits can have on all histories of `length` bits.

    Each history is as likely as any other. Raises ValueError for a window below 1 or longer than the histories.
    """
    if not 1 <= window <= length:
        raise ValueError(f"window: expected 1 to length = {length}, got {window}")
    answers: dict[tuple[int, ...], Counter] = defaultdict(Counter)
    for history in product((0, 1), repeat=length):
        answers[history[-window:]][task(history)] += 1
    return sum(max(count.values()) for count in answers.values()) / 2**length


def states(task: Task, length: int) -> int:
    """Return how many histories of `length` bits have to be told apart.

    Two need not be if, whatever follows, the answers to come are the same. Up to
    `length` bits are tried as what follows: enough for a task whose past matters
    no longer than that, and for any other the count is a lower bound. Raises
    ValueError for a length below 1.
    """
    if length < 1:
        raise ValueError(f"length: expected at least 1, got {length}")
    later = [more for n in range(1, length + 1) for more in product((0, 1), repeat=n)]
    kinds = set()
    for history in product((0, 1), repeat=length):
        kinds.add(tuple(task(history + more) for more in later))
    return len(kinds)
