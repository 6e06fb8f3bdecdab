"""What the recurrent kernels are built of: activations, products with held weights, and the barrier between blocks.

One kernel runs a whole sequence (Diamos et al. 2016, "Persistent RNNs"): a block of threads owns a few hidden units
(``UNITS``), keeps their rows of the recurrent weights on chip from the first step to the last, and computes their
gates at every step. What the blocks owe one another, the new hidden state forward and the gate gradients backward,
goes through global memory, and a barrier between all blocks ends each step. Pöppel et al. 2024 ("FlashRNN") follow the
same plan in CUDA; here it is Triton, so the compiler chooses registers and shared memory.

Only built-in operations of ``triton.language`` are used, none of its ``@jit`` library (``tl.sum``, ``tl.sigmoid``):
those are compiled or interpreted as the environment was when Triton was first imported, and a test would depend on it.
"""

# ruff: noqa: RET505, RUF005 -- Triton compiles both sides of a plain return, and knows no starred expression

from typing import NamedTuple

import triton
import triton.language as tl


class Shape(NamedTuple):
    """What the compiler must know of one kernel. Built by `companion.nn.triton_scan`; one compilation for each."""

    CELL: str  # a name of companion.nn._engines
    H: int  # hidden units
    G: int  # gate blocks of the cell
    UNITS: int  # hidden units of one block
    ROWS: int  # sequences of one batch tile
    SPLIT: int  # parts into which the inner dimension of a product is split, one for each warp; 1: not split
    CHUNK: int  # inner dimension of one part of one product
    BLOCKS: int  # blocks that share one batch tile and meet at its barrier
    HELD: bool  # weights stay on chip; else they are read again at each step
    LOOP: bool  # a group of blocks has more than one batch tile
    KEEP: bool  # a backward pass will come: store what it needs
    PRECISION: str  # of a float32 product on the tensor cores: "tf32" or "tf32x3"
    UPCAST: bool  # the interpreter multiplies bfloat16 as integers: convert first

    @property
    def CHUNKS(self) -> int:
        return -(-self.H // (self.SPLIT * self.CHUNK))


@triton.jit
def sigmoid(x):
    # exp of a negative number only: no overflow on the way
    e = tl.exp(-tl.abs(x))
    return tl.where(x >= 0, 1.0, e) / (1.0 + e)


@triton.jit
def tanh(x):
    # The quotient loses its leading digits near 0; there Cephes's odd polynomial (Moshier, tanhf) is good to 1e-7.
    size = tl.abs(x)
    e = tl.exp(-2.0 * size)
    large = (1.0 - e) / (1.0 + e)
    s = x * x
    p = (((-5.70498872745e-3 * s + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s
    small = x + x * s * (p - 3.33332819422e-1)
    return tl.where(size < 0.625, small, tl.where(x >= 0, large, -large))


@triton.jit
def inner(j, S: tl.constexpr):
    """Indices of the inner dimension in chunk ``j``: ``(SPLIT, CHUNK)``, or ``(CHUNK,)`` when it is not split."""
    if S.SPLIT == 1:
        return j * S.CHUNK + tl.arange(0, S.CHUNK)
    else:
        return (j * S.SPLIT + tl.arange(0, S.SPLIT)[:, None]) * S.CHUNK + tl.arange(0, S.CHUNK)[None, :]


@triton.jit
def load_rows(x, stride, rows, j, B, S: tl.constexpr):
    """Chunk ``j`` of the rows of ``x``. Other blocks wrote them: ``.cg`` reads past the L1 cache."""
    k = inner(j, S)
    if S.SPLIT == 1:
        at = x + rows[:, None] * stride + k[None, :]
        there = (rows < B)[:, None] & (k < S.H)[None, :]
    else:
        at = x + rows[None, :, None] * stride + k[:, None, :]
        there = (rows < B)[None, :, None] & (k < S.H)[:, None, :]
    return tl.load(at, mask=there, other=0.0, cache_modifier=".cg")


@triton.jit
def load_weight(u, g, j, units, BACK: tl.constexpr, S: tl.constexpr):
    """Chunk ``j`` of gate ``g``'s weights, of U forward and of its transpose ``BACK``; a column for each unit."""
    k = inner(j, S)
    if S.SPLIT == 1:
        k = k[:, None]
        n = units[None, :]
    else:
        k = k[:, :, None]
        n = units[None, None, :]
    there = (k < S.H) & (n < S.H)
    if BACK:
        at = u + (g * S.H + k) * S.H + n
    else:
        at = u + (g * S.H + n) * S.H + k
    return tl.load(at, mask=there, other=0.0)


@triton.jit
def hold_weights(u, units, BACK: tl.constexpr, S: tl.constexpr):
    """The weights of all gates and chunks (gate fastest), read once; an empty tuple when they are not held."""
    CHUNKS: tl.constexpr = S.CHUNKS
    G: tl.constexpr = S.G
    held = ()
    if S.HELD:
        for j in tl.static_range(CHUNKS):
            for g in tl.static_range(G):
                held = held + (load_weight(u, g, j, units, BACK, S),)
    return held


@triton.jit
def nothing(S: tl.constexpr):
    """An accumulator at zero, one for each part of the inner dimension."""
    if S.SPLIT == 1:
        return tl.full((S.ROWS, S.UNITS), 0.0, tl.float32)
    else:
        return tl.full((S.SPLIT, S.ROWS, S.UNITS), 0.0, tl.float32)


@triton.jit
def multiply(x, w, total, S: tl.constexpr):
    if S.UPCAST:
        x = x.to(tl.float32)
        w = w.to(tl.float32)
    return tl.dot(x, w, total, input_precision=S.PRECISION)


@triton.jit
def join_parts(total, COLUMNS: tl.constexpr, S: tl.constexpr):
    """The sum over the parts of the inner dimension, always in the same order: no atomics, the same bits each time.

    Splitting the last axis lays all parts of one element in one thread, so that each warp adds once; a reduction over
    the first axis would repeat the sum, and all that follows it, in every warp.
    """
    if S.SPLIT == 1:
        return total
    else:
        total = tl.permute(total, (1, 2, 0))
        if S.SPLIT >= 8:
            left, right = tl.split(tl.reshape(total, (S.ROWS, COLUMNS, S.SPLIT // 2, 2)))
            total = left + right
        if S.SPLIT >= 4:
            left, right = tl.split(tl.reshape(total, (S.ROWS, COLUMNS, 2, 2)))
            total = left + right
        left, right = tl.split(total)
        return left + right


@triton.jit
def join_pair(first, second, S: tl.constexpr):
    """`join_parts` of two gates at once: one passage through shared memory in place of two."""
    both = tl.reshape(tl.join(first, second), (S.SPLIT, S.ROWS, 2 * S.UNITS))
    return tl.split(tl.reshape(join_parts(both, 2 * S.UNITS, S), (S.ROWS, S.UNITS, 2)))


@triton.jit
def join_gates(totals, COUNT: tl.constexpr, S: tl.constexpr):
    """`join_parts` of one, two, three or four gates."""
    if S.SPLIT == 1:
        return totals
    elif COUNT == 1:
        return (join_parts(totals[0], S.UNITS, S),)
    elif COUNT == 2:
        first, second = join_pair(totals[0], totals[1], S)
        return (first, second)
    elif COUNT == 3:
        first, second = join_pair(totals[0], totals[1], S)
        return (first, second, join_parts(totals[2], S.UNITS, S))
    else:
        even = tl.join(totals[0], totals[2])
        odd = tl.join(totals[1], totals[3])
        four = tl.reshape(tl.join(even, odd), (S.SPLIT, S.ROWS, 4 * S.UNITS))
        even, odd = tl.split(tl.reshape(join_parts(four, 4 * S.UNITS, S), (S.ROWS, S.UNITS, 2, 2)))
        first, third = tl.split(even)
        second, fourth = tl.split(odd)
        return (first, second, third, fourth)


@triton.jit
def project(h, u, held, rows, units, B, FIRST: tl.constexpr, COUNT: tl.constexpr, S: tl.constexpr):
    """``U_g h`` for this block's units and ``COUNT`` gates from ``FIRST`` on: a tuple of ``(ROWS, UNITS)``."""
    CHUNKS: tl.constexpr = S.CHUNKS
    xs = ()
    totals = ()
    for j in tl.static_range(CHUNKS):
        xs = xs + (load_rows(h, S.H, rows, j, B, S),)
    for _ in tl.static_range(COUNT):
        totals = totals + (nothing(S),)
    # Gates inside, chunks outside: the products of different gates do not wait for one another.
    for j in tl.static_range(CHUNKS):
        nexts = ()
        for g in tl.static_range(COUNT):
            if S.HELD:
                w = held[j * S.G + FIRST + g]
            else:
                w = load_weight(u, FIRST + g, j, units, False, S)
            nexts = nexts + (multiply(xs[j], w, totals[g], S),)
        totals = nexts
    return join_gates(totals, COUNT, S)


@triton.jit
def project_back(d, stride, u, held, rows, units, B, FIRST: tl.constexpr, COUNT: tl.constexpr, S: tl.constexpr):
    """``Σ_g U_g^T d_g`` for the gates ``FIRST …``: what their pre-activations' gradients mean for ``h``.

    ``d`` points at the gradient of gate ``FIRST``; the others follow at a distance of ``H``. The next gate's rows are
    asked for before this gate's products, so that the wait for memory and the arithmetic overlap. Each gate has its own
    accumulator: one chain of dependent products would be as long as all of them.
    """
    CHUNKS: tl.constexpr = S.CHUNKS
    ahead = ()
    for j in tl.static_range(CHUNKS):
        ahead = ahead + (load_rows(d, stride, rows, j, B, S),)
    totals = ()
    for g in tl.static_range(COUNT):
        xs = ahead
        ahead = ()
        if g + 1 < COUNT:
            for j in tl.static_range(CHUNKS):
                ahead = ahead + (load_rows(d + (g + 1) * S.H, stride, rows, j, B, S),)
        total = nothing(S)
        for j in tl.static_range(CHUNKS):
            if S.HELD:
                w = held[j * S.G + FIRST + g]
            else:
                w = load_weight(u, FIRST + g, j, units, True, S)
            total = multiply(xs[j], w, total, S)
        totals = totals + (total,)
    whole = totals[0]
    for g in tl.static_range(1, COUNT):
        whole = whole + totals[g]
    return join_parts(whole, S.UNITS, S)


# The barrier. It follows cooperative groups' grid.sync(): every thread of a block meets at bar.sync, then thread 0
# announces the block with a release; a waiting block's thread 0 reads with an acquire until all have come, and bar.sync
# passes the news on to its block. By the PTX memory model (release and acquire at gpu scope, cumulative over bar.sync)
# all that any block stored before the barrier is then visible to all loads after it. The counter only grows (64 bits:
# no sequence is long enough to overflow it), so no block can be late for a reset. Before the p-th wait no block has
# announced itself more than p times, so a count of p * BLOCKS means that each has done so p times. It deadlocks unless
# all blocks of the grid run at once, which the host asks for with a cooperative launch.


@triton.jit
def arrive(counter, S: tl.constexpr):
    tl.debug_barrier()
    if S.BLOCKS > 1:
        tl.inline_asm_elementwise(
            """{
            .reg .pred first;
            .reg .u32 thread;
            mov.u32 thread, %tid.x;
            setp.eq.u32 first, thread, 0;
            @first red.release.gpu.global.add.u64 [$1], 1;
            mov.u32 $0, thread;
            }""",
            "=r,l",
            [counter],
            dtype=tl.int32,
            is_pure=False,
            pack=1,
        )


@triton.jit
def wait(counter, target, S: tl.constexpr):
    if S.BLOCKS > 1:
        tl.inline_asm_elementwise(
            """{
            .reg .pred other, early;
            .reg .u32 thread;
            .reg .u64 seen;
            mov.u32 thread, %tid.x;
            setp.ne.u32 other, thread, 0;
            @other bra done;
            again:
            ld.acquire.gpu.global.u64 seen, [$1];
            setp.lt.u64 early, seen, $2;
            @early bra again;
            done:
            mov.u32 $0, thread;
            }""",
            "=r,l,l",
            [counter, target],
            dtype=tl.int32,
            is_pure=False,
            pack=1,
        )
        tl.debug_barrier()
