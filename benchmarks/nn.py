"""`companion.nn` on the CPU: a training step of each layer beside torch.nn.LSTM of equal size, measured in one run.

    python -m benchmarks nn                    # a minute or two
    python -m benchmarks nn --json PATH        # the numbers, with versions and hardware
    python -m benchmarks nn --only Peephole    # some of the layers

A training step is forward, backward to the input and to all parameters. Each round times every contender, one after the
other; the best round of each counts, so that other work on the machine does not. ``ratio`` is to torch.nn.LSTM.
"""

import argparse
import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from companion import nn as layers
from companion.experiments.evidence import hardware, today, versions

SIZES = ((100, 32, 64, 128), (100, 64, 256, 256), (50, 16, 32, 32))
BASE = "torch LSTM"
KINDS = {
    BASE: torch.nn.LSTM,
    "LSTM": layers.LSTM,
    "LSTM fused": lambda *sizes: layers.LSTM(*sizes, engine="fused"),
    "Peephole": layers.PeepholeLSTM,
    "Peephole old": lambda *sizes: layers.PeepholeLSTM(*sizes, output_peep="old"),
    "Peephole eager": lambda *sizes: layers.PeepholeLSTM(*sizes, engine="eager"),
    "LSTM 1997": lambda *sizes: layers.LSTM(*sizes, forget_gate=False),
    "torch GRU": torch.nn.GRU,
    "GRU": layers.GRU,
    "GRU fused": lambda *sizes: layers.GRU(*sizes, engine="fused"),
    "GRU before": lambda *sizes: layers.GRU(*sizes, reset="before"),
    "torch RNN": torch.nn.RNN,
    "RNN": layers.RNN,
    "RNN fused": lambda *sizes: layers.RNN(*sizes, engine="fused"),
}
# (layer, beside, T, B, D, H) and the largest ratio of their training steps
LIMITS = {
    **{("Peephole", BASE, *size): limit for size, limit in zip(SIZES, (1.8, 1.25, 3.0), strict=True)},
    **{(kind, f"torch {kind}", *size): 1.03 for kind in ("LSTM", "GRU", "RNN") for size in SIZES},
}


@dataclass(frozen=True)
class Row:
    """What was measured of one layer at one size, in ms; `ratio` is that of the training step to torch.nn.LSTM's."""

    layer: str
    T: int
    B: int
    D: int
    H: int
    inference: float
    training: float
    ratio: float


@dataclass(frozen=True)
class Target:
    """What was asked for, and whether it was reached."""

    what: str
    value: float
    limit: float
    reached: bool


def main(arguments: list[str]) -> int:
    """Measure, print the table and the targets, and write JSON where asked."""
    chosen = parser().parse_args(arguments)
    began = time.perf_counter()
    print(f"{hardware()}, {torch.get_num_threads()} threads, torch {torch.__version__}, float32\n{HEADER}")
    rows = []
    for size in SIZES:
        for row in measure(size, [BASE, *(k for k in chosen.only or KINDS if k != BASE)], chosen.rounds):
            rows.append(row)
            print(line(row), flush=True)
    targets = judge(rows)
    for target in targets:
        verdict = "reached" if target.reached else "MISSED "
        print(f"{verdict} {target.what}: {target.value:.2f} (asked for at most {target.limit:g})")
    if chosen.json:
        record(chosen.json, rows, targets, time.perf_counter() - began)
    return 0


def parser() -> argparse.ArgumentParser:
    """The options of the command."""
    made = argparse.ArgumentParser(prog="python -m benchmarks nn", description=__doc__.splitlines()[0])
    made.add_argument("--json", type=Path, help="write the numbers to this file")
    made.add_argument("--only", nargs="+", choices=KINDS, help="only these layers")
    made.add_argument("--rounds", type=int, default=12, help="how often each contender is timed")
    return made


def measure(size: tuple[int, int, int, int], kinds: list[str], rounds: int) -> list[Row]:
    """Time every layer at one size, in turn."""
    steps, batch, inputs, units = size
    torch.manual_seed(0)
    x = torch.randn(steps, batch, inputs, requires_grad=True)
    dy = torch.randn(steps, batch, units)
    modules = {kind: KINDS[kind](inputs, units) for kind in kinds}
    passes = {(kind, "inference"): inference(module, x) for kind, module in modules.items()}
    passes |= {(kind, "training"): training(module, x, dy) for kind, module in modules.items()}
    best = {key: 1e3 * seconds for key, seconds in in_turn(passes, rounds).items()}
    base = best[BASE, "training"]
    return [Row(k, *size, best[k, "inference"], best[k, "training"], best[k, "training"] / base) for k in kinds]


def inference(module, x) -> Callable[[], None]:
    """A pass forward without autograd."""

    def run() -> None:
        with torch.no_grad():
            module(x)

    return run


def training(module, x, dy) -> Callable[[], None]:
    """A pass forward and back."""
    parameters = [x, *module.parameters()]

    def run() -> None:
        for parameter in parameters:
            parameter.grad = None
        module(x)[0].backward(dy)

    return run


def in_turn(contenders: dict, rounds: int) -> dict:
    """The best time of each, in seconds: all of them in every round, each for 60 ms or one run."""
    best = dict.fromkeys(contenders, math.inf)
    for run in contenders.values():
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            end = time.perf_counter() + 0.06
            while (start := time.perf_counter()) < end:
                run()
                best[name] = min(best[name], time.perf_counter() - start)
    return best


HEADER = f"{'layer':<15}{'T':>4}{'B':>4}{'D':>5}{'H':>5} |{'inference':>11} |{'training':>10}{'ratio':>7}   (ms)"


def line(row: Row) -> str:
    """One row of the table."""
    sizes = f"{row.layer:<15}{row.T:>4}{row.B:>4}{row.D:>5}{row.H:>5}"
    return f"{sizes} |{row.inference:>11.2f} |{row.training:>10.2f}{row.ratio:>7.2f}"


def judge(rows: list[Row]) -> list[Target]:
    """The targets, as far as they were measured."""
    times = {(row.layer, row.T, row.B, row.D, row.H): row.training for row in rows}
    targets = []
    for (layer, beside, *size), limit in LIMITS.items():
        if (layer, *size) in times and (beside, *size) in times:
            value = times[layer, *size] / times[beside, *size]
            what = "{} T={} B={} D={} H={}, training over {}".format(layer, *size, beside)
            targets.append(Target(what, value, limit, value <= limit))
    return targets


def record(path: Path, rows: list[Row], targets: list[Target], seconds: float) -> None:
    """Write everything that was measured, with what it was measured on."""
    found = {
        "benchmark": "nn",
        "rows": [asdict(row) for row in rows],
        "targets": [asdict(target) for target in targets],
        "threads": torch.get_num_threads(),
        "versions": versions(("numpy", "torch")),
        "hardware": hardware(),
        "seconds": round(seconds, 1),
        "date": today(),
    }
    path.write_text(json.dumps(found, indent=1) + "\n")
