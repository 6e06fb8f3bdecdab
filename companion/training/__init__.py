"""Training: loops that take a network and a task and return what happened, with progress that suits the place.

`fit` trains the layers of `companion.reference` and needs NumPy alone. `train` does the same for PyTorch, with whatever
layer and optimiser, and is loaded when it is asked for:

- `windows` and `gradients` are truncated backpropagation through time, for `train` and for loops of your own;
- `Batches` are a supply of data that knows its place, `Checkpoint` is where a run is kept so that it can go on after a
  kill, and `save` and `load` read and write such files;
- `device` and `autocast` choose where and how precisely to compute, `distributed` joins the processes of `torchrun`.

`python -m companion.training.language` uses all of it: it trains a model of characters.
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
    from companion.training.batches import Batches
    from companion.training.checkpoints import Checkpoint, CheckpointError, load, save
    from companion.training.devices import autocast, device
    from companion.training.models import TorchNetwork
    from companion.training.parallel import World, distributed, world
    from companion.training.torch_loop import evaluate, train
    from companion.training.truncation import Carried, Window, gradients, windows

__all__ = [
    "Batches",
    "Carried",
    "Checkpoint",
    "CheckpointError",
    "Diverged",
    "EarlyStop",
    "History",
    "Network",
    "TorchNetwork",
    "Window",
    "World",
    "autocast",
    "cross_entropy",
    "device",
    "distributed",
    "evaluate",
    "fit",
    "gradients",
    "load",
    "progress",
    "save",
    "side_by_side",
    "squared_error",
    "train",
    "windows",
    "world",
]

# names that need PyTorch, and the module that has each
WITH_TORCH = {
    "Batches": "batches",
    "Carried": "truncation",
    "Checkpoint": "checkpoints",
    "CheckpointError": "checkpoints",
    "TorchNetwork": "models",
    "Window": "truncation",
    "World": "parallel",
    "autocast": "devices",
    "device": "devices",
    "distributed": "parallel",
    "evaluate": "torch_loop",
    "gradients": "truncation",
    "load": "checkpoints",
    "save": "checkpoints",
    "train": "torch_loop",
    "windows": "truncation",
    "world": "parallel",
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
