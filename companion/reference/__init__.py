"""Recurrent networks by hand: every cell of the book with its gradients, in NumPy and nothing else.

    layer = RNN(3, 5, rng=0)
    y, state = layer(x)
    tape = layer.unroll(x)
    grads = layer.bptt(tape, dy)

A cell says how one step goes forward and back (`companion.reference.cells`); `unroll` turns any cell into a scan and
its reverse; `Layer` adds stacking, directions, lengths and layouts, once for all cells.
"""

from companion.reference import init
from companion.reference.clip import clip_grad_norm, clip_grad_value
from companion.reference.gradcheck import Report, gradcheck
from companion.reference.jordan import JordanRNN
from companion.reference.layer import Layer
from companion.reference.layers import GRU, LSTM, RNN, PeepholeLSTM
from companion.reference.linear import Linear
from companion.reference.losses import mse, softmax_cross_entropy
from companion.reference.optim import SGD, Adam
from companion.reference.side_by_side import each_run, stack, unstack
from companion.reference.tape import Gradients, Tape

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "SGD",
    "Adam",
    "Gradients",
    "JordanRNN",
    "Layer",
    "Linear",
    "PeepholeLSTM",
    "Report",
    "Tape",
    "clip_grad_norm",
    "clip_grad_value",
    "each_run",
    "gradcheck",
    "init",
    "mse",
    "softmax_cross_entropy",
    "stack",
    "unstack",
]
