"""Epilogue: the claim C38."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C38",
        "Recurrent networks are the state of the art for sequences.",
        ("001",),
        "epilogue",
        "What was true when it was written, what came after, and what came back.",
    ),
)
