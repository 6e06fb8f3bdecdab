"""Training: loops that take a network and a task and return what happened, with progress that suits the place.

`numpy_loop` trains the layers of `companion.reference`.
"""

from companion.training.numpy_loop import (
    Diverged,
    EarlyStop,
    History,
    Network,
    cross_entropy,
    fit,
    side_by_side,
    squared_error,
)
from companion.training.progress import progress

__all__ = [
    "Diverged",
    "EarlyStop",
    "History",
    "Network",
    "cross_entropy",
    "fit",
    "progress",
    "side_by_side",
    "squared_error",
]
