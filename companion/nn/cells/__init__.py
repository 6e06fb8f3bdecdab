"""The cells of `companion.nn`. Each is written down once, in its own module; layers and engines take it from there."""

from companion.nn.cells._cell import Cell
from companion.nn.cells.gru import GRUCell, ResetBeforeGRUCell
from companion.nn.cells.jordan import OUT, JordanCell
from companion.nn.cells.lstm import LSTM1997Cell, LSTMCell, OldPeepholeLSTMCell, PeepholeLSTMCell
from companion.nn.cells.rnn import PHI, RNNCell

CELLS = {
    cell.name: cell
    for cell in (
        *(RNNCell(phi) for phi in PHI),
        *(LSTMCell(), LSTM1997Cell(), PeepholeLSTMCell(), OldPeepholeLSTMCell(), GRUCell(), ResetBeforeGRUCell()),
        *(JordanCell(phi, out) for phi in PHI for out in OUT),
    )
}

__all__ = [
    "CELLS",
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
