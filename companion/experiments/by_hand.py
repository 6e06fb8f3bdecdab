"""Four tanh networks whose weights a person set, and what training makes of starts near one of them (C32).

Nobody trains the first four. Agreement and temporal order take two latches: a neuron with a recurrent weight u above 1
has two states to rest in, and a pulse w turns it over only if w is greater than u times such a state. So a strong pulse
makes a unit that keeps the last sign it met, a weak one a unit that keeps the first. Adding takes three units, one of
them a sum in the straight middle of tanh; copying a chain of units, one for each step to wait.

Then the latches of agreement are put into a network of the size that was trained in `long_lags`, all its other weights
0, and moved a share of the way towards an ordinary start. Training goes on from there.

Written before the data:

C32   on each of the four tasks of `long_lags`, at its longest lag. Holds if on all four the network by hand, with no
      more units than the tanh network that was trained there, solves the task, by the measure used there, on the test
      rows of all 20 seeds, still does at ten times that lag (the chain may grow for that), and not one of the 40
      trained tanh networks, 20 seeds at two rates, had solved it at the longest lag. With a condition if that is so on
      some of the four. False if on none.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion import tasks
from companion.experiments import long_lags
from companion.experiments.experiment import Experiment
from companion.experiments.intervals import wilson
from companion.experiments.race import Data, Runner, drawn, loss_of, score
from companion.tasks.temporal_order import SYMBOLS
from companion.training import Network

Array = np.ndarray

CONFIG: dict[str, Any] = {
    "lags": {name: max(lags) for name, lags in long_lags.LAGS.items()},
    "longer": 10,
    "trials": [200, 10],  # rows of the test at the longest lag, and at ten times that
    "distance": 80,
    "shares": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0],
    "rate": 0.002,
    "updates": 400,
    "every": 50,
    "batch": 20,
    "distances": long_lags.LAGS["agreement"],
}
SIGNS = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]])  # four answers as two bits


def network(W: Any, U: Any, b: Any, V: Any, d: Any) -> Network:
    """Return the tanh network h = tanh(W x + U h + b), y = V h + d."""
    W, V = np.asarray(W, dtype=float), np.asarray(V, dtype=float)
    layer, head = ref.RNN(W.shape[1], len(W), rng=0), ref.Linear(V.shape[1], len(V), rng=0)
    layer.load_state_dict({"weight_ih_l0": W, "weight_hh_l0": U, "bias_ih_l0": b, "bias_hh_l0": np.zeros(len(W))})
    head.params["weight"][...], head.params["bias"][...] = V, d
    return Network(layer, head)


def agreement(what: tasks.Agreement, u: float = 2.0, w: float = 2.0, v: float = 4.0) -> Network:
    """Two latches keep the country in two bits; every other word leaves them alone."""
    W = np.zeros((2, len(what.words)))
    W[:, :4] = w * SIGNS.T
    return network(W, u * np.eye(2), np.zeros(2), v * SIGNS, 0)


def temporal_order(what: tasks.TemporalOrder, u: float = 2.0, v: float = 4.0) -> Network:
    """One latch too weakly set to be turned over keeps the first X or Y, one strongly set the last."""
    W = np.zeros((2, len(SYMBOLS)))
    W[:, SYMBOLS.index("X")] = [1, 4]
    W[:, SYMBOLS.index("Y")] = [-1, -4]
    return network(W, u * np.eye(2), np.zeros(2), v * SIGNS, 0)


def adding(what: tasks.Adding, small: float = 1e-3, shut: float = 20.0) -> Network:
    """Two units whose difference is the number where there is a mark, and else 0; a third adds the differences up."""
    W = [[small, shut], [0, shut], [0, 0]]
    U = [[0, 0, 0], [0, 0, 0], [1, -1, 1]]
    return network(W, U, [-shut, -shut, 0], np.array([[1, -1, 1]]) / small, 0)


def copying(what: tasks.Copying, small: float = 1e-3) -> Network:
    """A chain that hands on what was read, a unit a step; at its end the nearest of four levels is named."""
    H = what.length + what.delay + 1
    levels = np.arange(what.symbols) * 2.0 - (what.symbols - 1)
    W, V = np.zeros((H, what.symbols + 2)), np.zeros((what.symbols, H))
    W[0, : what.symbols] = small * levels
    V[:, -1] = 4 * levels / small
    return network(W, np.eye(H, k=-1), np.zeros(H), V, -2 * levels**2)


BY_HAND: Mapping[str, Callable[[Any], Network]] = {
    "adding": adding,
    "temporal_order": temporal_order,
    "copying": copying,
    "agreement": agreement,
}


def latch(u: Any, w: Any, n: int) -> tuple[Array, Array, Array]:
    """Return the state of a latch n steps after a pulse w, and its derivatives by u and by w; arrays of any shape."""
    h = np.tanh(np.asarray(w) + 0 * np.asarray(u))
    by_u, by_w = np.zeros_like(h), 1 - h**2
    for _ in range(n):
        before, h = h, np.tanh(u * h)
        by_u, by_w = (1 - h**2) * (before + u * by_u), (1 - h**2) * u * by_w
    return h, by_u, by_w


def latch_loss(u: Any, w: Any, v: float, n: int) -> tuple[Array, Array]:
    """Return the cross-entropy of the latches of `agreement` at distance n, and its gradient by u and w, (2, ...)."""
    h, by_u, by_w = latch(u, w, n)
    return 2 * np.log1p(np.exp(-2 * v * h)), -4 * v / (1 + np.exp(2 * v * h)) * np.stack([by_u, by_w])


def tested(name: str, lag: int, trials: int, seed: int) -> dict[str, Any]:
    """Return how well the network by hand does on new rows of a task, whether that counts as solved, and its size."""
    what = long_lags.task(name, lag)
    net = BY_HAND[name](what)
    test = drawn(what, trials, [np.random.default_rng([seed, 2])])
    found = float(score(net(test.x[0].astype(float))[None], test)[0])
    enough = long_lags.CONFIG["solved"][name]
    return {
        "score": found,
        "solved": bool(found >= enough if test.labels else found <= enough),
        "units": net.layer.hidden_size,
    }


# ---- starts between the weights by hand and ordinary ones ------------------------------------------------------------


def units_trained(name: str) -> int:
    """Return the number of units of the tanh network that `long_lags` trained on a task."""
    return long_lags.hidden_size("RNN", *long_lags.sizes(name), long_lags.CONFIG["parameters"])


def between(share: float, seeds: Sequence[int], distance: int, dtype: type = np.float32) -> Network:
    """Return networks, one for each seed, that lie a share of the way from the latches to an ordinary start.

    All have the size that was trained; the units and weights that the latches do not need are 0 at the share 0.
    """
    inputs, outputs = long_lags.sizes("agreement")
    hidden, hand = units_trained("agreement"), agreement(tasks.Agreement(distance=distance)).params
    layers, heads = [], []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        layers.append(ref.RNN(inputs, hidden, rng=rng, dtype=dtype))
        heads.append(ref.Linear(hidden, outputs, rng=rng, dtype=dtype))
    made = Network(ref.stack(layers), ref.stack(heads))
    for name, value in made.params.items():
        value *= share
        corner = (..., *(slice(size) for size in hand[name].shape))
        value[corner] += (1 - share) * hand[name]
    return made


def continued(share: float, seeds: Sequence[int], config: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Train on from such starts; return each network's score and loss before, and the update at which it was right."""
    what, made = tasks.Agreement(distance=config["distance"]), between(share, seeds, config["distance"])
    runner = Runner(made, ref.Adam(made.params, lr=config["rate"]), long_lags.CONFIG["clip"])
    rngs = [np.random.default_rng([seed, 1]) for seed in seeds]
    test = drawn(what, config["trials"][0], [np.random.default_rng([seed, 2]) for seed in seeds])
    enough, outputs = long_lags.CONFIG["solved"]["agreement"], made(test.x)
    before, loss = score(outputs, test), loss_of(outputs, test)[0]
    after = before
    for update in range(1, config["updates"] + 1):
        runner.update(drawn(what, config["batch"], rngs))
        if update % config["every"] == 0:
            after = score(runner(test.x), test)
            if (after >= enough).all() and update >= config["updates"] // 2:
                break
    return {
        "loss": [float(value) for value in loss],
        "before": [bool(value >= enough) for value in before],
        "after": [bool(value >= enough) for value in after],
    }


def heard(seeds: Sequence[int], distance: int, trials: int) -> list[list[float]]:
    """Return, for ordinary starts, the norm of the gradient by the weights that read the countries, and by all."""
    made = between(1.0, seeds, distance, np.float64)
    what = tasks.Agreement(distance=distance)
    data = drawn(what, trials, [np.random.default_rng([seed, 3]) for seed in seeds])
    data = Data(data.x.astype(float), data.y, data.asked)
    tape = made.layer.unroll(data.x)
    grads = made.backward(tape, loss_of(made.head(tape.y), data)[1])
    countries = grads["layer.weight_ih_l0"][..., : what.countries]
    whole = np.sqrt(sum((grad**2).reshape(len(seeds), -1).sum(axis=1) for grad in grads.values()))
    return np.stack([np.linalg.norm(countries, axis=(1, 2)), whole], axis=1).tolist()


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, what the networks by hand solve, where starts near them lead, what ordinary ones hear."""
    results: list[dict[str, Any]] = []
    for seed in seeds:
        result: dict[str, Any] = {"longest": {}, "longer": {}, "starts": {}, "heard": {}}
        for name, lag in config["lags"].items():
            result["longest"][name] = tested(name, lag, config["trials"][0], seed)
            result["longer"][name] = tested(name, lag * config["longer"], config["trials"][1], seed)
        results.append(result)
    for share in config["shares"]:
        found = continued(share, seeds, config)
        for s, result in enumerate(results):
            result["starts"][str(share)] = {key: values[s] for key, values in found.items()}
    for distance in config["distances"]:
        for result, norms in zip(results, heard(seeds, distance, config["trials"][0]), strict=True):
            result["heard"][str(distance)] = norms
    return results


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the runs that the networks by hand solve, the starts that are right before and after, and medians."""
    count = len(results)
    hand = {
        name: {
            "units": first["units"],
            "trained_units": units_trained(name),
            "longest": sum(result["longest"][name]["solved"] for result in results),
            "longer": sum(result["longer"][name]["solved"] for result in results),
            "longer_units": results[0]["longer"][name]["units"],
        }
        for name, first in results[0]["longest"].items()
    }
    starts = {
        f"at_{100 * float(share):.0f}": {
            "share": float(share),
            "loss": float(np.median([result["starts"][share]["loss"] for result in results])),
            **{when: wilson(sum(r["starts"][share][when] for r in results), count) for when in ("before", "after")},
        }
        for share in results[0]["starts"]
    }
    norms = {distance: np.median([r["heard"][distance] for r in results], axis=0) for distance in results[0]["heard"]}
    told = {f"d{distance}": {"countries": float(a), "all": float(b)} for distance, (a, b) in norms.items()}
    return {"count": count, "hand": hand, "starts": starts, "heard": told}


EXPERIMENT = Experiment(
    name="by_hand",
    title="tanh networks set by hand on the four tasks at their longest lags, and starts near them",
    claims=("C32",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=20,
    together=20,
    packages=("numpy", "scipy"),
)
