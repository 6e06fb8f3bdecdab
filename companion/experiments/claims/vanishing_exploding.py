"""Vanishing and exploding gradients: the claims C08, C09, C10, C11 and C12."""

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
)
