"""Truncated backpropagation: the claims C17, C18 and C19."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C17",
        "Cutting backpropagation off after some steps makes an update cheaper.",
        ("000", "003"),
        "truncated-bptt",
        "Time and memory of an update against the horizon and the length of the sequence.",
    ),
    Claim(
        "C18",
        "A dependency that lies beyond the cut cannot be learnt.",
        ("000", "003"),
        "truncated-bptt",
        "The echo task over lag and horizon, with the state carried across the cut: where is the frontier?",
    ),
    Claim(
        "C19",
        "Full backpropagation through time costs more per update the longer the sequence is.",
        ("003",),
        "truncated-bptt",
        "Time and memory against the length: linear, or worse?",
    ),
)
