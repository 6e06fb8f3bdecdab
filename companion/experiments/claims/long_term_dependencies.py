"""Long-term dependencies: the claims C30, C31 and C32."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C30",
        "At long range the LSTM and the GRU come to the rescue.",
        ("004",),
        "long-term-dependencies",
        "Long-lag tasks with equal numbers of parameters and an equal budget of updates.",
    ),
    Claim(
        "C31",
        "A plain recurrent network manages short gaps and fails at long ones.",
        ("004",),
        "long-term-dependencies",
        "A small grammar whose answer lies n words back: accuracy against n for every cell.",
    ),
    Claim(
        "C32",
        "In theory a plain recurrent network could do it: a person could set its weights by hand.",
        ("004",),
        "long-term-dependencies",
        "Set them by hand on a task that no trained one solves.",
    ),
)
