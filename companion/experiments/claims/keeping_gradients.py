"""Keeping a gradient in training: the claims C13, C14, C15 and C16, and their judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

ENOUGH = 0.9  # the share of runs that counts as "they do"

Share = Mapping[str, float]


def more(one: Share, other: Share) -> bool:
    """Whether one share is larger than another, Wilson's intervals being apart."""
    return one["low"] > other["high"]


def best(one: Share) -> float:
    """Return what shares are compared by."""
    return one["share"]


def percent(one: Share) -> str:
    """Return a share as the sentences write it."""
    return f"{100 * one['share']:.0f} %"


def clipped(data: Evidence) -> Verdict:
    """C13, by its condition, from the runs that survived and the lags that were bridged in `clipping`."""
    found, thresholds = data.summary, data.config["norm"]
    none, by_norm = found["none"], found["norm"]
    saved = [threshold for threshold, one in zip(thresholds, by_norm, strict=True) if one["share"] >= ENOUGH]
    T = str(max(data.config["lag"]["lengths"]))
    without, *limited = found["lag"]["default"][T]
    lag = max(limited, key=best)
    numbers: dict[str, Any] = {
        "none": none,
        "best": max(by_norm, key=best),
        "best_value": max(found["value"], key=best),
        "least": saved[0] if saved else None,
        "most": saved[-1] if saved else None,
        "saved": len(saved),
        "tried": len(thresholds),
        "lag_without": without,
        "lag_with": lag,
        "lag_orthogonal": max(found["lag"]["orthogonal"][T], key=best),
    }
    if none["share"] >= 0.5 or not saved:
        reason = "no threshold saves nine runs in ten" if none["share"] < 0.5 else "most runs survive without it"
        return Verdict(FALSE, f"Clipping is not what decides: {reason}.", numbers)
    lifted = more(lag, without)
    survived = (
        f"Without clipping {percent(none)} of the runs survive; of {len(thresholds)} thresholds from {thresholds[0]:g} "
        f"to {thresholds[-1]:g}, {len(saved)} save at least nine in ten: {', '.join(f'{one:g}' for one in saved)}."
    )
    vanished = (
        f"Over {T} steps clipping also lifts the networks whose gradient vanishes, from {percent(without)} to "
        f"{percent(lag)}."
        if lifted
        else f"Of the networks whose gradient vanishes {percent(without)} bridge {T} steps without clipping and at "
        f"best {percent(lag)} with it."
    )
    if len(saved) == len(thresholds) and not lifted:
        return Verdict(HOLDS, f"{survived} {vanished}", numbers)
    return Verdict(CONDITIONAL, f"{survived} {vanished}", numbers)


def activations(data: Evidence) -> Verdict:
    """C14, by its condition, from the lags and the depths of `activations`."""
    lag, deep = data.summary["recurrent"], data.summary["deep"]
    plain, starts = lag["tanh, usual"], ("relu, usual", "relu, identity")
    ahead = {name: [T for T in plain if more(lag[name][T], plain[T])] for name in starts}
    depths = [depth for depth in deep["relu"] if more(deep["relu"][depth], deep["sigmoid"][depth])]
    deepest = list(deep["relu"])[-1]
    numbers = {"lag": lag, "deep": deep, "ahead": {name: len(longer) for name, longer in ahead.items()}}
    if not any(ahead.values()) or not depths:
        return Verdict(FALSE, "ReLU is ahead either not over the lag or not through the layers.", numbers)
    T = list(plain)[-1]
    over_lag = (
        f"Adding over {T} steps is solved by {percent(lag['relu, usual'][T])} of the ReLU networks with the usual "
        f"start, {percent(lag['relu, identity'][T])} with the identity, {percent(plain[T])} of the tanh networks."
    )
    through = (
        f"Through {deepest} layers train {percent(deep['relu'][deepest])} of the ReLU, "
        f"{percent(deep['sigmoid'][deepest])} of the sigmoid and {percent(deep['tanh'][deepest])} of the tanh "
        f"networks, each well scaled, and {percent(deep['relu, usual'][deepest])} of the ReLU networks with the usual "
        f"scale."
    )
    needless = deep["relu"][deepest]["share"] >= ENOUGH and more(deep["relu"][deepest], deep["tanh"][deepest])
    label = HOLDS if needless and len(ahead["relu, usual"]) == len(plain) else CONDITIONAL
    return Verdict(label, f"{over_lag} {through}", numbers)


def normalised(data: Evidence) -> Verdict:
    """C15, by its condition, from the factors and the solved tasks of `normalisation`."""
    found, usual = data.summary, data.config["gains"].index(1.0)
    plain = found["none"]["solved"][usual]
    kinds = {"input": "of the input", "recurrent": "at every step, begun with 0.1,", "unit": "begun with 1,"}
    reach = {kind: found[kind]["closer"][usual] >= ENOUGH for kind in kinds}
    learn = {kind: more(found[kind]["solved"][usual], plain) for kind in kinds}
    eased = [kind for kind in kinds if reach[kind] and learn[kind]]
    numbers = {
        "growth": {kind: found[kind]["growth"][usual] for kind in ("none", *kinds, "layer")},
        "solved": {kind: found[kind]["solved"][usual] for kind in ("none", *kinds, "layer")},
        "reach": sum(reach.values()),
        "learn": sum(learn.values()),
        "eased": len(eased),
    }
    told = "; ".join(
        f"{name} {found[kind]['growth'][usual]:.2f} and {percent(found[kind]['solved'][usual])}"
        for kind, name in kinds.items()
    )
    sentence = (
        f"At the usual start a step back leaves {found['none']['growth'][usual]:.2f} of the gradient and "
        f"{percent(plain)} of the networks solve the task; with batch normalisation {told}."
    )
    label = HOLDS if len(eased) == len(kinds) else CONDITIONAL if eased else FALSE
    return Verdict(label, sentence, numbers)


def just_right(data: Evidence) -> Verdict:
    """C16, by its condition, from the shares of runs that solved the task in `initialisation`."""
    gains, cases = data.config["gains"], []
    for way in data.config["ways"]:
        for T in data.config["lengths"]:
            solved: Sequence[Share] = data.summary[way][str(T)]["solved"]
            top = max(solved, key=best)
            if top["share"] >= 0.5:
                cases.append((way, T, more(top, solved[0]), more(top, solved[-1])))
    both = [case for case in cases if case[2] and case[3]]
    narrow = {
        way: {str(T): data.summary[way][str(T)]["window"] for T in data.config["lengths"]}
        for way in data.config["ways"]
    }
    numbers = {
        "cases": len(cases),
        "both": len(both),
        "small": sum(case[2] for case in cases),
        "large": sum(case[3] for case in cases),
        "window": narrow,
        "gains": len(gains),
    }
    ways = {way for way, *_ in cases}
    if not both:
        return Verdict(FALSE, "Nowhere are both ends of the gains worse than the best one.", numbers)
    sentence = (
        f"In {len(cases)} cases some gain works for at least half of the runs: there {gains[-1]:g} is too large in "
        f"{numbers['large']} and {gains[0]:g} too small in {numbers['small']}."
    )
    label = HOLDS if len(both) == len(cases) and len(ways) == len(data.config["ways"]) else CONDITIONAL
    return Verdict(label, sentence, numbers)


CLAIMS = (
    Claim(
        "C13",
        "Exploding gradients are the lesser trouble, for clipping solves it.",
        ("003", "004"),
        "keeping-gradients",
        "Training with and without clipping over many seeds, the threshold swept: how many runs survive. Then the same "
        "for networks whose gradient vanishes: how many bridge a lag.",
        condition="False if half of the runs without clipping survive, or if at no threshold by norm nine tenths do. "
        "Holds if nine tenths survive at every threshold tried, and if at none do more of the networks whose gradient "
        "vanishes bridge the longest lag than without clipping (Wilson's 95 % intervals apart), so that the other "
        "trouble is indeed the greater. Holds with a condition otherwise.",
        evidence="clipping",
        expected=CONDITIONAL,
        judge=clipped,
    ),
    Claim(
        "C14",
        "An activation that does not saturate, such as ReLU, eases the trouble, and deep networks then train without "
        "being trained layer by layer first.",
        ("000", "004"),
        "keeping-gradients",
        "Over a lag: ReLU with its usual and with identity initialisation against tanh. Through layers: ReLU against "
        "sigmoid and tanh, each with initial weights of its own scale, nothing trained in advance.",
        condition="False if at no length more ReLU networks, with either start, solve the task than tanh networks with "
        "the usual start, or if at no depth more ReLU than sigmoid networks train (Wilson's 95 % intervals apart, each "
        "kind at its best rate). Holds if ReLU with its usual start is ahead at every length and if at the greatest "
        "depth nine tenths of the ReLU networks train and fewer of the tanh networks, which saturate too. Holds with a "
        "condition otherwise.",
        evidence="activations",
        expected=CONDITIONAL,
        judge=activations,
    ),
    Claim(
        "C15",
        "Batch normalisation eases the trouble.",
        ("000",),
        "keeping-gradients",
        "Batch normalisation of the input alone, and in the recurrence with statistics of each step, begun with the "
        "scales 0.1 and 1; layer normalisation; and none.",
        condition="One of the three kinds eases the trouble if at the usual start a step back changes the gradient "
        "less than without it, in either direction, in nine tenths of the seeds, and if more networks solve the task "
        "than without it (Wilson's 95 % intervals apart). Holds if all three do, with a condition if some do, false if "
        "none.",
        evidence="normalisation",
        expected=CONDITIONAL,
        judge=normalised,
    ),
    Claim(
        "C16",
        "The initial weights have to be just right, neither too small nor too large.",
        ("004",),
        "keeping-gradients",
        "Gain and length swept, orthogonal against Gaussian matrices, plain descent against Adam with clipping.",
        condition="Take each matrix and optimiser, and each length, at which the best gain solves the task in at "
        "least half of the seeds. Holds if in all these cases, of which every matrix and optimiser has one, both the "
        "smallest and the largest gain solve it less often than the best (Wilson's 95 % intervals apart). Holds with a "
        "condition if that is so in some of them, false if in none.",
        evidence="initialisation",
        expected=CONDITIONAL,
        judge=just_right,
    ),
)
