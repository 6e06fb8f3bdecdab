"""The loops of `companion.nn.cells.lstm` in C (lstm.c beside this file): their arguments, and when they are taken."""

import ctypes
from pathlib import Path

import torch
from torch import Tensor

from companion.nn import _compiled
from companion.nn._compiled import NoCompiler
from companion.nn.cells._scan import PreActivations

SOURCE = Path(__file__).with_name("lstm.c")
AHEAD = 2**20  # pre-activations that are made at once
SHARE = 2**21  # multiplications below which a second thread costs more than it saves
MOST = 64  # threads, as in lstm.c

_long, _address = ctypes.c_long, ctypes.c_void_p


class _Scan(ctypes.Structure):
    _fields_ = (
        *((name, _long) for name in ("steps", "batch", "hidden", "gates", "old", "kept", "threads")),
        *((name, _address) for name in ("a", "forward", "peeps", "h0", "h", "c", "z")),
    )


class _Back(ctypes.Structure):
    _fields_ = (
        *((name, _long) for name in ("steps", "batch", "hidden", "gates", "old", "threads")),
        *((name, _address) for name in ("backward", "peeps", "c", "z", "dy", "dcy", "dh", "dc", "da", "dpeeps")),
    )


def why_not(like: Tensor) -> str | None:
    """Why the loops in C do not run for states like this tensor, in one sentence; None where they do."""
    if like.device.type != "cpu" or like.dtype != torch.float32:
        return f"the loops in C are for float32 on the CPU, not for {like.dtype} on {like.device.type}"
    found = _compiled.library(SOURCE)
    return str(found) if isinstance(found, NoCompiler) else None


def scan(cell, a: PreActivations, state, U: Tensor, p: Tensor | None, keep: bool, gates: Tensor, cells: Tensor):
    """All steps forward: fills ``gates`` and ``cells`` as `companion.nn.cells.lstm` does, and returns every h."""
    h0, steps = state[0], len(a)
    hs = h0.new_empty(steps, *h0.shape)
    packed = _packed("forward", U, cell.gates)
    shape = (*h0.shape, cell.gates, cell.name == "peephole_old", keep, _threads(steps, h0, cell.gates))
    first = 0
    for piece in a.pieces(AHEAD):
        before = hs[first - 1] if first else h0
        kept = gates[first:] if keep else gates
        given = (piece, packed, p, before, hs[first:], cells[first:], kept)
        _run("scan", _Scan(len(piece), *shape, *(_at(tensor) for tensor in given)))
        first += len(piece)
    return hs


class Back:
    """The way back through time for a stretch of steps after another, last first."""

    def __init__(self, cell, U: Tensor, p: Tensor | None, saved, upstream, carried: Tensor, dp: Tensor | None):
        """``carried``, (2, B, H), are the gradients of h and c: every stretch takes them further. dp is added to."""
        self.gates, self.cells = saved
        self.p, self.upstream, self.carried, self.dp = p, upstream, carried, dp
        self.packed = _packed("backward", U, cell.gates)
        self.threads = _threads(len(self.gates), carried[0], cell.gates)
        self.shape = (*carried[0].shape, cell.gates, cell.name == "peephole_old", self.threads)

    def through(self, first: int, end: int, da: Tensor) -> None:
        """The steps from ``first`` until before ``end``; fills their da (K, B, G*H)."""
        dps = None if self.dp is None else self.dp.new_zeros(self.threads, *self.dp.shape)
        given = (self.packed, self.p, self.cells[first:], self.gates[first:])
        given += tuple(None if dy is None else dy[first:] for dy in self.upstream)
        given += (*self.carried, da, dps)
        _run("scan_back", _Back(end - first, *self.shape, *(_at(tensor) for tensor in given)))
        if dps is not None:
            self.dp += dps.sum(dim=0)


def _packed(way: str, U: Tensor, gates: int) -> Tensor:
    """The recurrent weights in the order in which the product of this direction reads them."""
    C = _compiled.library(SOURCE)
    size, pack = C[f"size_{way}"], C[f"pack_{way}"]
    size.restype, pack.restype = _long, None
    shape = _long(U.shape[1]), _long(gates)
    packed = U.new_empty(size(*shape))
    pack(*shape, _at(U), _at(packed))
    return packed


def _threads(steps: int, state: Tensor, gates: int) -> int:
    """As many as torch is allowed, if there is work for them."""
    batch, hidden = state.shape
    work = steps * batch * gates * hidden * hidden
    return max(1, min(torch.get_num_threads(), batch, work // SHARE, MOST))


def _at(tensor: Tensor | None):
    return _address(None if tensor is None else tensor.data_ptr())


def _run(name: str, work: ctypes.Structure) -> None:
    if not _compiled.library(SOURCE)[name](ctypes.byref(work)):
        raise MemoryError(f"no memory for the rows of a step, {work.hidden} units wide")
