"""The bound of `benchmarks.reference`, and the parts of a training step: the same arrays, without the rest."""

from collections.abc import Callable

import numpy as np

from companion.reference import unroll


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
    zero = tuple(np.zeros_like(part) for part in run.start)
    da, _ = unroll.scan_back(run, upstream, zero)
    da_t = np.ascontiguousarray(da[:, 0])
    h = run.by_time("h")[0]
    records = list(zip(*(run.by_time(name) for name in net.cell.records), strict=True))
    states = [run.start, *zip(*(run.by_time(name) for name in net.cell.state), strict=True)]
    return {
        "input product with bias": lambda: unroll.input_product(net, run.x),
        "recurrent products": lambda: each(lambda t: net.w.U @ h, steps),
        "steps, with their products": lambda: each(lambda t: net.cell.step(Wx[t], states[t], net.w), steps),
        "forward as a whole": lambda: layer(x),
        "forward as a whole, with a tape": lambda: layer.unroll(x),
        "recurrent products back": lambda: each(lambda t: net.w.U.mT @ da_t, steps),
        "steps back, with their products": lambda: each(
            lambda t: net.cell.step_back(zero, records[t], states[t], net.w), steps
        ),
        "scan back": lambda: unroll.scan_back(run, upstream, zero),
        "gradient of the input": lambda: unroll.input_gradient(run, da),
        "gradients of the weights": lambda: unroll.weight_gradients(run, da),
        "backward as a whole": lambda: layer.bptt(tape, dy),
    }


def each(step: Callable[[int], object], steps: range) -> None:
    """One step after the other, without keeping what they return."""
    for t in steps:
        step(t)
