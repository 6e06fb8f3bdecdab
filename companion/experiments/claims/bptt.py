"""Backpropagation through time: the claims C06, C07 and C37 and their judges."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

EXACT = 1e-9
APART = 1e-3


def unrolled(data: Evidence) -> Verdict:
    """C06, by its condition."""
    summary = data.summary
    count, downhill = summary["count"], summary["loop_downhill"]
    error = max(summary["complex_step"], summary["autograd"])
    numbers = {
        "count": count,
        "error": error,
        "complex_step": summary["complex_step"],
        "autograd": summary["autograd"],
        "rtrl": summary["rtrl"],
        "loop": summary["loop_least"],
        "loop_median": summary["loop_median"],
        "downhill": downhill,
        "cosine": summary["loop_cosine_median"],
    }
    if error > EXACT or summary["loop_least"] <= APART:
        return Verdict(FALSE, "The loop as it stands gives the gradient, or the unrolled steps do not.", numbers)
    exact = (
        f"In {count} of {count} networks, going back through the unrolled steps gives the gradient within {error:.0e}, "
        f"and going through the loop as it stands does not: it is off by {100 * summary['loop_least']:.0f} % or more."
    )
    if downhill > count / 2:
        return Verdict(
            CONDITIONAL,
            f"{exact} But in {downhill} of them what the loop gives still points downhill, so it can train, if not by "
            f"the gradient.",
            numbers,
        )
    return Verdict(HOLDS, exact, numbers)


def summed(data: Evidence) -> Verdict:
    """C07, by its condition."""
    summary = data.summary
    numbers = {name: summary[name] for name in ("count", "share", "sum", "mean_least")}
    if summary["share"] > EXACT:
        return Verdict(FALSE, "A step's own share is not the derivative by that step's weights.", numbers)
    if summary["sum"] > EXACT:
        return Verdict(FALSE, "The shares of the steps do not add up to the gradient.", numbers)
    if summary["mean_least"] <= EXACT:
        return Verdict(CONDITIONAL, "Sum and mean of the shares are both the gradient.", numbers)
    return Verdict(
        HOLDS,
        f"In {summary['count']} of {summary['count']} networks the shares of the steps, each checked alone, add up to "
        f"the gradient within {summary['sum']:.0e}. They are added, not averaged: the mean is off by "
        f"{100 * summary['mean_least']:.0f} % or more.",
        numbers,
    )


def two_things(data: Evidence) -> Verdict:
    """C37, by its condition."""
    summary = data.summary
    numbers = {name: summary[name] for name in ("count", "first_cosine", "apart_least", "path")}
    if summary["first_cosine_least"] >= 1 - APART and summary["apart"] <= APART:
        return Verdict(HOLDS, "Both optimisers make of one gradient the same step.", numbers)
    if summary["path"] > EXACT:
        return Verdict(
            CONDITIONAL, "Descent needs backpropagation: another way to the gradient would lead elsewhere.", numbers
        )
    angle = summary["first_cosine"]
    return Verdict(
        FALSE,
        f"Backpropagation finds the gradient, descent uses it. From one gradient, SGD and Adam set out in different "
        f"directions (cosine {angle:.2f} at most in {summary['count']} networks); and all along the path of SGD the "
        f"gradient can be had without going back, within {summary['path']:.0e}.",
        numbers,
    )


CLAIMS = (
    Claim(
        "C06",
        "Backpropagation cannot train a neuron that is connected to itself until the loop is unrolled in time.",
        ("000", "001"),
        "bptt",
        "Backpropagation over the unrolled steps against automatic differentiation and the complex step; then through "
        "the loop as it stands, which takes the last state for a constant.",
        condition="False if in any network tried the unrolled steps give another gradient than the complex step or "
        "automatic differentiation by more than 1e-9, or if the loop as it stands gives the gradient within 1e-3. "
        "Holds with a condition if what the loop as it stands gives points downhill in more than half of the networks "
        "all the same, as one can train with that. Holds otherwise.",
        evidence="bptt",
        expected=CONDITIONAL,
        judge=unrolled,
    ),
    Claim(
        "C07",
        "The weights are the same at every step, so the gradients of the steps are combined into one.",
        ("003",),
        "bptt",
        "Compute each step's share of the gradient alone and compare the sum with the whole.",
        condition="Holds if in every network tried each share is the derivative by the weights of that step alone, and "
        "the sum of the shares is the gradient, both within 1e-9, while their mean is not. Holds with a condition if "
        "the mean is the gradient too. False otherwise.",
        evidence="bptt",
        expected=HOLDS,
        judge=summed,
    ),
    Claim(
        "C37",
        "Backpropagation is another name for gradient descent.",
        ("004",),
        "bptt",
        "One gradient by backpropagation, two optimisers that do different things with it; then descent on a gradient "
        "that was found without going back.",
        condition="Holds if two optimisers make of one gradient the same step, in direction and in length, within "
        "1e-3. False if they do not, and at every point of the path of descent the gradient found by going forward is "
        "the one found by going back within 1e-9. Holds with a condition otherwise.",
        evidence="bptt",
        expected=FALSE,
        judge=two_things,
    ),
)
