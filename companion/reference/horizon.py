"""Truncated backpropagation through time, exactly: a window that slides (chapter "Truncated backpropagation").

With horizon k the loss of step t reaches back through steps t-k+1 … t, and the state that enters step t-k+1 is a
constant. Seen from the graph: of all paths that lead from a loss back to a weight, an input or the initial state, those
count that cross fewer than k states on their way from step to step, the initial state included.

This also says what happens in a stack, where a path descends somewhere on its way (so the loss of step t reaches no
input before x_{t-k+1}), and in the reverse direction, whose time runs the other way. The gradient of the final state
belongs to the step that made it. The initial state is a constant for the loss of step k and of all later ones.

The algorithm goes back k times, once for each number of states crossed. Each sweep takes all time steps at once, as one
batch: what a step's state received in one sweep, the step before hands on in the next. k sweeps cost k times a full
pass of backpropagation in arithmetic, but have no loop over time.
"""

from dataclasses import dataclass

import numpy as np

from companion.reference.stack import Runs, StackBack, backward_stack, shares, turn
from companion.reference.unroll import Run, State, input_gradient, stop, weight_gradients
from companion.reference.weights import flat, unflat


@dataclass  # not frozen: the sweeps add to it
class Sweep:
    """What one layer and direction carries from sweep to sweep; arrays (…, features, T, B) for all steps at once.

    da: the gradients of the pre-activations, summed over the sweeps so far.
    waiting: the gradient of each step's state that the next sweep hands on.
    start: the gradient of the initial state so far.
    """

    run: Run
    records: State
    prev: State
    da: np.ndarray
    waiting: State
    start: State


def backward_windows(runs: Runs, dy: np.ndarray, dstates: list[State], horizon: int) -> StackBack:
    """As `backward_stack`, for windows of `horizon` steps."""
    layers_in_line = len(runs) if len(runs[0]) > 1 else 1
    if horizon > dy.shape[-2] * layers_in_line:
        return backward_stack(runs, dy, dstates)
    ends = iter(dstates)
    sweeps = [[prepare(run, dy, next(ends)) for run in row] for row in runs]
    dx = 0
    for crossed in range(horizon):
        last = crossed == horizon - 1
        above = dy if crossed == 0 else np.zeros_like(dy)
        for row in reversed(sweeps):
            parts = shares(tuple(sweep.run for sweep in row), above)
            above = sum(
                turn(go(s, part, last), d, s.run.mask) for d, (s, (_, part)) in enumerate(zip(row, parts, strict=True))
            )
        dx = dx + above
    every = [sweep for row in sweeps for sweep in row]
    return StackBack(dx, [sweep.start for sweep in every], [weight_gradients(sweep.run, sweep.da) for sweep in every])


def prepare(run: Run, dy: np.ndarray, dstate: State) -> Sweep:
    """The records of all steps as one batch; the gradient of the final state waits at the step that made it."""
    cell, (steps, batch) = run.net.cell, dy.shape[-2:]
    records = tuple(flat(run.series(name)) for name in cell.records)
    prev = tuple(flat(run.series(name + "_prev")) for name in cell.state)
    da = np.zeros((*dy.shape[:-3], run.net.height, steps, batch), np.result_type(run.y, dy))
    mask = np.ones((steps, batch), bool) if run.mask is None else run.mask
    made = mask & ~np.concatenate([mask[1:], np.zeros((1, batch), bool)])
    waiting = tuple(np.where(made, d[..., None, :], 0) for d in dstate)
    return Sweep(run, records, prev, da, waiting, stop(~mask[0], dstate))


def go(sweep: Sweep, dy: np.ndarray, last: bool) -> np.ndarray:
    """One sweep through one layer and direction; returns the gradient of its inputs, with as many states crossed."""
    run, steps = sweep.run, dy.shape[-2]
    dafter = (sweep.waiting[0] + dy, *sweep.waiting[1:])
    da, dprev = run.net.cell.step_back(tuple(map(flat, dafter)), sweep.records, sweep.prev, run.net.w)
    da, dprev = unflat(da, steps), [unflat(d, steps) for d in dprev]
    sweep.da += da
    sweep.waiting = tuple(np.concatenate([d[..., 1:, :], np.zeros_like(d[..., :1, :])], axis=-2) for d in dprev)
    if not last:
        sweep.start = tuple(start + d[..., 0, :] for start, d in zip(sweep.start, dprev, strict=True))
    return input_gradient(run, da)
