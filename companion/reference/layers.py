"""The layers by name, with the arguments of torch.nn: each picks a cell, `Layer` does the rest."""

import numpy as np

from companion.reference import checks
from companion.reference.activations import NONLINEARITIES
from companion.reference.cells import RNNCell
from companion.reference.layer import Layer


class RNN(Layer):
    """The simple recurrent network, h_t = φ(W x_t + b + U h_{t-1}) (Elman 1990).

    `nonlinearity`: "tanh", "relu" or "sigmoid"; other arguments as `Layer`, in the order of `torch.nn.RNN`. The state is h.
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
