"""The cells of `companion.nn`. Each is written down once, in its own module; layers and engines take it from there."""

from companion.nn.cells._cell import Cell
from companion.nn.cells.gru import GRUCell, ResetBeforeGRUCell
from companion.nn.cells.jordan import JordanCell
from companion.nn.cells.lstm import LSTM1997Cell, LSTMCell, OldPeepholeLSTMCell, PeepholeLSTMCell
from companion.nn.cells.rnn import RNNCell

__all__ = [
    "Cell",
    "GRUCell",
    "JordanCell",
    "LSTM1997Cell",
    "LSTMCell",
    "OldPeepholeLSTMCell",
    "PeepholeLSTMCell",
    "RNNCell",
    "ResetBeforeGRUCell",
]
