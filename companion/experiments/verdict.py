"""What a verdict on a claim is: a label, a sentence and the numbers behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

HOLDS = "holds"
CONDITIONAL = "holds with a condition"
FALSE = "false"


@dataclass(frozen=True)
class Verdict:
    """What the data say of a claim.

    Attributes:
        label: `HOLDS`, `CONDITIONAL` or `FALSE`; None while the claim is not measured.
        sentence: the verdict in one or two sentences, with its numbers.
        numbers: the numbers behind it, by name, for the page to print.
    """

    label: str | None
    sentence: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


UNMEASURED = Verdict(None, "Not yet measured.")
