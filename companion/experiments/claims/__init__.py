"""The 38 claims of the sources, each with its verdict computed from the evidence by a written condition.

The course rests on five texts (`SOURCES`). What they state is tried, not repeated: a `Claim` keeps the statement in
our words, how it is tried, the name of the evidence, the condition under which it holds, and the function that judges
the data by that condition. The claim boxes of the chapters and the ledger of claims read this registry; a test
computes every verdict again and compares it with `expected`, so that a verdict cannot flip unseen.

A statement that turns out loose is no reproach: the texts are short and friendly introductions, and every one of them
made somebody curious enough to measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from companion.experiments.claims.claim import SOURCES, Claim
from companion.experiments.evidence import Evidence, lookup
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, UNMEASURED, Verdict

__all__ = [
    "CLAIMS",
    "CONDITIONAL",
    "FALSE",
    "HOLDS",
    "SOURCES",
    "UNMEASURED",
    "Claim",
    "Verdict",
    "claim",
    "number",
    "verdicts",
]

_MODULES = (
    "applications",
    "bptt",
    "connection_schemes",
    "epilogue",
    "gru",
    "keeping_gradients",
    "long_term_dependencies",
    "lstm",
    "overview",
    "peephole",
    "recurrent_neuron",
    "rosetta",
    "speed",
    "truncated_bptt",
    "unfolding",
    "vanishing_exploding",
)  # each holds the CLAIMS of its chapter, and their judges
_ENTRIES = [entry for name in _MODULES for entry in import_module(f"{__name__}.{name}").CLAIMS]
CLAIMS: Mapping[str, Claim] = {entry.id: entry for entry in sorted(_ENTRIES, key=lambda entry: entry.id)}


def claim(name: str) -> Claim:
    """Return the claim called `name`, such as `"C01"`."""
    try:
        return CLAIMS[name]
    except KeyError:
        raise LookupError(f"no claim {name!r}: the claims are C01 to C{len(CLAIMS):02d}") from None


def verdicts(folder: Path | str | None = None) -> dict[str, Verdict]:
    """Return every claim's verdict by id, in order."""
    return {name: entry.verdict(folder) for name, entry in CLAIMS.items()}


def number(key: str, folder: Path | str | None = None) -> Any:
    """Return a measured number by its address, as the pages write it.

    `"C01:linear.half"` is looked up in the numbers of the claim's verdict and, where they lack it, in the claim's
    evidence; `"sunspots:summary.rnn.test_1921_1955.mean"` in the evidence of that name.
    Raises LookupError, of which KeyError is a kind, where there is no such number.
    """
    owner, colon, path = key.partition(":")
    if not colon or not path:
        raise LookupError(f"{key!r} is no address of a number: write CLAIM:path or EXPERIMENT:path")
    if owner not in CLAIMS:
        return Evidence.load(owner, folder).number(path)
    entry = CLAIMS[owner]
    if entry.evidence is None:
        raise LookupError(f"{owner} is not yet measured, so it has no number {path!r}")
    try:
        return lookup(entry.verdict(folder).numbers, path)
    except KeyError:
        return Evidence.load(entry.evidence, folder).number(path)
