"""One unrolling for all cells: a scan over time, and the same scan reversed (chapters "Unfolding" and "BPTT").

A cell knows one step. `forward` runs it along a sequence and keeps what every step produced; `backward` walks the same
steps from the last to the first and hands each one the gradient that the later ones left. Directions, layers and
layouts of arrays are not known here: see `companion.reference.layer`.

Shapes: x (T, B, I), states (B, H). S networks side by side: x (T, S, B, I) or (T, 1, B, I), states (S, B, H).
`mask` is None or True where a sequence has not ended yet, (T, B, 1) or (T, 1, B, 1).
"""

from dataclasses import dataclass
from itertools import repeat

import numpy as np

from companion.reference.weights import Bound, columns, flat, unflat

State = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class Run:
    """One pass of one cell along one sequence: the unfolded graph.

    `states` has T + 1 entries, the initial state first; `records` has T. Memory: what the cell records, the states and
    the outputs, once for every step, so linear in T.
    """

    net: Bound
    x: np.ndarray
    y: np.ndarray
    states: list[State]
    records: list[State]
    mask: np.ndarray | None

    def series(self, name: str) -> np.ndarray:
        """A quantity at all time steps, (T, …, features): "x", a state ("h"), a state before the step ("h_prev") or a record."""
        cell, before = self.net.cell, name.removesuffix("_prev")
        if name == "x":
            return self.x
        if name in cell.state:
            return np.stack([state[cell.state.index(name)] for state in self.states[1:]])
        if before in cell.state:
            return np.stack([state[cell.state.index(before)] for state in self.states[:-1]])
        return np.stack([records[cell.records.index(name)] for records in self.records])


@dataclass(frozen=True)
class Back:
    """What one pass back gives: the gradients of the input, of the initial state and of the parameters by name."""

    x: np.ndarray
    state: State
    params: dict[str, np.ndarray]


def forward(net: Bound, x: np.ndarray, state: State, mask: np.ndarray | None) -> Run:
    """Scan the cell along time, from the initial state."""
    cell, w = net.cell, net.w
    Wx = input_product(net, x)
    y = np.empty((*Wx.shape[:-1], net.size(cell.state[0])), np.result_type(Wx, *state, net.dtype))
    states, tape = [state], []
    for t, (Wx_t, alive) in enumerate(zip(Wx, repeat(None, len(Wx)) if mask is None else mask, strict=True)):
        after, records = cell.step(Wx_t, state, w)
        state = after if alive is None else choose(alive, after, state)
        y[t] = after[0]
        states.append(state)
        tape.append(records)
    return Run(net, x, y if mask is None else np.where(mask, y, 0), states, tape, mask)


def backward(run: Run, dy: np.ndarray, dstate: State) -> Back:
    """The same scan reversed: backpropagation through time (Werbos 1990), given the gradients of y and the final state."""
    da, dstate = scan_back(run, dy, dstate)
    return Back(input_gradient(run, da), dstate, weight_gradients(run, da))


def scan_back(run: Run, dy: np.ndarray, dstate: State) -> tuple[np.ndarray, State]:
    """The gradients of the pre-activations of all steps, (T, …, blocks), and that of the initial state.

    The state after step t is used twice, as output y_t and as input of step t + 1: both gradients add up.
    """
    cell, w = run.net.cell, run.net.w
    da = np.empty((*run.y.shape[:-1], run.net.width), np.result_type(run.y, dy))
    mask = repeat(None, len(da)) if run.mask is None else run.mask[::-1]
    for t, alive in zip(reversed(range(len(da))), mask, strict=True):
        dafter = (dstate[0] + dy[t], *dstate[1:])
        if alive is None:
            da[t], dstate = cell.step_back(dafter, run.records[t], run.states[t], w)
        else:
            da[t], before = cell.step_back(stop(alive, dafter), run.records[t], run.states[t], w)
            dstate = choose(alive, before, dstate)
    return da, dstate


def input_product(net: Bound, x: np.ndarray) -> np.ndarray:
    """W x_t + b for all time steps in one product, before the loop: (T, …, rows of W).

    The loop over time must wait for h_{t-1}, but not for this: taken out, T small products become one large one.
    """
    product = unflat(flat(x) @ net.w.W.mT, len(x))
    biases = [getattr(net.w, f"b_{row}") for row in net.cell.weights[0].rows]
    if all(b.ndim for b in biases):
        b = np.concatenate(biases, axis=-1)
        product = product.astype(np.result_type(product, b), copy=False)
        product += b
    return product


def input_gradient(run: Run, da: np.ndarray) -> np.ndarray:
    """dx_t = da_t W for all time steps in one product; a shared input collects from all networks."""
    da = columns(da, run.net, run.net.cell.weights[0].rows)
    dx = unflat(flat(da) @ run.net.w.W, len(da))
    return dx if dx.shape == run.x.shape else dx.sum(axis=1, keepdims=True)


def weight_gradients(run: Run, da: np.ndarray) -> dict[str, np.ndarray]:
    """The gradient of each parameter: the weights are the same at every step, so the steps' shares are summed."""
    present = (weight for weight in run.net.cell.weights if weight.name in run.net.names)
    return {weight.name: weight.gradient(da, run.net, run.series) for weight in present}


def choose(alive: np.ndarray, new: State, old: State) -> State:
    """The new values where a sequence is alive, else the old ones: an ended sequence stands still."""
    return tuple(np.where(alive, n, o) for n, o in zip(new, old, strict=True))


def stop(alive: np.ndarray, dstate: State) -> State:
    """The gradients where a sequence is alive, else 0: an ended sequence takes no part in the step."""
    return tuple(np.where(alive, d, 0) for d in dstate)
