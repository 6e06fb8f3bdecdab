"""Layers upon layers, and two directions: the outputs of one layer are the inputs of the next, forward first.

A direction is a scan between two flips of time. Going back, the gradient of a layer's input is the sum over its
directions, and becomes the gradient of the outputs of the layer below.
"""

from dataclasses import dataclass

import numpy as np

from companion.reference.layout import flip
from companion.reference.unroll import Run, State, backward, forward
from companion.reference.weights import Bound

Runs = tuple[tuple[Run, ...], ...]


@dataclass(frozen=True)
class StackBack:
    """Gradients of the input (…, I, T, B); of initial states and parameters, for each layer and direction."""

    x: np.ndarray
    states: list[State]
    params: list[dict[str, np.ndarray]]


def forward_stack(nets: tuple[tuple[Bound, ...], ...], x: np.ndarray, states: list[State], mask, along=forward) -> Runs:
    """Run all layers, each from its part of the initial states (layer by layer, forward direction first).

    along: what runs one cell along one sequence, `forward` or `glance`.
    """
    if mask is not None:
        x = np.where(mask, x, 0)
    start, runs = iter(states), []
    for row in nets:
        runs.append(tuple(along(net, turn(x, d, mask), next(start), mask) for d, net in enumerate(row)))
        x = outputs(runs[-1])
    return tuple(runs)


def backward_stack(runs: Runs, dy: np.ndarray, dstates: list[State]) -> StackBack:
    """Full backpropagation through time, from the last layer to the first."""
    backs = []
    for layer in reversed(range(len(runs))):
        row = runs[layer]
        first = layer * len(row)
        row_back = [backward(run, part, dstates[first + d]) for d, (run, part) in enumerate(shares(row, dy))]
        dy = sum(turn(back.x, d, row[d].mask) for d, back in enumerate(row_back))
        backs = row_back + backs
    return StackBack(dy, [back.state for back in backs], [back.params for back in backs])


def outputs(row: tuple[Run, ...]) -> np.ndarray:
    """The outputs of one layer in the order of the input's time, directions side by side."""
    ys = [turn(run.y, d, run.mask) for d, run in enumerate(row)]
    return ys[0] if len(ys) == 1 else np.concatenate(ys, axis=-3)


def shares(row: tuple[Run, ...], dy: np.ndarray) -> list[tuple[Run, np.ndarray]]:
    """Each direction's part of the gradient of a layer's outputs, in its own time; 0 where outputs are 0 by rule."""
    parts = zip(row, np.split(dy, len(row), axis=-3), strict=True)
    return [(run, alone(turn(part, d, run.mask), run.mask)) for d, (run, part) in enumerate(parts)]


def alone(dy: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """The gradient of the outputs, without what lies past the end of a sequence."""
    return dy if mask is None else np.where(mask, dy, 0)


def turn(array: np.ndarray, direction: int, mask: np.ndarray | None) -> np.ndarray:
    """Between the input's time and a direction's own: nothing for the forward direction, a flip for the reverse one."""
    return flip(array, mask) if direction else array
