"""The recurrent scan forward in time as Triton kernels: one step, and two ways to run it.

``forward_step`` does one step for one batch tile and the hidden units of one block. ``forward_persistent`` holds the
weights and runs it for all steps, with a barrier between the blocks after each; ``forward_once`` runs one step in a
launch of its own, where the end of the kernel is the barrier. Same code, same order of sums: the same bits.

All state is in memory, at a place of its own for each step, so that a barrier a step is enough: nobody overwrites what
another still reads. Pointers (``D`` the dtype of the layer; time first; contiguous):

==== =================== ============================================================================================
a    ``(T, B, G*H)`` D   the input's part of the pre-activations; overwritten with the gates when ``KEEP``
u    ``(G*H, H)`` D      recurrent weights
e    ``(3H,), (H,)`` D   peepholes i, f, o, or the bias inside ``r (U_n h' + e)``; else unused
h    ``(T+1, B, H)`` D   hidden states; row 0 is the initial one
c    float32             cell states ``(T+1, B, H)``; of a GRU its unrounded hidden state, ``(B, H)``, in place
q    ``(T, B, H)`` D     ``U_n h' + e`` (``gru_after``, when ``KEEP``), ``r h'`` (``gru_before``); else unused
==== =================== ============================================================================================
"""

import triton
import triton.language as tl

from companion.nn.triton_device import arrive, hold_weights, project, sigmoid, tanh, wait


@triton.jit
def rnn_forward(a, u, h, held, t, rows, units, mask, here, counter, target, B, WAIT: tl.constexpr, S: tl.constexpr):
    step = tl.cast(B, tl.int64) * S.H
    x = tl.load(a + t * step + here, mask=mask, other=0.0).to(tl.float32)
    if WAIT:
        wait(counter, target, S)
    uh = project(h + t * step, u, held, rows, units, B, 0, 1, S)
    x = x + uh[0]
    if S.CELL == "rnn_tanh":
        y = tanh(x)
    elif S.CELL == "rnn_relu":
        y = tl.where(x > 0, x, 0.0)
    else:
        y = sigmoid(x)
    tl.store(h + (t + 1) * step + here, y, mask=mask)


@triton.jit
def lstm_forward(
    a, u, e, h, c, held, t, rows, units, mask, here, counter, target, B, WAIT: tl.constexpr, S: tl.constexpr
):
    PEEPS: tl.constexpr = S.CELL == "peephole_new" or S.CELL == "peephole_old"
    FORGETS: tl.constexpr = S.CELL != "lstm_1997"
    step = tl.cast(B, tl.int64) * S.H
    gates = a + t * step * S.G + rows[:, None] * (S.G * S.H) + units[None, :]
    # What only this block touches is read before the wait: it need not wait for the others.
    ai = tl.load(gates, mask=mask, other=0.0).to(tl.float32)
    ag = tl.load(gates + (S.G - 2) * S.H, mask=mask, other=0.0).to(tl.float32)
    ao = tl.load(gates + (S.G - 1) * S.H, mask=mask, other=0.0).to(tl.float32)
    if FORGETS:
        af = tl.load(gates + S.H, mask=mask, other=0.0).to(tl.float32)
    c_old = tl.load(c + t * step + here, mask=mask, other=0.0)
    if PEEPS:
        ei = tl.load(e + units, mask=units < S.H, other=0.0).to(tl.float32)[None, :]
        ef = tl.load(e + S.H + units, mask=units < S.H, other=0.0).to(tl.float32)[None, :]
        eo = tl.load(e + 2 * S.H + units, mask=units < S.H, other=0.0).to(tl.float32)[None, :]
        ai = ai + ei * c_old
        af = af + ef * c_old
        if S.CELL == "peephole_old":
            ao = ao + eo * c_old
    if WAIT:
        wait(counter, target, S)
    uh = project(h + t * step, u, held, rows, units, B, 0, S.G, S)
    i = sigmoid(ai + uh[0])
    g = tanh(ag + uh[S.G - 2])
    if FORGETS:
        f = sigmoid(af + uh[1])
        c_new = f * c_old + i * g
    else:
        c_new = c_old + i * g
    ao = ao + uh[S.G - 1]
    if S.CELL == "peephole_new":
        ao = ao + eo * c_new
    o = sigmoid(ao)
    # The hidden state first: the other blocks wait for it.
    tl.store(h + (t + 1) * step + here, o * tanh(c_new), mask=mask)
    tl.store(c + (t + 1) * step + here, c_new, mask=mask)
    if S.KEEP:
        tl.store(gates, i, mask=mask)
        tl.store(gates + (S.G - 2) * S.H, g, mask=mask)
        tl.store(gates + (S.G - 1) * S.H, o, mask=mask)
        if FORGETS:
            tl.store(gates + S.H, f, mask=mask)


@triton.jit
def gru_after_forward(
    a, u, e, h, c, q, held, t, rows, units, mask, here, counter, target, B, WAIT: tl.constexpr, S: tl.constexpr
):
    step = tl.cast(B, tl.int64) * S.H
    gates = a + t * step * 3 + rows[:, None] * (3 * S.H) + units[None, :]
    ar = tl.load(gates, mask=mask, other=0.0).to(tl.float32)
    az = tl.load(gates + S.H, mask=mask, other=0.0).to(tl.float32)
    an = tl.load(gates + 2 * S.H, mask=mask, other=0.0).to(tl.float32)
    bias = tl.load(e + units, mask=units < S.H, other=0.0).to(tl.float32)[None, :]
    h_old = tl.load(c + here, mask=mask, other=0.0)
    if WAIT:
        wait(counter, target, S)
    uh = project(h + t * step, u, held, rows, units, B, 0, 3, S)
    r = sigmoid(ar + uh[0])
    z = sigmoid(az + uh[1])
    un = uh[2] + bias
    n = tanh(an + r * un)
    h_new = n + z * (h_old - n)
    tl.store(h + (t + 1) * step + here, h_new, mask=mask)
    tl.store(c + here, h_new, mask=mask)
    if S.KEEP:
        tl.store(gates, r, mask=mask)
        tl.store(gates + S.H, z, mask=mask)
        tl.store(gates + 2 * S.H, n, mask=mask)
        tl.store(q + t * step + here, un, mask=mask)


@triton.jit
def gru_before_forward(
    a, u, h, c, q, held, t, rows, units, mask, here, counter, target, B,
    PHASE: tl.constexpr, WAIT: tl.constexpr, S: tl.constexpr,
):  # fmt: skip
    """Two phases and two barriers a step: ``U_n`` multiplies ``r h'``, which the blocks must exchange first."""
    step = tl.cast(B, tl.int64) * S.H
    gates = a + t * step * 3 + rows[:, None] * (3 * S.H) + units[None, :]
    h_old = tl.load(c + here, mask=mask, other=0.0)
    if PHASE == 0:
        ar = tl.load(gates, mask=mask, other=0.0).to(tl.float32)
        az = tl.load(gates + S.H, mask=mask, other=0.0).to(tl.float32)
        if WAIT:
            wait(counter, target, S)
        uh = project(h + t * step, u, held, rows, units, B, 0, 2, S)
        r = sigmoid(ar + uh[0])
        tl.store(q + t * step + here, r * h_old, mask=mask)
        tl.store(gates, r, mask=mask)
        tl.store(gates + S.H, sigmoid(az + uh[1]), mask=mask)
    else:
        z = tl.load(gates + S.H, mask=mask, other=0.0).to(tl.float32)
        an = tl.load(gates + 2 * S.H, mask=mask, other=0.0).to(tl.float32)
        if WAIT:
            wait(counter, target, S)
        uq = project(q + t * step, u, held, rows, units, B, 2, 1, S)
        n = tanh(an + uq[0])
        h_new = n + z * (h_old - n)
        tl.store(h + (t + 1) * step + here, h_new, mask=mask)
        tl.store(c + here, h_new, mask=mask)
        if S.KEEP:
            tl.store(gates + 2 * S.H, n, mask=mask)


@triton.jit
def forward_step(
    a, u, e, h, c, q, held, t, tile, counter, target, B, PHASE: tl.constexpr, WAIT: tl.constexpr, S: tl.constexpr
):
    """One phase of step ``t`` for one batch tile: this block's units, of all its sequences."""
    rows = tile * S.ROWS + tl.arange(0, S.ROWS)
    units = tl.program_id(0) * S.UNITS + tl.arange(0, S.UNITS)
    mask = (rows < B)[:, None] & (units < S.H)[None, :]
    here = rows[:, None] * S.H + units[None, :]
    if S.G == 1:
        rnn_forward(a, u, h, held, t, rows, units, mask, here, counter, target, B, WAIT, S)
    elif S.CELL == "gru_after":
        gru_after_forward(a, u, e, h, c, q, held, t, rows, units, mask, here, counter, target, B, WAIT, S)
    elif S.CELL == "gru_before":
        gru_before_forward(a, u, h, c, q, held, t, rows, units, mask, here, counter, target, B, PHASE, WAIT, S)
    else:
        lstm_forward(a, u, e, h, c, held, t, rows, units, mask, here, counter, target, B, WAIT, S)


@triton.jit(do_not_specialize=["T", "B"])
def forward_persistent(a, u, e, h, c, q, counters, T, B, S: tl.constexpr):
    """All steps in one launch; grid ``(BLOCKS, groups)``. Groups share no sequence and never wait for one another."""
    PHASES: tl.constexpr = 2 if S.CELL == "gru_before" else 1
    group = tl.program_id(1)
    counter = counters + group * 16  # one cache line each
    units = tl.program_id(0) * S.UNITS + tl.arange(0, S.UNITS)
    held = hold_weights(u, units, False, S)
    target = tl.cast(0, tl.int64)
    for t in tl.range(0, T):
        for phase in tl.static_range(PHASES):
            if S.LOOP:
                wait(counter, target, S)
                for tile in tl.range(group, (B + S.ROWS - 1) // S.ROWS, tl.num_programs(1)):
                    forward_step(a, u, e, h, c, q, held, t, tile, counter, target, B, phase, False, S)
            else:
                forward_step(a, u, e, h, c, q, held, t, group, counter, target, B, phase, True, S)
            arrive(counter, S)
            target = target + S.BLOCKS


@triton.jit(do_not_specialize=["t", "B"])
def forward_once(a, u, e, h, c, q, t, B, PHASE: tl.constexpr, S: tl.constexpr):
    """One phase of step ``t`` in a launch of its own; grid ``(BLOCKS, tiles)``."""
    forward_step(a, u, e, h, c, q, (), t, tl.program_id(1), h, 0, B, PHASE, False, S)
