"""How the caller lays out arrays, and how the scan wants them: time first, then (networks,) batch, features.

The scan reads (T, B, features), and (T, S, B, features) for S networks side by side. The caller may put the batch first,
leave it out, or put the axis of networks in front of everything. Each rule is here and nowhere else.
"""

from dataclasses import dataclass

import numpy as np

from companion.reference import checks


@dataclass(frozen=True)
class Layout:
    """The caller's layout of one call.

    runs: S, the number of networks side by side, or None for one network without that axis.
    shared: S networks read one and the same input, (T, B, I).
    """

    batch_first: bool
    batched: bool
    runs: int | None
    shared: bool

    def steps(self, array: np.ndarray) -> np.ndarray:
        """The caller's array as (T, B, features) or (T, S, B, features): a view."""
        if not self.batched:
            return array[:, None]
        if self.batch_first:
            array = array.swapaxes(-3, -2)
        if self.runs is None:
            return array
        return array[:, None] if array.ndim == 3 else np.moveaxis(array, 0, 1)

    def caller(self, array: np.ndarray) -> np.ndarray:
        """The way back from `steps`, for everything that every network has of its own: a view."""
        if not self.batched:
            return array[:, 0]
        if self.runs is not None:
            array = np.moveaxis(array, 1, 0)
        return array.swapaxes(-3, -2) if self.batch_first else array

    def caller_input(self, array: np.ndarray) -> np.ndarray:
        """As `caller`, for what has the shape of x: a shared input has no axis of networks."""
        return self.caller(array)[0] if self.shared else self.caller(array)

    def state_parts(self, array: np.ndarray) -> np.ndarray:
        """A state of the caller as (layers * directions, (S,) B, H). `batch_first` does not move states."""
        if not self.batched:
            return array[:, None]
        return array if self.runs is None else np.moveaxis(array, 0, 1)

    def caller_state(self, parts: list[np.ndarray]) -> np.ndarray:
        """The way back from `state_parts`, from a list with an entry for each layer and direction."""
        array = np.stack(parts)
        if not self.batched:
            return array[:, 0]
        return array if self.runs is None else np.moveaxis(array, 1, 0)

    def state_shape(self, parts: int, batch: int, features: int) -> tuple[int, ...]:
        """The shape of a state in the caller's layout."""
        shape = (parts, batch, features) if self.batched else (parts, features)
        return shape if self.runs is None else (self.runs, *shape)


def layout_of(x: np.ndarray, width: int, runs: int | None, batch_first: bool) -> Layout:
    """The layout of the input of a call.

    Raises ValueError for a wrong number of axes, a wrong width, no time steps or an empty batch.
    """
    order = "(B, T, I)" if batch_first else "(T, B, I)"
    ranks = {2: "(T, I)", 3: order} if runs is None else {3: order, 4: f"(S, {order[1:]}"}
    if x.ndim not in ranks:
        raise ValueError(f"x: expected shape {' or '.join(ranks.values())}, got {x.ndim} axes, shape {x.shape}")
    if x.shape[-1] != width:
        raise ValueError(f"x: expected {ranks[x.ndim]} with I = input_size = {width}, got shape {x.shape}")
    if 0 in x.shape:
        raise ValueError(f"x: expected at least one time step and one sequence, got shape {x.shape}")
    if x.ndim == 4 and x.shape[0] != runs:
        raise ValueError(f"x: expected {ranks[4]} with S = {runs} networks, got shape {x.shape}")
    return Layout(batch_first, batched=x.ndim > 2, runs=runs, shared=runs is not None and x.ndim == 3)


def alive(lengths: object, x: np.ndarray, batched: bool) -> np.ndarray | None:
    """True where a sequence has not ended: (T, B, 1) or (T, 1, B, 1); None where all sequences have T steps."""
    if lengths is None:
        return None
    steps, batch = x.shape[0], x.shape[-2]
    lengths = checks.lengths(lengths if batched else np.reshape(lengths, -1), steps, batch)
    mask = np.arange(steps)[:, None] < lengths
    return mask[:, :, None] if x.ndim == 3 else mask[:, None, :, None]


def flip(array: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Time reversed: each sequence from its own end to its start; padding stays where it is. `flip` undoes itself."""
    if mask is None:
        return array[::-1]
    steps = np.arange(len(array)).reshape(-1, *[1] * (array.ndim - 1))
    lengths = mask.sum(axis=0, keepdims=True)
    return np.take_along_axis(array, np.where(mask, lengths - 1 - steps, steps), axis=0)
