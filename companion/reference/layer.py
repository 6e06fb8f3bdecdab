"""From a cell to a layer, once for all cells: stacking, directions, lengths and layouts.

A stack feeds the outputs of each layer to the next; a second direction is the same scan between two flips of time; what
has ended is held. None of it is known to the cells, and none of it knows which cell it runs.
"""

from collections.abc import Mapping

import numpy as np

from companion.reference import checks, parameters
from companion.reference.horizon import backward_windows
from companion.reference.init import uniform
from companion.reference.layout import Layout, alive, layout_of
from companion.reference.stack import Runs, StackBack, backward_stack, forward_stack
from companion.reference.tape import Gradients, Graph, Tape, suffix, tape_of
from companion.reference.unroll import State, glance
from companion.reference.weights import Bias, Bound, bind

Array = np.ndarray


class Layer:
    """A recurrent layer made of any cell (see `companion.reference.cells` for what a cell is).

    Args:
        cell: the cell, one object for all layers and directions (a cell holds no parameters).
        input_size, hidden_size: features of the input, units of the hidden state.
        num_layers: layers in the stack; each reads the outputs of the one below.
        bias: False leaves out every bias.
        batch_first: x and y are (B, T, features); states stay as they are.
        bidirectional: a second scan from the end to the start; outputs side by side, forward first.
        dtype: float32 or float64, of parameters and of everything the layer reads and returns.
        rng: None, an integer or a `numpy.random.Generator`, for the initialisation U(-1/√H, 1/√H).

    Attributes:
        params: the parameters by name, named, shaped and ordered as in torch.nn. The arrays are live: an optimiser
            changes them in place. If each has a leading axis S, the layer is S networks side by side (see `stack`).

    Raises:
        TypeError, ValueError: for a size below 1 or not an integer, a flag that is not a bool, a dtype that is not
            real.
    """

    def __init__(
        self,
        cell,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        bidirectional: bool = False,
        *,
        dtype=np.float64,
        rng=None,
    ):
        self.cell = cell
        self.input_size = checks.positive_size("input_size", input_size)
        self.hidden_size = checks.positive_size("hidden_size", hidden_size)
        self.num_layers = checks.positive_size("num_layers", num_layers)
        self.bias = checks.flag("bias", bias)
        self.batch_first = checks.flag("batch_first", batch_first)
        self.bidirectional = checks.flag("bidirectional", bidirectional)
        self.dtype = checks.floating("dtype", dtype)
        self.params: dict[str, Array] = {
            name: np.zeros(shape, self.dtype) for name, shape in self.parameter_shapes().items()
        }
        uniform(self, rng)

    # what there is -------------------------------------------------------------------------------------------------

    @property
    def directions(self) -> int:
        """1, or 2 if bidirectional."""
        return 2 if self.bidirectional else 1

    @property
    def runs(self) -> int | None:
        """S where the parameters are those of S networks side by side, else None."""
        name, shape = next(iter(self.parameter_shapes().items()))
        return self.params[name].shape[0] if self.params[name].ndim > len(shape) else None

    def size(self, layer: int):
        """The number of features of a block or series of a layer: its input's, or H."""
        width = self.input_size if layer == 0 else self.hidden_size * self.directions
        return lambda name: width if name == "x" else self.hidden_size

    def suffix(self, layer: int, direction: int) -> str:
        """The end of the parameters' names of a layer and direction."""
        return suffix(layer, direction)

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter by name, without the axis of networks."""
        return {
            weight.name + self.suffix(layer, direction): weight.shape(self.size(layer))
            for layer, direction in self.parts()
            for weight in self.cell.weights
            if self.bias or not isinstance(weight, Bias)
        }

    # forward and back ----------------------------------------------------------------------------------------------

    def __call__(self, x: Array, state=None, lengths=None) -> tuple[Array, object]:
        """Outputs and final state, as torch.nn returns them, and nothing kept of the way; arguments as `unroll`."""
        layout, x, start, mask = self._enter(x, state, lengths)
        graph = Graph(self, layout, forward_stack(self._bound(), x, start, mask, along=glance))
        return graph.outputs(), graph.final_state()

    def unroll(self, x: Array, state=None, lengths=None) -> Tape:
        """Run forward and keep everything.

        Args:
            x: (T, B, I), or (B, T, I) if batch_first, or (T, I) for one sequence. S networks side by side also read
                (S, T, B, I).
            state: initial state, (layers * directions, B, H), a pair (h, c) of such arrays where the cell has two;
                None is 0.
            lengths: (B,) integers, 0 to T. Past its length a sequence's outputs are 0 and its state stands still; the
                reverse direction starts at each sequence's own end.

        Returns:
            the tape: y (T, B, directions * H) in the layout of x, the final state, and every quantity by name.

        Raises:
            TypeError: a dtype that is not the layer's (nor the complex one of its precision), lengths that are not
                integers, a state of the wrong structure.
            ValueError: a wrong shape, no time steps, an empty batch, a length out of range.
        """
        layout, x, start, mask = self._enter(x, state, lengths)
        return tape_of(Graph(self, layout, forward_stack(self._bound(), x, start, mask)))

    def bptt(self, tape: Tape, dy: Array | None, dstate=None, horizon: int | None = None) -> Gradients:
        """Backpropagation through time.

        Args:
            tape: what `unroll` of this layer returned.
            dy: gradient of the loss with respect to the outputs, of the shape of `tape.y`; None is 0.
            dstate: gradient with respect to the final state, of its structure; None is 0.
            horizon: None for all of the past. k: the loss of step t reaches back through steps t-k+1 … t, and the
                state that enters step t-k+1 is a constant, also where that is the initial state; `dstate` belongs to
                the last step (see `companion.reference.horizon` for stacks and the reverse direction).

        Returns:
            gradients of x, of the initial state, and of each parameter.

        Raises:
            TypeError, ValueError: a wrong dtype, shape or structure, a horizon below 1, the tape of another layer.
        """
        if not isinstance(tape, Tape) or tape.graph.owner is not self:
            raise ValueError("tape: expected what this layer's unroll returned, got another or something else")
        runs, layout = tape.graph.runs, tape.graph.layout
        dy = np.zeros_like(tape.y) if dy is None else checks.numbers("dy", dy, self.dtype)
        dy = layout.steps(checks.shape("dy", dy, tape.y.shape, "(that of y)"))
        dfinal = self._state_parts("dstate", dstate, layout, dy.shape[-1])
        if horizon is not None:
            checks.positive_size("horizon", horizon)
        back = self._backward(runs, dy, dfinal, horizon)
        params = {
            name + self.suffix(*part): value
            for part, share in zip(self.parts(), back.params, strict=True)
            for name, value in share.items()
        }
        return Gradients(layout.caller(back.x), layout.caller_states(back.states), params)

    # parameters ----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Array]:
        """Copies of the parameters, by name, in the order of torch.nn."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, mapping: Mapping) -> None:
        """Set all parameters, from arrays or torch tensors; nothing changes unless all of them fit.

        Raises:
            KeyError: a name is missing or unknown.
            ValueError: a shape is another one, or an entry is NaN or infinite.
            TypeError: not a mapping, or not real numbers.
        """
        self.params.update(parameters.load(self.params, mapping, self.parameter_shapes(), self.dtype))

    # what a layer may do in its own way ----------------------------------------------------------------------------

    def _backward(self, runs: Runs, dy: Array, dstate: list[State], horizon: int | None) -> StackBack:
        return backward_stack(runs, dy, dstate) if horizon is None else backward_windows(runs, dy, dstate, horizon)

    # inside --------------------------------------------------------------------------------------------------------

    def _enter(self, x, state, lengths) -> tuple[Layout, Array, list[State], Array | None]:
        """The arguments of `unroll`, checked, in the layout of the scan, with the layout they came in."""
        runs = parameters.check(self.params, self.parameter_shapes(), self.dtype)
        x = checks.numbers("x", x, self.dtype)
        layout = layout_of(x, self.input_size, runs, self.batch_first)
        x = layout.steps(x)
        return layout, x, self._state_parts("state", state, layout, x.shape[-1]), alive(lengths, *x.shape[-2:])

    def parts(self) -> list[tuple[int, int]]:
        """(layer, direction) in the order of the state: layer by layer, forward first."""
        return [(layer, direction) for layer in range(self.num_layers) for direction in range(self.directions)]

    def _own(self, layer: int, direction: int) -> dict[str, Array]:
        end = self.suffix(layer, direction)
        names = (weight.name for weight in self.cell.weights)
        return {name: self.params[name + end] for name in names if name + end in self.params}

    def _bound(self) -> tuple[tuple[Bound, ...], ...]:
        return tuple(
            tuple(bind(self.cell, self._own(layer, d), self.size(layer)) for d in range(self.directions))
            for layer in range(self.num_layers)
        )

    def _state_parts(self, name: str, value, layout: Layout, batch: int) -> list[State]:
        """A state, or its gradient: (h,) or (h, c) with arrays (…, H, B) for each layer and direction."""
        names, parts = self.cell.state, len(self.parts())
        shapes = [layout.state_shape(parts, batch, self.size(0)(key)) for key in names]
        if value is None:
            value = tuple(np.zeros(shape, self.dtype) for shape in shapes)
        elif len(names) == 1:
            value = (value,)
        elif not isinstance(value, tuple | list) or len(value) != len(names):
            raise TypeError(f"{name}: expected a tuple ({', '.join(names)}), got {checks.describe(value)}")
        labels = [name] if len(names) == 1 else [f"{name}[{k}] ({key})" for k, key in enumerate(names)]
        arrays = [checks.numbers(label, part, self.dtype) for label, part in zip(labels, value, strict=True)]
        arrays = [checks.shape(*triple) for triple in zip(labels, arrays, shapes, strict=True)]
        return list(zip(*map(layout.state_parts, arrays), strict=True))
