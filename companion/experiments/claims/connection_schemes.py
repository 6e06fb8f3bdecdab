"""Connection schemes: the claims C04, C05 and C34 and their judges."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

EXACT = 1e-9
CHEAP = 2.0  # times as fast
LOSS = 2.0  # times the error
CHANCE = 0.5
NEAR = 0.01
SOLVED = 0.95


def carries_more(data: Evidence) -> Verdict:
    """C04, by its condition."""
    summary = data.summary
    lags = [lag for lag in data.config["lags"] if lag > 0]
    keeping = data.config["keeping"]
    ahead = [lag for lag in lags if summary[f"echo_{lag}"]["lead"]["low"] > 0]
    kept = [task for task in keeping if summary[task]["lead"]["low"] > 0]
    behind = [task for task in keeping if summary[task]["lead"]["high"] < 0]
    numbers = {
        "ahead": len(ahead),
        "lags": len(lags),
        "least": min(summary[f"echo_{lag}"]["lead"]["mean"] for lag in lags),
        **{task: summary[task]["lead"] for task in keeping},
    }
    if not ahead:
        return Verdict(FALSE, "At no lag of the echo does the hidden loop answer better.", numbers)
    echo = (
        f"The hidden loop answers better at {len(ahead)} of {len(lags)} lags of the echo, by "
        f"{100 * numbers['least']:.0f} points or more in accuracy."
    )
    if len(ahead) == len(lags) and len(kept) == len(keeping):
        return Verdict(HOLDS, f"{echo} It does so too where the outputs keep all that is needed.", numbers)
    told = {"behind": behind, "level": [task for task in keeping if task not in (*kept, *behind)], "ahead": kept}
    rest = "; ".join(f"{word} on {' and '.join(names)}" for word, names in told.items() if names)
    return Verdict(CONDITIONAL, f"{echo} Where the right answer is all that has to be kept, it is {rest}.", numbers)


def cheaper(data: Evidence) -> Verdict:
    """C05, by its condition."""
    summary, longest = data.summary, max(data.config["lengths"])
    times = {engine: summary["time"][f"{engine}_{longest}"] for engine in ("numpy", "torch")}
    gains = {way: [each[f"gain_{way}"]["median"] for each in times.values()] for way in ("taught", "own")}
    grown = {noise: summary[f"taught_{round(100 * noise)}"]["growth"]["mean"] for noise in data.config["noises"]}
    numbers = {
        "at_once": summary["at_once"],
        "longest": longest,
        "least_gain": min(gains["taught"]),
        "own_gain": max(gains["own"]),
        "growth": min(grown.values()),
    }
    if summary["at_once"] > EXACT:
        return Verdict(FALSE, "All steps at once are not the same computation as one after the other.", numbers)
    if min(gains["taught"]) < CHEAP:
        return Verdict(
            FALSE, f"With a teacher a training step is only {min(gains['taught']):.1f} times as fast.", numbers
        )
    cheap = (
        f"With a teacher a training step over {longest} time steps is {min(gains['taught']):.0f} times as fast or more."
    )
    if min(gains["own"]) >= CHEAP and max(grown.values()) < LOSS:
        return Verdict(HOLDS, f"{cheap} Without one it is cheap as well, and nothing is lost when he leaves.", numbers)
    without = f"Without one it is {min(gains['own']):.2f} to {max(gains['own']):.2f} times as fast."
    left = f"And when the taught network feeds itself, its error after 20 steps is {min(grown.values()):.0f} times"
    return Verdict(CONDITIONAL, f"{cheap} {without} {left} that with the teacher, or more.", numbers)


def ahead_of_time(data: Evidence) -> Verdict:
    """C34, by its condition."""
    summary, ahead = data.summary, data.config["ahead"]
    early = [summary[f"delay_{delay}"]["mean"] for delay in data.config["delays"] if delay < ahead]
    late = [summary[f"delay_{delay}"]["mean"] for delay in data.config["delays"] if delay >= ahead]
    numbers = {
        "early": max(early, key=lambda mean: abs(mean - CHANCE)),
        "late": min(late),
        "two": summary["two"]["mean"],
        "reach_one": summary["reach_one"]["max"],
        "reach_two": summary["reach_two"]["min"],
    }
    if abs(numbers["early"] - CHANCE) >= NEAR or numbers["reach_one"] > 0:
        return Verdict(FALSE, "One direction that answers at once is not at chance.", numbers)
    chance = (
        f"Read in one direction, the state does not change with later inputs, and answers that need them are right in "
        f"{numbers['early']:.3f}, as guesses are."
    )
    ways = {"two directions": numbers["two"], "an answer that may come late": numbers["late"]}
    found = [f"{way} ({value:.3f})" for way, value in ways.items() if value > SOLVED]
    if not found:
        return Verdict(HOLDS, chance, numbers)
    return Verdict(CONDITIONAL, f"{chance} What solves the task: {' and '.join(found)}.", numbers)


CLAIMS = (
    Claim(
        "C04",
        "Feeding the hidden state back is better than feeding the output back, because the hidden state can carry more "
        "of the past.",
        ("001",),
        "connection-schemes",
        "A task whose outputs throw away what later answers need, over growing lags, for both schemes; then two tasks "
        "whose outputs keep it. Both have as many parameters, and none has a teacher when it is asked.",
        condition="The hidden loop is better on a task if the 95 % interval of its mean lead in accuracy lies above 0, "
        "over the better of the two ways to train the output loop: by a teacher, or through its own outputs. Holds if "
        "it is better at every lag of the echo from 1 on and on both tasks whose outputs keep what is needed. Holds "
        "with a condition if it is better at some lag, and not everywhere. False if at no lag.",
        evidence="schemes_memory",
        expected=CONDITIONAL,
        judge=carries_more,
    ),
    Claim(
        "C05",
        "Feeding the output back is cheaper to train, and its steps can be trained side by side.",
        ("001",),
        "connection-schemes",
        "Time a training step against the length of the sequence for both schemes, with a teacher and without; then "
        "let the taught network feed itself and measure what is lost.",
        condition="False if all taught steps at once differ from one after the other by more than 1e-9, or if at the "
        "longest sequence tried a taught step is not at least twice as fast as one of the hidden loop with as many "
        "hidden units, in NumPy and in PyTorch (medians of rounds side by side). Holds if it is at least twice as fast "
        "without a teacher too, and a taught network that feeds itself has after 20 steps less than twice the error "
        "that it has with the teacher. Holds with a condition otherwise.",
        evidence="schemes_feedback",
        expected=CONDITIONAL,
        judge=cheaper,
    ),
    Claim(
        "C34",
        "The state of a recurrent network cannot use inputs that are still to come.",
        ("004",),
        "connection-schemes",
        "A task that needs the symbol of two steps later, for one direction, for one direction that may answer some "
        "steps late, and for two directions.",
        condition="False if an output of one direction that answers before the symbol has come depends on a later "
        "input at all, or is right more or less often than chance by 0.01. Holds if so, and neither two directions nor "
        "answers that come late are right in more than 0.95. Holds with a condition if one of them is.",
        evidence="schemes_future",
        expected=CONDITIONAL,
        judge=ahead_of_time,
    ),
)
