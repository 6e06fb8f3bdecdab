"""The Triton kernels, compiled for a Hopper GPU without one at hand: they fit the chip, and wait where they must.

One test a case: compiling takes most of the time, and tests may run in several processes.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from companion.nn.triton_plan import Chip

ROOT = Path(__file__).resolve().parents[2]


def compiled(case, folder):
    """What the compiler made of the two persistent kernels. Of several plans tried the last one is the one that ran."""
    environment = os.environ | {"TRITON_CACHE_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    environment.pop("TRITON_INTERPRET", None)
    script = Path(__file__).with_name("triton_compile.py")
    run = subprocess.run([sys.executable, script, case], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert run.returncode == 0, run.stderr[-4000:]
    found = {kernel["kernel"]: kernel for kernel in map(json.loads, run.stdout.splitlines())}
    return found["forward_persistent"], found["backward_persistent"]


@pytest.mark.parametrize(
    ("case", "barriers"),
    [
        ("peephole_new,768,16,bfloat16", 1),
        ("gru_before,1024,16,bfloat16", 2),
        ("gru_after,192,40,float16", 1),
        ("lstm,64,5,float32", 0),  # one block holds it all
    ],
)
def test_the_kernels_fit_the_chip_and_keep_their_order_around_the_barrier(case, barriers, tmp_path):
    pytest.importorskip("triton", reason="Triton is not installed (it exists for Linux)")
    for kernel in compiled(case, tmp_path):
        assert_it_fits(kernel)
        assert kernel["products"] > 0, "the products run on the tensor cores"
        assert len(kernel["waits"]) == len(kernel["arrivals"]) == barriers
        assert kernel["cooperative"] == (barriers > 0), "blocks that wait for one another are launched together"
        assert_order(kernel)


def assert_it_fits(kernel):
    assert kernel["shared"] <= Chip.shared
    assert kernel["registers"] <= 240
    assert kernel["stack"] == 0, "registers are spilled to memory"


def assert_order(kernel):
    """In program order: wait, meet, read what is exchanged, store, meet, announce; and nothing outside of this."""
    phases = list(zip(kernel["waits"], kernel["arrivals"], strict=True))
    for wait, arrival in phases:
        reads = [line for line in kernel["exchanged loads"] if wait < line < arrival]
        stores = [line for line in kernel["stores"] if wait < line < arrival]
        assert any(wait < line < reads[0] for line in kernel["meetings"])
        assert reads[-1] < stores[-1]
        assert any(stores[-1] < line < arrival for line in kernel["meetings"])
    for line in kernel["exchanged loads"] + kernel["stores"] if phases else []:
        assert any(wait < line < arrival for wait, arrival in phases)
