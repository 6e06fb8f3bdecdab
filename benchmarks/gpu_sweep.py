"""Other plans for the Triton kernels: more or fewer units a block, tiles, warps; each pass by itself.

`companion.nn.triton_plan` chooses by reasoning; this measures what it might have chosen.
"""

from dataclasses import replace
from itertools import islice, product

import torch

from companion.nn import triton_scan
from companion.nn.triton_plan import Plan, plan_scan

from .gpu_clock import milliseconds
from .gpu_contenders import DTYPE, GATES


def sweep(work, cells, device, most=None):
    """Print the time of a step for each plan, the one that the engine takes first; ``most``: of the others."""
    from triton.runtime.errors import OutOfResources

    for cell, back in product(cells, (False, True)):
        case = _case(replace(work, cell=cell), device)
        width = 2 if DTYPE[work.mode].itemsize == 2 else 8
        taken = plan_scan(GATES[cell], work.H, work.B, width, back, triton_scan._chip(device))[0]
        for plan in [taken, *islice((plan for plan in _others(work, device) if plan != taken), most)]:
            try:
                call = _call(cell, case, plan, back)
                us = 1e3 * milliseconds([call], device) / work.T
            except OutOfResources:
                us = None
            mark = "<- taken" if plan == taken else ""
            print(f"{cell:<13}{'backward' if back else 'forward':<9}{_words(plan):<70}", end="")
            print(f"{'too large' if us is None else f'{us:9.2f} us/step'} {mark}", flush=True)
    return 0


def _others(work, device):
    processors = triton_scan._chip(device).processors
    for units, rows, split, chunk, held in product((8, 16, 32), (16, 32), (4, 8), (16, 32, 64), (True, False)):
        blocks = -(-work.H // units)
        tiles = -(-work.B // rows)
        if blocks <= processors and split * chunk <= max(work.H, 64):
            groups = min(tiles, processors // blocks)
            yield Plan(units, rows, split, chunk, split, blocks, groups, held)


def _case(work, device):
    G, H, dtype = GATES[work.cell], work.H, DTYPE[work.mode]
    generator = torch.Generator(device).manual_seed(0)

    def normal(*shape, scale=1.0):
        return (scale * torch.randn(*shape, generator=generator, device=device)).to(dtype)

    states = 2 if "lstm" in work.cell or "peephole" in work.cell else 1
    e = {"peephole": 3 * H, "gru_afte": H}.get(work.cell[:8])
    weights = (normal(G * H, H, scale=H**-0.5), *([normal(e)] if e else []))
    return normal(work.T, work.B, G * H), tuple(normal(work.B, H) for _ in range(states)), weights


def _call(cell, case, plan, back):
    """One pass; the forward kernel overwrites its input with the gates, which does not change its time."""
    a, state, weights = case
    if not back:
        return lambda: triton_scan.forward(cell, a, state, weights, True, plan)
    h, _, saved = triton_scan.forward(cell, a.clone(), state, weights, True)
    dh = torch.randn_like(h)
    return lambda: triton_scan.backward(cell, saved, state, weights, dh, None, plan)


def _words(plan):
    return (
        f"units {plan.units:>2} rows {plan.rows} split {plan.split} chunk {plan.chunk:>2} "
        f"blocks {plan.blocks:>3} groups {plan.groups} {'held' if plan.held else 'read again'}"
    )
