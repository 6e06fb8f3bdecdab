"""The layer around a cell: everything that torch.nn's modules do, for cells that torch.nn does not have."""

from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from companion.nn import _eager, _fused, _initial, _triton
from companion.nn._engines import ENGINES, Work, choose
from companion.nn._layout import Batch, at_end, enter, enter_state, past_end, reverse
from companion.nn.cells import Cell

UNROLL = {"eager": _eager.unroll, "fused": _fused.unroll, "triton": _triton.unroll}


class States(NamedTuple):
    """Every state of a layer: h, and c where the cell has one, else None."""

    h: Tensor
    c: Tensor | None


class Recurrent(nn.RNNBase):
    """A stack of recurrent layers in one or two directions: what `RNN`, `LSTM`, `PeepholeLSTM` and `GRU` share.

    Parameters, their names, checks, copying and saving are `torch.nn.RNNBase`'s.
    """

    cell: Cell
    native: type[nn.RNNBase] | None  # the module of torch.nn that has this cell

    def __init__(self, cell: Cell, native, gates_as: str, *args, engine: str, forget_bias=None, chrono=None, **options):
        """``gates_as``: a mode of RNNBase with as many gates, so that it makes weights of the right size."""
        if engine not in ENGINES:
            raise ValueError(f"engine should be one of {', '.join(ENGINES)}, got: {engine!r}")
        self.engine, self.forget_bias, self.chrono = engine, forget_bias, chrono
        self.cell, self.native = cell, native
        super().__init__(gates_as, *args, **options)

    @property
    def name(self) -> str:
        return type(self).__name__

    def reset_parameters(self) -> None:
        """Draw the weights anew: U(-1/√H, 1/√H) in the order of torch.nn, peepholes last; then the gates' biases."""
        _initial.check(self.name, self.forget_bias, self.chrono, self.bias)
        names = sorted(self._flat_weights_names, key=lambda name: name.startswith("weight_ch"))
        _initial.uniform_((getattr(self, name) for name in names), self.hidden_size)
        self._open_gates()

    def _open_gates(self) -> None:
        """Nothing, unless a cell has a gate that keeps its state."""

    def flatten_parameters(self) -> None:
        """Lay the weights out for cuDNN where it has the cell; elsewhere there is nothing to do."""
        if self.native is not None:
            super().flatten_parameters()

    def extra_repr(self) -> str:
        own = self._own_arguments() | {"forget_bias": (self.forget_bias, None), "chrono": (self.chrono, None)}
        own["engine"] = (self.engine, "auto")
        shown = (f"{name}={value!r}" for name, (value, default) in own.items() if value != default)
        return ", ".join([super().extra_repr(), *shown])

    def _own_arguments(self) -> dict:
        """Arguments that torch.nn does not have: name → (value, default)."""
        return {}

    # ---- forward ---------------------------------------------------------------------------------------------------

    def forward(self, input, hx=None):
        """Run the layer; arguments, shapes and results are those of the torch.nn module of the same state.

        Raises:
            RuntimeError: the engine asked for cannot do this; the message says why.
            ValueError, RuntimeError: what torch.nn raises for inputs and states of a wrong shape, dtype or device.
        """
        engine = self._engine(input)
        if engine == "cudnn":
            return self.native.forward(self, input, hx)
        batch, (y, _), final = self._run(engine, input, hx, all_states=False)
        final = tuple(batch.state(s) for s in final)
        return batch.output(y), final if self.cell.states == 2 else final[0]

    def all_states(self, input, hx=None) -> States:
        """Every h_t and c_t of every layer and direction, which torch.nn does not give.

        Args:
            input, hx: as for `forward`.

        Returns:
            `States` (h, c): each (num_layers * directions, T, B, H); with ``batch_first`` (…, B, T, H), unbatched (…,
            T, H). For packed input the batch is in the caller's order, padded with zeros. ``c`` is None for a cell
            without one. A state of the reverse direction stands at the time step of the input that it has just read.

        Raises:
            as `forward`; RuntimeError for an LSTM with ``proj_size``.
        """
        engine = self._engine(input)
        engine = choose("fused", self._work(input)) if engine == "cudnn" else engine
        batch, (_, series), _ = self._run(engine, input, hx, all_states=True)
        if batch.given is not None:
            series = (s.masked_fill(past_end(batch.x, batch.lengths), 0) for s in series)
            order = batch.given.unsorted_indices
            series = (s if order is None else s.index_select(2, order) for s in series)
            return States(
                *(s.transpose(1, 2) if self.batch_first else s for s in series), *[None] * (2 - self.cell.states)
            )
        return States(*(batch.steps(s, axis=1) for s in series), *[None] * (2 - self.cell.states))

    def _work(self, input) -> Work:
        x = input.data if isinstance(input, PackedSequence) else input
        exported = torch.compiler.is_exporting()
        compiled = torch.compiler.is_compiling() and not exported
        dtype = computed_in(x)
        if isinstance(input, PackedSequence):
            steps, batch = len(input.batch_sizes), int(input.batch_sizes[0])
        elif x.dim() == 3:
            steps, batch = x.shape[:2] if not self.batch_first else (x.shape[1], x.shape[0])
        else:
            steps, batch = len(x), 1
        return Work(
            cell=self.cell,
            native=self.native is not None,
            device=x.device,
            dtype=dtype,
            steps=steps,
            batch=batch,
            hidden_size=self.hidden_size,
            training=torch.is_grad_enabled(),
            projected=self.proj_size > 0,
            transformed=not (compiled or exported) and transformed(x),
            compiled=compiled,
            exported=exported,
        )

    def _engine(self, input) -> str:
        return choose(self.engine, self._work(input))

    def _run(self, engine: str, input, hx, all_states: bool):
        """The stack from input to output: the `Batch`, ``(y, series of all states)`` and the final states (L, B, H)."""
        batch = enter(self, input)
        directions = 2 if self.bidirectional else 1
        shape = (self.num_layers * directions, batch.x.shape[1], self.hidden_size)
        state = enter_state(batch, hx, shape, pair=self.cell.states == 2)
        with precision(batch.x) as dtype:
            return batch, *self._stack(engine, batch, state, dtype, all_states)

    def _stack(self, engine: str, batch: Batch, state, dtype: torch.dtype, all_states: bool):
        inside = inner_dtype(engine, dtype)
        x, state = batch.x.to(inside), [s.to(inside) for s in state]
        unroll, lengths, directions = UNROLL[engine], batch.lengths, 2 if self.bidirectional else 1
        everything, finals = [], []
        over = None if lengths is None or self.cell.bounded else past_end(x, lengths)
        for layer in range(self.num_layers):
            both = []
            for direction in range(directions):
                start = [s[layer * directions + direction] for s in state]
                W, b, weights = (_cast(w, inside) for w in self._weights(layer, direction))
                seen = reverse(x, lengths) if direction else x
                series, final = unroll(self.cell, seen, start, W, b, weights, all_states or lengths is not None, over)
                if lengths is not None:
                    final = tuple(at_end(s, lengths) for s in series)
                both.append(tuple(reverse(s, lengths) for s in series) if direction else series)
                finals.append(final)
            everything += both
            x = both[0][0] if directions == 1 else torch.cat([series[0] for series in both], dim=-1)
            if self.dropout > 0 and layer < self.num_layers - 1:
                x = nn.functional.dropout(x, self.dropout, self.training)
        series = tuple(torch.stack(s).to(dtype) for s in zip(*everything, strict=True)) if all_states else ()
        return (x.to(dtype), series), tuple(_stacked(s).to(dtype) for s in zip(*finals, strict=True))

    def _weights(self, layer: int, direction: int):
        """``(W, b, weights)`` as `companion.nn._eager.unroll` takes them."""
        suffix = f"_l{layer}_reverse" if direction else f"_l{layer}"
        W, U = getattr(self, "weight_ih" + suffix), getattr(self, "weight_hh" + suffix)
        biases = (getattr(self, "bias_ih" + suffix), getattr(self, "bias_hh" + suffix)) if self.bias else None
        return self._arrange(W, U, biases, suffix)

    def _arrange(self, W, U, biases, suffix: str):
        """One sum for both biases; a cell that needs something else overrides this."""
        return W, None if biases is None else biases[0] + biases[1], (U,)


@contextmanager
def precision(x: Tensor):
    """The dtype in which torch.nn would compute here, autocast considered; autocast is off inside."""
    if not torch.is_autocast_enabled(x.device.type):
        yield x.dtype
        return
    dtype = computed_in(x)
    with torch.autocast(x.device.type, enabled=False):
        yield dtype


def computed_in(x: Tensor) -> torch.dtype:
    """The dtype of the input, or autocast's where it is on; float64 it leaves alone."""
    kind = x.device.type
    free = x.dtype == torch.float64 or not torch.is_autocast_enabled(kind)
    return x.dtype if free else torch.get_autocast_dtype(kind)


def inner_dtype(engine: str, dtype: torch.dtype) -> torch.dtype:
    """The dtype an engine computes in: two bytes are too few to add up a state, except where Triton's kernels do."""
    return torch.float32 if dtype.itemsize == 2 and engine != "triton" else dtype


def transformed(x: Tensor) -> bool:
    """Whether torch.func's transforms, forward-mode autograd or a subclass of Tensor want plain operations."""
    at_work = torch._C._functorch.maybe_current_level() is not None or torch.autograd.forward_ad._current_level >= 0
    return at_work or type(x) not in (Tensor, nn.Parameter)


def _stacked(tensors) -> Tensor:
    """The tensors along a new first axis."""
    return tensors[0][None] if len(tensors) == 1 else torch.stack(tensors)


def _cast(weights, dtype: torch.dtype):
    if isinstance(weights, tuple):
        return tuple(w.to(dtype) for w in weights)
    return weights if weights is None else weights.to(dtype)
