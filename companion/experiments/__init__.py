"""Experiments: what produces `book/evidence`, one module an experiment, and the claims that are judged by it."""

from companion.experiments.claims import CLAIMS, Claim, Verdict, claim, number, verdicts
from companion.experiments.evidence import Evidence

__all__ = ["CLAIMS", "Claim", "Evidence", "Verdict", "claim", "number", "verdicts"]
