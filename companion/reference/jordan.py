"""Jordan's network: what comes back is the output, so a teacher can put the right one in its place.

With teacher forcing no step waits for another: time becomes one more axis of the batch, and all steps are one.
"""

from dataclasses import dataclass

import numpy as np

from companion.reference import checks
from companion.reference.activations import NONLINEARITIES, OUTPUTS
from companion.reference.cells import JordanCell
from companion.reference.horizon import go, prepare
from companion.reference.layer import Layer
from companion.reference.stack import Runs, StackBack, alone
from companion.reference.tape import Graph, Tape, tape_of
from companion.reference.unroll import State, input_product, later, weight_gradients
from companion.reference.weights import Bound, flat, unflat

Array = np.ndarray


class JordanRNN(Layer):
    """h_t = φ(W x_t + b + U y_{t-1}), y_t = out(V h_t + d) (Jordan 1986). One layer, one direction.

    The outputs y are (T, B, O); the state is the last output, (1, B, O).

    Args:
        input_size, hidden_size, output_size: features I, H and O.
        output: "linear", "sigmoid" or "softmax".
        nonlinearity: φ, "tanh", "relu" or "sigmoid".
        bias, batch_first, dtype, rng: as `Layer`.

    Parameters: `weight_ih` (H, I), `weight_yh` (H, O), `bias_h` (H,), `weight_hy` (O, H), `bias_y` (O,).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        output_size: int,
        output: str = "linear",
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        *,
        dtype=np.float64,
        rng=None,
    ):
        self.output_size = checks.positive_size("output_size", output_size)
        out = checks.one_of("output", output, OUTPUTS)
        phi = checks.one_of("nonlinearity", nonlinearity, NONLINEARITIES)
        self.output, self.nonlinearity = output, nonlinearity
        super().__init__(JordanCell(phi, out), input_size, hidden_size, 1, bias, batch_first, dtype=dtype, rng=rng)

    def size(self, layer: int):
        """The number of features of a block or series: O for outputs, I for x, H for the rest."""
        sizes = {"x": self.input_size, "y": self.output_size, "y_prev": self.output_size}
        return lambda name: sizes.get(name, self.hidden_size)

    def suffix(self, layer: int, direction: int) -> str:
        """Nothing: there is one layer and one direction."""
        return ""

    def unroll(self, x: Array, state=None, lengths=None, *, targets: Array | None = None) -> Tape:
        """As `Layer.unroll`; with `targets`, teacher forcing: step t reads target t-1 in the place of y_{t-1}.

        Args:
            targets: None, or the right outputs, of the shape of y. The first step reads the initial state, and the
                last target is not read. Targets are constants: no gradient goes through them.

        Raises:
            TypeError, ValueError: as `Layer.unroll`, and for targets of a wrong dtype or shape.
        """
        if targets is None:
            return super().unroll(x, state, lengths)
        layout, x, (start,), mask = self._enter(x, state, lengths)
        ((net,),) = self._bound()
        y_shape = (*start[0].shape[:-1], *x.shape[-2:])
        expected = layout.caller(np.broadcast_to(0, y_shape)).shape
        targets = checks.shape("targets", checks.numbers("targets", targets, self.dtype), expected, "(that of y)")
        return tape_of(Graph(self, layout, ((teach(net, x, start, layout.steps(targets), mask),),)))

    def _backward(self, runs: Runs, dy: Array, dstate: list[State], horizon: int | None) -> StackBack:
        ((run,),) = runs
        if not isinstance(run, TaughtRun):
            return super()._backward(runs, dy, dstate, horizon)
        sweep = prepare(run, dy, dstate[0])
        dx = go(sweep, alone(dy, run.mask), last=horizon == 1)
        return StackBack(dx, [sweep.start], [weight_gradients(run, sweep.da)])


@dataclass(frozen=True)
class TaughtRun:
    """A run under teacher forcing, made in one step: no state passes between its steps.

    named: its quantities at all time steps by name. y, state, mask: as those of a `Run`.
    """

    net: Bound
    named: dict[str, Array]
    y: Array
    state: State
    mask: Array | None

    @property
    def x(self) -> Array:
        """The inputs."""
        return self.named["x"]

    def series(self, name: str) -> Array:
        """A quantity at all time steps, by name."""
        return self.named[name]


def teach(net: Bound, x: Array, start: State, targets: Array, mask: Array | None) -> TaughtRun:
    """All steps at once: step t reads target t-1, the first one the initial state."""
    if mask is not None:
        x, targets = np.where(mask, x, 0), np.where(mask, targets, 0)
    y_prev = later(start[0], targets)
    _, records = net.cell.step(flat(input_product(net, x)), (flat(y_prev),), net.w)
    h, y = (unflat(record, x.shape[-2]) for record in records)
    named = {"x": x, "y_prev": y_prev, "h": h, "y": y}
    if mask is None:
        return TaughtRun(net, named, y, (y[..., -1, :],), None)
    last = mask & ~np.concatenate([mask[1:], np.zeros_like(mask[:1])])
    final = np.where(mask[0], np.sum(y, axis=-2, where=last), start[0])
    return TaughtRun(net, named, np.where(mask, y, 0), (final,), mask)
