"""The LSTM: the claims C20, C21, C22, C23, C24, C25 and C26."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C20",
        "An LSTM keeps over long lags what a plain recurrent network loses.",
        ("000", "003"),
        "lstm",
        "Adding, copying, temporal order and agreement at a distance: success against lag.",
    ),
    Claim(
        "C21",
        "The constant error carousel carries the error back over any number of steps.",
        ("003",),
        "lstm",
        "The derivative of the last cell state by an earlier one along the cell's own path, without a forget gate and "
        "with one.",
    ),
    Claim(
        "C22",
        "Forget gates allow the cell to be reset.",
        ("003",),
        "lstm",
        "A stream without end, with forget gates and without: size of the cell state and accuracy.",
    ),
    Claim(
        "C23",
        "The input gate decides what is stored, the forget gate what persists, the output gate what is shown.",
        ("000", "001"),
        "lstm",
        "Clamp one gate at a time, and read the gates of a trained network where the right behaviour is known.",
    ),
    Claim(
        "C24",
        "Adding to the cell state instead of multiplying it makes the difference.",
        ("003",),
        "lstm",
        "The gradient along the cell path against that of the plain recurrence.",
    ),
    Claim(
        "C25",
        "The parts of an LSTM cell are all fully connected layers.",
        ("001",),
        "lstm",
        "Build the cell from four dense layers: count the parameters and compare the numbers.",
    ),
    Claim(
        "C26",
        "An LSTM does not suffer from vanishing gradients.",
        (),
        "lstm",
        "The gradient over many steps at the usual initialisation, and with a forget bias of 1 and of 3.",
    ),
)
