"""Speed: the claim C33 and its judge."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

TWICE = 2.0


def slow(data: Evidence) -> Verdict:
    """C33, by its condition."""
    units, rounds = data.config["units"], len(data.results)
    doublings, tables = [], data.summary["units"]
    for batch, passes in tables.items():
        for which, sizes in passes.items():
            doublings += [(batch, which, size, entry["growth"]) for size, entry in sizes.items() if "growth" in entry]
    costly = [each for each in doublings if each[3]["low"] >= TWICE]
    largest = max(data.config["batches"])
    training = tables[f"b{largest}"]["training"]
    small, large = training[f"h{units[0]}"], training[f"h{units[-1]}"]
    fourfold = training[f"h{4 * units[0]}"]
    numbers = {
        "rounds": rounds,
        "doublings": len(doublings),
        "costly": len(costly),
        "fewest": units[0],
        "most": units[-1],
        "small_growth": fourfold["chain"]["median"] / small["chain"]["median"],
        "small_share": small["share"]["median"],
        "large_growth": large["growth"]["median"],
        "large_share": large["share"]["median"],
    }
    if not costly:
        return Verdict(FALSE, f"In none of {len(doublings)} cases do twice the units take twice the time.", numbers)
    if len(costly) == len(doublings):
        return Verdict(HOLDS, f"In all {len(doublings)} cases twice the units take at least twice the time.", numbers)
    return Verdict(
        CONDITIONAL,
        f"In {len(costly)} of {len(doublings)} cases twice the units take at least twice the time of a step. In "
        f"training with a batch of {largest}, going from {units[-2]} to {units[-1]} units makes a step "
        f"{numbers['large_growth']:.1f} times as slow. Going from {units[0]} to {4 * units[0]}, sixteen times the "
        f"arithmetic, makes it {numbers['small_growth']:.1f} times as slow; at {units[0]} units "
        f"{100 * numbers['small_share']:.0f} % of the time is not the units' but the chain's: without it the same "
        f"arithmetic takes that much less.",
        numbers,
    )


CLAIMS = (
    Claim(
        "C33",
        "Many recurrent units make the computation slow.",
        ("004",),
        "speed",
        "Microseconds per time step of an LSTM with 16 to 1024 units, forward and in training, for one sequence and "
        "for 16, each beside the same arithmetic without the chain of steps, in 20 rounds.",
        condition="Holds if at every number of units tried, for both batches, forward and in training, twice the units "
        "take at least twice the time per step (lower end of the 95 % interval of the median over the rounds). False "
        "if they do so nowhere. Holds with a condition otherwise; the verdict then says what part of the time of a "
        "small layer is the chain's, that is, disappears when the same arithmetic is done with no step waiting for "
        "another.",
        evidence="speed",
        expected=CONDITIONAL,
        judge=slow,
    ),
)
