"""Jordan's network as a PyTorch module. torch.nn has none; the shapes and names are `companion.reference`'s."""

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from companion.nn import _initial
from companion.nn._base import UNROLL, inner_dtype, precision, transformed
from companion.nn._engines import ENGINES, Work, choose
from companion.nn._layout import at_end, enter, enter_state, past_end
from companion.nn.cells import JordanCell
from companion.nn.cells.jordan import OUT
from companion.nn.cells.rnn import PHI


class JordanRNN(nn.Module):
    """h_t = φ(W x_t + U y_{t-1} + b), y_t = out(V h_t + d): what comes back is the output (Jordan 1986).

    One layer, one direction. The outputs y are (T, B, O); the state is the last output, (1, B, O).

    Args:
        input_size, hidden_size, output_size: I, H and O.
        output: "linear", "sigmoid" or "softmax".
        nonlinearity: φ, "tanh", "relu" or "sigmoid".
        bias: whether `bias_h` and `bias_y` exist.
        batch_first: whether x and y are (B, T, …).
        device, dtype: of the parameters.
        engine: "auto", "eager" or "fused"; the others do not have this cell and say so when it runs.

    Parameters: `weight_ih` (H, I), `weight_yh` (H, O), `bias_h` (H,), `weight_hy` (O, H), `bias_y` (O,), drawn in this
    order from U(-1/√H, 1/√H).

    Raises:
        ValueError, TypeError: a size that is not positive or not an int, an unknown nonlinearity, output or engine.
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
        device=None,
        dtype=None,
        *,
        engine: str = "auto",
    ):
        sizes = {"input_size": input_size, "hidden_size": hidden_size, "output_size": output_size}
        _check_arguments(sizes, {"bias": bias, "batch_first": batch_first})
        for name, value, known in (
            ("output", output, OUT),
            ("nonlinearity", nonlinearity, PHI),
            ("engine", engine, ENGINES),
        ):
            if value not in known:
                raise ValueError(f"Unknown {name} {value!r}. Select from {', '.join(map(repr, known))}.")
        super().__init__()
        self.input_size, self.hidden_size, self.output_size = input_size, hidden_size, output_size
        self.output, self.nonlinearity, self.bias, self.batch_first = output, nonlinearity, bias, batch_first
        self.engine, self.cell = engine, JordanCell(nonlinearity, output)

        def parameter(name: str, *shape: int) -> None:
            wanted = bias or not name.startswith("bias")
            tensor = nn.Parameter(torch.empty(shape, device=device, dtype=dtype)) if wanted else None
            self.register_parameter(name, tensor)

        parameter("weight_ih", hidden_size, input_size)
        parameter("weight_yh", hidden_size, output_size)
        parameter("bias_h", hidden_size)
        parameter("weight_hy", output_size, hidden_size)
        parameter("bias_y", output_size)
        self.reset_parameters()

    @property
    def name(self) -> str:
        return type(self).__name__

    def reset_parameters(self) -> None:
        """Draw the weights anew from U(-1/√H, 1/√H)."""
        _initial.uniform_(self.parameters(), self.hidden_size)

    def flatten_parameters(self) -> None:
        """Nothing: cuDNN does not have this cell. For code that calls it on every recurrent layer."""

    def extra_repr(self) -> str:
        own = {"output": "linear", "nonlinearity": "tanh", "bias": True, "batch_first": False, "engine": "auto"}
        shown = (f"{k}={getattr(self, k)!r}" for k, default in own.items() if getattr(self, k) != default)
        return ", ".join([f"{self.input_size}, {self.hidden_size}, {self.output_size}", *shown])

    def forward(self, input, hx=None, *, targets: Tensor | None = None):
        """Run the network, or with ``targets`` teach it: step t then reads ``targets`` t-1 instead of its own y_{t-1}.

        Args:
            input: (T, B, I), (B, T, I) with ``batch_first``, (T, I), or a `PackedSequence`.
            hx: the output before the first step, (1, B, O), or (1, O) for unbatched input; zeros for None.
            targets: the right outputs, of the shape of y; not with packed input. No step waits for another then: all T
                of them are one batch. The first step reads ``hx``, and the last target is not read.

        Returns:
            ``(y, y_n)``: the outputs, in the input's form, and the last of them, (1, B, O).

        Raises:
            ValueError, RuntimeError: as torch.nn's layers; for targets of a wrong shape.
        """
        batch = enter(self, input)
        engine = choose(self.engine, self._work(batch.x))
        (y0,) = enter_state(batch, hx, (1, batch.x.shape[1], self.output_size), pair=False)
        over = None if batch.lengths is None or self.cell.bounded else past_end(batch.x, batch.lengths)
        with precision(batch.x) as dtype:
            inside = inner_dtype(engine, dtype)
            x, y0, (W, b, weights) = batch.x.to(inside), y0[0].to(inside), self._weights(inside)
            if targets is None:
                (y,), (last,) = UNROLL[engine](self.cell, x, [y0], W, b, weights, False, over)
            else:
                y = self._taught(x, y0, W, b, weights, self._enter_targets(batch, targets, x))
                last = y[-1]
            last = last if batch.lengths is None else at_end(y, batch.lengths)
        return batch.output(y.to(dtype)), batch.state(last[None].to(dtype))

    def _taught(self, x, y0, W, b, weights, targets) -> Tensor:
        before = torch.cat([y0[None], targets[:-1]])
        return self.cell.step(nn.functional.linear(x, W, b), (before,), weights)[0]

    def _enter_targets(self, batch, targets: Tensor, x: Tensor) -> Tensor:
        if isinstance(targets, PackedSequence) or batch.given is not None:
            raise ValueError("targets are not supported with packed input: give padded tensors")
        shape = (*batch.steps(x).shape[:-1], self.output_size)
        if targets.shape != shape:
            raise RuntimeError(f"Expected targets size {tuple(shape)}, got {list(targets.shape)}")
        targets = targets.to(x.dtype)
        if not batch.batched:
            return targets.unsqueeze(1)
        return targets.transpose(0, 1) if batch.batch_first else targets

    def _weights(self, dtype: torch.dtype):
        bias_y = self.weight_hy.new_zeros(self.output_size) if self.bias_y is None else self.bias_y
        bias_h = None if self.bias_h is None else self.bias_h.to(dtype)
        return self.weight_ih.to(dtype), bias_h, tuple(w.to(dtype) for w in (self.weight_yh, self.weight_hy, bias_y))

    def _work(self, x: Tensor) -> Work:
        exported = torch.compiler.is_exporting()
        compiled = torch.compiler.is_compiling() and not exported
        return Work(
            cell=self.cell,
            native=False,
            device=x.device,
            dtype=x.dtype,
            steps=len(x),
            batch=x.shape[1],
            hidden_size=self.hidden_size,
            training=torch.is_grad_enabled(),
            transformed=not (compiled or exported) and transformed(x),
            compiled=compiled,
            exported=exported,
        )


def _check_arguments(sizes: dict, flags: dict) -> None:
    for name, value in sizes.items():
        if not isinstance(value, int) or isinstance(value, bool):
            raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
        if value <= 0:
            raise ValueError(f"{name} must be greater than zero")
    for name, value in flags.items():
        if not isinstance(value, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
