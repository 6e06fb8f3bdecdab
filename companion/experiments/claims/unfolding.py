"""Unfolding: the claim C03."""

from __future__ import annotations

from companion.experiments import unfolding
from companion.experiments.claims.claim import Claim
from companion.experiments.verdict import CONDITIONAL

CLAIMS = (
    Claim(
        "C03",
        "A recurrent layer run over n sequences is a network of n layers. We read: run over n time steps, it is an "
        "n-layer network whose layers share one set of weights.",
        ("001",),
        "unfolding",
        "Build the layers one by one with copies of the weights: the outputs must agree, and the gradients of the "
        "copies must add up to the gradient of the shared weights.",
        condition="False if in any network tried the outputs, or the summed gradients of the copies, differ by more "
        "than 1e-12, or if the layers are as many neither as the steps nor as the sequences. Holds if they are always "
        "as many as the sequences and the copies need not be kept together, their shares being the same. Holds with a "
        "condition if they are as many as the steps, or if the shares differ.",
        evidence="unfolding",
        expected=CONDITIONAL,
        judge=unfolding.judge,
    ),
)
