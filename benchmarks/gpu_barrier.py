"""The barrier of the persistent kernels and nothing else: what a step costs before it computes anything."""

import triton
import triton.language as tl

from companion.nn.triton_device import arrive, wait


@triton.jit(do_not_specialize=["T"])
def meet(counter, T, S: tl.constexpr):
    target = tl.cast(0, tl.int64)
    for _ in tl.range(0, T):
        wait(counter, target, S)
        arrive(counter, S)
        target = target + S.BLOCKS
