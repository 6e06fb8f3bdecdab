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
    numbers = {"rounds": rounds, "doublings": len(doublings), "costly": len(costly), "fewest": units[0]}
    numbers |= {f"{batch}_small": tables[batch]["training"][f"h{units[0]}"]["chain"]["median"] for batch in tables}
    numbers |= {
        f"{batch}_fourfold": tables[batch]["training"][f"h{4 * units[0]}"]["chain"]["median"] for batch in tables
    }
    numbers |= {f"{batch}_share": tables[batch]["training"][f"h{units[0]}"]["share"]["median"] for batch in tables}
    cheap = [int(each[2][1:]) for each in doublings if each not in costly]
    numbers["always_from"] = max(cheap, default=units[0])
    if not costly:
        return Verdict(FALSE, f"In none of {len(doublings)} cases do twice the units take twice the time.", numbers)
    if len(costly) == len(doublings):
        return Verdict(HOLDS, f"In all {len(doublings)} cases twice the units take at least twice the time.", numbers)
    one, many = (f"b{B}" for B in (min(data.config["batches"]), max(data.config["batches"])))
    return Verdict(
        CONDITIONAL,
        f"In {len(costly)} of {len(doublings)} cases twice the units take at least twice the time of a step: always "
        f"from {numbers['always_from']} units on, not always below. From {units[0]} to {4 * units[0]} units the "
        f"products have sixteen times the arithmetic, and a training step goes from {numbers[f'{one}_small']:.1f} to "
        f"{numbers[f'{one}_fourfold']:.1f} µs for one sequence, from {numbers[f'{many}_small']:.1f} to "
        f"{numbers[f'{many}_fourfold']:.1f} for {many[1:]}. At {units[0]} units the chain has a share of "
        f"{100 * numbers[f'{one}_share']:.0f} % in the one and {100 * numbers[f'{many}_share']:.0f} % in the other.",
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
