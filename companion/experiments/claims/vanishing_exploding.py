"""Vanishing and exploding gradients: the claims C08, C09, C10, C11, C12, C13, C14, C15 and C16."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim

CLAIMS = (
    Claim(
        "C08",
        "Going back in time multiplies by the same factor again and again, so the gradient shrinks or grows "
        "exponentially.",
        ("003", "004"),
        "vanishing-exploding",
        "The norm of the Jacobian over k steps against k, its slope against the largest singular value, and a matrix "
        "that is not normal, whose gradients grow before they shrink.",
    ),
    Claim(
        "C09",
        "The slope of the sigmoid is at most 0.25 and that of tanh at most 1, so tanh keeps a gradient longer.",
        ("003", "004"),
        "vanishing-exploding",
        "The bounds that follow for k steps, and the half-lives that are measured.",
    ),
    Claim(
        "C10",
        "Every sigmoid layer takes a quarter off the gradient, even at its best.",
        ("004",),
        "vanishing-exploding",
        "The largest slope of the sigmoid: what is left, and what is taken off.",
    ),
    Claim(
        "C11",
        "A sigmoid applied to itself many times becomes a flat line without slope.",
        ("003",),
        "vanishing-exploding",
        "The n-fold composition and its slope, computed for growing n.",
    ),
    Claim(
        "C12",
        "Gradients vanish when the repeated factor is smaller than 1 in size and explode when it is larger.",
        ("003",),
        "vanishing-exploding",
        "For matrices, tell the spectral radius from the largest singular value and ask of each whether it is "
        "sufficient, necessary or neither.",
    ),
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
