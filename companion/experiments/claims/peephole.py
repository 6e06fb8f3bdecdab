"""Peepholes: the claims C27 and C28."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C27",
        "Peepholes give the gates useful information out of the cell that they would not have otherwise.",
        ("000", "001"),
        "peephole",
        "Timing tasks with one cell and with two, over many seeds.",
    ),
    Claim(
        "C28",
        "Through its peepholes every gate reads the cell state of the step before.",
        ("002",),
        "peephole",
        "Build both readings of the output gate and compare them with the implementations in use.",
    ),
)
