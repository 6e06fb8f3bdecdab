"""What the time of a recurrent layer is made of (claim C33): units, batch, length, the chain of steps and the program.

The layer is an LSTM with as many inputs as units, in float32 on one core. Its chain is measured by taking it away: a
batch of T * B sequences of one step is the same arithmetic as B sequences of T steps, done by the same code, and no
step waits for another. The seeds are rounds: every round draws weights and input anew and times everything once, so
that what is compared was measured within seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from companion.experiments import clock
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import bootstrapped
from companion.reference.cost import operations

CONFIG = {
    "dtype": "float32",
    "threads": 1,
    "window": 0.01,
    "units": [16, 32, 64, 128, 256, 512, 1024],
    "batches": [1, 16],
    "steps": 64,
    "many": {"H": 128, "T": 50, "B": [1, 2, 4, 8, 16, 32, 64, 128, 256]},
    "long": {"H": 128, "B": 16, "T": [10, 20, 40, 80, 160, 320]},
    "ladder": {
        "small": {"T": 100, "B": 1, "I": 32, "H": 32},
        "large": {"T": 100, "B": 32, "I": 64, "H": 128},
    },
}
PASSES = ("forward", "training")
KINDS = ("chain", "free")
RUNGS = ("loop", "hoisted", "NumPy", "fused", "in C", "native")


# ---- what is timed -------------------------------------------------------------------------------------------------


def loop(x, W, U, b, h, c):
    """An LSTM as the equations stand: at every step both products, then the gates. Returns every h, (T, B, H)."""
    import torch

    from companion.nn.cells import CELLS

    states = []
    for x_t in x:
        h, c = CELLS["lstm"].step(torch.nn.functional.linear(x_t, W, b), (h, c), (U,))
        states.append(h)
    return torch.stack(states)


def contenders(call: Callable, parameters: Sequence, x, dy) -> dict[str, Callable[[], object]]:
    """Return a pass forward without gradients, and one forward and back to the input and all parameters."""
    import torch

    leaves = [x, *parameters]

    def forward():
        with torch.no_grad():
            call(x)

    def training():
        torch.autograd.grad(call(x), leaves, dy)

    return {"forward": forward, "training": training}


def rungs(T: int, B: int, I: int, H: int) -> dict[str, dict[str, Callable[[], object]]]:  # noqa: E741
    """Return the passes of the programs that compute one LSTM, from the plain loop to PyTorch's own kernels.

    "fused" and "in C" are one engine, without its compiled loop and with it; without a compiler there is no "in C".
    """
    import torch

    from companion import nn
    from companion import reference as ref
    from companion.nn import _compiled
    from companion.nn.cells._lstm_compiled import why_not

    native = torch.nn.LSTM(I, H)
    W, U, b_ih, b_hh = weights = list(native.parameters())
    x, dy, zero = torch.randn(T, B, I, requires_grad=True), torch.randn(T, B, H), torch.zeros(B, H)
    made = {
        "loop": contenders(lambda x: loop(x, W, U, b_ih + b_hh, zero, zero), weights, x, dy),
        "native": contenders(lambda x: native(x)[0], weights, x, dy),
    }
    for name, engine in (("hoisted", "eager"), ("fused", "fused"), ("in C", "fused")):
        ours = nn.LSTM(I, H, engine=engine)
        ours.load_state_dict(native.state_dict())
        made[name] = contenders(lambda x, ours=ours: ours(x)[0], list(ours.parameters()), x, dy)
    plain = ref.LSTM(I, H, dtype=np.float32)
    plain.load_state_dict(native.state_dict())
    xs, dys = x.detach().numpy(), dy.numpy()
    made["NumPy"] = {"forward": lambda: plain(xs), "training": lambda: plain.bptt(plain.unroll(xs), dys)}
    made["fused"] = {which: _compiled.switched_off()(run) for which, run in made["fused"].items()}
    return {name: made[name] for name in RUNGS if name != "in C" or why_not(x) is None}


def layer(T: int, B: int, H: int) -> dict[str, Callable[[], object]]:
    """Return the passes of PyTorch's LSTM with as many inputs as units."""
    import torch

    module = torch.nn.LSTM(H, H)
    x, dy = torch.randn(T, B, H, requires_grad=True), torch.randn(T, B, H)
    return contenders(lambda x: module(x)[0], list(module.parameters()), x, dy)


def chain_and_free(T: int, B: int, make: Callable[[int, int], dict]) -> dict[str, Callable[[], object]]:
    """Return the passes that `make(T, B)` gives, and those over the same arithmetic as T * B sequences of one step."""
    return {
        f"{which} {name}": run
        for name, size in {"chain": (T, B), "free": (1, T * B)}.items()
        for which, run in make(*size).items()
    }


def calls(run: Callable[[], object]) -> int:
    """Return how many operations PyTorch carries out in a call of `run`; views of memory that is there do not count."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Counter(TorchDispatchMode):
        count = 0

        def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
            self.count += not operation.is_view
            return operation(*args, **(kwargs or {}))

    with Counter() as counter:
        run()
    return counter.count


def ceilings(window: float = 0.05) -> dict[str, float]:
    """Return the best this machine does now: operations a second in a large product, bytes a second in a large copy."""
    import torch

    from companion.nn._products import linear

    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    source = torch.zeros(2**24)
    target = torch.zeros_like(source)
    best = clock.in_turn(
        {"mm": lambda: a @ b, "linear": lambda: linear(a, b), "copy": lambda: target.copy_(source)}, 2, window
    )
    return {
        "rate": 2 * 1024**3 / min(best["mm"], best["linear"]),
        "bandwidth": 2 * source.nbytes / best["copy"],
    }


# ---- one round -----------------------------------------------------------------------------------------------------


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every round, µs per time step of everything that is timed."""
    import torch

    with clock.one_thread(), torch.random.fork_rng():
        return [one_round(seed, config) for seed in seeds]


def one_round(seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """Time everything once."""
    import torch

    torch.manual_seed(seed)
    result: dict[str, Any] = {"load": clock.load(), **ceilings(config["window"])}

    def times(passes: Mapping[str, Callable[[], object]], T: int) -> dict[str, float]:
        best = clock.in_turn(passes, 1, config["window"])
        return {name: 1e6 * seconds / T for name, seconds in best.items()}

    many, long, T = config["many"], config["long"], config["steps"]
    result["units"] = {
        f"b{B}": {f"h{H}": times(chain_and_free(T, B, partial(layer, H=H)), T) for H in config["units"]}
        for B in config["batches"]
    }
    result["many"] = {f"b{B}": times(layer(many["T"], B, many["H"]), many["T"]) for B in many["B"]}
    result["long"] = {f"t{T}": times(layer(T, long["B"], long["H"]), T) for T in long["T"]}
    result["ladder"] = {}
    for name, size in config["ladder"].items():

        def programs(T: int, B: int, size=size) -> dict[str, Callable[[], object]]:
            made = rungs(T, B, size["I"], size["H"])
            return {f"{rung} {which}": run for rung, passes in made.items() for which, run in passes.items()}

        result["ladder"][name] = times(chain_and_free(size["T"], size["B"], programs), size["T"])
    return result


# ---- what follows from the rounds ----------------------------------------------------------------------------------


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median over the rounds and its 95 % interval."""
    return bootstrapped(values, "median", np.median, n_resamples=2000)


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return medians and intervals: of the times, of what a doubling of the units costs, and of the chain's share.

    Ratios are taken within a round, before the median.
    """

    def column(*path: str) -> np.ndarray:
        def at(result):
            for key in path:
                result = result[key]
            return result

        return np.array([at(result) for result in results])

    first = results[0]
    summary: dict[str, Any] = {name: spread(column(name)) for name in ("rate", "bandwidth", "load")}
    for name in ("many", "long"):
        summary[name] = {key: {w: spread(column(name, key, w)) for w in PASSES} for key in first[name]}
    summary["ladder"] = {name: programs_summary(name, column, first) for name in first["ladder"]}
    summary["units"] = {}
    for B, sizes in first["units"].items():
        summary["units"][B] = {which: {} for which in PASSES}
        for which in PASSES:
            before = None
            for H in sizes:
                chain, free = (column("units", B, H, f"{which} {name}") for name in KINDS)
                entry = {"chain": spread(chain), "free": spread(free), "share": spread(1 - free / chain)}
                if before is not None:
                    entry["growth"] = spread(chain / before)
                summary["units"][B][which][H] = entry
                before = chain
    return summary


def programs_summary(name: str, column: Callable[..., np.ndarray], first: Mapping[str, Any]) -> dict[str, Any]:
    """Return, for every program at one size, its time, that without the chain, and the chain's share; and for
    "arithmetic" the time that the products would take at the rate of a large one.
    """
    size = CONFIG["ladder"][name]
    found: dict[str, Any] = {"arithmetic": {}}
    for which, times in zip(PASSES, (1, 3), strict=True):  # the pass back has twice the products of the pass forward
        seconds = times * operations(**size) / column("rate")
        found["arithmetic"][which] = spread(1e6 * seconds / size["T"])
    for rung in RUNGS:
        if f"{rung} forward chain" not in first["ladder"][name]:
            continue  # "in C", on a machine without a compiler
        found[rung] = {}
        for which in PASSES:
            chain, free = (column("ladder", name, f"{rung} {which} {kind}") for kind in KINDS)
            found[rung][which] = {"chain": spread(chain), "free": spread(free), "share": spread(1 - free / chain)}
    return found


EXPERIMENT = Experiment(
    name="speed",
    title="microseconds per time step by units, batch, length and program",
    claims=("C33",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    packages=("numpy", "scipy", "torch"),
    timed=True,
)
