"""Which restrictions make a GRU of an LSTM, and what is left over on either side (C29).

An LSTM is given weights with which o is exactly 1 (a bias of 800) and i = 1 - f (the rows of i are those of f with the
other sign, as σ(-a) = 1 - σ(a)). It is handed its cell state c in the place of h, so that the tanh behind the output
gate is gone, and is run by torch's own LSTM cell. Its f takes the weights of z, its g those of n. It is compared with
GRUs of `companion.reference`, outputs and gradients. What is compared, by the names of the results:

open, gradient     the GRU whose reset gate is exactly 1 (a bias of 800), its outputs and the gradients of z and n
free               the GRU with its reset gate as drawn; the nearer one of the two conventions, after and before
tanh               as `open`, but the LSTM shows and hears tanh(c), as an LSTM does
untied             as `open`, but the input gate of the LSTM has weights of its own
moved              the GRU with reset before the product, against the tied cell in which the output gate was not taken
                   away but moved: it stands before U_g, is read one step later, and only the candidate is behind it

Written before the data: C29 holds if in every network the LSTM without output gate, tied and without the tanh, gives
the outputs of the GRU with its reset gate as drawn within 1e-12. It holds with a condition if that is so in every
network where the reset gate is exactly 1, outputs and gradients, but not in every one with the reset gate as drawn. It
is false if it is not so with a reset gate of 1 either.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments.experiment import Experiment
from companion.reference.activations import sigmoid

CONFIG: dict[str, Any] = {"T": [3, 30], "B": 3, "I": [1, 8], "H": [1, 16]}
SURE = 800.0  # σ(800) is 1 in double precision, and so is σ(800 + a) for every a that a network of this size makes

Array = np.ndarray
Rows = dict[str, tuple[Array, Array, Array]]


def blocks(layer: ref.Layer) -> Rows:
    """Return W, U and the sum of the biases of each block of a GRU by its name, r, z or n."""
    W, U, b_ih, b_hh = layer.params.values()
    split = (np.split(part, 3) for part in (W, U, b_ih + b_hh))
    return dict(zip("rzn", zip(*split, strict=True), strict=True))


def never_resets(layer: ref.Layer) -> ref.Layer:
    """Return a GRU with the same z and n whose reset gate is exactly 1."""
    H = layer.hidden_size
    params = {name: value.copy() for name, value in layer.params.items()}
    for value in params.values():
        value[:H] = 0.0
    params["bias_ih_l0"][:H] = SURE
    made = ref.GRU(layer.input_size, H, reset=layer.reset, rng=0)
    made.load_state_dict(params)
    return made


def lstm_from(gru: Rows, entrance: tuple[Array, Array, Array] | None = None):
    """Return torch's LSTM cell with f = z, g = n and o = 1, and with i = 1 - f unless i has weights of its own."""
    import torch

    z, n = gru["z"], gru["n"]
    i = entrance or tuple(-part for part in z)
    o = (np.zeros_like(z[0]), np.zeros_like(z[1]), np.full_like(z[2], SURE))
    W, U, b = (torch.from_numpy(np.concatenate(parts)) for parts in zip(i, z, n, o, strict=True))
    cell = torch.nn.LSTMCell(W.shape[1], len(z[2]), dtype=torch.float64)
    with torch.no_grad():
        for param, value in zip(cell.parameters(), (W, U, b, torch.zeros_like(b)), strict=True):
            param.copy_(value)
    return cell


def shows_all(cell, x: Array):
    """Run an LSTM cell over x (T, B, I) that hears and shows its cell state; returns all c (T, B, H)."""
    import torch

    c, outputs = torch.zeros(x.shape[1], cell.hidden_size, dtype=torch.float64), []
    for x_t in torch.from_numpy(x):
        _, c = cell(x_t, (c, c))
        outputs.append(c)
    return torch.stack(outputs)


def shows_tanh(cell, x: Array):
    """Run an LSTM cell over x (T, B, I) as it is, hearing and showing o tanh(c); returns all h (T, B, H)."""
    import torch

    h = c = torch.zeros(x.shape[1], cell.hidden_size, dtype=torch.float64)
    outputs = []
    for x_t in torch.from_numpy(x):
        h, c = cell(x_t, (h, c))
        outputs.append(h)
    return torch.stack(outputs)


def gate_moved(gru: Rows, x: Array) -> Array:
    """Run the tied cell whose output gate stands before U_g, with the weights of r; returns all c (T, B, H)."""

    def dense(block: str, x_t: Array, hears: Array) -> Array:
        W, U, b = gru[block]
        return x_t @ W.T + hears @ U.T + b

    c, outputs = np.zeros((x.shape[1], len(gru["z"][2]))), []
    for x_t in x:
        o = sigmoid(dense("r", x_t, c))
        f = sigmoid(dense("z", x_t, c))
        g = np.tanh(dense("n", x_t, o * c))
        c = f * c + (1 - f) * g
        outputs.append(c)
    return np.stack(outputs)


def gradients(cell) -> Array:
    """Return the gradient of W and U by the weights of z and n, (2H, I + H), that an LSTM cell found, f tied to i."""
    grad = np.hstack([param.grad.numpy() for param in (cell.weight_ih, cell.weight_hh)])
    i, f, g, _ = np.split(grad, 4)
    return np.concatenate([f - i, g])  # the rows of i are those of f with the other sign


def compared(seed: int, config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the largest differences between one LSTM, restricted in several ways, and GRUs."""
    import torch

    rng = np.random.default_rng(seed)
    T, I, H = (int(rng.integers(low, high + 1)) for low, high in (config["T"], config["I"], config["H"]))  # noqa: E741
    layer = ref.GRU(I, H, rng=rng)
    x, dy = rng.standard_normal((T, config["B"], I)), rng.standard_normal((T, config["B"], H))
    before = ref.GRU(I, H, reset="before", rng=0)
    before.load_state_dict(layer.params)
    gru, steady = blocks(layer), never_resets(layer)
    cell = lstm_from(gru)
    y = shows_all(cell, x)
    (y * torch.from_numpy(dy)).sum().backward()

    tape = steady.unroll(x)
    grads = steady.bptt(tape, dy).params
    expected = np.hstack([grads["weight_ih_l0"], grads["weight_hh_l0"]])[H:]
    own = lstm_from(gru, blocks(ref.GRU(I, H, rng=rng))["z"])

    def off(made: Array, right: Array) -> float:
        return float(np.abs(np.asarray(made) - right).max())

    y = y.detach().numpy()
    with torch.no_grad():
        return {
            "T": T,
            "I": I,
            "H": H,
            "open": off(y, tape.y),
            "gradient": off(gradients(cell), expected) / float(np.abs(expected).max()),
            "free": min(off(y, other(x)[0]) for other in (layer, before)),
            "tanh": off(shows_tanh(cell, x), tape.y),
            "untied": off(shows_all(own, x), tape.y),
            "moved": off(gate_moved(gru, x), before(x)[0]),
        }


def measure(seeds: Sequence[int], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return one comparison for every seed."""
    return [compared(seed, config) for seed in seeds]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return least, median and largest of every difference."""
    found: dict[str, Any] = {"count": len(results)}
    for name in ("open", "gradient", "free", "tanh", "untied", "moved"):
        values = [run[name] for run in results]
        found[name] = {"min": min(values), "median": float(np.median(values)), "max": max(values)}
    return found


EXPERIMENT = Experiment(
    name="gru_from_lstm",
    title="an LSTM restricted step by step until it is a GRU, and what is left over",
    claims=("C29",),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    seeds=100,
    together=100,
    packages=("numpy", "torch"),
)
