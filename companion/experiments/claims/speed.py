"""Speed: the claim C33."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C33",
        "Many recurrent units make the computation slow.",
        ("004",),
        "speed",
        "Microseconds per time step against the number of units, and the share of the chain of steps in them.",
    ),
)
