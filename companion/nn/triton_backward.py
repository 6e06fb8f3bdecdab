"""The recurrent scan backward in time as Triton kernels: the steps of `companion.nn.triton_forward` in reverse order.

A block owns the same kind of thing as forward, a few hidden units, but holds *columns* of U: for its units it sums
``dh = Σ_g U_g^T d_g`` over the gate gradients ``d`` of the step after, which all blocks wrote to memory, then goes back
through the gates of its own units and writes their ``d`` for the step before. One exchange and one barrier a step, and
each sum is made by one block in one order. Gradients of the weights wait until the scan is over: they are one product.

Pointers beyond those of the forward pass (``D`` the layer's dtype):

======= ==================== =========================================================================================
dh, dc  ``(T, B, H)`` D      upstream gradients of every hidden and cell state; ``dc`` unused unless ``HAS_DC``
da      ``(T+1, B, G*H)`` D  gradients of the pre-activations, the result; row T is zero: after the end comes nothing
dq      ``(T+1, B, H)`` D    ``gru_after``: gradient of ``U_n h' + e``, which is ``r`` times that of a_n; else unused
carry   ``(B, H)`` float32   what reaches the step before without passing U: dc of an LSTM, the z part of dh of a GRU
======= ==================== =========================================================================================
"""

import triton
import triton.language as tl

from companion.nn.triton_device import arrive, hold_weights, project_back, tanh, wait


@triton.jit
def rnn_back(h, u, dh, da, held, t, rows, units, mask, here, counter, target, B, WAIT: tl.constexpr, S: tl.constexpr):
    step = tl.cast(B, tl.int64) * S.H
    y = tl.load(h + (t + 1) * step + here, mask=mask, other=0.0).to(tl.float32)
    d = tl.load(dh + t * step + here, mask=mask, other=0.0).to(tl.float32)
    if WAIT:
        wait(counter, target, S)
    d = d + project_back(da + (t + 1) * step, S.H, u, held, rows, units, B, 0, 1, S)
    if S.CELL == "rnn_tanh":
        d = d * (1.0 - y * y)
    elif S.CELL == "rnn_relu":
        d = tl.where(y > 0, d, 0.0)
    else:
        d = d * y * (1.0 - y)
    tl.store(da + t * step + here, d, mask=mask)


@triton.jit
def lstm_back(
    a, u, e, c, dh, dc, da, carry, held, t, rows, units, mask, here, counter, target, B,
    HAS_DC: tl.constexpr, WAIT: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    PEEPS: tl.constexpr = S.CELL == "peephole_new" or S.CELL == "peephole_old"
    FORGETS: tl.constexpr = S.CELL != "lstm_1997"
    step = tl.cast(B, tl.int64) * S.H
    at = rows[:, None] * (S.G * S.H) + units[None, :]
    gates = a + t * step * S.G + at
    i = tl.load(gates, mask=mask, other=0.0).to(tl.float32)
    g = tl.load(gates + (S.G - 2) * S.H, mask=mask, other=0.0).to(tl.float32)
    o = tl.load(gates + (S.G - 1) * S.H, mask=mask, other=0.0).to(tl.float32)
    if FORGETS:
        f = tl.load(gates + S.H, mask=mask, other=0.0).to(tl.float32)
    if PEEPS:
        ei = tl.load(e + units, mask=units < S.H, other=0.0).to(tl.float32)[None, :]
        ef = tl.load(e + S.H + units, mask=units < S.H, other=0.0).to(tl.float32)[None, :]
        eo = tl.load(e + 2 * S.H + units, mask=units < S.H, other=0.0).to(tl.float32)[None, :]
    c_old = tl.load(c + t * step + here, mask=mask, other=0.0)
    tanh_c = tanh(tl.load(c + (t + 1) * step + here, mask=mask, other=0.0))
    d = tl.load(dh + t * step + here, mask=mask, other=0.0).to(tl.float32)
    d_c = tl.load(carry + here, mask=mask, other=0.0)
    if HAS_DC:
        d_c = d_c + tl.load(dc + t * step + here, mask=mask, other=0.0).to(tl.float32)
    if WAIT:
        wait(counter, target, S)
    d = d + project_back(da + (t + 1) * step * S.G, S.G * S.H, u, held, rows, units, B, 0, S.G, S)
    do = d * tanh_c * o * (1.0 - o)
    d_c = d_c + d * o * (1.0 - tanh_c * tanh_c)
    if S.CELL == "peephole_new":
        d_c = d_c + eo * do
    di = d_c * g * i * (1.0 - i)
    dg = d_c * i * (1.0 - g * g)
    out = da + t * step * S.G + at
    tl.store(out, di, mask=mask)
    tl.store(out + (S.G - 2) * S.H, dg, mask=mask)
    tl.store(out + (S.G - 1) * S.H, do, mask=mask)
    if FORGETS:
        df = d_c * c_old * f * (1.0 - f)
        tl.store(out + S.H, df, mask=mask)
        d_c = d_c * f
    if PEEPS:
        d_c = d_c + ei * di + ef * df
        if S.CELL == "peephole_old":
            d_c = d_c + eo * do
    tl.store(carry + here, d_c, mask=mask)


@triton.jit
def gru_after_back(
    a, u, h, q, dh, da, dq, carry, held, t, rows, units, mask, here, counter, target, B,
    WAIT: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    step = tl.cast(B, tl.int64) * S.H
    at = rows[:, None] * (3 * S.H) + units[None, :]
    gates = a + t * step * 3 + at
    r = tl.load(gates, mask=mask, other=0.0).to(tl.float32)
    z = tl.load(gates + S.H, mask=mask, other=0.0).to(tl.float32)
    n = tl.load(gates + 2 * S.H, mask=mask, other=0.0).to(tl.float32)
    un = tl.load(q + t * step + here, mask=mask, other=0.0).to(tl.float32)
    h_old = tl.load(h + t * step + here, mask=mask, other=0.0).to(tl.float32)
    d = tl.load(dh + t * step + here, mask=mask, other=0.0).to(tl.float32)
    d = d + tl.load(carry + here, mask=mask, other=0.0)
    if WAIT:
        wait(counter, target, S)
    d = d + project_back(da + (t + 1) * step * 3, 3 * S.H, u, held, rows, units, B, 0, 2, S)
    d = d + project_back(dq + (t + 1) * step, S.H, u, held, rows, units, B, 2, 1, S)
    dn = d * (1.0 - z) * (1.0 - n * n)
    out = da + t * step * 3 + at
    tl.store(dq + t * step + here, dn * r, mask=mask)
    tl.store(out, dn * un * r * (1.0 - r), mask=mask)
    tl.store(out + S.H, d * (h_old - n) * z * (1.0 - z), mask=mask)
    tl.store(out + 2 * S.H, dn, mask=mask)
    tl.store(carry + here, d * z, mask=mask)


@triton.jit
def gru_before_back(
    a, u, h, dh, da, carry, held, t, rows, units, mask, here, counter, target, B,
    PHASE: tl.constexpr, WAIT: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Two phases again: n's gradient must be exchanged before that of ``r h'``, and so of r, can be known."""
    step = tl.cast(B, tl.int64) * S.H
    at = rows[:, None] * (3 * S.H) + units[None, :]
    gates = a + t * step * 3 + at
    out = da + t * step * 3 + at
    h_old = tl.load(h + t * step + here, mask=mask, other=0.0).to(tl.float32)
    if PHASE == 0:
        z = tl.load(gates + S.H, mask=mask, other=0.0).to(tl.float32)
        n = tl.load(gates + 2 * S.H, mask=mask, other=0.0).to(tl.float32)
        d = tl.load(dh + t * step + here, mask=mask, other=0.0).to(tl.float32)
        d = d + tl.load(carry + here, mask=mask, other=0.0)
        if WAIT:
            wait(counter, target, S)
        d = d + project_back(da + (t + 1) * step * 3, 3 * S.H, u, held, rows, units, B, 0, 2, S)
        tl.store(out + 2 * S.H, d * (1.0 - z) * (1.0 - n * n), mask=mask)
        tl.store(out + S.H, d * (h_old - n) * z * (1.0 - z), mask=mask)
        tl.store(carry + here, d * z, mask=mask)
    else:
        r = tl.load(gates, mask=mask, other=0.0).to(tl.float32)
        d_h = tl.load(carry + here, mask=mask, other=0.0)
        if WAIT:
            wait(counter, target, S)
        d = project_back(da + t * step * 3 + 2 * S.H, 3 * S.H, u, held, rows, units, B, 2, 1, S)
        tl.store(out, d * h_old * r * (1.0 - r), mask=mask)
        tl.store(carry + here, d_h + d * r, mask=mask)


@triton.jit
def backward_step(
    a, u, e, h, c, q, dh, dc, da, dq, carry, held, t, tile, counter, target, B,
    HAS_DC: tl.constexpr, PHASE: tl.constexpr, WAIT: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """One phase of step ``t``, in reverse, for one batch tile: this block's units, of all its sequences."""
    rows = tile * S.ROWS + tl.arange(0, S.ROWS)
    units = tl.program_id(0) * S.UNITS + tl.arange(0, S.UNITS)
    mask = (rows < B)[:, None] & (units < S.H)[None, :]
    here = rows[:, None] * S.H + units[None, :]
    if S.G == 1:
        rnn_back(h, u, dh, da, held, t, rows, units, mask, here, counter, target, B, WAIT, S)
    elif S.CELL == "gru_after":
        gru_after_back(a, u, h, q, dh, da, dq, carry, held, t, rows, units, mask, here, counter, target, B, WAIT, S)
    elif S.CELL == "gru_before":
        gru_before_back(a, u, h, dh, da, carry, held, t, rows, units, mask, here, counter, target, B, PHASE, WAIT, S)
    else:
        lstm_back(a, u, e, c, dh, dc, da, carry, held, t, rows, units, mask, here, counter, target, B, HAS_DC, WAIT, S)


@triton.jit(do_not_specialize=["T", "B"])
def backward_persistent(a, u, e, h, c, q, dh, dc, da, dq, carry, counters, T, B, HAS_DC: tl.constexpr, S: tl.constexpr):
    """All steps, last first, in one launch; grid ``(BLOCKS, groups)``."""
    PHASES: tl.constexpr = 2 if S.CELL == "gru_before" else 1
    group = tl.program_id(1)
    counter = counters + group * 16  # one cache line each
    units = tl.program_id(0) * S.UNITS + tl.arange(0, S.UNITS)
    held = hold_weights(u, units, True, S)
    target = tl.cast(0, tl.int64)
    for s in tl.range(0, T):
        t = T - 1 - s
        for phase in tl.static_range(PHASES):
            if S.LOOP:
                wait(counter, target, S)
                for tile in tl.range(group, (B + S.ROWS - 1) // S.ROWS, tl.num_programs(1)):
                    backward_step(
                        a, u, e, h, c, q, dh, dc, da, dq, carry, held, t, tile, counter, target, B,
                        HAS_DC, phase, False, S,
                    )  # fmt: skip
            else:
                backward_step(
                    a, u, e, h, c, q, dh, dc, da, dq, carry, held, t, group, counter, target, B,
                    HAS_DC, phase, True, S,
                )  # fmt: skip
            arrive(counter, S)
            target = target + S.BLOCKS


@triton.jit(do_not_specialize=["t", "B"])
def backward_once(
    a, u, e, h, c, q, dh, dc, da, dq, carry, t, B, HAS_DC: tl.constexpr, PHASE: tl.constexpr, S: tl.constexpr
):
    """One phase of step ``t`` in a launch of its own; grid ``(BLOCKS, tiles)``."""
    backward_step(a, u, e, h, c, q, dh, dc, da, dq, carry, (), t, tl.program_id(1), h, 0, B, HAS_DC, PHASE, False, S)
