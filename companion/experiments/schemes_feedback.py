"""What a teacher saves and what is lost when he leaves: time of a training step, and errors that feed themselves (C05).

*Time.* One step of training, forward and back, against the length of the sequence: hidden-to-hidden, output-to-hidden
with a teacher, all steps at once, and without one. With as many hidden units, and (`taught_wide`) with as many
parameters. In NumPy and in PyTorch, on one thread, side by side, in processor time.

*Exposure.* An oscillator of two variables (van der Pol 1926), observed with noise. Its outputs are all that has to be
kept. A network is taught, or trained through its own outputs, or first one and then the other; then it starts from a
true state and feeds itself. Errors are mean squared errors divided by the variance of the series.

The settings were chosen on seeds from 1000 on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import interval
from companion.experiments.race import shorten

CONFIG = {
    "lengths": [8, 32, 128, 512],
    "I": 4,
    "H": 64,
    "O": 4,
    "B": 8,
    "repeats": 5,
    "hidden": 16,
    "rate": 0.01,
    "clip": 1.0,
    "updates": 2000,
    "batch": 32,
    "window": 20,
    "steps": 60,
    "noises": [0.1, 0.3],
    "trials": 100,
}
WAYS = ("hidden", "taught", "own", "taught_wide")
PLANS = ("taught", "own", "taught_own")
HORIZONS = (1, 2, 5, 10, 20, 40, 60)

Array = np.ndarray


# ---- time --------------------------------------------------------------------------------------------------------


def wide(I: int, H: int, O: int) -> int:  # noqa: E741
    """How many hidden units give the output loop as many parameters as the hidden loop has with H."""
    hidden_loop = H * I + H * H + H + O * H + O
    return round((hidden_loop - O) / (I + 2 * O + 1))


def numpy_steps(way: str, config: Mapping[str, Any], T: int, rng: np.random.Generator) -> Callable[[], Any]:
    """Return a training step of the reference without the optimiser: forward, loss and all gradients."""
    x, target = drawn(config, T, rng)
    if way == "hidden":
        layer = ref.RNN(config["I"], config["H"], rng=rng, dtype=np.float32)
        head = ref.Linear(config["H"], config["O"], rng=rng, dtype=np.float32)

        def step() -> Any:
            tape = layer.unroll(x)
            back = head.backward(tape.y, head(tape.y) - target)
            return layer.bptt(tape, back.x)

        return step
    H = wide(config["I"], config["H"], config["O"]) if way == "taught_wide" else config["H"]
    jordan = ref.JordanRNN(config["I"], H, config["O"], rng=rng, dtype=np.float32)

    def jordan_step() -> Any:
        tape = jordan.unroll(x, targets=None if way == "own" else target)
        return jordan.bptt(tape, tape.y - target)

    return jordan_step


def torch_steps(way: str, config: Mapping[str, Any], T: int, rng: np.random.Generator) -> Callable[[], Any]:
    """Return the same step in PyTorch: torch.nn.RNN for the hidden loop, companion.nn.JordanRNN for the other."""
    import torch

    from companion import nn

    x, target = map(torch.from_numpy, drawn(config, T, rng))
    torch.manual_seed(0)
    if way == "hidden":
        layer, head = torch.nn.RNN(config["I"], config["H"]), torch.nn.Linear(config["H"], config["O"])

        def outputs() -> Any:
            return head(layer(x)[0])
    else:
        H = wide(config["I"], config["H"], config["O"]) if way == "taught_wide" else config["H"]
        jordan = nn.JordanRNN(config["I"], H, config["O"])

        def outputs() -> Any:
            return jordan(x, targets=None if way == "own" else target)[0]

    def step() -> Any:
        (outputs() - target).square().mean().backward()

    return step


def drawn(config: Mapping[str, Any], T: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return inputs and targets of one training step."""
    shapes = ((T, config["B"], config[width]) for width in "IO")
    x, target = (rng.normal(size=shape).astype(np.float32) for shape in shapes)
    return x, target


def timing(seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the processor time of every way by engine and length, in milliseconds: the least of some repeats."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        found = {}
        for engine, steps in (("numpy", numpy_steps), ("torch", torch_steps)):
            for T in config["lengths"]:
                rng = np.random.default_rng([seed, T])
                work = {way: steps(way, config, T, rng) for way in WAYS}
                spent = [{way: processor_time(step) for way, step in work.items()} for _ in range(config["repeats"])]
                found[f"{engine}_{T}"] = {way: 1e3 * min(each[way] for each in spent) for way in WAYS}
        return found
    finally:
        torch.set_num_threads(threads)


def processor_time(work: Callable[[], Any]) -> float:
    """Return the seconds that a call takes of the processor."""
    begin = time.process_time()
    work()
    return time.process_time() - begin


def at_once(seed: int) -> float:
    """Compare all taught steps at once with one after the other, outputs and every gradient: the largest error."""
    rng = np.random.default_rng([seed, 3])
    T, B, I, H, O = (int(rng.integers(2, top)) for top in (20, 6, 6, 20, 6))  # noqa: E741
    layer = ref.JordanRNN(I, H, O, rng=rng)
    x, before, targets = rng.normal(size=(T, B, I)), rng.normal(size=(1, B, O)), rng.normal(size=(T, B, O))
    dy = rng.normal(size=(T, B, O))
    tape = layer.unroll(x, before, targets=targets)
    whole = layer.bptt(tape, dy)
    fed = np.concatenate([before, targets[:-1]])
    tapes = [layer.unroll(x[t : t + 1], fed[t : t + 1]) for t in range(T)]
    backs = [layer.bptt(each, dy[t : t + 1]) for t, each in enumerate(tapes)]
    pairs = [(tape.y, np.concatenate([each.y for each in tapes])), (whole.x, np.concatenate([b.x for b in backs]))]
    pairs += [(whole.params[name], sum(b.params[name] for b in backs)) for name in whole.params]
    return max(float(np.abs(one - other).max() / np.abs(other).max()) for one, other in pairs)


# ---- exposure ----------------------------------------------------------------------------------------------------


def oscillator(T: int, B: int, rng: np.random.Generator, dt: float = 0.3, fine: int = 6, settle: int = 40) -> Array:
    """Return B runs of van der Pol's oscillator on its cycle, (T, B, 2): a' = b, b' = (1 - a²) b - a, every `dt`.

    Runge and Kutta's method of fourth order with `fine` steps inside each; the first `settle` values are dropped.
    """
    z, runs, step = rng.uniform(-2, 2, (B, 2)), np.empty((T, B, 2)), dt / fine

    def slope(z: Array) -> Array:
        a, b = z[..., 0], z[..., 1]
        return np.stack([b, (1 - a * a) * b - a], axis=-1)

    for t in range(-settle, T):
        for _ in range(fine):
            k1 = slope(z)
            k2 = slope(z + step / 2 * k1)
            k3 = slope(z + step / 2 * k2)
            z = z + step / 6 * (k1 + 2 * k2 + 2 * k3 + slope(z + step * k3))
        if t >= 0:
            runs[t] = z
    return runs


def networks(seeds: Sequence[int], hidden: int) -> ref.JordanRNN:
    """Return the untrained networks of all seeds side by side. They have no input but their own output: x is 0."""
    return ref.stack([ref.JordanRNN(1, hidden, 2, rng=np.random.default_rng(seed)) for seed in seeds])


def lessons(seeds: Sequence[int], noise: float, config: Mapping[str, Any]) -> Array:
    """Return the series that each seed learns from, (S, steps + 1, batch, 2): true values and noise."""
    series = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 0])
        true = oscillator(config["steps"] + 1, config["batch"], rng)
        series.append(true + noise * rng.normal(size=true.shape))
    return np.stack(series)


def train(plan: str, seeds: Sequence[int], noise: float, config: Mapping[str, Any]) -> ref.JordanRNN:
    """Descend on windows of the series by one of `PLANS`; "taught_own" spends half of the updates on each."""
    layer, series = networks(seeds, config["hidden"]), lessons(seeds, noise, config)
    adam, window = ref.Adam(layer.params, lr=config["rate"]), config["window"]
    places = np.random.default_rng(0).integers(0, config["steps"] - window + 1, size=config["updates"])
    for update, place in enumerate(places):
        taught = plan == "taught" or (plan == "taught_own" and update < config["updates"] // 2)
        target = series[:, place + 1 : place + window + 1]
        x = np.zeros((window, config["batch"], 1))
        tape = layer.unroll(x, series[:, place][:, None], targets=target if taught else None)
        gradients = layer.bptt(tape, 2 * (tape.y - target) / target[0].size).params
        shorten(gradients, config["clip"])
        adam.step(gradients)
    return layer


def percent(noise: float) -> int:
    """Return 10 for a noise of 0.1: a name for results, without a dot."""
    return round(100 * noise)


def errors(layer: ref.JordanRNN, seeds: Sequence[int], config: Mapping[str, Any]) -> tuple[Array, Array]:
    """Return, by seed, the errors of every step when the network feeds itself, and the mean error with a teacher."""
    steps, trials = config["steps"], config["trials"]
    true = np.stack([oscillator(steps + 1, trials, np.random.default_rng([seed, 1])) for seed in seeds])
    x, start, target = np.zeros((steps, trials, 1)), true[:, 0][:, None], true[:, 1:]
    free = layer(x, start)[0]
    forced = layer.unroll(x, start, targets=target).y
    variance = target.var(axis=(1, 2)).mean(axis=-1)
    squares = [np.square(said - target).mean(axis=(2, 3)) / variance[:, None] for said in (free, forced)]
    return squares[0], squares[1].mean(axis=1)


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, the errors by noise and plan, the error of all steps at once, and the times."""
    results: list[dict[str, Any]] = [{"at_once": at_once(seed), "time": timing(seed, config)} for seed in seeds]
    for noise in config["noises"]:
        for plan in PLANS:
            free, forced = errors(train(plan, seeds, noise, config), seeds, config)
            for result, row, one in zip(results, free, forced, strict=True):
                ahead = {f"free_{k}": float(row[k - 1]) for k in HORIZONS}
                result[f"{plan}_{percent(noise)}"] = {"forced": float(one), **ahead}
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return median times and ratios by engine and length, and geometric means of the errors with intervals."""
    summary: dict[str, Any] = {"at_once": max(run["at_once"] for run in results), "time": {}}
    for key in results[0]["time"]:
        rounds = [run["time"][key] for run in results]
        times = {way: median(each[way] for each in rounds) for way in WAYS}
        ratios = {f"gain_{way}": spread([each["hidden"] / each[way] for each in rounds]) for way in WAYS[1:]}
        summary["time"][key] = times | ratios
    for key in (key for key in results[0] if key not in ("seed", "at_once", "time")):
        summary[key] = {name: geometric([run[key][name] for run in results]) for name in results[0][key]}
        summary[key]["growth"] = geometric([run[key]["free_20"] / run[key]["forced"] for run in results])
    return summary


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the extremes."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def geometric(values: Sequence[float]) -> dict[str, float]:
    """Return the geometric mean with its 95 % interval and the extremes."""
    return {name: float(np.exp(value)) for name, value in interval(np.log(values)).items()}


EXPERIMENT = Experiment(
    name="schemes_feedback",
    title="a training step with and without a teacher, and errors that feed themselves",
    claims=("C05",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=24,
    together=8,
    packages=("numpy", "scipy", "torch"),
    timed=True,
)
