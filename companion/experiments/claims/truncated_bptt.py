"""Truncated backpropagation: the claims C17, C18 and C19 and their judges."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

STEEPER = 1.1


def cheaper(data: Evidence) -> Verdict:
    """C17, by its condition."""
    summary = data.summary
    cuts, windows = summary["cuts"], summary["windows"]
    update = max(cut["time"]["high"] for cut in cuts.values())
    memory = max(cut["memory"] for cut in cuts.values())
    symbol = min(cut["per_symbol"]["high"] for cut in cuts.values())
    best = min(cut["per_symbol"]["median"] for cut in cuts.values())
    slowest, steps = max((window["per_symbol"]["median"], int(k)) for k, window in windows.items())
    numbers = {
        "count": summary["count"],
        "T": summary["T"],
        "update": update,
        "memory": memory,
        "symbol": symbol,
        "symbol_median": best,
        "windows": slowest,
        "window": steps,
    }
    if update >= 1 or memory >= 1:
        return Verdict(FALSE, "An update is not cheaper with the gradient cut off.", numbers)
    cheap = (
        f"In chunks of {min(map(int, cuts))} to {max(map(int, cuts))} of {summary['T']} steps an update takes at most "
        f"{update:.2f} of the time and {memory:.2f} of the memory of the full one."
    )
    if symbol < 1 and slowest < 1:
        return Verdict(HOLDS, f"{cheap} For the whole sequence, too, less time is spent.", numbers)
    spent = "" if symbol < 1 else f"For the same symbols no chunk is faster (at best {best:.2f} of the full time). "
    more = f"Windows of {steps} steps for every loss take {slowest:.0f} times the full time."
    return Verdict(CONDITIONAL, f"{cheap} {spent}{more}", numbers)


def unlearnt(data: Evidence) -> Verdict:
    """C18, by its condition."""
    summary = data.summary
    count, lags, cuts = summary["count"], summary["lags"], summary["cuts"]
    learnt, nothing = [], []
    for i, lag in enumerate(lags):
        rows = [summary[way]["won"][i] for way in ("chunks", "windows")]
        beyond = [won for row in rows for k, won in zip(cuts, row, strict=True) if k <= lag]
        within = [won for row in rows for k, won in zip(cuts, row, strict=True) if k > lag]
        if max(within, default=0) <= count / 2:
            continue
        (learnt if max(beyond) > count / 2 else nothing).append(lag)
    frozen = [lag for lag, won in zip(lags, summary["frozen"]["won"], strict=True) if won > count / 2]
    numbers = {
        "count": count,
        "judged": len(learnt) + len(nothing),
        "learnt": learnt,
        "not_learnt": nothing,
        "frozen": frozen,
        "from": min(nothing, default=0),
    }
    if not nothing:
        return Verdict(FALSE, "At every lag that can be learnt it is learnt with a cut before it, too.", numbers)
    if not learnt:
        return Verdict(HOLDS, f"At no lag of {listed(nothing)} a cut before it lets it be learnt.", numbers)
    return Verdict(
        CONDITIONAL,
        f"Lags of {listed(nothing)} steps are learnt by more than half of {count} runs only where the gradient reaches "
        f"back to the symbol. But lags of {listed(learnt)} are learnt with a cut before it all the same: the cut stops "
        f"the gradient, not the state. Networks whose recurrent weights stay as they were drawn learn lags of "
        f"{listed(frozen)}.",
        numbers,
    )


def listed(lags: list[int]) -> str:
    """Return some numbers in words: 1, 2 and 3."""
    if len(lags) < 2:
        return str(lags[0]) if lags else "none"
    return ", ".join(map(str, lags[:-1])) + f" and {lags[-1]}"


def longer(data: Evidence) -> Verdict:
    """C19, by its condition."""
    summary = data.summary
    time, memory = summary["exponent"]["time"], summary["exponent"]["memory"]
    numbers = {
        "count": summary["count"],
        "time": time["mean"],
        "low": time["low"],
        "high": time["high"],
        "memory": memory,
        "shortest": summary["lengths"][0],
        "longest": summary["lengths"][-1],
    }
    if time["low"] <= 0 or memory <= 0:
        return Verdict(FALSE, "A longer sequence does not cost more per update.", numbers)
    grows = (
        f"From {numbers['shortest']} to {numbers['longest']} steps the time of an update grows as the length to the "
        f"power {time['mean']:.2f} ({time['low']:.2f} to {time['high']:.2f}), its memory to the power {memory:.2f}."
    )
    if time["low"] > STEEPER or memory > STEEPER:
        return Verdict(HOLDS, f"{grows} Each symbol costs more in a longer sequence.", numbers)
    return Verdict(
        CONDITIONAL, f"{grows} An update costs more, as it reads more; a symbol costs no more than before.", numbers
    )


CLAIMS = (
    Claim(
        "C17",
        "Cutting backpropagation off after some steps makes an update cheaper.",
        ("000", "003"),
        "truncated-bptt",
        "Time and memory of an update against horizon and length of the sequence, and time for the same symbols.",
        condition="False if for any chunk tried, of half of the sequence or less, an update takes as much time as "
        "the full one (the upper end of the 95 % interval of the median ratio at 1 or above) or as much memory. Holds "
        "if it takes less of both, and if reading the whole sequence takes less time too, in some chunks (upper end "
        "below 1) and in all windows tried. Holds with a condition if it is cheaper by the update only.",
        evidence="truncation_cost",
        expected=CONDITIONAL,
        judge=cheaper,
    ),
    Claim(
        "C18",
        "A dependency that lies beyond the cut cannot be learnt.",
        ("000", "003"),
        "truncated-bptt",
        "The echo task over lag and horizon, with the state carried across the cut, in chunks and in windows: where is "
        "the frontier?",
        condition="A run succeeds if it echoes 95 % of a fresh stream, a cell of lag and cut is learnt if more than "
        "half of its runs succeed. The gradient is cut off before it reaches the symbol if k is at most the lag. "
        "Judged are the lags at which some cell with a larger k is learnt. Holds if at none of them a cell that is cut "
        "off is learnt, in chunks or in windows. Holds with a condition if at some lags one is and at others none. "
        "False if at all lags one is, or if no lag can be judged.",
        evidence="truncation",
        expected=CONDITIONAL,
        judge=unlearnt,
    ),
    Claim(
        "C19",
        "Full backpropagation through time costs more per update the longer the sequence is.",
        ("003",),
        "truncated-bptt",
        "Time and memory of an update against the length: linear, or worse?",
        condition="The exponents of time and memory in the length are the slopes on double logarithmic axes. False if "
        "either does not grow (the lower end of the 95 % interval at 0 or below). Holds if a symbol, too, costs "
        "more in a longer sequence: the interval of the exponent of time, or the exponent of memory, above 1.1. Holds "
        "with a condition if only the update costs more.",
        evidence="truncation_cost",
        expected=CONDITIONAL,
        judge=longer,
    ),
)
