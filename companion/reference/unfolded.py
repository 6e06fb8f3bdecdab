"""The explicit network: a layer of its own for every time step (chapter "Unfolding").

A recurrent layer writes one step and runs it T times. Here the T steps are written down as T layers, each with its own
arrays. If the arrays are copies of one another, it computes what the recurrent layer does; if they are not, it is an
ordinary deep network that reads one input a layer.
"""

from collections.abc import Sequence
from copy import copy

import numpy as np

from companion.reference.layer import Layer
from companion.reference.tape import Gradients, Tape


def copies(layer: Layer, T: int) -> list[Layer]:
    """T layers like this one, each with its own copies of the parameters."""
    made = [copy(layer) for _ in range(T)]
    for one in made:
        one.params = {name: value.copy() for name, value in layer.params.items()}
    return made


def forward(layers: Sequence[Layer], x: np.ndarray, state=None) -> list[Tape]:
    """Run layer t on step t of x, from the state that layer t - 1 left: the tapes, one a layer.

    x: (T, B, I) or (T, I), with S networks side by side (S, T, B, I) or (T, B, I); one step for each layer. Raises
    ValueError for another number of steps.
    """
    axis = x.ndim - 3 if x.ndim > 3 else 0
    if x.shape[axis] != len(layers):
        raise ValueError(f"x: expected one step for each of the {len(layers)} layers, got {x.shape[axis]}")
    tapes = []
    for layer, x_t in zip(layers, np.split(x, len(layers), axis), strict=True):
        tapes.append(layer.unroll(x_t, state))
        state = tapes[-1].state
    return tapes


def backward(layers: Sequence[Layer], tapes: Sequence[Tape], dy: Sequence, dstate=None) -> list[Gradients]:
    """Go back from the last layer to the first: the gradients of each layer's own parameters, input and state.

    dy: the gradient of each layer's output, of the shape of its tape's y; None where the loss does not read it.
    """
    found = []
    for layer, tape, dy_t in reversed(list(zip(layers, tapes, dy, strict=True))):
        found.append(layer.bptt(tape, dy_t, dstate))
        dstate = found[-1].state
    return found[::-1]


def summed(gradients: Sequence[Gradients]) -> dict[str, np.ndarray]:
    """The gradients of all copies added up: the gradient of what they are copies of."""
    return {name: sum(each.params[name] for each in gradients) for name in gradients[0].params}


def numbers(layer: Layer, T: int = 1) -> int:
    """How many parameters T layers like this one have when each has its own; 1 is the recurrent layer's own count."""
    return T * sum(int(np.prod(shape)) for shape in layer.parameter_shapes().values())


def tape_numbers(layer: Layer, T: int, B: int) -> int:
    """How many numbers the tape of T steps of B sequences has to hold for the way back.

    Each step leaves its input, its states and what the cell records beside them, and one state more came in before the
    first step. Raises ValueError for a stack of layers, and for one that runs both ways.
    """
    if layer.num_layers != 1 or layer.directions != 1:
        found = f"num_layers = {layer.num_layers}, directions = {layer.directions}"
        raise ValueError(f"layer: expected one layer and one direction, got {found}")
    cell, size = layer.cell, layer.size(0)
    states = sum(map(size, cell.state))
    beside = sum(size(name) for name in cell.records if name not in cell.state)
    return B * (T * (layer.input_size + beside) + (T + 1) * states)


def held_bytes(tape: Tape) -> int:
    """The memory that a tape really holds: the size of every array in it, each buffer counted once."""
    buffers: dict[int, int] = {}
    for row in tape.graph.runs:
        for run in row:
            for array in (run.x, run.memory, *run.start):
                owner = array
                while isinstance(owner.base, np.ndarray):
                    owner = owner.base
                buffers[id(owner)] = owner.nbytes
    return sum(buffers.values())
