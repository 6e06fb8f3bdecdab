"""What surrounds the recurrence: the shapes that torch.nn takes and gives, checked as torch.nn checks them.

Inside, a batch is a rectangle with time first, (T, B, I), and sequences of different lengths begin together. Nothing
past a sequence's end reaches its outputs: they are cut off when the batch is packed again, and a final state is read at
its sequence's own last step.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence


@dataclass(frozen=True)
class Batch:
    """One call's input, seen from inside.

    Attributes:
        x: (T, B, I).
        lengths: (B,) on x's device, longest first, or None where all sequences have T steps.
        given: the packed sequence that the caller gave, or None.
        batched: whether the caller's tensor had a batch axis.
        batch_first: whether it comes first there.
    """

    x: Tensor
    lengths: Tensor | None = None
    given: PackedSequence | None = None
    batched: bool = True
    batch_first: bool = False

    def output(self, y: Tensor):
        """The layer's outputs (T, B, …) in the caller's form."""
        if self.given is not None:
            lengths = self.lengths.cpu()
            packed = pack_padded_sequence(y, lengths)
            return PackedSequence(
                packed.data, self.given.batch_sizes, self.given.sorted_indices, self.given.unsorted_indices
            )
        return self.steps(y)

    def steps(self, series: Tensor, axis: int = 0) -> Tensor:
        """A series whose time axis is ``axis`` and whose batch axis is the next one, in the caller's order of axes."""
        if not self.batched:
            return series.squeeze(axis + 1)
        return series.transpose(axis, axis + 1) if self.batch_first else series

    def state(self, state: Tensor) -> Tensor:
        """A state (L, B, H) in the caller's form."""
        if self.given is not None and self.given.unsorted_indices is not None:
            return state.index_select(1, self.given.unsorted_indices)
        return state if self.batched else state.squeeze(1)

    def sorted(self, state: Tensor) -> Tensor:
        """The caller's state (L, B, H) in the order of x."""
        if self.given is not None and self.given.sorted_indices is not None:
            return state.index_select(1, self.given.sorted_indices)
        return state


def enter(module, given) -> Batch:
    """The caller's input, checked, as a `Batch`.

    Args:
        module: a layer; its `name`, `input_size`, `batch_first` and first weight's dtype are read.
        given: a tensor (T, B, I), (B, T, I) with ``batch_first``, or (T, I); or a `PackedSequence`.

    Raises:
        ValueError, RuntimeError: what torch.nn raises for the same mistake.
    """
    if isinstance(given, PackedSequence):
        _check(module, given.data, 2)
        x, lengths = pad_packed_sequence(given._replace(sorted_indices=None, unsorted_indices=None))
        return Batch(x, lengths.to(x.device), given)
    if given.dim() not in (2, 3):
        raise ValueError(f"{module.name}: Expected input to be 2D or 3D, got {given.dim()}D instead")
    batched = given.dim() == 3
    x = given.unsqueeze(0 if module.batch_first else 1) if not batched else given
    _check(module, x, 3)
    x = x.transpose(0, 1) if module.batch_first else x
    if len(x) == 0:
        raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
    return Batch(x, batched=batched, batch_first=module.batch_first)


def _check(module, x: Tensor, dimensions: int) -> None:
    weight = next(module.parameters())
    if x.dtype != weight.dtype and not _cast_for_both(x, weight):
        error = RuntimeError if torch.is_autocast_enabled(x.device.type) else ValueError  # torch.nn's
        raise error(
            f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). "
            f"Convert input: input.to({weight.dtype}), or convert model: model.to({x.dtype})"
        )
    if x.dim() != dimensions:
        raise RuntimeError(f"input must have {dimensions} dimensions, got {x.dim()}")
    if x.shape[-1] != module.input_size:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {module.input_size}, got {x.shape[-1]}"
        )
    if x.device != weight.device:
        raise RuntimeError(
            "Input and parameter tensors are not at the same device, "
            f"found input tensor at {x.device} and parameter tensor at {weight.device}"
        )


def _cast_for_both(a: Tensor, b: Tensor) -> bool:
    """Whether autocast gives two tensors one dtype. It leaves float64 alone."""
    return torch.is_autocast_enabled(b.device.type) and torch.float64 not in (a.dtype, b.dtype)


def enter_state(batch: Batch, hx, shape: tuple[int, int, int], pair: bool) -> tuple[Tensor, ...]:
    """The caller's state, checked, as a tuple of (L, B, H) in the order of ``batch.x``; zeros for None.

    Args:
        hx: None, a tensor, or with ``pair`` two of them (h, c), each (L, B, H), or (L, H) for unbatched input.
        shape: (L, B, H).

    Raises:
        RuntimeError: a wrong number of axes, size, dtype or device, as torch.nn.
        AttributeError, TypeError, IndexError: a state of the wrong structure, as torch.nn.
    """
    if hx is None:
        return tuple(batch.x.new_zeros(shape) for _ in range(2 if pair else 1))
    state = (hx[0], hx[1]) if pair else (hx,)
    if batch.given is None:
        wanted, kind = (3, "batched 3-D") if batch.batched else (2, "unbatched 2-D")
        if any(s.dim() != wanted for s in state):
            names, got = ("hx and cx", "({}-D, {}-D) tensors") if pair else ("hx", "{}-D tensor")
            got = got.format(*(s.dim() for s in state))
            raise RuntimeError(f"For {kind} input, {names} should also be {wanted}-D but got {got}")
        state = tuple(s if batch.batched else s.unsqueeze(1) for s in state)
    for k, s in enumerate(state):
        if tuple(s.shape) != shape:
            name = f"hidden[{k}]" if pair else "hidden"
            raise RuntimeError(f"Expected {name} size {shape}, got {list(s.shape)}")
        for what, ours, theirs in (("device", batch.x.device, s.device), ("dtype", batch.x.dtype, s.dtype)):
            free = what == "dtype" and _cast_for_both(batch.x, s)
            if ours != theirs and not free:
                raise RuntimeError(
                    f"Input and hidden tensors are not {'at' if what == 'device' else 'of'} the same {what}, "
                    f"found input tensor with {ours} and hidden tensor with {theirs}"
                )
    return tuple(batch.sorted(s) for s in state)


def reverse(series: Tensor, lengths: Tensor | None) -> Tensor:
    """A series (T, B, …) backwards, each sequence within its own length; what lies past an end stays."""
    if lengths is None:
        return series.flip(0)
    t = torch.arange(len(series), device=series.device)[:, None]
    turned = torch.where(t < lengths, lengths - 1 - t, t)
    return series[turned, torch.arange(len(lengths), device=series.device)]


def at_end(series: Tensor, lengths: Tensor) -> Tensor:
    """The last step of each sequence of a series (T, B, H): (B, H)."""
    return series[lengths - 1, torch.arange(len(lengths), device=series.device)]


def past_end(series: Tensor, lengths: Tensor) -> Tensor:
    """(T, B, 1), true at the steps of the series (T, B, …) at which a sequence is over."""
    return (torch.arange(len(series), device=series.device)[:, None] >= lengths)[..., None]
