"""Recurrent layers on a GPU: time per step beside torch.nn (cuDNN), the eager loop and FlashRNN, and beside the bound.

    python -m benchmarks gpu --json book/evidence/gpu.json    # about five minutes on an H200
    python -m benchmarks gpu --only main --cells peephole_new # a part of it
    python -m benchmarks gpu --sweep                          # other plans for the Triton kernels, at the main size
    python -m benchmarks gpu --dry-run                        # tiny sizes on the CPU: the numbers say nothing

Every time is the median of warm runs by CUDA events, input product included, several inputs in turn. What is compared
is measured in one run. The bound is measured too: see `benchmarks.gpu_clock.Ceilings`.
"""

import argparse
import os
import time
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path

import torch

from .gpu_clock import measure_ceilings, milliseconds
from .gpu_contenders import CONTENDERS, DTYPE, GATES, LAYERS, Unavailable, Work, counted_as, distance, passes

MODES = tuple(DTYPE)
MAIN = Work("peephole_new", "bf16", T=1024, B=16, H=768)
GRID_CELLS = ("lstm", "gru_after", "peephole_new", "gru_before")
HIDDEN, BATCH, GRID_STEPS = (64, 128, 256, 512, 768, 1024), (1, 16, 64, 256), 256


def main(arguments=None):
    chosen = _parser().parse_args(arguments)
    device = _device(chosen.dry_run)
    began = time.perf_counter()
    if chosen.sweep:
        from .gpu_sweep import sweep

        return sweep(_tiny(MAIN) if chosen.dry_run else MAIN, chosen.cells, device, most=2 if chosen.dry_run else None)
    ceilings = measure_ceilings(device, chosen.dry_run)
    works = _works(chosen)
    if not chosen.dry_run:
        _compile_side_by_side(works)
    results, reasons = [], {}
    print(HEADER)
    for work, names in works:
        rows = _measure(work, names, device, ceilings, reasons)
        for row in rows:
            print(_line(row), flush=True)
        results += rows
    summary = {"targets": judge(results), "unavailable": reasons, "ceilings": ceilings.as_dict()}
    for target in [] if chosen.dry_run else summary["targets"]:
        print(
            f"{'met ' if target['met'] else 'NOT '} {target['what']}: {target['value']:.2f} (bound {target['bound']})"
        )
    if chosen.json:
        _save(chosen, results, summary, device, time.perf_counter() - began)
    return 0


def _parser():
    parser = argparse.ArgumentParser(prog="python -m benchmarks gpu", description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, help="where to write what was measured")
    parser.add_argument("--only", choices=["main", "grid"], help="the main size, or the grid of sizes")
    parser.add_argument("--cells", nargs="+", choices=list(LAYERS), default=list(LAYERS))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--sweep", action="store_true", help="try other plans for the Triton kernels")
    parser.add_argument("--dry-run", action="store_true", help="tiny sizes on the CPU, through the interpreter")
    return parser


def _device(dry):
    if dry:
        os.environ["TRITON_INTERPRET"] = "1"
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise SystemExit("the GPU benchmark needs a CUDA device, and torch finds none (--dry-run tries its code)")
    return torch.device("cuda", torch.cuda.current_device())


def _tiny(work):
    return replace(work, T=3, B=min(work.B, 3), H=8 if work.H < 512 else 20)


def _works(chosen):
    """What to measure, and who takes part: the slow loops at the main size only."""
    works = []
    if chosen.only != "grid":
        for cell, mode in product(LAYERS, MODES):
            works.append((replace(MAIN, cell=cell, mode=mode), list(CONTENDERS)))
    if chosen.only != "main":
        for cell, H, B, mode in product(GRID_CELLS, HIDDEN, BATCH, MODES):
            works.append((Work(cell, mode, GRID_STEPS, B, H), ["torch.nn", "cudnn", "triton"]))
    works = [(work, names) for work, names in works if work.cell in chosen.cells and work.mode in chosen.modes]
    if chosen.dry_run:
        works = [(_tiny(work), names) for work, names in works]
        works = [
            (work, max((n for w, n in works if w == work), key=len)) for work in dict.fromkeys(w for w, _ in works)
        ]
    return works


def _compile_side_by_side(works):
    """Fill Triton's cache from many processes: compiling takes longer than measuring. Failures show again below."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    shapes = list(dict.fromkeys(replace(work, T=2) for work, _ in works))
    workers = min(12, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for future in [pool.submit(_compile, work) for work in shapes]:
            problem = future.exception()
            if problem is not None:
                print(f"compiling: {problem!r}"[:200])


def _compile(work):
    device = torch.device("cuda", 0)
    with counted_as(work.mode):
        layer, parameters = CONTENDERS["triton"](work, device)
        for calls in passes(work, layer, parameters, device, copies=1).values():
            calls[0]()
    torch.cuda.synchronize()


def _measure(work, names, device, ceilings, reasons):
    rows = []
    for name in names:
        with counted_as(work.mode):
            try:
                layer, parameters = CONTENDERS[name](work, device)
            except Unavailable as reason:
                reasons.setdefault(name, {}).setdefault(str(reason), 0)
                reasons[name][str(reason)] += 1
                continue
            error = distance(work, layer, device) if name == "triton" else None
            for which, calls in passes(work, layer, parameters, device).items():
                taken = milliseconds(calls, device)
                floor = 1e3 * _floor(work, which, ceilings, device)
                rows.append(
                    {
                        **asdict(work),
                        "pass": which,
                        "by": name,
                        "ms": taken,
                        "us_per_step": 1e3 * taken / work.T,
                        "bound_ms": floor,
                        "fraction_of_bound": floor / taken,
                        **({"error": error} if error is not None else {}),
                    }
                )
    _compare(rows)
    return rows


def _floor(work, which, ceilings, device):
    """Seconds: the backward pass does twice the forward pass's products, and waits as often."""
    from companion.nn.triton_plan import plan_scan
    from companion.nn.triton_scan import _chip

    times, rounds = (1, 1) if which == "forward" else (3, 2)
    width = 2 if DTYPE[work.mode].itemsize == 2 else 8
    plans = plan_scan(GATES[work.cell], work.H, work.B, width, False, _chip(device))
    barriers = rounds * work.T * (2 if work.cell == "gru_before" else 1)
    blocks = plans[0].blocks if plans else 1
    return ceilings.seconds(work.mode, times * work.operations, times * work.bytes_moved, barriers, blocks)


def _compare(rows):
    """The time of torch.nn's layer and of the eager loop, for the same work, over each row's: above 1 is faster."""
    for row in rows:
        for name in ("torch.nn", "eager"):
            for other in rows:
                if other["by"] == name and other["pass"] == row["pass"]:
                    row[f"{name} / this"] = other["ms"] / row["ms"]


HEADER = (
    f"{'cell':<13}{'mode':<5}{'T':>5}{'B':>4}{'H':>5} {'pass':<17}{'by':<9}"
    f"{'ms':>9}{'us/step':>9}{'of bound':>9}{'nn/this':>8}{'error':>9}"
)


def _line(row):
    error, ratio = row.get("error"), row.get("torch.nn / this")
    return (
        f"{row['cell']:<13}{row['mode']:<5}{row['T']:>5}{row['B']:>4}{row['H']:>5} {row['pass']:<17}{row['by']:<9}"
        f"{row['ms']:>9.3f}{row['us_per_step']:>9.2f}{row['fraction_of_bound']:>9.3f}"
        f"{'' if ratio is None else f'{ratio:.2f}':>8}{'' if error is None else f'{error:.0e}':>9}"
    )


def judge(results):
    """The aims for the main size, one by one: what was to be at most what, what came out, and whether it holds."""
    both = {(r["cell"], r["mode"], r["by"]): r["ms"] for r in results if r["pass"] == "forward+backward" and _main(r)}
    targets = []

    def at_most(what, a, b, bound):
        if a in both and b in both:
            value = both[a] / both[b]
            targets.append({"what": what, "value": value, "bound": bound, "met": value <= bound})

    for cell, mode in product(("lstm", "gru_after", "rnn_tanh"), MODES):
        what = f"{cell} {mode}: companion through cuDNN / torch.nn"
        at_most(what, (cell, mode, "cudnn"), (cell, mode, "torch.nn"), 1.05)
    for cell in ("peephole_new", "peephole_old", "lstm_1997", "gru_before"):
        native = "gru_after" if cell.startswith("gru") else "lstm"
        ours = (cell, "bf16", "triton")
        at_most(f"{cell} bf16 / torch.nn LSTM fp16", ours, ("lstm", "fp16", "torch.nn"), 2.5)
        at_most(f"{cell} bf16 / torch.nn {native} bf16", ours, (native, "bf16", "torch.nn"), 1.0)
        at_most(f"{cell} bf16 / its eager loop", ours, (cell, "bf16", "eager"), 1 / 30)
    return targets


def _main(row):
    return (row["T"], row["B"], row["H"]) in {(MAIN.T, MAIN.B, MAIN.H), (3, 3, 20)}


def _save(chosen, results, summary, device, seconds):
    from companion.experiments.evidence import Evidence, hardware, today, versions, write_json

    name, more = "none (dry run)", {}
    if device.type == "cuda":
        found = torch.cuda.get_device_properties(device)
        name = f"{found.name}, {found.multi_processor_count} multiprocessors, {found.total_memory / 2**30:.0f} GiB"
        more = {"cuda": torch.version.cuda, "cudnn": str(torch.backends.cudnn.version())}
    evidence = Evidence(
        experiment="gpu",
        claims=(),
        config={
            "dry_run": chosen.dry_run,
            "gpu": name,
            "timing": "median of warm runs by CUDA events, input product included",
        },
        seeds=None,
        results=tuple(results),
        summary=summary,
        versions=versions(("torch", "triton", "flashrnn")) | more,
        hardware=f"{name}; {hardware()}",
        seconds=seconds,
        date=today(),
    )
    write_json(chosen.json, asdict(evidence))


if __name__ == "__main__":
    raise SystemExit(main())
