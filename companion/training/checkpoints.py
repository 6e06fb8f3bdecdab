"""Files that hold a training run: whole or not there, checked when read, and nothing in them is ever executed.

A checkpoint is one safetensors file. Its tensors are numbers and nothing else; how they belong together, and whatever
is not a tensor, stands beside them as JSON, and a digest over both tells a damaged file. It is written beside the old
one and takes its place in one move once it has reached the disk, so a kill at any moment leaves the old or the new one.

    save("run.safetensors", {"model": model.state_dict(), "update": 500})
    model.load_state_dict(load("run.safetensors")["model"])
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialise
from torch import Tensor

__all__ = ["Checkpoint", "CheckpointError", "load", "save"]

FORMAT = "companion.training 1"


class CheckpointError(ValueError):
    """Raised for a file that is no checkpoint, or is damaged, or belongs to another run."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a training run is kept, and how often it is written.

    What is kept: weights, optimiser, schedule, the scale of mixed precision, the place in the data and its generator,
    the state carried through a stream, torch's generators on every device and process, the history, the best weights.
    What else draws random numbers, Python's `random` or NumPy's global generator, is not: draw from the generator of
    `Batches`. On a GPU the weights are the same bit by bit as far as its kernels are.

    Attributes:
        path: the file, `run.safetensors` or the like. Where it exists, the run goes on from it.
        every: the number of updates between two writings; the end is written as well.

    Raises:
        ValueError: `every` below 1.
    """

    path: str | Path
    every: int = 100

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every: expected at least 1, got {self.every}")


def save(path: str | Path, tree: Any) -> None:
    """Write a tree of dicts, lists and tuples of tensors, NumPy arrays, numbers and text; all of it or nothing.

    Raises:
        TypeError: something else in the tree; the message says where.
        OSError: where the file cannot be written.
    """
    path, found = Path(path), {}
    structure = json.dumps(_pack(tree, "checkpoint", found))
    metadata = {"format": FORMAT, "structure": structure, "digest": _digest(structure, found)}
    scratch = path.with_name(path.name + ".part")
    with open(scratch, "wb") as file:
        file.write(serialise(found, metadata))
        file.flush()
        os.fsync(file.fileno())
    os.replace(scratch, path)
    _to_disk(path.parent)


def load(path: str | Path) -> Any:
    """Return what `save` wrote, its tensors on the CPU.

    Raises:
        FileNotFoundError: no such file.
        CheckpointError: a file that is something else, or that is damaged.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"path: expected a checkpoint, got no file at {str(path)!r}")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            names = file.keys()
            # copies: the file's own memory would be held, and on Windows a file that is held cannot be replaced
            found = {name: file.get_tensor(name).clone() for name in names}
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"path: expected a checkpoint, got {str(path)!r}, not to be read: {error}") from None
    if metadata.get("format") != FORMAT:
        what = metadata.get("format", "another safetensors file")
        raise CheckpointError(f"path: expected a checkpoint of the format {FORMAT!r}, got {str(path)!r}: {what}")
    if metadata.get("digest") != _digest(metadata.get("structure", ""), found):
        raise CheckpointError(f"path: expected a whole checkpoint, got {str(path)!r}, whose content was changed")
    return _unpack(json.loads(metadata["structure"]), found)


def _pack(thing: Any, place: str, found: dict[str, Tensor]) -> Any:
    """Return what JSON can hold, and put the tensors into `found`."""
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, np.generic):
        return _pack(thing.item(), place, found)
    if isinstance(thing, Tensor | np.ndarray):
        array = isinstance(thing, np.ndarray)
        name = place
        while name in found:  # {"a": {"b": …}, "a.b": …}
            name += "'"
        found[name] = _plain(torch.from_numpy(thing) if array else thing)
        return {"array" if array else "tensor": name}
    if isinstance(thing, dict):
        kind = "counter" if isinstance(thing, Counter) else "dict"
        return {kind: [[_key(key, place), _pack(value, f"{place}.{key}", found)] for key, value in thing.items()]}
    if isinstance(thing, list | tuple):
        parts = [_pack(part, f"{place}.{i}", found) for i, part in enumerate(thing)]
        return parts if isinstance(thing, list) else {"tuple": parts}
    kinds = "tensors, arrays, numbers, text, dicts, lists or tuples"
    raise TypeError(f"{place}: expected {kinds}, got {type(thing).__name__}")


def _key(key: Any, place: str) -> str | int:
    if not isinstance(key, str | int):
        raise TypeError(f"{place}: expected keys that are text or whole numbers, got {type(key).__name__}")
    return key


def _unpack(thing: Any, found: dict[str, Tensor]) -> Any:
    if isinstance(thing, list):
        return [_unpack(part, found) for part in thing]
    if not isinstance(thing, dict):
        return thing
    ((kind, content),) = thing.items()
    if kind == "tensor":
        return found[content]
    if kind == "array":
        return found[content].numpy()
    if kind == "tuple":
        return tuple(_unpack(part, found) for part in content)
    pairs = {key: _unpack(value, found) for key, value in content}
    return Counter(pairs) if kind == "counter" else pairs


def _plain(tensor: Tensor) -> Tensor:
    """A copy on the CPU that shares its memory with nothing, as weights that cuDNN has laid out or that are tied do."""
    return tensor.detach().to("cpu", copy=True).contiguous()


def _digest(structure: str, found: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(structure.encode())
    for name in sorted(found):
        tensor = found[name]
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _to_disk(folder: Path) -> None:
    """Have the new name of the file reach the disk too; Windows cannot, and need not."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
