"""The GPU benchmark, tried without a GPU: tiny sizes go through the same functions, and the file it writes is whole."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    environment.pop("TRITON_INTERPRET", None)
    command = [sys.executable, "-m", "benchmarks", "gpu", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=ROOT)


def test_a_dry_run_goes_through_every_contender_and_writes_its_file(tmp_path):
    pytest.importorskip("triton", reason="Triton is not installed (it exists for Linux)")
    path = tmp_path / "gpu.json"
    done = run("--dry-run", "--only", "main", "--cells", "lstm", "gru_before", "--modes", "bf16", "--json", str(path))
    assert done.returncode == 0, done.stderr[-4000:]
    evidence = json.loads(path.read_text())
    assert evidence["config"]["dry_run"]
    assert set(evidence["versions"]) >= {"python", "torch", "triton"}
    rows = {(row["cell"], row["by"], row["pass"]): row for row in evidence["results"]}
    for by in ("torch.nn", "cudnn", "triton", "fused", "eager"):
        for which in ("forward", "forward+backward"):
            assert rows["lstm", by, which]["ms"] > 0
            assert rows["lstm", by, which]["fraction_of_bound"] > 0
    assert ("gru_before", "torch.nn", "forward") not in rows
    assert rows["gru_before", "triton", "forward"]["error"] < 2e-2
    assert evidence["summary"]["unavailable"]["torch.nn"] == {"torch.nn does not have this cell": 1}
    assert {round(target["bound"], 4) for target in evidence["summary"]["targets"]} == {1.05, 0.0333}


def test_the_sweep_tries_more_than_the_plan_that_is_taken():
    pytest.importorskip("triton", reason="Triton is not installed (it exists for Linux)")
    done = run("--dry-run", "--sweep", "--cells", "rnn_tanh")
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.count("<- taken") == 2
    assert done.stdout.count("forward") > 1


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so():
    done = run()
    assert done.returncode != 0
    assert "needs a CUDA device" in done.stderr


def test_a_floor_is_the_slower_of_arithmetic_and_memory_and_the_barriers():
    sys.path.insert(0, str(ROOT))
    from benchmarks.gpu_clock import Ceilings
    from benchmarks.gpu_contenders import Work

    ceilings = Ceilings(bandwidth=1e12, rate={"bf16": 1e15}, barrier={2: 1e-6, 64: 2e-6})
    assert ceilings.seconds("bf16", 2e12, 1e9, barriers=0, blocks=1) == 2e-3
    assert ceilings.seconds("bf16", 1e12, 4e9, barriers=0, blocks=1) == 4e-3
    assert ceilings.seconds("bf16", 2e12, 1e9, barriers=100, blocks=96) == pytest.approx(2.2e-3)
    assert ceilings.seconds("bf16", 2e12, 1e9, barriers=100, blocks=8) == pytest.approx(2.1e-3)
    work = Work("lstm", "bf16", T=3, B=2, H=5)
    assert work.operations == 3 * 2 * (2 * 4 * 5 * (5 + 5))
    assert work.bytes_moved == 2 * (4 * 5 * 5 + 4 * 5 * 5 + 3 * 2 * 5 + 3 * 2 * 5)
