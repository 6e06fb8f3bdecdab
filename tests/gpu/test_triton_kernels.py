"""The persistent kernels on the GPU: the barrier between blocks, the same bits each time, and what a batch changes.

A missing or weak barrier shows as numbers that change from run to run, or that differ from one launch a step, where the
end of each kernel is the barrier. So equality here is of bits, over many steps and all blocks that the chip can hold.
"""

from contextlib import suppress
from dataclasses import replace

import pytest
import torch

from companion.nn import triton_scan
from companion.nn.triton_plan import plan_scan

from .conftest import LAYERS, error

CELLS = list(LAYERS)
BLOCKY = [(300, 16, 512), (200, 64, 1024), (150, 300, 256), (100, 7, 328)]  # T, B, H with several blocks a group


def make_case(cell, T, B, H, dtype, device, seed=0):
    generator = torch.Generator(device).manual_seed(seed)

    def normal(*shape, scale=1.0):
        return (scale * torch.randn(*shape, generator=generator, device=device)).to(dtype)

    G = triton_scan.GATES[cell]
    states = 2 if "lstm" in cell or "peephole" in cell else 1
    e = {"peephole": 3 * H, "gru_afte": H}.get(cell[:8])
    weights = (normal(G * H, H, scale=H**-0.5), *([normal(e, scale=0.5)] if e else []))
    return (normal(T, B, G * H), tuple(normal(B, H) for _ in range(states)), weights), [
        normal(T, B, H) for _ in range(states)
    ]


def scan(cell, case, upstream, plans=(None, None)):
    """All that forward and backward return; the kernel may overwrite its input, so it gets a copy."""
    a, state, weights = case
    h, c, saved = triton_scan.forward(cell, a.clone(), state, weights, True, plans[0])
    dc = upstream[1] if len(upstream) == 2 else None
    da, dstate, dweights = triton_scan.backward(cell, saved, state, weights, upstream[0], dc, plans[1])
    return [h, *([] if c is None else [c]), da, *dstate, *dweights]


def assert_same_bits(first, second):
    for x, y in zip(first, second, strict=True):
        assert torch.isfinite(x).all()
        assert torch.equal(x, y)


def plan_that_fits(cell, case, upstream):
    """The plans that the engine takes, and the results: an estimate of shared memory may be off, then the next plan."""
    from triton.runtime.errors import OutOfResources

    a, (h0, *_), _ = case
    width = 2 if a.dtype.itemsize == 2 else 8
    G, (B, H), chip = triton_scan.GATES[cell], h0.shape, triton_scan._chip(a.device)
    for forward in plan_scan(G, H, B, width, False, chip):
        for backward in plan_scan(G, H, B, width, True, chip):
            with suppress(OutOfResources):
                return (forward, backward), scan(cell, case, upstream, (forward, backward))
    raise AssertionError("no plan fits")


@pytest.mark.parametrize(
    ("cell", "dtype"),
    [(cell, torch.bfloat16) for cell in CELLS] + [("peephole_new", torch.float32), ("gru_before", torch.float32)],
)
def test_the_barrier_gives_the_bits_of_one_launch_a_step(cuda, cell, dtype):
    """The stepwise kernels read the weights again at each step and take the same sums in the same order."""
    for T, B, H in BLOCKY:
        case, upstream = make_case(cell, T, B, H, dtype, cuda)
        plans, results = plan_that_fits(cell, case, upstream)
        assert plans[0].blocks > 1
        stepwise = [replace(plan, stepwise=True) for plan in plans]
        assert_same_bits(results, scan(cell, case, upstream, stepwise))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=["fp16", "bf16", "fp32"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_same_inputs_give_the_same_bits_twenty_times(cuda, cell, dtype):
    case, upstream = make_case(cell, 256, 16, 768, dtype, cuda)
    first = scan(cell, case, upstream)
    for _ in range(20):
        assert_same_bits(scan(cell, case, upstream), first)


@pytest.mark.parametrize("cell", ["peephole_new", "gru_before"])
def test_every_number_is_written(cuda, cell, monkeypatch):
    """Poisoned memory: what a kernel leaves out would be NaN."""
    empty = torch.Tensor.new_empty
    monkeypatch.setattr(torch.Tensor, "new_empty", lambda *args, **kw: empty(*args, **kw).fill_(float("nan")))
    case, upstream = make_case(cell, 20, 37, 328, torch.float32, cuda)
    for t in scan(cell, case, upstream):
        assert torch.isfinite(t).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32], ids=["bf16", "fp32"])
@pytest.mark.parametrize("cell", ["lstm", "peephole_new", "gru_before"])
def test_a_sequence_hardly_depends_on_the_batch_around_it(cuda, cell, dtype, record_property):
    """With one plan a sequence has the same bits in any batch; with the plan of each batch's size, nearly."""
    H = 512
    case, upstream = make_case(cell, 128, 64, H, dtype, cuda)
    a, state, weights = case
    few = a[:, :5].contiguous(), tuple(s[:5].contiguous() for s in state), weights
    (one_plan, _), _ = plan_that_fits(cell, case, upstream)
    many_h = triton_scan.forward(cell, a.clone(), state, weights, False, one_plan)[0][:, :5]
    few_h = triton_scan.forward(cell, few[0].clone(), *few[1:], False, one_plan)[0]
    assert torch.equal(few_h, many_h)
    own_plan = triton_scan.forward(cell, few[0].clone(), *few[1:], False)[0]
    record_property("batch invariance error", found := error(own_plan, many_h))
    assert found < (1e-2 if dtype == torch.bfloat16 else 1e-5)


def test_two_streams_at_once_do_not_lock_each_other(cuda):
    """Two scans that each want most of the chip: a cooperative launch starts whole or waits."""
    cases = [make_case("peephole_new", 200, 16, 1024, torch.bfloat16, cuda, seed) for seed in range(2)]
    alone = [scan("peephole_new", *case) for case in cases]
    streams = [torch.cuda.Stream() for _ in cases]
    together = []
    torch.cuda.synchronize()
    for case, stream in zip(cases, streams, strict=True):
        with torch.cuda.stream(stream):
            together.append(scan("peephole_new", *case))
    torch.cuda.synchronize()
    for x, y in zip(alone, together, strict=True):
        assert_same_bits(x, y)


def test_a_scan_can_be_captured_in_a_graph(cuda):
    (a, state, weights), _ = make_case("lstm", 64, 16, 512, torch.bfloat16, cuda)
    expected = triton_scan.forward("lstm", a.clone(), state, weights, False)[0]
    work = a.clone()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        h = triton_scan.forward("lstm", work, state, weights, False)[0]
    for _ in range(3):
        work.copy_(a)
        graph.replay()
        torch.cuda.synchronize()
        assert torch.equal(h, expected)
