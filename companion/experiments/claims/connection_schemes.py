"""Connection schemes: the claims C04, C05 and C34."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C04",
        "Feeding the hidden state back is better than feeding the output back, because the hidden state can carry more "
        "of the past.",
        ("001",),
        "connection-schemes",
        "A task whose outputs throw away what later answers need, over growing lags, for both schemes; then a task "
        "whose outputs keep it.",
    ),
    Claim(
        "C05",
        "Feeding the output back is cheaper to train, and its steps can be trained side by side.",
        ("001",),
        "connection-schemes",
        "Time a training step against the length of the sequence for both schemes under teacher forcing; then let the "
        "trained network feed itself and measure what is lost.",
    ),
    Claim(
        "C34",
        "The state of a recurrent network cannot use inputs that are still to come.",
        ("004",),
        "connection-schemes",
        "A task that needs the next symbol, for one direction and for two.",
    ),
)
