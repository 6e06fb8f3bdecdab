"""Recurrent layers for PyTorch: torch.nn's, with the variants that it lacks, in modules that take its modules' place.

``from companion import nn as layers`` and one changed line make a peephole LSTM of a torch.nn one::

    self.rnn = layers.PeepholeLSTM(input_size, hidden_size, num_layers=2, batch_first=True)

All of them take torch.nn's arguments in torch.nn's order, unbatched, batched and packed input, and give torch.nn's
shapes, parameter names and exceptions. Beyond torch.nn they take ``engine``, one of

- ``"auto"``: what was measured to be the fastest that is there (the table `AUTO` in `companion.nn._engines`);
- ``"eager"``: one readable step per cell, differentiated by autograd; vmap, forward mode, tracing;
- ``"fused"``: the book's hand-derived backward pass, on any device;
- ``"triton"``: persistent GPU kernels; ``"cudnn"``: torch's own layer, for the cells it has.

They compute the same numbers; one that is asked for and cannot run raises a RuntimeError that says why. In half
precision and bfloat16, ``"eager"`` and ``"fused"`` compute in float32 inside and round what they return.

``layer.all_states(x)`` returns every h_t and c_t, which torch.nn keeps to itself. Chapters "Rosetta" and "Speed".
"""

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ImportError('companion.nn needs PyTorch: pip install "companion[torch]"')

from companion.nn._base import States
from companion.nn.jordan import JordanRNN
from companion.nn.layers import GRU, LSTM, RNN, PeepholeLSTM

__all__ = ["GRU", "LSTM", "RNN", "JordanRNN", "PeepholeLSTM", "States"]
