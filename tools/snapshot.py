"""Take the errors of the numbered equations, as the last `make test` recorded them, into the committed snapshot.

    python tools/snapshot.py

The equation ledger of the book shows the snapshot where no checks have run yet. Errors are rounded up to one digit:
the digits behind it differ from machine to machine and would make noise in the history.
"""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

from companion.experiments.evidence import write_json

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "_build" / "reports" / "equations.json"
SNAPSHOT = ROOT / "book" / "evidence" / "equations.json"


def round_up(error: float) -> float:
    """The smallest number of one significant digit that is not below the error."""
    if error == 0 or not math.isfinite(error):
        return error
    exponent = math.floor(math.log10(error))
    return float(f"{math.ceil(error / 10**exponent)}e{exponent}")


def snapshot(report: dict[str, dict]) -> dict[str, dict]:
    return {label: {**entry, "error": round_up(entry["error"])} for label, entry in sorted(report.items())}


def main() -> int:
    if not REPORT.exists():
        print('There is no report yet: call make test PARTS="unit" first.', file=sys.stderr)
        return 2
    entries = snapshot(json.loads(REPORT.read_text(encoding="utf-8")))
    write_json(SNAPSHOT, entries)
    print(f"{len(entries)} equations written to {SNAPSHOT.relative_to(ROOT)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
