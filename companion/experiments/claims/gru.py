"""The GRU: the claim C29."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C29",
        "A GRU is in essence an LSTM without an output gate.",
        ("003",),
        "gru",
        "Algebra: which restrictions of an LSTM give a GRU, and what is left over.",
    ),
)
