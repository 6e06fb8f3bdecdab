"""`companion.reference` on the CPU: time per step, beside the bound and beside torch.nn, measured in one run.

    python -m benchmarks reference                       # about a minute
    python -m benchmarks reference --json PATH           # the numbers, with versions and hardware
    python -m benchmarks reference --only LSTM --profile # where the time goes

The bound is what the matrix products alone take, of the same shapes and in the same order: for a pass forward the input
product of all steps and one recurrent product a step, for a training step also the products of the way back. Each round
times every contender once, one after the other; the best round counts, so that other work on the machine does not.
"""

import importlib.util
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from companion import reference as ref
from companion.experiments.clock import in_turn

from . import reference_bound as bound
from .reference_torch import torch_passes
from .table import Table, Target, at_least, at_most, parser, save, show

KINDS = {
    "RNN": (ref.RNN, {}),
    "LSTM": (ref.LSTM, {}),
    "LSTM 1997": (ref.LSTM, {"forget_gate": False}),
    "Peephole": (ref.PeepholeLSTM, {}),
    "GRU": (ref.GRU, {}),
    "GRU before": (ref.GRU, {"reset": "before"}),
}
SIZES = ((1, 32, 32, 100), (32, 64, 128, 100), (32, 64, 512, 100))


@dataclass(frozen=True)
class Work:
    """One layer at one size: batch B, inputs D, units H, steps T; float32."""

    layer: str
    B: int
    D: int
    H: int
    T: int


@dataclass(frozen=True)
class Row:
    """What was measured, in µs per step; `torch_…` is None where torch.nn has no such layer or torch is missing."""

    work: Work
    forward: float
    forward_bound: float
    training: float
    training_bound: float
    torch_forward: float | None
    torch_training: float | None


def rows(only: Sequence[str], rounds: int) -> Iterator[Row]:
    """Time the layers chosen at every size."""
    for size in SIZES:
        for name in only:
            yield measure(Work(name, *size), rounds)


def example(work: Work):
    """A layer, its input and an upstream gradient."""
    layer_class, options = KINDS[work.layer]
    rng = np.random.default_rng(0)
    layer = layer_class(work.D, work.H, **options, dtype=np.float32, rng=rng)
    x = rng.standard_normal((work.T, work.B, work.D), dtype=np.float32)
    return layer, x, rng.standard_normal((work.T, work.B, work.H), dtype=np.float32)


def measure(work: Work, rounds: int) -> Row:
    """Time the layer, the bound and torch.nn, in turn."""
    layer, x, dy = example(work)
    contenders = {
        "forward": lambda: layer(x),
        "training": lambda: layer.bptt(layer.unroll(x), dy),
        "forward_bound": bound.products(layer, work, back=False),
        "training_bound": bound.products(layer, work, back=True),
    }
    if importlib.util.find_spec("torch"):
        contenders |= torch_passes(layer, x, dy)
    micros = {name: seconds / work.T * 1e6 for name, seconds in in_turn(contenders, rounds).items()}
    return Row(work, **({"torch_forward": None, "torch_training": None} | micros))


HEADER = (
    f"{'layer':<11}{'B':>3}{'D':>4}{'H':>4} |{'forward':>9}{'bound':>8}{'share':>7}{'torch.nn':>10} |"
    f"{'training':>9}{'bound':>8}{'share':>7}{'torch.nn':>10}{'ratio':>7}"
)


def line(row: Row) -> str:
    """One row of the table."""
    work = row.work
    torch_forward = "" if row.torch_forward is None else f"{row.torch_forward:.1f}"
    torch_training = "" if row.torch_training is None else f"{row.torch_training:.1f}"
    ratio = "" if row.torch_training is None else f"{row.training / row.torch_training:.2f}"
    return (
        f"{work.layer:<11}{work.B:>3}{work.D:>4}{work.H:>4} |"
        f"{row.forward:>9.1f}{row.forward_bound:>8.1f}{row.forward_bound / row.forward:>7.0%}{torch_forward:>10} |"
        f"{row.training:>9.1f}{row.training_bound:>8.1f}{row.training_bound / row.training:>7.0%}"
        f"{torch_training:>10}{ratio:>7}"
    )


def judge(rows: list[Row]) -> list[Target]:
    """The targets of the LSTM, as far as they were measured."""
    targets = []
    for row in rows:
        if row.work.layer != "LSTM":
            continue
        if row.work.B == 1:
            targets.append(at_most("B=1 H=32, µs per step forward", row.forward, 11))
            continue
        least = {128: (0.5, 0.6), 512: (0.65, 0.7)}[row.work.H]
        size = f"B={row.work.B} D={row.work.D} H={row.work.H} T={row.work.T}"
        targets.append(at_least(f"{size}, share of the bound forward", row.forward_bound / row.forward, least[0]))
        targets.append(at_least(f"{size}, share of the bound training", row.training_bound / row.training, least[1]))
        if row.torch_training is not None:
            targets.append(at_most(f"{size}, training over torch.nn", row.training / row.torch_training, 1.6))
    return targets


def profile(work: Work, rounds: int) -> str:
    """Where a training step goes: each part timed alone, and what is left to the loop itself."""
    layer, x, dy = example(work)
    parts = in_turn(bound.parts(layer, x, dy), rounds)
    lines = [f"LSTM B={work.B} D={work.D} H={work.H}: µs per step"]
    return "\n".join([*lines, *(f"  {name:<46}{seconds / work.T * 1e6:>8.1f}" for name, seconds in parts.items())])


TABLE = Table("reference", __doc__.splitlines()[0], tuple(KINDS), 7, HEADER, rows, line, judge)


def main(arguments: list[str]) -> int:
    """Measure, print the table and the targets, and write JSON where asked."""
    options = parser(TABLE)
    options.add_argument("--profile", action="store_true", help="also show where the time of the LSTM goes")
    chosen = options.parse_args(arguments)
    began = time.perf_counter()
    found = show(TABLE, chosen.only, chosen.rounds)
    if chosen.profile and "LSTM" in (chosen.only or KINDS):
        for size in SIZES:
            print(profile(Work("LSTM", *size), chosen.rounds))
    if chosen.json:
        save(chosen.json, {TABLE: found}, began)
    return 0
