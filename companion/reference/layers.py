"""The layers by name, with the arguments of torch.nn: each picks a cell, `Layer` does the rest."""

import numpy as np

from companion.reference import checks
from companion.reference.activations import NONLINEARITIES
from companion.reference.cells import (
    GRUCell,
    LSTM1997Cell,
    LSTMCell,
    OldPeepholeLSTMCell,
    PeepholeLSTMCell,
    ResetBeforeGRUCell,
    RNNCell,
)
from companion.reference.layer import Layer

PEEPS = {"new": PeepholeLSTMCell, "old": OldPeepholeLSTMCell}
RESETS = {"after": GRUCell, "before": ResetBeforeGRUCell}


class RNN(Layer):
    """The simple recurrent network, h_t = φ(W x_t + b + U h_{t-1}) (Elman 1990). The state is h.

    `nonlinearity`: "tanh", "relu" or "sigmoid"; the other arguments as `Layer`, in the order of `torch.nn.RNN`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        bidirectional: bool = False,
        *,
        dtype=np.float64,
        rng=None,
    ):
        cell = RNNCell(checks.one_of("nonlinearity", nonlinearity, NONLINEARITIES))
        self.nonlinearity = nonlinearity
        super().__init__(
            cell, input_size, hidden_size, num_layers, bias, batch_first, bidirectional, dtype=dtype, rng=rng
        )


class LSTM(Layer):
    """Long short-term memory. The state is (h, c).

    `forget_gate`: True for the cell of Gers and others (2000) and of `torch.nn.LSTM`, row blocks i, f, g, o; False
    for that of Hochreiter and Schmidhuber (1997), row blocks i, g, o. The other arguments as `Layer`, in the order of
    `torch.nn.LSTM`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        bidirectional: bool = False,
        *,
        forget_gate: bool = True,
        dtype=np.float64,
        rng=None,
    ):
        self.forget_gate = checks.flag("forget_gate", forget_gate)
        cell = LSTMCell() if forget_gate else LSTM1997Cell()
        super().__init__(
            cell, input_size, hidden_size, num_layers, bias, batch_first, bidirectional, dtype=dtype, rng=rng
        )


class PeepholeLSTM(Layer):
    """The LSTM whose gates also see the cell state, through `weight_ch` (3H,), order i, f, o. The state is (h, c).

    `output_peep`: the output gate reads the "new" cell state (Gers and others 2002, ONNX, Keras) or the "old" one.
    The other arguments as `Layer`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        bidirectional: bool = False,
        *,
        output_peep: str = "new",
        dtype=np.float64,
        rng=None,
    ):
        cell = checks.one_of("output_peep", output_peep, PEEPS)()
        self.output_peep = output_peep
        super().__init__(
            cell, input_size, hidden_size, num_layers, bias, batch_first, bidirectional, dtype=dtype, rng=rng
        )


class GRU(Layer):
    """The gated recurrent unit, row blocks r, z, n. The state is h.

    `reset`: the reset gate acts "after" the recurrent product (`torch.nn.GRU`, cuDNN) or "before" it (Cho and others
    2014, Keras with reset_after=False). The other arguments as `Layer`, in the order of `torch.nn.GRU`.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        bidirectional: bool = False,
        *,
        reset: str = "after",
        dtype=np.float64,
        rng=None,
    ):
        cell = checks.one_of("reset", reset, RESETS)()
        self.reset = reset
        super().__init__(
            cell, input_size, hidden_size, num_layers, bias, batch_first, bidirectional, dtype=dtype, rng=rng
        )
