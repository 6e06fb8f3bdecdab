"""How the caller lays out arrays, and how the scan wants them: features, time, batch.

The scan reads (I, T, B): a column for each sequence and step, as in the equations. Networks side by side stand in
front of that. The caller has (T, B, I), may put the batch first or leave it out. Each rule is here and nowhere else.
"""

from dataclasses import dataclass

import numpy as np

from companion.reference import checks


@dataclass(frozen=True)
class Layout:
    """The caller's layout of one call.

    runs: S, the number of networks side by side, or None for one network without that axis.
    """

    batch_first: bool
    batched: bool
    runs: int | None

    def steps(self, array: np.ndarray) -> np.ndarray:
        """The caller's array as (…, features, T, B): a view."""
        if not self.batched:
            return array.T[..., None]
        return np.moveaxis(array.swapaxes(-3, -2) if self.batch_first else array, -1, -3)

    def caller(self, array: np.ndarray) -> np.ndarray:
        """The way back from `steps`: a view."""
        if not self.batched:
            return array[..., 0].T
        array = np.moveaxis(array, -3, -1)
        return array.swapaxes(-3, -2) if self.batch_first else array

    def state_parts(self, array: np.ndarray) -> np.ndarray:
        """A state of the caller as (layers * directions, …, H, B). `batch_first` does not move states."""
        if not self.batched:
            return array[..., None]
        return (array if self.runs is None else np.moveaxis(array, 0, 1)).mT

    def caller_state(self, parts: list[np.ndarray]) -> np.ndarray:
        """The way back from `state_parts`, from a list with an entry for each layer and direction."""
        array = np.stack(parts).mT
        if not self.batched:
            return array[:, 0]
        return array if self.runs is None else np.moveaxis(array, 1, 0)

    def caller_states(self, parts: list[tuple[np.ndarray, ...]]):
        """As `caller_state` for whole states: one array, or a tuple of arrays where the cell carries several."""
        arrays = tuple(self.caller_state(list(part)) for part in zip(*parts, strict=True))
        return arrays if len(arrays) > 1 else arrays[0]

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
    return Layout(batch_first, batched=x.ndim > 2, runs=runs)


def alive(lengths: object, steps: int, batch: int) -> np.ndarray | None:
    """True where a sequence has not ended, (T, B); None where all have T steps. Errors as `checks.lengths`."""
    if lengths is None:
        return None
    return np.arange(steps)[:, None] < checks.lengths(lengths, steps, batch)


def flip(array: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """(…, T, B) with time reversed: each sequence from its own end to its start; padding stays. It undoes itself."""
    if mask is None:
        return array[..., ::-1, :]
    steps = np.arange(len(mask))[:, None]
    source = np.where(mask, mask.sum(axis=0) - 1 - steps, steps)
    return np.take_along_axis(array, source.reshape(*[1] * (array.ndim - 2), *mask.shape), axis=-2)
