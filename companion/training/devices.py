"""Where a network is trained, and in which precision: by name, or the best that is there.

where = device("auto")            # a GPU if there is one, else the CPU
with autocast(where, "bfloat16"):
    outputs, state = model(x)
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Literal

import torch

from companion.training.parallel import world

__all__ = ["Precision", "autocast", "device"]

Precision = Literal["float32", "bfloat16", "float16"]
KINDS = ("cpu", "cuda", "mps")


def device(name: str = "auto") -> torch.device:
    """Return a device that is here.

    Args:
        name: "cpu", "cuda", "cuda:1", "mps", or "auto": the first of cuda, mps and cpu that is there. Under `torchrun`
            each process of a machine gets a GPU of its own, unless a number is given.

    Raises:
        ValueError: a name of no device that is known here.
        RuntimeError: a device that is not there.
    """
    if name == "auto":
        name = next(kind for kind in ("cuda", "mps", "cpu") if number_of(kind))
    try:
        wanted = torch.device(name)
    except RuntimeError:
        wanted = None
    if wanted is None or wanted.type not in KINDS:
        raise ValueError(f'device: expected "auto", {", ".join(KINDS)}, or one of these with a number, got {name!r}')
    if wanted.type == "cuda" and wanted.index is None and number_of("cuda"):
        wanted = torch.device("cuda", world().local)
    if (wanted.index or 0) >= number_of(wanted.type):
        here = [f"{kind}:{i}" if kind == "cuda" else kind for kind in KINDS for i in range(number_of(kind))]
        raise RuntimeError(f"device: expected one that is here ({', '.join(here)}), got {str(wanted)!r}")
    return wanted


def number_of(kind: str) -> int:
    """Return how many devices of a kind there are."""
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    return int(kind == "cpu" or torch.backends.mps.is_available())


def autocast(where: torch.device | str, precision: Precision = "float32") -> AbstractContextManager:
    """Return a context in which matrix products are computed in a precision; with float32 all stays as it is.

    Raises ValueError for an unknown precision.
    """
    if precision not in ("float32", "bfloat16", "float16"):
        raise ValueError(f'precision: expected "float32", "bfloat16" or "float16", got {precision!r}')
    if precision == "float32":
        return nullcontext()
    return torch.autocast(torch.device(where).type, dtype=getattr(torch, precision))
