"""What a claim of the sources is, and the sources."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from companion.experiments.evidence import Evidence
from companion.experiments.verdict import UNMEASURED, Verdict

SOURCES: Mapping[str, str] = {
    "000": "a textbook chapter on recurrent networks, its part on training",
    "001": "the web chapter on recurrent networks by a textbook's author",
    "002": "a textbook chapter on recurrent networks, its part on LSTM and peepholes",
    "003": "a wiki page on recurrent networks",
    "004": "a blog post on backpropagation through time",
}


@dataclass(frozen=True)
class Claim:
    """One statement of the sources and the way to its verdict.

    Attributes:
        id: "C01" to "C38".
        statement: the claim in our words.
        sources: keys of `SOURCES`; empty for what is said everywhere.
        chapter: the page that owns it, without its ending.
        trial: how it is tried.
        condition: when it holds, when with a condition, when not; empty while it is not measured.
        evidence: the experiment whose data decide; None while it is not measured.
        expected: the committed label of its verdict.
        judge: from the evidence to the verdict, by the condition; None while it is not measured.
    """

    id: str
    statement: str
    sources: tuple[str, ...]
    chapter: str
    trial: str
    condition: str = ""
    evidence: str | None = None
    expected: str | None = None
    judge: Callable[[Evidence], Verdict] | None = None

    def verdict(self, folder: Path | str | None = None) -> Verdict:
        """Judge the evidence in `folder` (the book's unless told).

        Raises FileNotFoundError where the claim should be measured and its evidence is missing.
        """
        if self.judge is None or self.evidence is None:
            return UNMEASURED
        return self.judge(Evidence.load(self.evidence, folder))
