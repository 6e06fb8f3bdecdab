"""Both benchmarks that need nothing but a CPU, one after the other, and one record of them.

python -m benchmarks cpu --json book/evidence/bench_cpu.json    # what `make bench` does; three minutes
"""

import argparse
import time
from pathlib import Path

from . import nn, reference
from .table import save, show


def main(arguments: list[str]) -> int:
    """Measure, print both tables, and write one file where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks cpu", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    parser.add_argument("--rounds", type=int, help="how often each contender is timed")
    chosen = parser.parse_args(arguments)
    began = time.perf_counter()
    shown = {table: show(table, rounds=chosen.rounds) for table in (reference.TABLE, nn.TABLE)}
    if chosen.json:
        save(chosen.json, shown, began)
    return 0
