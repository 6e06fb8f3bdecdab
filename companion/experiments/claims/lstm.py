"""The LSTM: the claims C20, C21, C22, C23, C24, C25 and C26, and their judges."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict


def reset(data: Evidence) -> Verdict:
    """C22, by its condition."""
    gated, without = data.summary["with forget gates"], data.summary["without"]
    count, resets = len(data.results), data.summary["resets"]
    numbers = {"with": gated, "without": without, "resets": resets, "count": count}
    sentence = (
        f"At the end of the stream the LSTM with forget gates repeats {100 * gated['repeat']['mean']:.1f} % of the "
        f"letters that it should, and its cells stay within {gated['cell']:.0f}; without, it is "
        f"{100 * without['repeat']['mean']:.0f} % and {without['cell']:.0f}."
    )
    if gated["repeat"]["low"] <= without["repeat"]["high"] or gated["cell"] > without["cell"] / 10:
        return Verdict(FALSE, sentence, numbers)
    if resets < count / 2:
        return Verdict(CONDITIONAL, f"{sentence} But few cells are reset where a word ends.", numbers)
    return Verdict(HOLDS, f"{sentence} In {resets} of {count} networks some cell is reset where a word ends.", numbers)


CLAIMS = (
    Claim(
        "C20",
        "An LSTM keeps over long lags what a plain recurrent network loses.",
        ("000", "003"),
        "lstm",
        "Adding, copying, temporal order and agreement at a distance: success against lag.",
    ),
    Claim(
        "C21",
        "The constant error carousel carries the error back over any number of steps.",
        ("003",),
        "lstm",
        "The derivative of the last cell state by an earlier one along the cell's own path, without a forget gate and "
        "with one.",
    ),
    Claim(
        "C22",
        "Forget gates allow the cell to be reset.",
        ("003",),
        "lstm",
        "A stream without end, with forget gates and without: size of the cell state and accuracy.",
        condition="Holds if in the last tenth of the test stream (a) the LSTM with forget gates repeats the second "
        "letter of a word at its end more often, the 95 % intervals of the mean over the seeds apart, (b) its largest "
        "cell state is at most a tenth of that without, in the median over the seeds, and (c) in at least half of the "
        "networks some cell's forget gate is on average below 0.1 at one of the steps that read the end of a word and "
        "the first two letters of the next, and above 0.5 at the others. Holds with a condition if (a) and (b), but "
        "not (c). False otherwise.",
        evidence="continual",
        expected=HOLDS,
        judge=reset,
    ),
    Claim(
        "C23",
        "The input gate decides what is stored, the forget gate what persists, the output gate what is shown.",
        ("000", "001"),
        "lstm",
        "Clamp one gate at a time, and read the gates of a trained network where the right behaviour is known.",
    ),
    Claim(
        "C24",
        "Adding to the cell state instead of multiplying it makes the difference.",
        ("003",),
        "lstm",
        "The gradient along the cell path against that of the plain recurrence.",
    ),
    Claim(
        "C25",
        "The parts of an LSTM cell are all fully connected layers.",
        ("001",),
        "lstm",
        "Build the cell from four dense layers: count the parameters and compare the numbers.",
    ),
    Claim(
        "C26",
        "An LSTM does not suffer from vanishing gradients.",
        (),
        "lstm",
        "The gradient over many steps at the usual initialisation, and with a forget bias of 1 and of 3.",
    ),
)
