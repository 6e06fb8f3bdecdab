"""What many steps do to a gradient: products of Jacobians of random networks (claims C08, C09 and C12).

For every seed five families of recurrent matrices of 32 units are drawn.

gaussian     entries from a normal distribution, scaled to each of five spectral radii; linear, tanh and sigmoid
             networks that hear noise, the last two also with a constant that drives every unit to one side;
orthogonal   times 0.95 and times 1.05; linear, and tanh under noise;
sheared      two by two blocks (0.8, c; 0, 0.8): small eigenvalues, large singular values; linear, and tanh under noise;
nilpotent    two by two blocks s (1, 1; -1, -1), all eigenvalues 0, and a tanh network that rests at a fixed point at
             which one unit of each pair is at its steepest and the other is not; linear as well.

The derivative of the last state by the one k steps before is followed over a thousand steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion.experiments.experiment import Experiment
from companion.reference.jacobians import ACTIVATIONS, STEEPEST, growth_rate, log_norms, slope, spectral_radius

CONFIG = {
    "H": 32,
    "T": 1000,
    "settle": 50,
    "noise": 0.5,
    "radii": [0.4, 0.8, 1.25, 2.0, 4.0],
    "drive": 3.0,
    "orthogonal": [0.95, 1.05],
    "sheared": {"diagonal": 0.8, "c": [2.0, 6.0]},
    "nilpotent": {"s": [3.0, 6.0], "slope": [0.1, 0.5]},
    "lags": [*range(21), *range(25, 100, 5), *range(100, 1001, 50)],
    "near": [100, 550],
    "far": [550, 1000],
    "still": 0.005,
}

Array = np.ndarray
GAUSSIAN = (("linear", 0), ("tanh", 0), ("tanh", 1), ("sigmoid", 0), ("sigmoid", 1))


def gaussian(rng: np.random.Generator, H: int) -> Array:
    """Return a Gaussian matrix of spectral radius 1."""
    U = rng.standard_normal((H, H))
    return U / spectral_radius(U)


def orthogonal(rng: np.random.Generator, H: int) -> Array:
    """Return a random orthogonal matrix."""
    q, r = np.linalg.qr(rng.standard_normal((H, H)))
    return q * np.sign(np.diagonal(r))


def blocks(parts: Array) -> Array:
    """Return the matrix with these two by two blocks (n, 2, 2) on its diagonal."""
    U = np.zeros((2 * len(parts), 2 * len(parts)))
    for i, part in enumerate(parts):
        U[2 * i : 2 * i + 2, 2 * i : 2 * i + 2] = part
    return U


def sheared(rng: np.random.Generator, H: int, config: Mapping[str, Any]) -> Array:
    """Return blocks (d, c; 0, d): the eigenvalues are d, the norm is larger than c."""
    d, c = config["diagonal"], rng.uniform(*config["c"], H // 2)
    return blocks(np.array([[[d, shear], [0.0, d]] for shear in c]))


def resting(rng: np.random.Generator, H: int, config: Mapping[str, Any]) -> tuple[Array, Array, Array]:
    """Return nilpotent blocks, a bias, and the state at which the tanh network with both rests."""
    s, steep = rng.uniform(*config["s"], H // 2), rng.uniform(*config["slope"], H // 2)
    U = blocks(s[:, None, None] * np.array([[1.0, 1.0], [-1.0, -1.0]]))
    h = np.stack([np.zeros(H // 2), np.sqrt(1 - steep)], axis=1).ravel()
    return U, np.arctanh(h) - U @ h, h


def slopes_under_noise(U: Array, kinds: Sequence[str], drive: Array, x: Array, settle: int) -> Array:
    """Return the slopes (T, C, H) of C networks U (C, H, H), each with its activation and constant, that hear x."""
    h, found = np.zeros(U.shape[:2]), []
    for x_t in x:
        a = np.squeeze(U @ h[..., None], -1) + x_t + drive[:, None]
        h = np.stack([ACTIVATIONS[kind](row) for kind, row in zip(kinds, a, strict=True)])
        found.append(np.stack([slope(ACTIVATIONS[kind], row) for kind, row in zip(kinds, h, strict=True)]))
    return np.stack(found[settle:])


def follow(U: Array, slopes: Array, kinds: Sequence[str], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for each of C networks, what the norms of its products do.

    sigma, rho: largest singular value and spectral radius of U. near, far: nats per step in two stretches of lags.
    peak: the largest ln of a norm. half: the first of the lags at which a half or less is left, None if there is none.
    gap: the most by which ln of a norm exceeds that of the bound.
    """
    lags = np.array(config["lags"])
    logs = log_norms(U, slopes, lags)
    found = []
    for c, kind in enumerate(kinds):
        own, sigma = logs[:, c], np.linalg.norm(U[c], 2)
        below = np.flatnonzero(own <= np.log(0.5))
        found.append(
            {
                "sigma": sigma,
                "rho": spectral_radius(U[c]),
                **{name: growth_rate(own[np.isin(lags, config[name])], config[name]) for name in ("near", "far")},
                "peak": own.max(),
                "half": lags[below[0]] if len(below) else None,
                "gap": (own - lags * np.log(STEEPEST[kind] * sigma)).max(),
            }
        )
    return found


def labels(config: Mapping[str, Any]) -> list[tuple[str, str, int, float]]:
    """Return family, activation, whether it is driven, and size, of the networks of a seed in their order."""
    found = [("gaussian", kind, driven, radius) for kind, driven in GAUSSIAN for radius in config["radii"]]
    for kind in ("linear", "tanh"):
        found += [("orthogonal", kind, 0, size) for size in config["orthogonal"]]
        found.append(("sheared", kind, 0, config["sheared"]["diagonal"]))
    return [*found, ("nilpotent", "linear", 0, 0.0), ("nilpotent", "tanh", 0, 0.0)]


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return, for every seed, what `follow` says of each network: a list by name, in the order of `labels`."""
    return [one(np.random.default_rng(seed), config) for seed in seeds]


def one(rng: np.random.Generator, config: Mapping[str, Any]) -> dict[str, Any]:
    """Draw the matrices of one seed and follow the products of all of them at once."""
    H, T = config["H"], config["T"]
    base, turn, shear = gaussian(rng, H), orthogonal(rng, H), sheared(rng, H, config["sheared"])
    U0, b, rest = resting(rng, H, config["nilpotent"])
    names = labels(config)[:-2]
    made = {"gaussian": base, "orthogonal": turn}
    U = np.stack([shear if family == "sheared" else size * made[family] for family, _, _, size in names])
    x = config["noise"] * rng.standard_normal((config["settle"] + T, H))
    kinds = [kind for _, kind, _, _ in names]
    drive = config["drive"] * np.array([driven for _, _, driven, _ in names])
    moving = [i for i, kind in enumerate(kinds) if kind != "linear"]
    slopes = np.ones((T, len(names), H))
    slopes[:, moving] = slopes_under_noise(U[moving], [kinds[i] for i in moving], drive[moving], x, config["settle"])
    assert np.abs(np.tanh(U0 @ rest + b) - rest).max() < 1e-12
    at_rest = np.broadcast_to(np.stack([np.ones(H), 1 - rest**2]), (T, 2, H))
    followed = follow(U, slopes, kinds, config) + follow_at_rest(U0, at_rest, config)
    return {name: [short(run[name]) for run in followed] for name in followed[0]}


def short(value: float | None) -> float | None:
    """Round to six digits, to keep the file small."""
    return None if value is None else float(f"{value:.6g}")


def follow_at_rest(U: Array, slopes: Array, config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """As `follow`, for one nilpotent matrix; linear, its second power is 0 and there is no rate to speak of."""
    linear = {"sigma": np.linalg.norm(U, 2), "rho": 0.0, "near": None, "far": None, "half": 2.0, "gap": 0.0}
    assert np.abs(U @ U).max() < 1e-12
    (tanh,) = follow(U[None], slopes[:, 1:], ["tanh"], config)
    return [linear | {"peak": np.log(np.linalg.norm(U, 2))}, tanh | {"rho": 0.0}]


# ---- the summary -----------------------------------------------------------------------------------------------------


def networks(results: Sequence[Mapping[str, Any]], config: Mapping[str, Any] = CONFIG) -> list[dict[str, Any]]:
    """Return one mapping for each network of every seed, with its labels."""
    titles = [dict(zip(("family", "kind", "driven", "size"), label, strict=True)) for label in labels(config)]
    columns = [name for name in results[0] if name != "seed"]
    return [title | {name: run[name][i] for name in columns} for run in results for i, title in enumerate(titles)]


def fate(run: Mapping[str, Any], still: float) -> str:
    """Say whether the gradient of a network vanishes, explodes, or does neither over the far lags."""
    if run["far"] is None or run["far"] < -still:
        return "vanishes"
    return "explodes" if run["far"] > still else "neither"


def statements(runs: Sequence[Mapping[str, Any]], still: float) -> dict[str, dict[str, dict[str, int]]]:
    """Count, for each size and statement, to how many networks it applies and how many speak against it."""
    found: dict[str, dict[str, dict[str, int]]] = {}
    for size in ("sigma", "rho"):
        below = [(run[size] < 1, fate(run, still)) for run in runs]
        pairs = {
            "below_vanishes": [end == "vanishes" for small, end in below if small],
            "above_explodes": [end == "explodes" for small, end in below if not small],
            "vanishes_below": [small for small, end in below if end == "vanishes"],
            "explodes_above": [not small for small, end in below if end == "explodes"],
        }
        found[size] = {name: {"of": len(told), "against": told.count(False)} for name, told in pairs.items()}
    return found


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the worst differences, the counts and the medians that the claims turn on."""
    runs = networks(results)
    still = CONFIG["still"]
    kinds = {kind: [run for run in runs if run["kind"] == kind] for kind in ("linear", "tanh")}
    followed = [run for kind in kinds.values() for run in kind if run["far"] is not None and not run["driven"]]
    linear = [run for run in kinds["linear"] if run["far"] is not None]
    tanh = [run for run in followed if run["kind"] == "tanh"]
    falls = [run for run in followed if fate(run, still) == "vanishes"]
    return {
        "count": len(results),
        "networks": len(followed),
        "unsteady": max(abs(run["near"] - run["far"]) for run in followed),
        "from_radius": max(abs(run["far"] - np.log(run["rho"])) for run in linear),
        "tanh_from_radius": float(np.median([np.log(run["rho"]) - run["far"] for run in tanh if run["rho"] > 0])),
        "tanh_from_sigma": float(np.median([np.log(run["sigma"]) - run["far"] for run in tanh])),
        "tanh_off": sum(
            min(abs(run["far"] - np.log(run[size])) if run[size] > 0 else np.inf for size in ("rho", "sigma")) > 0.02
            for run in tanh
        ),
        "tanh_networks": len(tanh),
        "falling": len(falls),
        "first_up": sum(run["peak"] > 1e-9 for run in falls),
        "highest": float(np.exp(max(run["peak"] for run in falls))),
        "highest_linear": float(np.exp(max(run["peak"] for run in falls if run["kind"] == "linear"))),
        "gap": max(run["gap"] for run in runs),
        "pairs": pairs(runs),
        "statements": {kind: statements(own, still) for kind, own in kinds.items()},
    }


def pairs(runs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Compare tanh with the sigmoid on the same matrix and noise: how often it keeps longer, rates and half-lives."""
    found = {}
    for driven, name in enumerate(("free", "driven")):
        own = {
            kind: [run for run in runs if (run["family"], run["kind"], run["driven"]) == ("gaussian", kind, driven)]
            for kind in ("tanh", "sigmoid")
        }
        both = list(zip(own["tanh"], own["sigmoid"], strict=True))
        found[name] = {"of": len(both), "tanh_longer": sum(t["far"] > s["far"] for t, s in both)}
        for kind, some in own.items():
            radii = sorted({run["size"] for run in some})
            by_radius = [[run for run in some if run["size"] == radius] for radius in radii]
            found[name][kind] = {
                "rate": [float(np.median([run["far"] for run in each])) for each in by_radius],
                "half": [_median_half([run["half"] for run in each]) for each in by_radius],
            }
    return found


def _median_half(halves: Sequence[int | None]) -> float | None:
    """Return the median number of steps to a half; None where most never come to it."""
    middle = float(np.median([np.inf if half is None else half for half in halves]))
    return middle if np.isfinite(middle) else None


EXPERIMENT = Experiment(
    name="jacobians",
    title="products of Jacobians over a thousand steps, in networks whose matrices differ in kind and size",
    claims=("C08", "C09", "C12"),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=32,
    together=4,
)
