"""The Triton engine: a recurrent layer's scan over time, forward and backward, in one GPU kernel each.

The interface is that of `companion.nn._engines`: plain tensors in and out, no autograd, one layer in one direction. The
kernels are in `companion.nn.triton_forward` and `companion.nn.triton_backward`; here memory is laid out, a plan is
chosen, and what needs no scan is done by one matrix product each: the gradients of the weights.

With ``TRITON_INTERPRET=1`` in the environment the same code runs on the CPU, slowly, block after block. Blocks that run
one after another cannot wait for each other: there a plan with several blocks launches each step by itself. What no
interpreter can try is the barrier; ``tests/gpu`` holds the persistent kernels to the stepwise ones, bit for bit.

float32 follows ``torch.backends.cuda.matmul``: TF32 where the user allowed it for matrix products, else three TF32
products for each float32 one, which keeps about 21 bits.
"""

import importlib.util
import os
from dataclasses import replace
from functools import cache

import torch

from companion.nn.triton_plan import Chip, Plan, plan_scan

GATES = {
    "rnn_tanh": 1,
    "rnn_relu": 1,
    "rnn_sigmoid": 1,
    "lstm": 4,
    "lstm_1997": 3,
    "peephole_new": 4,
    "peephole_old": 4,
    "gru_after": 3,
    "gru_before": 3,
}
CELLS = frozenset(GATES)
DTYPES = (torch.float32, torch.bfloat16, torch.float16)

_refused: set[tuple] = set()  # shapes that needed more shared memory than there is


def why_not(cell: str, device: torch.device, dtype: torch.dtype, hidden_size: int, batch: int) -> str | None:
    """Why the engine cannot run this, in one sentence; ``None`` when it can. Never raises, never imports Triton."""
    device = torch.device(device)
    if cell not in CELLS:
        return f"the Triton engine has no cell {cell!r}"
    if dtype not in DTYPES:
        return f"the Triton engine computes in float32, bfloat16 and float16, not in {dtype}"
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed"
    if device.type == "cpu" and interpreted():
        return None
    if device.type != "cuda":
        return f"the Triton engine needs a CUDA device, the input is on {device.type}"
    if torch.version.hip is not None:
        return "the Triton engine's barrier is written for NVIDIA GPUs"
    if not torch.cuda.is_available():
        return "the Triton engine needs a CUDA device, and torch finds none"
    if torch.cuda.get_device_capability(device) < (8, 0):
        return "the Triton engine needs a GPU of compute capability 8.0 or later"
    width = 2 if dtype.itemsize == 2 else 8
    if not all(plan_scan(GATES[cell], hidden_size, batch, width, back, _chip(device)) for back in (False, True)):
        return f"hidden_size {hidden_size} is too large for the Triton engine on this GPU"
    return None


def forward(cell, a, state, weights, save=True, plan: Plan | None = None):
    """All hidden and cell states, and what `backward` needs; ``a`` is overwritten. See `companion.nn._engines`.

    ``plan`` is for tests and measurements; by default the first of `companion.nn.triton_plan` that fits is taken.
    """
    kernels = _kernels()
    T, B, _ = a.shape
    H = state[0].shape[1]
    h = a.new_empty(T + 1, B, H)
    h[0] = state[0]
    c, q = a, a  # a pointer that the kernel does not follow
    if len(state) == 2:
        c = a.new_empty(T + 1, B, H, dtype=torch.float32)
        c[0] = state[1]
    elif cell.startswith("gru"):
        c = state[0].to(torch.float32, copy=True)
        q = a.new_empty(T, B, H) if save or cell == "gru_before" else a
    e = weights[1] if len(weights) == 2 else a
    if T and B:
        arguments = (a, weights[0], e, h, c, q)
        _run(cell, kernels.forward_persistent, kernels.forward_once, arguments, (), a, T, B, H, save, False, plan)
    saved = ()
    if save:
        saved = (a, h) + ((c,) if len(state) == 2 else ()) + ((q,) if cell.startswith("gru") else ())
    return h[1:], c[1:].to(a.dtype) if len(state) == 2 else None, saved


def backward(cell, saved, state, weights, dh, dc, plan: Plan | None = None):
    """Gradients of the pre-activations, the initial state and the weights. See `companion.nn._engines`."""
    kernels = _kernels()
    a, h = saved[0], saved[1]
    T, B, GH = a.shape
    H = h.shape[2]
    U = weights[0]
    e = weights[1] if len(weights) == 2 else a
    c = saved[2] if len(state) == 2 else a
    q = saved[2] if cell.startswith("gru") else a
    da = a.new_empty(T + 1, B, GH)
    da[T] = 0
    dq = a
    if cell == "gru_after":
        dq = a.new_empty(T + 1, B, H)
        dq[T] = 0
    carry = a.new_zeros(B, H, dtype=torch.float32)
    if T and B:
        arguments = (a, U, e, h, c, q, dh.contiguous(), a if dc is None else dc.contiguous(), da, dq, carry)
        flags = (dc is not None,)
        _run(cell, kernels.backward_persistent, kernels.backward_once, arguments, flags, a, T, B, H, True, True, plan)
    return da[:T], _state_gradient(cell, da, dq, carry, U, state), _weight_gradients(cell, da, dq, h, c, q, U)


def interpreted() -> bool:
    """Whether the environment asks for Triton's interpreter."""
    return os.environ.get("TRITON_INTERPRET") == "1"


def _run(cell, persistent, once, arguments, flags, a, T, B, H, keep, back, plan):
    """Launch the scan by ``plan``, or by the first plan that the chip has the shared memory for."""
    from triton.runtime.errors import OutOfResources

    G = GATES[cell]
    precision = _precision()
    width = a.element_size() if a.element_size() == 2 or precision == "tf32" else 8
    for candidate in [plan] if plan else plan_scan(G, H, B, width, back, _chip(a.device)):
        if interpreted() and candidate.blocks > 1:
            candidate = replace(candidate, stepwise=True)
        shape = _shape(cell, G, H, B, candidate, keep, precision, a)
        if (shape, a.dtype, back, a.device) in _refused:
            continue
        try:
            return _launch(persistent, once, arguments, flags, a, T, B, shape, candidate, back)
        except OutOfResources:
            if plan:
                raise
            _refused.add((shape, a.dtype, back, a.device))
    raise RuntimeError(f"no plan of the Triton engine fits this GPU: {cell}, hidden_size {H}, {a.dtype}")


def _launch(persistent, once, arguments, flags, a, T, B, shape, plan, back):
    # One block has a multiprocessor to itself: no reason for the compiler to save registers, which it does by reading
    # the exchanged state in two rounds.
    # No pipelining of loops: Triton would load the next step's state ahead of the barrier, before it is there.
    # No multiplication fused with an addition: which of two products to fuse is the compiler's choice, and the
    # persistent and the stepwise kernel must not differ.
    options = {"num_warps": plan.warps, "maxnreg": 240, "num_stages": 1, "enable_fp_fusion": False}
    with torch.cuda.device_of(a):
        if plan.stepwise:
            grid = (plan.blocks, plan.tiles(B))
            for t in reversed(range(T)) if back else range(T):
                for phase in range(2 if shape.CELL == "gru_before" else 1):
                    once[grid](*arguments, t, B, *flags, phase, shape, **options)
            return
        # Cooperative: the driver starts all blocks at once or refuses; none ever waits for one that has no room.
        counters = a.new_zeros(plan.groups * 16, dtype=torch.int64)
        grid = (plan.blocks, plan.groups)
        persistent[grid](*arguments, counters, T, B, *flags, shape, launch_cooperative_grid=plan.blocks > 1, **options)


def _shape(cell, G, H, B, plan, keep, precision, a):
    from companion.nn.triton_device import Shape

    return Shape(
        CELL=cell,
        H=H,
        G=G,
        UNITS=plan.units,
        ROWS=plan.rows,
        SPLIT=plan.split,
        CHUNK=plan.chunk,
        BLOCKS=plan.blocks,
        HELD=plan.held and not plan.stepwise,
        LOOP=not plan.stepwise and plan.tiles(B) > plan.groups,
        KEEP=keep,
        PRECISION=precision,
        UPCAST=interpreted() and a.dtype == torch.bfloat16,
    )


def _state_gradient(cell, da, dq, carry, U, state):
    """Back through the first step's U into the initial state: one small product, in float32."""
    H = U.shape[1]
    first = da[0].float()
    if cell == "gru_after":
        first = torch.cat([first[:, : 2 * H], dq[0].float()], dim=1)
    if cell == "gru_before":
        first, U = first[:, : 2 * H], U[: 2 * H]
    dh0 = first @ U.float()
    if len(state) == 2:
        return dh0.to(da.dtype), carry.to(da.dtype)
    return ((dh0 + carry).to(da.dtype),)


def _weight_gradients(cell, da, dq, h, c, q, U):
    """What all steps add up to, as products over time and batch."""
    H = U.shape[1]
    d, h_old = da[:-1].flatten(0, 1), h[:-1].flatten(0, 1)
    if cell == "gru_after":
        dn = dq[:-1].flatten(0, 1)
        return torch.cat([d[:, : 2 * H].T @ h_old, dn.T @ h_old]), dn.sum(0, dtype=torch.float32).to(da.dtype)
    if cell == "gru_before":
        return (torch.cat([d[:, : 2 * H].T @ h_old, d[:, 2 * H :].T @ q.flatten(0, 1)]),)
    dU = d.T @ h_old
    if not cell.startswith("peephole"):
        return (dU,)
    c_old, c_new = c[:-1].flatten(0, 1), c[1:].flatten(0, 1)
    read = (c_old, c_old, c_new if cell == "peephole_new" else c_old)
    gates = (d[:, :H], d[:, H : 2 * H], d[:, 3 * H :])
    return dU, torch.cat([(gate * cell_state).sum(0) for gate, cell_state in zip(gates, read, strict=True)]).to(
        da.dtype
    )


def _precision() -> str:
    """How float32 products are made: as torch's own matrix products on this GPU are."""
    return "tf32x3" if torch.backends.cuda.matmul.fp32_precision in ("none", "ieee") else "tf32"


@cache
def _chip(device: torch.device) -> Chip:
    if device.type != "cuda":
        return Chip()
    found = torch.cuda.get_device_properties(device)
    return Chip(found.multi_processor_count, getattr(found, "shared_memory_per_block_optin", Chip.shared))


@cache
def _kernels():
    """The kernels, imported late: `companion.nn` must load where Triton is absent."""
    from types import SimpleNamespace

    from companion.nn import triton_backward, triton_forward

    return SimpleNamespace(
        forward_persistent=triton_forward.forward_persistent,
        forward_once=triton_forward.forward_once,
        backward_persistent=triton_backward.backward_persistent,
        backward_once=triton_backward.backward_once,
    )
