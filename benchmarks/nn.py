"""`companion.nn` on the CPU: a training step of each layer beside torch.nn.LSTM of equal size, measured in one run.

    python -m benchmarks nn                    # a minute or two
    python -m benchmarks nn --json PATH        # the numbers, with versions and hardware
    python -m benchmarks nn --only Peephole    # some of the layers

A training step is forward, backward to the input and to all parameters. Each round times every contender, one after the
other; the best round of each counts, so that other work on the machine does not. ``ratio`` is to torch.nn.LSTM.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from companion import nn as layers
from companion.experiments.clock import in_turn
from companion.nn import _compiled

from .table import Table, Target, at_most, parser, save, show

SIZES = ((100, 32, 64, 128), (100, 64, 256, 256), (50, 16, 32, 32))
BASE = "torch LSTM"
KINDS = {
    BASE: torch.nn.LSTM,
    "LSTM": layers.LSTM,
    "LSTM fused": lambda *sizes: layers.LSTM(*sizes, engine="fused"),
    "Peephole": layers.PeepholeLSTM,
    "Peephole, no C": layers.PeepholeLSTM,
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


def rows(only: Sequence[str], rounds: int) -> Iterator[Row]:
    """Time the layers chosen, and torch.nn.LSTM, at every size."""
    for size in SIZES:
        yield from measure(size, [BASE, *(kind for kind in only if kind != BASE)], rounds)


def measure(size: tuple[int, int, int, int], kinds: list[str], rounds: int) -> list[Row]:
    """Time every layer at one size, in turn."""
    steps, batch, inputs, units = size
    torch.manual_seed(0)
    x = torch.randn(steps, batch, inputs, requires_grad=True)
    dy = torch.randn(steps, batch, units)
    modules = {kind: KINDS[kind](inputs, units) for kind in kinds}
    passes = {(kind, "inference"): inference(module, x) for kind, module in modules.items()}
    passes |= {(kind, "training"): training(module, x, dy) for kind, module in modules.items()}
    passes = {key: _compiled.switched_off()(run) if "no C" in key[0] else run for key, run in passes.items()}
    best = {key: 1e3 * seconds for key, seconds in in_turn(passes, rounds, window=0.06).items()}
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
            what = "{} T={} B={} D={} H={}, training over {}, at most".format(layer, *size, beside)
            targets.append(at_most(what, times[layer, *size] / times[beside, *size], limit))
    return targets


TABLE = Table("nn", __doc__.splitlines()[0], tuple(KINDS), 12, HEADER, rows, line, judge)


def main(arguments: list[str]) -> int:
    """Measure, print the table and the targets, and write JSON where asked."""
    chosen = parser(TABLE).parse_args(arguments)
    began = time.perf_counter()
    found = show(TABLE, chosen.only, chosen.rounds)
    if chosen.json:
        save(chosen.json, {TABLE: found}, began)
    return 0
