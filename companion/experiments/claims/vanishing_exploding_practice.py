"""Vanishing and exploding gradients in training: the claims C13, C14, C15 and C16."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C13",
        "Exploding gradients are the lesser trouble, for clipping solves it.",
        ("003", "004"),
        "vanishing-exploding",
        "Training with and without clipping over many seeds, the threshold swept: how many runs survive.",
    ),
    Claim(
        "C14",
        "An activation that does not saturate, such as ReLU, eases the trouble, and deep networks then train without "
        "being trained layer by layer first.",
        ("000", "004"),
        "vanishing-exploding",
        "ReLU with its usual and with identity initialisation against tanh.",
    ),
    Claim(
        "C15",
        "Batch normalisation eases the trouble.",
        ("000",),
        "vanishing-exploding",
        "Normalisation per step and layer normalisation inside the recurrence, against none.",
    ),
    Claim(
        "C16",
        "The initial weights have to be just right, neither too small nor too large.",
        ("004",),
        "vanishing-exploding",
        "Gain and spectral radius swept, orthogonal against Gaussian matrices.",
    ),
)
