"""Compile the Triton kernels for a Hopper GPU that is not there, and say what the compiler made of them.

Triton carries the whole tool chain down to machine code; only the driver is missing. A stand-in for it takes the
launches, so that plans, shapes and options are those of a real call. Run by test_triton_compile.py in a process of its
own, because the kernels of a process are either compiled or interpreted; or by hand:

    python tests/nn/triton_compile.py peephole_new,768,16,bfloat16 gru_before,1024,16,float32

One line of JSON for each kernel tried, the last of a kind being the one that would run.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler.compiler import CompiledKernel
from triton.runtime import driver

from companion.nn import triton_scan
from companion.nn.triton_plan import Chip

TOOL = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"


class Driver:
    """As much of Triton's driver as compiling asks for, and a launch that does nothing."""

    utils = SimpleNamespace(
        load_binary=lambda *_: (0, 0, 0, 0, 1024),
        get_device_properties=lambda _: {"max_shared_mem": Chip.shared},
    )
    launcher_cls = staticmethod(lambda source, metadata: lambda *arguments, **options: None)

    def get_current_target(self):
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return 0


def facts(kernel):
    """What the machine code needs, and how the barrier stands to what it guards."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        usage = subprocess.run([TOOL, "--dump-resource-usage", file.name], capture_output=True, text=True, check=True)
    numbers = {name: int(n) for name, n in re.findall(r"(REG|STACK):(\d+)", usage.stdout)}
    lines = kernel.asm["ptx"].splitlines()

    def where(pattern):
        return [n for n, line in enumerate(lines) if re.search(pattern, line)]

    return {
        "kernel": kernel.metadata.name,
        "shared": kernel.metadata.shared,
        "registers": numbers["REG"],
        "stack": numbers["STACK"],
        "cooperative": kernel.metadata.launch_cooperative_grid,
        "products": len(where(r"\bmma\.sync|\bwgmma")),
        "exchanged loads": where(r"ld\.global\.cg"),
        "waits": where(r"ld\.acquire\.gpu"),
        "arrivals": where(r"red\.release\.gpu"),
        "meetings": where(r"bar\.sync|barrier\.sync"),
        "stores": where(r"st\.global"),
    }


def main(cases):
    driver.set_active(Driver())
    made = []
    build = CompiledKernel.__init__

    def remember(self, *arguments, **options):
        build(self, *arguments, **options)
        made.append(self)

    CompiledKernel.__init__ = remember
    for case in cases:
        cell, H, B, dtype = case.split(",")
        H, B, dtype = int(H), int(B), getattr(torch, dtype)
        G = triton_scan.GATES[cell]
        state = [torch.zeros(B, H, dtype=dtype)] * (2 if "lstm" in cell or "peephole" in cell else 1)
        e = {"peephole": [torch.zeros(3 * H, dtype=dtype)], "gru_afte": [torch.zeros(H, dtype=dtype)]}.get(cell[:8], [])
        weights = [torch.zeros(G * H, H, dtype=dtype), *e]
        h, c, saved = triton_scan.forward(cell, torch.zeros(2, B, G * H, dtype=dtype), state, weights)
        triton_scan.backward(cell, saved, state, weights, h, c)
        for kernel in made:
            print(json.dumps({"case": case, **facts(kernel)}), flush=True)
        made.clear()


if __name__ == "__main__":
    main(sys.argv[1:])
