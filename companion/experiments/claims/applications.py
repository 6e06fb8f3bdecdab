"""Applications: the claim C35."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C35",
        "Recurrent networks suit language modelling, text classification, translation, image captions and stock "
        "prices.",
        ("000", "001", "002", "003", "004"),
        "applications",
        "One small real example of each, beside the naive baseline.",
    ),
)
