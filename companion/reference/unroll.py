"""One unrolling for all cells: a scan over time, and the same scan reversed (chapters "Unfolding" and
"Backpropagation through time").

A cell knows one step. `forward` runs it along a sequence and keeps what every step produced; `backward` walks the same
steps from the last to the first and hands each one the gradient that the later ones left. Directions, layers and
layouts of arrays are not known here: see `companion.reference.layer`.

Shapes: x (I, T, B), states (H, B), a column for each sequence. With S networks side by side (S, …) in front of both;
x may stay without, and is then read by all. `mask` is None or (T, B), True where a sequence has not ended yet.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat

import numpy as np

from companion.reference.weights import Bound, flat, offsets, rows_of, unflat

State = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Run:
    """One pass of one cell along one sequence: the unfolded graph.

    memory: (T, …, rows, B), what every step left behind: its states and its records one upon the other. One block for
        all steps, as a large block costs the system far less than many small ones; linear in T.
    """

    net: Bound
    x: np.ndarray
    start: State
    memory: np.ndarray
    mask: np.ndarray | None

    @property
    def y(self) -> np.ndarray:
        """The outputs (…, H, T, B): 0 where a sequence has ended."""
        y = self.series(self.net.cell.state[0])
        return y if self.mask is None else np.where(self.mask, y, 0)

    @property
    def state(self) -> State:
        """The state after the last step."""
        return tuple(self.by_time(name)[-1] for name in self.net.cell.state)

    def series(self, name: str) -> np.ndarray:
        """A quantity at all time steps, (…, features, T, B).

        `name`: "x", a state ("h"), a state before the step ("h_prev"), or a record ("i").
        """
        if name == "x":
            return self.x
        before = name.removesuffix("_prev")
        if before == name:
            return np.moveaxis(self.by_time(name), 0, -2)
        return later(self.start[self.net.cell.state.index(before)], self.series(before))

    def by_time(self, name: str) -> np.ndarray:
        """A state or record as T arrays (…, features, B): a view."""
        return self.memory[..., offsets(kept(self.net.cell), self.net.size)[name], :]


@dataclass(frozen=True)
class Glance:
    """What is left of a pass whose steps nobody needs again: the outputs and the final state."""

    y: np.ndarray
    state: State
    mask: np.ndarray | None


@dataclass(frozen=True)
class Back:
    """What one pass back gives: the gradients of the input, of the initial state and of the parameters by name."""

    x: np.ndarray
    state: State
    params: dict[str, np.ndarray]


def kept(cell) -> tuple[str, ...]:
    """The names of what a step leaves behind: its states, and its records that are not states."""
    return tuple(dict.fromkeys((*cell.state, *cell.records)))


def scan(net: Bound, x: np.ndarray, state: State, mask: np.ndarray | None) -> Iterator[tuple[State, State]]:
    """Run the cell along time; yields the state after each step, and the step's records."""
    Wx = by_time(input_product(net, x))
    for Wx_t, alive in zip(Wx, mask_rows(mask, len(Wx)), strict=True):
        after, records = net.cell.step(Wx_t, state, net.w)
        state = after if alive is None else choose(alive, after, state)
        yield state, records


def forward(net: Bound, x: np.ndarray, state: State, mask: np.ndarray | None) -> Run:
    """Scan, and keep what every step leaves behind."""
    cell, names = net.cell, kept(net.cell)
    extra = [k for k, name in enumerate(cell.records) if name not in cell.state]
    memory = np.empty(*empty_like_steps(net, x, state, sum(map(net.size, names))))
    for slot, (after, records) in zip(memory, scan(net, x, state, mask), strict=True):
        np.concatenate([*after, *(records[k] for k in extra)], axis=-2, out=slot)
    return Run(net, x, state, memory, mask)


def glance(net: Bound, x: np.ndarray, state: State, mask: np.ndarray | None) -> Glance:
    """Scan, and keep the outputs alone."""
    y = np.empty(*empty_like_steps(net, x, state, net.size(net.cell.state[0])))
    for slot, (after, _) in zip(y, scan(net, x, state, mask), strict=True):
        slot[...] = after[0]
    y = np.moveaxis(y, 0, -2)
    return Glance(y if mask is None else np.where(mask, y, 0), after, mask)


def empty_like_steps(net: Bound, x: np.ndarray, state: State, rows: int) -> tuple[tuple[int, ...], np.dtype]:
    """Shape (T, …, rows, B) and dtype of what all steps make together."""
    return (x.shape[-2], *state[0].shape[:-2], rows, x.shape[-1]), np.result_type(x, *state, net.dtype)


def backward(run: Run, dy: np.ndarray, dstate: State) -> Back:
    """The same scan reversed: backpropagation through time (Werbos 1990), from the gradients of y and final state."""
    da, dstate = scan_back(run, dy, dstate)
    return Back(input_gradient(run, da), dstate, weight_gradients(run, da))


def scan_back(run: Run, dy: np.ndarray, dstate: State) -> tuple[np.ndarray, State]:
    """The gradients of the pre-activations of all steps, (…, blocks, T, B), and that of the initial state.

    The state after step t is used twice, as output y_t and as input of step t + 1: both gradients add up.
    """
    cell, w, steps = run.net.cell, run.net.w, dy.shape[-2]
    da = np.empty((*dy.shape[:-3], run.net.height, *dy.shape[-2:]), np.result_type(run.memory, dy))
    records = zip(*(run.by_time(name) for name in cell.records), strict=True)
    states = [run.start, *zip(*(run.by_time(name) for name in cell.state), strict=True)]
    past = zip(records, states[:-1], by_time(dy), by_time(da), mask_rows(run.mask, steps), strict=True)
    for made, prev, dy_t, slot, alive in reversed(list(past)):
        dafter = (dstate[0] + dy_t, *dstate[1:])
        if alive is None:
            slot[...], dstate = cell.step_back(dafter, made, prev, w)
        else:
            slot[...], before = cell.step_back(stop(alive, dafter), made, prev, w)
            dstate = choose(alive, before, dstate)
    return da, dstate


def input_product(net: Bound, x: np.ndarray) -> np.ndarray:
    """W x_t + b for all time steps in one product, before the loop: (…, rows of W, T, B).

    The loop over time must wait for h_{t-1}, but not for this: taken out, T small products become one large one.
    """
    product = net.w.W @ flat(x)
    biases = [getattr(net.w, f"b_{row}") for row in net.cell.weights[0].rows]
    if all(b.ndim for b in biases):
        b = np.concatenate(biases, axis=-2)
        product = product.astype(np.result_type(product, b), copy=False)
        product += b
    return unflat(product, x.shape[-2])


def input_gradient(run: Run, da: np.ndarray) -> np.ndarray:
    """dx_t = Wᵀ da_t for all time steps in one product; a shared input collects from all networks."""
    dx = unflat(run.net.w.W.mT @ flat(rows_of(da, run.net, run.net.cell.weights[0].rows)), da.shape[-2])
    return dx if dx.ndim == run.x.ndim else dx.sum(axis=0)


def weight_gradients(run: Run, da: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient of each parameter: the weights are the same at every step, so the steps' shares are summed.

    The two biases of a cell feed the same rows: their gradients are equal, and summed up once.
    """
    sums, gradients = {}, {}
    for weight in run.net.cell.weights:
        if weight.name not in run.net.names:
            continue
        alike = (weight.rows, weight.reads)
        if alike in sums:
            gradients[weight.name] = sums[alike].copy()
        else:
            gradients[weight.name] = sums[alike] = weight.gradient(da, run.net, run.series)
    return gradients


def by_time(array: np.ndarray) -> np.ndarray:
    """(…, features, T, B) as T arrays (…, features, B): a view."""
    return np.moveaxis(array, -2, 0)


def later(start: np.ndarray, series: np.ndarray) -> np.ndarray:
    """A series (…, features, T, B) one step later, `start` (…, features, B) being its first: a copy, flat in memory."""
    shifted = np.empty(series.shape, np.result_type(start, series))
    shifted[..., 0, :], shifted[..., 1:, :] = start, series[..., :-1, :]
    return shifted


def mask_rows(mask: np.ndarray | None, steps: int):
    """The mask step by step; None for each step where there is none."""
    return repeat(None, steps) if mask is None else mask


def choose(alive: np.ndarray, new: State, old: State) -> State:
    """The new values where a sequence is alive, else the old ones: an ended sequence stands still."""
    return tuple(np.where(alive, n, o) for n, o in zip(new, old, strict=True))


def stop(alive: np.ndarray, dstate: State) -> State:
    """The gradients where a sequence is alive, else 0: an ended sequence takes no part in the step."""
    return tuple(np.where(alive, d, 0) for d in dstate)
