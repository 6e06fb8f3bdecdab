"""Time on a GPU, and what the GPU could do at best: the two ceilings and the barrier, measured in the same run."""

import time
from dataclasses import asdict, dataclass
from statistics import median

import torch

MATMUL = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def milliseconds(calls, device, least=10, budget=0.4):
    """Median time of one call: warm, by CUDA events (on a CPU by the clock), the calls in turn."""
    for call in calls[:2]:
        call()
    if device.type != "cuda":
        return median(_by_clock(call) for call in calls) * 1e3
    torch.cuda.synchronize()
    times, began = [], time.perf_counter()
    while len(times) < least or (time.perf_counter() - began < budget and len(times) < 100):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        calls[len(times) % len(calls)]()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
        if len(times) >= 3 and time.perf_counter() - began > 5:  # the eager loop at full size
            break
    return median(times)


def _by_clock(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


@dataclass(frozen=True)
class Ceilings:
    """The best that this device did: bytes copied a second, operations a second by mode, seconds a barrier takes."""

    bandwidth: float
    rate: dict[str, float]
    barrier: dict[int, float]  # by number of blocks

    def seconds(self, mode, operations, bytes_moved, barriers, blocks):
        """The floor under a layer's time: arithmetic or memory, whichever is slower, and the barriers it cannot skip.

        A number of blocks that was not measured takes the time of the next smaller one: a floor may be too low.
        """
        known = [n for n in self.barrier if n <= blocks]
        meeting = self.barrier[max(known)] if blocks > 1 and known else 0.0
        return max(operations / self.rate[mode], bytes_moved / self.bandwidth) + barriers * meeting

    def as_dict(self):
        return asdict(self)


def measure_ceilings(device, dry=False):
    from .gpu_contenders import counted_as

    n, size = (64, 1 << 12) if dry else (8192, 1 << 30)
    source = torch.rand(size, device=device)
    target = torch.empty_like(source)
    bandwidth = 2 * source.nbytes / (1e-3 * milliseconds([lambda: target.copy_(source)], device))
    rate = {}
    for mode, dtype in MATMUL.items():
        a, b = (torch.randn(n, n, device=device).to(dtype) for _ in range(2))
        with counted_as(mode):
            rate[mode] = 2 * n**3 / (1e-3 * milliseconds([lambda a=a, b=b: a @ b], device))
    return Ceilings(
        bandwidth, rate, {} if dry else {blocks: _barrier(blocks, device) for blocks in (2, 8, 32, 64, 96, 128)}
    )


def _barrier(blocks, device):
    from companion.nn.triton_device import Shape

    from .gpu_barrier import meet

    if blocks > torch.cuda.get_device_properties(device).multi_processor_count:
        blocks = torch.cuda.get_device_properties(device).multi_processor_count
    T = 10_000
    shape = Shape("rnn_tanh", 16, 1, 16, 16, 1, 16, blocks, False, False, False, "tf32", False)

    def call():
        counter = torch.zeros(1, dtype=torch.int64, device=device)
        meet[(blocks,)](counter, T, shape, num_warps=4, launch_cooperative_grid=True)

    return 1e-3 * milliseconds([call], device) / T
