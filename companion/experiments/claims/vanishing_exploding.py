"""Vanishing and exploding gradients: the claims C08, C09, C10, C11 and C12, and their judges."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

EXACT = 1e-9
STEADY = 0.1  # nats per step by which two stretches of one network may differ
NEAR = 0.02  # nats per step within which a rate is that of a size


def exponential(data: Evidence) -> Verdict:
    """C08, by its condition."""
    s = data.summary
    names = ("count", "networks", "unsteady", "from_radius", "tanh_from_radius", "tanh_from_sigma", "falling")
    numbers = {name: s[name] for name in (*names, "first_up", "highest", "tanh_off", "tanh_networks")}
    if s["unsteady"] > STEADY or s["from_radius"] > NEAR:
        return Verdict(
            FALSE, "The norm does not grow or shrink by a steady rate, or not by that of the matrix.", numbers
        )
    steady = (
        f"In all {s['networks']} networks the norm shrinks or grows exponentially in the long run: its rates in two "
        f"stretches of 450 steps differ by at most {s['unsteady']:.2f} nats per step. In linear networks the rate is "
        f"the logarithm of the spectral radius, within {s['from_radius']:.2g}."
    )
    if s["first_up"] or s["tanh_off"]:
        return Verdict(
            CONDITIONAL,
            f"{steady} But {s['first_up']} of the {s['falling']} networks whose gradient vanishes let it grow first, "
            f"up to {s['highest']:,.0f} times; and with tanh the factor is not the same at every step, nor is the rate "
            f"that of the matrix in {s['tanh_off']} of {s['tanh_networks']} networks.",
            numbers,
        )
    return Verdict(HOLDS, f"{steady} It is so from the first step on, and with tanh as well.", numbers)


def slopes(data: Evidence) -> Verdict:
    """C09, by its condition."""
    free, driven = data.summary["pairs"]["free"], data.summary["pairs"]["driven"]
    both = free["of"] + driven["of"]
    longer = free["tanh_longer"] + driven["tanh_longer"]
    numbers = {"gap": data.summary["gap"], "of": both, "longer": longer, "free": free, "driven": driven}
    if data.summary["gap"] > EXACT:
        return Verdict(FALSE, "A norm is above the bound that follows from the largest slope.", numbers)
    if free["tanh_longer"] < free["of"]:
        return Verdict(
            FALSE, f"Without a drive tanh keeps longer in {free['tanh_longer']} of {free['of']} pairs only.", numbers
        )
    bounded = (
        f"No norm is above its bound, and under noise alone tanh keeps the gradient longer than the sigmoid in "
        f"{free['tanh_longer']} of {free['of']} pairs with the same matrix and the same input."
    )
    if driven["tanh_longer"] == driven["of"]:
        return Verdict(HOLDS, f"{bounded} So it does when every unit is driven to one side.", numbers)
    return Verdict(
        CONDITIONAL,
        f"{bounded} When every unit is driven to one side it does so in {driven['tanh_longer']} of {driven['of']}: the "
        f"bounds are for the steepest place, and tanh is the flatter of the two where it saturates.",
        numbers,
    )


def quarter(data: Evidence) -> Verdict:
    """C10, by its condition."""
    taken, left = data.summary["taken"], data.summary["steepest"]
    numbers = {"taken": taken, "left": left, "error": data.summary["error"]}
    if abs(taken - 0.25) <= EXACT and data.summary["error"] <= EXACT:
        return Verdict(HOLDS, "At its steepest a sigmoid takes a quarter off the gradient.", numbers)
    return Verdict(
        FALSE,
        f"It is the other way round: at its steepest the sigmoid leaves {100 * left:.0f} % of the gradient and takes "
        f"{100 * taken:.0f} % off, and elsewhere more. The number is right, the word for it is not.",
        numbers,
    )


def flattened(data: Evidence) -> Verdict:
    """C11, by its condition."""
    s = data.summary
    names = ("rests_at", "factor", "spread", "slope", "of", "flat", "error")
    numbers = {name: s[name] for name in names} | {"not_flat": len(s["not_flat"])}
    if [1.0, "plain"] in s["not_flat"] or s["error"] > EXACT:
        return Verdict(FALSE, "A sigmoid applied to itself a hundred times is not flat.", numbers)
    line = (
        f"Ten sigmoids, one upon the other, have a slope of {s['slope']['10']:.1g} at most, and every number comes out "
        f"at {s['rests_at']:.4f}."
    )
    if s["not_flat"]:
        return Verdict(
            CONDITIONAL,
            f"{line} That is the sigmoid as it stands. With weights between, {s['of'] - s['flat']} of {s['of']} "
            f"compositions do not become flat.",
            numbers,
        )
    return Verdict(HOLDS, f"{line} With weights between them it is so too.", numbers)


def size(data: Evidence) -> Verdict:
    """C12, by its condition."""
    told = data.summary["statements"]
    clean = {
        kind: [
            name
            for name in ("sigma", "rho")
            if told[kind][name]["below_vanishes"]["against"] == told[kind][name]["above_explodes"]["against"] == 0
        ]
        for kind in ("linear", "tanh")
    }
    numbers = dict(told) | {"count": data.summary["count"]}
    names = {"sigma": "the largest singular value", "rho": "the spectral radius"}
    if set(clean["linear"]) & set(clean["tanh"]):
        return Verdict(HOLDS, "One size of the matrix decides in linear and in tanh networks.", numbers)
    if not clean["linear"]:
        return Verdict(FALSE, "No size of the matrix decides, not even in linear networks.", numbers)
    tanh = told["tanh"]
    return Verdict(
        CONDITIONAL,
        f"In linear networks {names[clean['linear'][0]]} decides. In tanh networks no size of the matrix does: "
        f"of {tanh['rho']['above_explodes']['of']} with a spectral radius above 1, "
        f"{tanh['rho']['above_explodes']['against']} do not explode, and of {tanh['rho']['below_vanishes']['of']} with "
        f"one below 1, {tanh['rho']['below_vanishes']['against']} do not vanish. Of the "
        f"{tanh['sigma']['below_vanishes']['of']} whose largest singular value is below 1, "
        f"{tanh['sigma']['below_vanishes']['of'] - tanh['sigma']['below_vanishes']['against']} vanish.",
        numbers,
    )


CLAIMS = (
    Claim(
        "C08",
        "Going back in time multiplies by the same factor again and again, so the gradient shrinks or grows "
        "exponentially.",
        ("003", "004"),
        "vanishing-exploding",
        "The norm of the Jacobian over k steps against k, its slope against the largest singular value, and a matrix "
        "that is not normal, whose gradients grow before they shrink.",
        condition="For random matrices of several kinds and sizes, in linear networks and in tanh networks under "
        "noise, the logarithm of the norm is followed over 1000 steps. False if in any network its slope over steps "
        "100 to 550 differs from that over 550 to 1000 by more than 0.1 nats per step, or if in any linear network the "
        "latter differs from the logarithm of the spectral radius by more than 0.02. Holds with a condition if a "
        "gradient that vanishes in the end grows first in any of them, or if in any tanh network the slope differs by "
        "more than 0.02 from the logarithms of both spectral radius and largest singular value. Holds otherwise.",
        evidence="jacobians",
        expected=CONDITIONAL,
        judge=exponential,
    ),
    Claim(
        "C09",
        "The slope of the sigmoid is at most 0.25 and that of tanh at most 1, so tanh keeps a gradient longer.",
        ("003", "004"),
        "vanishing-exploding",
        "The bounds that follow for k steps, and the half-lives that are measured.",
        condition="Tanh and sigmoid run with the same Gaussian matrix and the same noise, once as they are and once "
        "with a constant 3 added to every unit's input. False if any norm is above its bound by more than 1e-9 of it, "
        "or if without the constant tanh does not keep longer, by its rate over steps 550 to 1000, in every pair. "
        "Holds if it keeps longer in every pair with the constant too, and with a condition otherwise.",
        evidence="jacobians",
        expected=CONDITIONAL,
        judge=slopes,
    ),
    Claim(
        "C10",
        "Every sigmoid layer takes a quarter off the gradient, even at its best.",
        ("004",),
        "vanishing-exploding",
        "The largest slope of the sigmoid: what is left, and what is taken off.",
        condition="Holds if 1 minus the largest slope of the sigmoid is 0.25 within 1e-9, the slope being checked by "
        "the complex step. False otherwise.",
        evidence="squashing",
        expected=FALSE,
        judge=quarter,
    ),
    Claim(
        "C11",
        "A sigmoid applied to itself many times becomes a flat line without slope.",
        ("003",),
        "vanishing-exploding",
        "The n-fold composition and its slope, computed for growing n.",
        condition="Flat means that a hundred sigmoids, one upon the other, have both a spread and a slope below 1e-9 "
        "everywhere between -10 and 10. False if the sigmoid as it stands does not become flat, or if a slope differs "
        "from the complex step by more than 1e-9, of itself where it is above 1. Holds if it is flat with every weight "
        "tried between the sigmoids, from 0.5 to 8, without a bias and centred; with a condition otherwise.",
        evidence="squashing",
        expected=CONDITIONAL,
        judge=flattened,
    ),
    Claim(
        "C12",
        "Gradients vanish when the repeated factor is smaller than 1 in size and explode when it is larger.",
        ("003",),
        "vanishing-exploding",
        "For matrices, tell the spectral radius from the largest singular value and ask of each whether it is "
        "sufficient, necessary or neither.",
        condition="The size of a matrix is its largest singular value or its spectral radius. A gradient vanishes or "
        "explodes if its norm shrinks or grows by more than 0.005 nats per step over steps 550 to 1000. Holds if one "
        "size decides in every linear and every tanh network tried: below 1 it vanishes, above 1 it explodes. Holds "
        "with a condition if one size decides in every linear network and none in every tanh network. False otherwise.",
        evidence="jacobians",
        expected=CONDITIONAL,
        judge=size,
    ),
)
