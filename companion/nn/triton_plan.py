"""How a recurrent scan is laid over a GPU: hidden units and sequences of a block, and how many blocks there are.

Plain arithmetic, no Triton, so that it can be read and tested anywhere. Two shapes of plan come out:

* the whole recurrent matrix fits one block (small H): every block takes a batch tile of its own and waits for nobody;
* it does not: a *group* of blocks shares a batch tile, each block a slice of the hidden units, and they exchange the
  hidden state at every step. All blocks of all groups must be resident at once, one per multiprocessor, or the barrier
  between them would wait for ever; so a plan never has more blocks than the chip has multiprocessors. A batch that
  needs more tiles than groups fit is done tile after tile within each step.

Few units a block mean less arithmetic and less shared memory for each, more blocks at the barrier, and more copies of
the exchanged state read. Forward the state has H numbers, backward G*H, and a large batch has it read many times, so
these want fewer and larger blocks. `Plan.cost` weighs this by counting bytes; its rates are a Hopper's, rounded. It is
reasoned, not measured: ``python -m benchmarks gpu --sweep`` measures the alternatives.
"""

from dataclasses import dataclass, field, replace

ONE_BLOCK = 128 * 1024  # bytes of weights; with more, reading them out of shared memory costs more than a barrier


@dataclass(frozen=True)
class Chip:
    """What a plan must know of a GPU; the defaults are the H100's and H200's."""

    processors: int = 132
    shared: int = 232448  # bytes that one block may have


@dataclass(frozen=True)
class Plan:
    """One way to run a scan. The fields are those of `companion.nn.triton_device.Shape`, in lower case."""

    units: int
    rows: int
    split: int
    chunk: int
    warps: int
    blocks: int
    groups: int
    held: bool
    cost: float = field(default=0.0, compare=False)  # microseconds a step, estimated
    stepwise: bool = False  # one launch for each step: what the interpreter can run, and the check on the barrier

    def tiles(self, batch: int) -> int:
        return -(-batch // self.rows)


def plan_scan(gates: int, hidden: int, batch: int, width: int, back: bool, chip: Chip = Chip()) -> list[Plan]:
    """Plans to try, best first, or none where the chip has too few multiprocessors for ``hidden`` units.

    ``gates``: gate blocks of the cell; ``width``: bytes one weight takes on chip (2 for the 16-bit types, 4 for TF32,
    8 for float32, which the tensor cores do as a sum of TF32 products); ``back``: for the backward scan. The estimate
    of shared memory is close but not exact: a plan may turn out too large, then the next one is taken.
    """
    padded = max(16, 1 << (hidden - 1).bit_length())
    plans = []
    if gates * padded * padded * width <= ONE_BLOCK:
        plans.append(_one_block(padded, batch, width, chip))
    for held in (True, False):
        found = []
        for units in (8, 16, 32, 64):
            if -(-hidden // units) <= chip.processors:
                found += _group(units, gates, hidden, batch, width, held, back, chip)
        plans += sorted(found, key=lambda plan: plan.cost)
    return plans


def _one_block(padded: int, batch: int, width: int, chip: Chip) -> Plan:
    return Plan(
        units=padded,
        rows=16,
        split=1,
        chunk=min(padded, 64),
        warps=4 if padded <= 64 and width == 2 else 8,
        blocks=1,
        groups=min(-(-batch // 16), chip.processors),
        held=True,
    )


def _group(units, gates, hidden, batch, width, held, back, chip) -> list[Plan]:
    """The plans with this many units a block that fit shared memory, with one tile a group or several."""
    split = 4 if units == 8 and width < 8 else 8
    # At most 128 bytes of a row for each warp at a time, and little padding.
    chunk = min((64, 32, 16) if width == 2 else (32, 16), key=lambda chunk: _padded(hidden, split * chunk))
    inner = _padded(hidden, split * chunk)
    weights = (gates * inner if held else split * chunk) * units * width
    blocks = -(-hidden // units)
    plans = []
    # Large tiles do not pay in float32: its sums are three times as many and leave the registers.
    for rows in (16, 32, 64) if width < 8 else (16,):
        # Forward the tile's rows are staged whole; backward two gates' rows at once, one in use and one on its way.
        staged = rows * inner * width * (2 if back and gates > 1 else 1) if width < 8 else 16 * 1024
        tiles = -(-batch // rows)
        if weights + staged <= chip.shared:
            plan = Plan(units, rows, split, chunk, split, blocks, min(tiles, chip.processors // blocks), held)
            plans.append(replace(plan, cost=_cost(plan, gates, inner, batch, width, back)))
    return plans


def _cost(plan: Plan, gates: int, inner: int, batch: int, width: int, back: bool) -> float:
    """Microseconds of a step beside the barrier: waiting for memory once a tile, then bytes over rates."""
    state = inner * min(width, 4) * (gates if back else 1)  # of one sequence, as it is exchanged
    weights = gates * inner * plan.units * width
    sums = plan.split * plan.rows * plan.units * (1 if back else gates) * 4
    turns = -(-plan.tiles(batch) // plan.groups)
    from_l2 = plan.rows * state + (0 if plan.held else weights)
    through_shared = 2 * plan.rows * state + weights + 2 * sums
    # L2 gives one block 100 bytes a nanosecond and all blocks 5500; shared memory 220 to its block; products of TF32
    # in place of float32 and the sums of two halves are not counted.
    reading = max(from_l2 / 100, plan.blocks * plan.groups * from_l2 / 5500)
    return turns * (800 + reading + through_shared / 220) / 1000


def _padded(n: int, size: int) -> int:
    return -(-n // size) * size
