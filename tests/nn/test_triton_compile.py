"""The Triton kernels, compiled for a Hopper GPU without one at hand: they fit the chip, and wait where they must."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from companion.nn.triton_plan import Chip

ROOT = Path(__file__).resolve().parents[2]
CASES = ["peephole_new,768,16,bfloat16", "gru_before,1024,16,bfloat16", "gru_after,192,40,float16", "lstm,64,5,float32"]


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    pytest.importorskip("triton", reason="Triton is not installed (it exists for Linux)")
    environment = os.environ | {"TRITON_CACHE_DIR": str(tmp_path_factory.mktemp("triton")), "PYTHONPATH": str(ROOT)}
    environment.pop("TRITON_INTERPRET", None)
    script = Path(__file__).with_name("triton_compile.py")
    run = subprocess.run([sys.executable, script, *CASES], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert run.returncode == 0, run.stderr[-4000:]
    found = [json.loads(line) for line in run.stdout.splitlines()]
    return {(k["case"], k["kernel"]): k for k in found}  # of the plans tried, the last one


@pytest.fixture(params=CASES)
def pair(kernels, request):
    return [kernels[request.param, name] for name in ("forward_persistent", "backward_persistent")]


def test_the_kernels_fit_shared_memory_and_registers(pair):
    for kernel in pair:
        assert kernel["shared"] <= Chip.shared
        assert kernel["registers"] <= 240
        assert kernel["stack"] == 0, "registers are spilled to memory"


def test_the_products_run_on_the_tensor_cores(pair):
    for kernel in pair:
        assert kernel["products"] > 0


def test_blocks_that_wait_for_one_another_are_launched_together(pair):
    for kernel in pair:
        assert kernel["cooperative"] == bool(kernel["waits"])
        assert len(kernel["waits"]) == len(kernel["arrivals"])


def test_what_others_wrote_is_read_after_the_wait_and_announced_after_the_stores(pair):
    """In program order: wait, meet, read what is exchanged, store, meet, announce; and nothing outside of this."""
    for kernel in pair:
        phases = list(zip(kernel["waits"], kernel["arrivals"], strict=True))
        for wait, arrival in phases:
            reads = [line for line in kernel["exchanged loads"] if wait < line < arrival]
            stores = [line for line in kernel["stores"] if wait < line < arrival]
            assert any(wait < line < reads[0] for line in kernel["meetings"])
            assert reads[-1] < stores[-1]
            assert any(stores[-1] < line < arrival for line in kernel["meetings"])
        for line in kernel["exchanged loads"] + kernel["stores"] if phases else []:
            assert any(wait < line < arrival for wait, arrival in phases)
