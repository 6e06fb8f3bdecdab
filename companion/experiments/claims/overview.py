"""Overview: the claim C02 and its judge."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

CONDITION = (
    "A network is blind where it does not see what decides the answer: with the present bit alone, with a window "
    "shorter than lag + 1 on echo, and with any window on running parity, since only steps are scored that have more "
    "bits behind them than the window holds. False if one blind network, of any seed, is right in more than 52.5 % of "
    "its 10,000 new answers (five standard deviations of a fair coin), or if a recurrent network solves echo or parity "
    "(99 % right) with no seed, so that something besides memory may be missing. Otherwise it holds, with a condition "
    "if a network without a loop solves echo where its window is lag + 1 or longer: then the past may stand in the "
    "input, and the memory need not be the network's."
)


def needs_memory(data: Evidence) -> Verdict:
    """C02, by its condition, from the networks of the experiment `windows`."""
    blind, sighted, looped = [], [], {}
    for task, networks in data.summary.items():
        kind, _, size = task.partition("_")
        if kind not in ("echo", "parity"):
            continue
        for name, found in networks.items():
            window = int(name.partition("_")[2] or 0)
            if not window:
                looped[task] = found
            elif kind == "parity" or window <= int(size):
                blind.append(found)
            else:
                sighted.append(found)
    numbers = {
        "blind": {"networks": len(blind), "luckiest": max(found["max"] for found in blind)},
        "sighted": {"networks": len(sighted), "least_solved": min(found["solved"] for found in sighted)},
        "looped": {task: found["solved"] for task, found in looped.items()},
        "seeds": len(data.results),
    }
    luckiest = numbers["blind"]["luckiest"]
    if luckiest > data.config["lucky"]:
        return Verdict(FALSE, f"A network that cannot see the answer is right in {100 * luckiest:.1f} %.", numbers)
    if not all(numbers["looped"].values()):
        return Verdict(FALSE, "The recurrent network fails too, so it may not be memory that is missing.", numbers)
    without = (
        f"Of {len(blind)} kinds of network that do not see what decides, with {len(data.results)} seeds each, none is "
        f"right in more than {100 * luckiest:.1f} %, where guessing gives 50 %."
    )
    if any(found["solved"] > 0 for found in sighted):
        return Verdict(
            CONDITIONAL,
            f"{without} But the memory need not be in the network: a window of lag + 1 symbols solves echo without a "
            f"loop. For parity no window is long enough.",
            numbers,
        )
    return Verdict(HOLDS, f"{without} Only a loop solves the tasks.", numbers)


CLAIMS = (
    Claim(
        "C02",
        "A task whose answer lies in the past cannot be done without a memory of that past.",
        ("001",),
        "overview",
        "Echo and running parity, learnt by a network that sees the present symbol, by one that sees a window of "
        "symbols, and by a recurrent one.",
        condition=CONDITION,
        evidence="windows",
        expected=CONDITIONAL,
        judge=needs_memory,
    ),
)
