"""The GRU: the claim C29 and its judge."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

EXACT = 1e-12


def restricted(data: Evidence) -> Verdict:
    """C29, by its condition."""
    summary = data.summary
    count, error = summary["count"], max(summary["open"]["max"], summary["gradient"]["max"])
    numbers = {name: summary[name] for name in ("count", "free", "tanh", "untied")}
    numbers |= {"error": error, "moved": summary["moved"]["max"]}
    if summary["free"]["max"] <= EXACT:
        return Verdict(
            HOLDS, "Without its output gate, and tied, an LSTM is the GRU, whatever its reset gate.", numbers
        )
    if error > EXACT:
        return Verdict(
            FALSE, "Without its output gate, and tied, an LSTM is no GRU, even if nothing is reset.", numbers
        )
    return Verdict(
        CONDITIONAL,
        f"Without its output gate and the tanh behind it, and with i = 1 − f, an LSTM is the GRU whose reset gate is "
        f"always open: outputs and gradients agree within {error:.0e} in {count} of {count} networks. With the reset "
        f"gate as drawn the outputs are {summary['free']['min']:.2g} apart at the least: no part of an LSTM stands for "
        f"it.",
        numbers,
    )


CLAIMS = (
    Claim(
        "C29",
        "A GRU is in essence an LSTM without an output gate.",
        ("003",),
        "gru",
        "Algebra: which restrictions of an LSTM give a GRU, and what is left over.",
        condition="An LSTM loses its output gate (o = 1) and the tanh behind it, and its input gate is tied to the "
        "forget gate (i = 1 − f); it has the weights of a GRU. Holds if in every network its outputs are those of the "
        "GRU with the reset gate as drawn, within 1e-12. Holds with a condition if that is so in every network where "
        "the reset gate is 1, outputs and gradients, but not in every one with the reset gate as drawn. False if not "
        "even then.",
        evidence="gru_from_lstm",
        expected=CONDITIONAL,
        judge=restricted,
    ),
)
