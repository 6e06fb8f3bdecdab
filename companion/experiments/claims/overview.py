"""Overview: the claim C02."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C02",
        "A task whose answer lies in the past cannot be done without a memory of that past.",
        ("001",),
        "overview",
        "Echo and running parity, learnt by a network that sees the present symbol, by one that sees a window of "
        "symbols, and by a recurrent one.",
    ),
)
