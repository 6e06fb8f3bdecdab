"""Many small recurrent networks at once, in PyTorch: the first axis of every array is the run.

A run is a seed in a setting: a gain, a clipping threshold, a rate. Runs do not mix, so each learns what it would have
learnt alone, and a run that is no longer finite spoils no other. The experiments on clipping, activations,
normalisation and initial weights share these few functions.

Letters as in the book, but transposed for the product from the right: a run's step is `h = phi(x @ W + h @ U + b)`, its
answer `h @ V + c` at the last step of each sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from companion.experiments.intervals import wilson
from companion.tasks import Batch

Params = dict[str, Tensor]
Activation = Callable[[Tensor], Tensor]


# ---- the weights -----------------------------------------------------------------------------------------------------


def recurrent(kind: str, H: int, gain: float, rng: np.random.Generator) -> np.ndarray:
    """Return a recurrent matrix: "default" (as `torch.nn`), "gaussian", "orthogonal" or "identity", times the gain."""
    if kind == "identity":
        return gain * np.eye(H)
    if kind == "default":
        return gain * rng.uniform(-1, 1, (H, H)) / np.sqrt(H)
    matrix = rng.normal(size=(H, H))
    if kind == "gaussian":
        return gain * matrix / np.sqrt(H)
    if kind == "orthogonal":
        q, r = np.linalg.qr(matrix)
        return gain * q * np.sign(np.diag(r))
    raise ValueError(f"kind: expected default, gaussian, orthogonal or identity, got {kind!r}")


def drawn_weights(kind: str, gain: float, I: int, H: int, O: int, rng: np.random.Generator) -> dict[str, np.ndarray]:  # noqa: E741
    """Return the weights of one run; all but the recurrent ones as `torch.nn` draws them, the biases 0."""
    bound = 1 / np.sqrt(H)
    return {
        "W": rng.uniform(-bound, bound, (I, H)),
        "V": rng.uniform(-bound, bound, (H, O)),
        "U": recurrent(kind, H, gain, rng),
        "b": np.zeros((1, H)),
        "c": np.zeros((1, O)),
    }


def stacked(runs: Sequence[dict[str, np.ndarray]]) -> Params:
    """Return the weights of all runs as leaves that want a gradient, the run on the first axis."""
    return {name: torch.tensor(np.stack([run[name] for run in runs])).float().requires_grad_() for name in runs[0]}


# ---- the tasks -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Problem:
    """A batch for each run: x (S, T, B, I), the last step of each sequence (S, B), and what is asked there.

    `y` is `(S, B)` for labels and `(S, B, O)` for numbers.
    """

    x: Tensor
    last: Tensor
    y: Tensor


def drawn(task: Any, B: int, rngs: Sequence[np.random.Generator], times: int = 1) -> Problem:
    """Draw a batch with each generator; each serves `times` runs, one after the other."""
    batches = [batch for rng in rngs for batch in [task.batch(B, rng)] * times]
    return Problem(
        torch.tensor(np.stack([batch.x for batch in batches])).float(),
        torch.tensor(np.stack([_last(batch) for batch in batches])),
        _as_targets(np.stack([_asked(batch) for batch in batches])),
    )


def _last(batch: Batch) -> np.ndarray:
    return np.full(batch.x.shape[1], len(batch.x) - 1) if batch.lengths is None else batch.lengths - 1


def _asked(batch: Batch) -> np.ndarray:
    return batch.y[_last(batch), np.arange(batch.x.shape[1])]


def _as_targets(y: np.ndarray) -> Tensor:
    return torch.tensor(y) if np.issubdtype(y.dtype, np.integer) else torch.tensor(y).float()


# ---- the network -----------------------------------------------------------------------------------------------------


def states(params: Params, x: Tensor, phi: Activation = torch.tanh) -> Tensor:
    """Return the states (S, T, B, H) of plain recurrent layers that read x (S, T, B, I) from a state of 0."""
    S, T, B, _ = x.shape
    driven = torch.baddbmm(params["b"], x.flatten(1, 2), params["W"]).unflatten(1, (T, B)).unbind(1)
    h, found = x.new_zeros(S, B, params["U"].shape[-1]), []
    for driven_t in driven:
        h = phi(torch.baddbmm(driven_t, h, params["U"]))
        found.append(h)
    return torch.stack(found, dim=1)


def answers(params: Params, h: Tensor, last: Tensor) -> Tensor:
    """Return what the heads say (S, B, O) of the states (S, T, B, H) at each sequence's last step (S, B)."""
    at = last[:, None, :, None].expand(-1, 1, -1, h.shape[-1])
    return torch.baddbmm(params["c"], h.gather(1, at)[:, 0], params["V"])


def losses(said: Tensor, y: Tensor) -> Tensor:
    """Return each run's mean cross-entropy in nats (labels) or mean squared error (numbers), (S,)."""
    if y.is_floating_point():
        return ((said - y) ** 2).flatten(1).mean(1)
    flat = torch.nn.functional.cross_entropy(said.flatten(0, -2), y.flatten(), reduction="none")
    return flat.unflatten(0, (len(said), -1)).mean(1)


# ---- training --------------------------------------------------------------------------------------------------------


def norms(params: Params) -> Tensor:
    """Return the 2-norm of each run's gradient, all its arrays together, (S,)."""
    return torch.stack([value.grad.flatten(1).norm(dim=1) for value in params.values()]).norm(dim=0)


def clip_norm(params: Params, limit: Tensor) -> None:
    """Shorten each run's gradient to its limit (S,), in place; infinity leaves it as it is."""
    scale = (limit / norms(params)).clamp(max=1.0)
    for value in params.values():
        value.grad *= scale.view(-1, *[1] * (value.dim() - 1))


def clip_value(params: Params, limit: Tensor) -> None:
    """Cut each entry of each run's gradient to its limit (S,), in place."""
    for value in params.values():
        bound = limit.view(-1, *[1] * (value.dim() - 1)).expand_as(value)
        value.grad.copy_(value.grad.clamp(-bound, bound))


class Descent:
    """Gradient descent with a rate (S,) for each run."""

    def __init__(self, params: Params, rates: Tensor):
        self.params, self.rates = params, rates

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for value in self.params.values():
            value.grad = None

    def steps(self) -> dict[str, Tensor]:
        """Return the step of each array, before its rate."""
        return {name: value.grad for name, value in self.params.items()}

    @torch.no_grad()
    def step(self) -> None:
        """Take the step off the weights."""
        for name, step in self.steps().items():
            self.params[name] -= self.rates.view(-1, *[1] * (step.dim() - 1)) * step


class Adam(Descent):
    """Adam (Kingma and Ba 2015) with the decays 0.9 and 0.999, and a rate for each run."""

    def __init__(self, params: Params, rates: Tensor):
        super().__init__(params, rates)
        self.t = 0
        self.m = {name: torch.zeros_like(value) for name, value in params.items()}
        self.v = {name: torch.zeros_like(value) for name, value in params.items()}

    def steps(self) -> dict[str, Tensor]:
        """Return the step of each array, before its rate."""
        self.t += 1
        found = {}
        for name, value in self.params.items():
            self.m[name].lerp_(value.grad, 0.1)
            self.v[name].lerp_(value.grad**2, 0.001)
            m, v = self.m[name] / (1 - 0.9**self.t), self.v[name] / (1 - 0.999**self.t)
            found[name] = m / (v.sqrt() + 1e-8)
        return found


def train(
    params: Params,
    loss: Callable[[int], Tensor],
    updates: int,
    optimiser: Descent | torch.optim.Optimizer,
    clip: Callable[[Params], None] | None = None,
) -> Tensor:
    """Train all runs for some updates and return the norms of their gradients before clipping, (updates, S).

    `loss` is given the number of the update and returns the loss of each run. What is not finite stays where it is: it
    is the end of that run, and of no other.
    """
    found = []
    for update in range(updates):
        optimiser.zero_grad()
        loss(update).sum().backward()
        found.append(norms(params))
        if clip is not None:
            clip(params)
        optimiser.step()
    return torch.stack(found)


# ---- what is counted -------------------------------------------------------------------------------------------------


def medians(rows: Sequence[Sequence[float]]) -> list[float]:
    """Return the median of every column to six digits, which is more than twenty seeds can tell."""
    return [float(f"{value:.6g}") for value in np.median(rows, axis=0)]


def shares(outcomes: Sequence[Sequence[bool]]) -> list[dict[str, float]]:
    """Return, for every setting, Wilson's interval over the seeds; `outcomes` has a row for each seed."""
    table = np.asarray(outcomes)
    return [wilson(int(column.sum()), len(table)) for column in table.T]
