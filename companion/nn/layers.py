"""The layers by name: torch.nn's arguments in torch.nn's order, then those that torch.nn does not have.

Every module here takes the place of the torch.nn module with the same state in one changed line; see `companion.nn`.
"""

import torch
from torch import nn

from companion.nn import _initial
from companion.nn._base import Recurrent
from companion.nn.cells import (
    GRUCell,
    LSTM1997Cell,
    LSTMCell,
    OldPeepholeLSTMCell,
    PeepholeLSTMCell,
    ResetBeforeGRUCell,
    RNNCell,
)

MODES = {"tanh": "RNN_TANH", "relu": "RNN_RELU", "sigmoid": "RNN_TANH"}
PEEPS = {"new": PeepholeLSTMCell, "old": OldPeepholeLSTMCell}
RESETS = {"after": GRUCell, "before": ResetBeforeGRUCell}


class RNN(Recurrent):
    """The simple recurrent network, h_t = φ(W x_t + b_ih + U h_{t-1} + b_hh) (Elman 1990).

    Args:
        nonlinearity: "tanh", "relu", or, beyond torch.nn, "sigmoid".
        engine: see `companion.nn`.
        others: as `torch.nn.RNN`.

    Raises:
        ValueError, TypeError: as `torch.nn.RNN` for its arguments; ValueError for an unknown engine.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device=None,
        dtype=None,
        *,
        engine: str = "auto",
        proj_size: int | None = None,
    ):
        _no_projection(proj_size)
        if nonlinearity not in MODES:
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh', 'relu' or 'sigmoid'.")
        self.nonlinearity = nonlinearity
        native = None if nonlinearity == "sigmoid" else nn.RNN
        sizes = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__(RNNCell(nonlinearity), native, MODES[nonlinearity], *sizes, engine=engine)
        if nonlinearity == "sigmoid":
            self.mode = "RNN_SIGMOID"

    def _own_arguments(self):
        return {"nonlinearity": (self.nonlinearity, self.nonlinearity if self.native else None)}


class LSTM(Recurrent):
    """Long short-term memory; the state is (h, c).

    Args:
        forget_gate: True for the cell of Gers, Schmidhuber and Cummins (2000) and of `torch.nn.LSTM`, gate blocks
            i, f, g, o. False for that of Hochreiter and Schmidhuber (1997), gate blocks i, g, o, c_t = c_{t-1} + i g.
        forget_bias: the forget gate's bias at the start, the sum of both vectors; None leaves it as torch.nn draws it.
        chrono: the longest lag to remember: forget and input biases drawn as Tallec and Ollivier (2018) advise.
        engine: see `companion.nn`. With ``proj_size`` only torch's own kernels run.
        others: as `torch.nn.LSTM`.

    Raises:
        ValueError, TypeError: as `torch.nn.LSTM`; ValueError for arguments that contradict each other.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device=None,
        dtype=None,
        *,
        forget_gate: bool = True,
        forget_bias: float | None = None,
        chrono: int | None = None,
        engine: str = "auto",
    ):
        if not isinstance(forget_gate, bool):
            raise TypeError(f"forget_gate should be of type bool, got: {type(forget_gate).__name__}")
        if not forget_gate and forget_bias is not None:
            raise ValueError("forget_bias sets the bias of a gate that forget_gate=False leaves out")
        if not forget_gate and chrono is not None:
            raise ValueError("chrono sets the bias of a gate that forget_gate=False leaves out")
        if not forget_gate and proj_size:
            raise ValueError("proj_size is only supported with forget_gate=True: torch.nn runs it")
        self.forget_gate = forget_gate
        cell, native, gates_as = (LSTMCell(), nn.LSTM, "LSTM") if forget_gate else (LSTM1997Cell(), None, "GRU")
        sizes = (
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
        )
        super().__init__(cell, native, gates_as, *sizes, engine=engine, forget_bias=forget_bias, chrono=chrono)
        if not forget_gate:
            self.mode = "LSTM_1997"

    # what torch.nn.LSTM.forward calls on itself
    get_expected_cell_size = nn.LSTM.get_expected_cell_size
    check_forward_args = nn.LSTM.check_forward_args
    permute_hidden = nn.LSTM.permute_hidden

    def _own_arguments(self):
        return {"forget_gate": (self.forget_gate, True)}

    def _open_gates(self):
        _open_lstm_gates(self)


class PeepholeLSTM(Recurrent):
    """The LSTM whose gates also see the cell state, through the vector `weight_ch` (3H,), order i, f, o. The state is
    (h, c).

    Put in the place of `torch.nn.LSTM`, it takes the same arguments, and from the same seed the same weights; the
    peepholes are drawn after them.

    Args:
        proj_size: 0; a peephole LSTM has no projection.
        output_peep: "new": the output gate sees c_t (Gers, Schraudolph and Schmidhuber 2002, ONNX, Keras); "old":
            c_{t-1}.
        forget_bias, chrono: as `LSTM`.
        engine: see `companion.nn`.
        others: as `torch.nn.LSTM`.

    Raises:
        ValueError, TypeError: as `torch.nn.LSTM`; ValueError for ``proj_size`` and an unknown ``output_peep``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device=None,
        dtype=None,
        *,
        output_peep: str = "new",
        forget_bias: float | None = None,
        chrono: int | None = None,
        engine: str = "auto",
    ):
        if proj_size:
            raise ValueError("proj_size argument is only supported for LSTM, not PeepholeLSTM")
        if output_peep not in PEEPS:
            raise ValueError(f"Unknown output_peep {output_peep!r}. Select from 'new' or 'old'.")
        self.output_peep = output_peep
        sizes = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__(
            PEEPS[output_peep](), None, "LSTM", *sizes, engine=engine, forget_bias=forget_bias, chrono=chrono
        )
        self.mode = "LSTM_PEEPHOLE"
        self._add_peepholes(device, dtype)

    def _add_peepholes(self, device, dtype) -> None:
        """Register `weight_ch` of every layer and direction behind its other weights."""
        for names in self._all_weights:
            names.append(names[0].replace("weight_ih", "weight_ch"))
            weight = nn.Parameter(torch.empty(3 * self.hidden_size, device=device, dtype=dtype))
            _initial.uniform_([weight], self.hidden_size)
            self.register_parameter(names[-1], weight)
        self._flat_weights_names = [name for names in self._all_weights for name in names]
        in_order = {name: self._parameters[name] for name in self._flat_weights_names}
        self._parameters.clear()
        self._parameters.update(in_order)
        self._init_flat_weights()

    def _own_arguments(self):
        return {"output_peep": (self.output_peep, "new")}

    def _open_gates(self):
        _open_lstm_gates(self)

    def _arrange(self, W, U, biases, suffix):
        W, b, weights = super()._arrange(W, U, biases, suffix)
        return W, b, (*weights, getattr(self, "weight_ch" + suffix))


class GRU(Recurrent):
    """The gated recurrent unit, gate blocks r, z, n; the state is h. z keeps: h_t = (1 - z) n + z h_{t-1}.

    Args:
        reset: "after" the recurrent product, as `torch.nn.GRU` and cuDNN; "before" it (Cho and others 2014, Keras with
            ``reset_after=False``).
        chrono: the longest lag to remember: the update gate's bias drawn as Tallec and Ollivier (2018) advise.
        engine: see `companion.nn`.
        others: as `torch.nn.GRU`.

    Raises:
        ValueError, TypeError: as `torch.nn.GRU`; ValueError for an unknown ``reset``.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device=None,
        dtype=None,
        *,
        reset: str = "after",
        chrono: int | None = None,
        engine: str = "auto",
        proj_size: int | None = None,
    ):
        _no_projection(proj_size)
        if reset not in RESETS:
            raise ValueError(f"Unknown reset {reset!r}. Select from 'after' or 'before'.")
        self.reset = reset
        native = nn.GRU if reset == "after" else None
        sizes = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, 0, device, dtype)
        super().__init__(RESETS[reset](), native, "GRU", *sizes, engine=engine, chrono=chrono)

    def _own_arguments(self):
        return {"reset": (self.reset, "after")}

    def _open_gates(self):
        if self.chrono is None:
            return
        for _, _, bias_ih, bias_hh in self.all_weights:
            keep = _initial.chrono_bias(self.hidden_size, self.chrono, bias_ih)
            _initial.open_gate_(bias_ih, bias_hh, 1, 3, keep)

    def _arrange(self, W, U, biases, suffix):
        if self.reset == "before":
            return super()._arrange(W, U, biases, suffix)
        if biases is None:
            return W, None, (U, W.new_zeros(self.hidden_size))
        b_ih, b_hh = biases
        b_rz, b_n = b_hh.split([2 * self.hidden_size, self.hidden_size])
        return W, b_ih + nn.functional.pad(b_rz, (0, self.hidden_size)), (U, b_n)


def _no_projection(proj_size) -> None:
    if proj_size is not None:
        raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")


def _open_lstm_gates(layer) -> None:
    """Set the forget gate's bias, and with chrono the input gate's to its opposite."""
    if layer.forget_bias is None and layer.chrono is None:
        return
    for _, _, bias_ih, bias_hh, *_ in layer.all_weights:
        keep = layer.forget_bias
        if keep is None:
            keep = _initial.chrono_bias(layer.hidden_size, layer.chrono, bias_ih)
            _initial.open_gate_(bias_ih, bias_hh, 0, 4, -keep)
        _initial.open_gate_(bias_ih, bias_hh, 1, 4, keep)
