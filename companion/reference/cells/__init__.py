"""The cells of the book. A cell is one step forward, one step back, and the list of its parameters; nothing else.

What all cells share:

- `blocks`: the names of its pre-activations, in the order in which `step_back` returns their gradients side by side;
- `state`: the names of what it carries from step to step, the output first;
- `records`: the names of what `step` hands to `step_back`, and to the tape;
- `weights`: its parameters (see `companion.reference.weights`);
- `analytic`: whether the complex step may check it;
- `step(Wx, state, w) -> (state, records)`: `Wx` is W x_t + b, made for all steps before the loop; `w` holds the other
  parameters under their letters;
- `step_back(dstate, records, prev, w) -> (da, dprev)`: the same lines in reverse order. `dstate` is the gradient of
  the loss with respect to the state after the step, `prev` the state before it, `dprev` the gradient with respect to
  that, `da` the gradient with respect to the pre-activations.

All arrays are (features, B), a column for each sequence, so that W x in an equation is W @ x in the code. More axes may
stand in front (networks side by side), and the columns may be those of all time steps at once.
"""

from companion.reference.cells.gru import GRUCell, ResetBeforeGRUCell
from companion.reference.cells.jordan import JordanCell
from companion.reference.cells.lstm import LSTM1997Cell, LSTMCell
from companion.reference.cells.peephole import OldPeepholeLSTMCell, PeepholeLSTMCell
from companion.reference.cells.rnn import RNNCell

__all__ = [
    "GRUCell",
    "JordanCell",
    "LSTM1997Cell",
    "LSTMCell",
    "OldPeepholeLSTMCell",
    "PeepholeLSTMCell",
    "RNNCell",
    "ResetBeforeGRUCell",
]
