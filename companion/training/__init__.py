"""Training: loops that take a network and a task and return what happened, with progress that suits the place.

`fit` trains the layers of `companion.reference` and needs NumPy alone. What trains PyTorch modules is loaded when it is
asked for: `windows` and `gradients` for truncated backpropagation through time.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from companion.training.models import TorchNetwork
    from companion.training.truncation import Carried, Window, gradients, windows

__all__ = [
    "Carried",
    "Diverged",
    "EarlyStop",
    "History",
    "Network",
    "TorchNetwork",
    "Window",
    "cross_entropy",
    "fit",
    "gradients",
    "progress",
    "side_by_side",
    "squared_error",
    "windows",
]

# names that need PyTorch, and the module that has each
WITH_TORCH = {
    "Carried": "truncation",
    "TorchNetwork": "models",
    "Window": "truncation",
    "gradients": "truncation",
    "windows": "truncation",
}


def __getattr__(name: str):
    """Load what needs PyTorch the first time that it is asked for."""
    if name not in WITH_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if find_spec("torch") is None:
        raise ImportError(f'companion.training.{name} needs PyTorch: pip install "companion[training]"')
    thing = getattr(import_module(f"{__name__}.{WITH_TORCH[name]}"), name)
    globals()[name] = thing
    return thing


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
