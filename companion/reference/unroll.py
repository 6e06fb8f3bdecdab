"""One unrolling for all cells: a scan over time, and the same scan reversed (chapters "Unfolding" and "BPTT").

A cell knows one step. `forward` runs it along a sequence and keeps what every step produced; `backward` walks the same
steps from the last to the first and hands each one the gradient that the later ones left. Directions, layers and
layouts of arrays are not known here: see `companion.reference.layer`.

Shapes: x (I, T, B), states (H, B), a column for each sequence. With S networks side by side (S, …) in front of both;
x may stay without, and is then read by all. `mask` is None or (T, B), True where a sequence has not ended yet.
"""

from dataclasses import dataclass
from itertools import repeat

import numpy as np

from companion.reference.weights import Bound, flat, rows_of, unflat

State = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Run:
    """One pass of one cell along one sequence: the unfolded graph.

    first: (…, H, T + 1, B), the first state (which is the output) before the first step and after every step, side by
        side.
    states: T + 1 states, the initial one first. records: T times what the cell recorded.
    Memory: what the cell records, its states, and `first`, once for every step; so linear in T.
    """

    net: Bound
    x: np.ndarray
    first: np.ndarray
    states: list[State]
    records: list[State]
    mask: np.ndarray | None

    @property
    def y(self) -> np.ndarray:
        """The outputs (…, H, T, B): 0 where a sequence has ended."""
        y = self.first[..., 1:, :]
        return y if self.mask is None else np.where(self.mask, y, 0)

    def series(self, name: str) -> np.ndarray:
        """A quantity at all time steps, (…, features, T, B).

        `name`: "x", a state ("h"), a state before the step ("h_prev"), or a record ("i").
        """
        cell, before = self.net.cell, name.removesuffix("_prev")
        if name == "x":
            return self.x
        if before == cell.state[0]:
            return self.first[..., 1:, :] if name == before else self.first[..., :-1, :]
        if name in cell.state:
            return along_time([state[cell.state.index(name)] for state in self.states[1:]])
        if before in cell.state:
            return along_time([state[cell.state.index(before)] for state in self.states[:-1]])
        return along_time([records[cell.records.index(name)] for records in self.records])


@dataclass(frozen=True)
class Back:
    """What one pass back gives: the gradients of the input, of the initial state and of the parameters by name."""

    x: np.ndarray
    state: State
    params: dict[str, np.ndarray]


def forward(net: Bound, x: np.ndarray, state: State, mask: np.ndarray | None) -> Run:
    """Scan the cell along time, from the initial state."""
    Wx = input_product(net, x)
    steps, batch = Wx.shape[-2:]
    shape = (*Wx.shape[:-3], net.size(net.cell.state[0]), steps + 1, batch)
    first = np.empty(shape, np.result_type(Wx, *state, net.dtype))
    slots = by_time(first)
    slots[0] = state[0]
    states, tape = [state], []
    for Wx_t, slot, alive in zip(by_time(Wx), slots[1:], mask_rows(mask, steps), strict=True):
        after, records = net.cell.step(Wx_t, state, net.w)
        state = after if alive is None else choose(alive, after, state)
        slot[...] = state[0]
        states.append(state)
        tape.append(records)
    return Run(net, x, first, states, tape, mask)


def backward(run: Run, dy: np.ndarray, dstate: State) -> Back:
    """The same scan reversed: backpropagation through time (Werbos 1990), from the gradients of y and final state."""
    da, dstate = scan_back(run, dy, dstate)
    return Back(input_gradient(run, da), dstate, weight_gradients(run, da))


def scan_back(run: Run, dy: np.ndarray, dstate: State) -> tuple[np.ndarray, State]:
    """The gradients of the pre-activations of all steps, (…, blocks, T, B), and that of the initial state.

    The state after step t is used twice, as output y_t and as input of step t + 1: both gradients add up.
    """
    cell, w, steps = run.net.cell, run.net.w, dy.shape[-2]
    da = np.empty((*dy.shape[:-3], run.net.height, *dy.shape[-2:]), np.result_type(run.first, dy))
    past = zip(run.records, run.states, by_time(dy), by_time(da), mask_rows(run.mask, steps), strict=False)
    for records, prev, dy_t, slot, alive in reversed(list(past)):
        dafter = (dstate[0] + dy_t, *dstate[1:])
        if alive is None:
            slot[...], dstate = cell.step_back(dafter, records, prev, w)
        else:
            slot[...], before = cell.step_back(stop(alive, dafter), records, prev, w)
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
    """The gradient of each parameter: the weights are the same at every step, so the steps' shares are summed."""
    present = (weight for weight in run.net.cell.weights if weight.name in run.net.names)
    return {weight.name: weight.gradient(da, run.net, run.series) for weight in present}


def by_time(array: np.ndarray) -> np.ndarray:
    """(…, features, T, B) as T arrays (…, features, B): a view."""
    return np.moveaxis(array, -2, 0)


def along_time(arrays: list[np.ndarray]) -> np.ndarray:
    """T arrays (…, features, B) as one (…, features, T, B): a copy."""
    return np.stack(arrays, axis=-2)


def mask_rows(mask: np.ndarray | None, steps: int):
    """The mask step by step; None for each step where there is none."""
    return repeat(None, steps) if mask is None else mask


def choose(alive: np.ndarray, new: State, old: State) -> State:
    """The new values where a sequence is alive, else the old ones: an ended sequence stands still."""
    return tuple(np.where(alive, n, o) for n, o in zip(new, old, strict=True))


def stop(alive: np.ndarray, dstate: State) -> State:
    """The gradients where a sequence is alive, else 0: an ended sequence takes no part in the step."""
    return tuple(np.where(alive, d, 0) for d in dstate)
