"""The bound of `benchmarks.reference`, and the parts of a training step: the same arrays, without the rest."""

import os
from collections.abc import Callable

import numpy as np

from companion.reference import unroll


def threads() -> int:
    """The threads that matrix products may use."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        if os.environ.get(name, "").isdigit():
            return int(os.environ[name])
    return os.cpu_count() or 1


def products(layer, work, back: bool) -> Callable[[], None]:
    """The products of one layer alone: W x for all steps, U h step by step; `back`: and those of the way back."""
    U, W = layer.params["weight_hh_l0"], layer.params["weight_ih_l0"]
    rng = np.random.default_rng(1)
    columns = work.T * work.B
    x = rng.standard_normal((columns, work.D), dtype=np.float32).T
    h, hs = (rng.standard_normal((work.H, n), dtype=np.float32) for n in (work.B, columns))
    da, das = (rng.standard_normal((len(U), n), dtype=np.float32) for n in (work.B, columns))

    def forward() -> None:
        W @ x
        for _ in range(work.T):
            U @ h

    def both() -> None:
        forward()
        for _ in range(work.T):
            U.T @ da
        W.T @ das
        das @ x.T
        das @ hs.T

    return both if back else forward


def parts(layer, x: np.ndarray, dy: np.ndarray) -> dict[str, Callable[[], object]]:
    """The parts of one training step, each with all its time steps."""
    tape = layer.unroll(x)
    ((run,),) = tape.graph.runs
    net, steps = run.net, range(len(x))
    Wx = unroll.by_time(unroll.input_product(net, run.x))
    upstream = np.moveaxis(dy, -1, 0)
    zero = tuple(np.zeros_like(part) for part in run.states[0])
    da, _ = unroll.scan_back(run, upstream, zero)
    da_t = np.ascontiguousarray(da[:, 0])
    h = run.states[1][0]
    return {
        "input product with bias": lambda: unroll.input_product(net, run.x),
        "recurrent products": lambda: [net.w.U @ h for _ in steps],
        "steps, with their products": lambda: [net.cell.step(Wx[t], run.states[t], net.w) for t in steps],
        "forward as a whole": lambda: layer(x),
        "recurrent products back": lambda: [net.w.U.mT @ da_t for _ in steps],
        "steps back, with their products": lambda: [
            net.cell.step_back(zero, run.records[t], run.states[t], net.w) for t in steps
        ],
        "scan back": lambda: unroll.scan_back(run, upstream, zero),
        "gradient of the input": lambda: unroll.input_gradient(run, da),
        "gradients of the weights": lambda: unroll.weight_gradients(run, da),
        "backward as a whole": lambda: layer.bptt(tape, dy),
    }
