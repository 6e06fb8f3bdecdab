"""What a pass forward keeps, and what a pass back gives."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from companion.reference.layout import Layout
from companion.reference.stack import Runs, outputs, turn
from companion.reference.unroll import Run, kept


@dataclass(frozen=True)
class Gradients:
    """The gradients of the loss: `x` and `state` have the shape and structure of the input and the initial state.

    params: one array for each parameter, by name, in the order of the state dictionary.
    """

    x: np.ndarray
    state: np.ndarray | tuple[np.ndarray, ...]
    params: dict[str, np.ndarray]


class Series(Mapping):
    """The quantities of one layer and direction by name: `series["i"]` is (T, B, H), in the layout of y. Read-only.

    In the order of the input's time, also for the reverse direction. Past the end of a sequence states stand still and
    gates are 0.
    """

    def __init__(self, run: Run, layout: Layout, reverse: int):
        self._run, self._layout, self._reverse = run, layout, reverse
        self._names = kept(run.net.cell)

    def __getitem__(self, name: str) -> np.ndarray:
        if name not in self._names:
            raise KeyError(f"expected one of {', '.join(self._names)}, got {name!r}")
        run = self._run
        array = run.series(name)
        if run.mask is not None and name not in run.net.cell.state:
            array = np.where(run.mask, array, 0)
        return locked(self._layout.caller(turn(array, self._reverse, run.mask)))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


@dataclass(frozen=True)
class Graph:
    """What the way back needs beside the series: the runs by layer and direction, the layout and the owner."""

    owner: object
    layout: Layout
    runs: Runs

    def outputs(self) -> np.ndarray:
        """The outputs of the last layer, as the caller has them."""
        return self.layout.caller(outputs(self.runs[-1]))

    def final_state(self):
        """The state after the last step, of all layers and directions, as the caller has it."""
        return self.layout.caller_states([run.state for row in self.runs for run in row])

    def series(self) -> tuple[tuple[Series, ...], ...]:
        """The quantities of each layer and direction by name."""
        return tuple(tuple(Series(run, self.layout, d) for d, run in enumerate(row)) for row in self.runs)


@dataclass(frozen=True, repr=False)
class Tape:
    """The unfolded graph: everything that one pass forward computed, at every time step.

    Attributes:
        y, state: outputs and final state, as the call of the layer returns them; y is read-only.
        layers: `tape.layers[l][d]["i"]`, a mapping from names to arrays for each layer l and direction d (0 forward, 1
            reverse).

    Short access: `tape["i_l0"]`, `tape["i_l1_reverse"]`; for one layer and one direction `tape["i"]` or `tape.i`.

    Memory is linear in T: every step keeps its states and what the cell records, until the tape is dropped. Per step
    and sequence that is 7 H numbers for an LSTM (h, c, i, f, g, o and tanh c), 5 H for a GRU (h, r, z, v, n), H for an
    RNN. Input, initial state and weights are held by reference: go back through the tape before an optimiser changes
    them.
    """

    y: np.ndarray
    state: np.ndarray | tuple[np.ndarray, ...]
    layers: tuple[tuple[Series, ...], ...]
    graph: Graph

    def __getitem__(self, name: str) -> np.ndarray:
        named = self._named()
        if name not in named:
            raise KeyError(f"tape: expected one of {', '.join(named)}, got {name!r}")
        series, key = named[name]
        return series[key]

    def __getattr__(self, name: str) -> np.ndarray:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(*error.args) from None

    def __repr__(self) -> str:
        return f"Tape(y of shape {self.y.shape}; {', '.join(self.keys())})"

    def keys(self) -> tuple[str, ...]:
        """The names that `tape[name]` knows."""
        return tuple(self._named())

    def _named(self) -> dict[str, tuple[Series, str]]:
        suffixes = [(series, suffix(layer, d)) for layer, row in enumerate(self.layers) for d, series in enumerate(row)]
        if len(suffixes) == 1:
            ((series, _),) = suffixes
            suffixes.insert(0, (series, ""))
        return {key + end: (series, key) for series, end in suffixes for key in series}


def tape_of(graph: Graph) -> Tape:
    """The tape of a graph."""
    return Tape(locked(graph.outputs()), graph.final_state(), graph.series(), graph)


def locked(array: np.ndarray) -> np.ndarray:
    """A view that cannot be written through: what a tape shows, the way back will read."""
    view = array.view()
    view.flags.writeable = False
    return view


def suffix(layer: int, direction: int) -> str:
    """The end of a parameter's name, as torch.nn has it: `_l0`, `_l0_reverse`, `_l1`, …"""
    return f"_l{layer}{'_reverse' if direction else ''}"
