"""The training loop of the course, for the layers of `companion.reference`: forward, loss, back, clip, step.

Nothing in it knows which cell it trains. Several networks that differ only in their seed can be trained side by side:
`side_by_side` puts their parameters on a first axis, and every network keeps its own loss, its own clipping and its own
early stop, so that it learns what it would have learnt alone.

    network = Network(ref.RNN(1, 8, rng=0), ref.Linear(8, 1, rng=1))
    optimiser = ref.Adam(network.params, lr=3e-3)
    history = fit(network, repeat(batch), squared_error, optimiser, updates=300, clip=1.0)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from companion import reference as ref
from companion.tasks.batching import Batch
from companion.training.progress import Mode, progress

__all__ = ["Diverged", "EarlyStop", "History", "Network", "cross_entropy", "fit", "side_by_side", "squared_error"]

Array = np.ndarray
Loss = Callable[[Array, Batch], tuple[float, Array]]


@dataclass(frozen=True, eq=False)
class Network:
    """A recurrent layer and the dense layer that reads its outputs.

    Attributes:
        layer: a layer of `companion.reference`.
        head: a `companion.reference.Linear`; its `in_features` are the outputs of the layer.

    Raises:
        ValueError: a head of another size.
    """

    layer: ref.Layer
    head: ref.Linear

    def __post_init__(self) -> None:
        width = self.layer.hidden_size * (2 if self.layer.bidirectional else 1)
        if self.head.in_features != width:
            raise ValueError(
                f"head: expected in_features = {width} (the outputs of the layer), got {self.head.in_features}"
            )

    @property
    def params(self) -> dict[str, Array]:
        """All parameters by name, "layer." or "head." before it. The arrays are live."""
        return named(self.layer.params, self.head.params)

    @property
    def runs(self) -> int | None:
        """S where S networks are trained side by side, else None."""
        return self.layer.runs

    def __call__(self, x: Array, lengths: Array | None = None) -> Array:
        """Return the outputs `(T, B, out)` for inputs `(T, B, in)`; `(S, T, B, out)` for networks side by side."""
        return self.head(self.layer(x, lengths=lengths)[0])

    def gradients(self, batch: Batch, loss: Loss) -> tuple[Array, dict[str, Array]]:
        """Return the loss, `()` or `(S,)`, and its gradients by name."""
        tape = self.layer.unroll(batch.x, lengths=batch.lengths)
        outputs = self.head(tape.y)
        if self.runs is None:
            value, d_outputs = loss(outputs, batch)
        else:
            value, d_outputs = map(np.stack, zip(*(loss(own, batch) for own in outputs), strict=True))
        return np.asarray(value), self.backward(tape, d_outputs)

    def backward(self, tape: ref.Tape, d_outputs: Array) -> dict[str, Array]:
        """Return the gradients by name, from those of the outputs that the head made of the whole tape."""
        head = self.head.backward(tape.y, d_outputs)
        return named(self.layer.bptt(tape, head.x).params, head.params)


def named(layer: Mapping[str, Array], head: Mapping[str, Array]) -> dict[str, Array]:
    """Return the arrays of a layer and of a head in one mapping, "layer." or "head." before their names."""
    return {f"layer.{name}": value for name, value in layer.items()} | {f"head.{n}": value for n, value in head.items()}


def side_by_side(networks: Sequence[Network]) -> Network:
    """Return one network that is all of these at once: every parameter gets a first axis S. The given ones stay.

    Raises:
        TypeError: layers or heads of different kinds.
        ValueError: no network, or parameters of different names, shapes or dtypes.
    """
    if not networks:
        raise ValueError("networks: expected at least one, got none")
    together = {}
    for part in ("layer", "head"):
        try:
            together[part] = ref.stack(getattr(network, part) for network in networks)
        except (TypeError, ValueError) as error:
            message = f"networks: expected a {part} of one and the same kind and size in all; {error}"
            raise type(error)(message) from None
    return replace(networks[0], **together)


def squared_error(outputs: Array, batch: Batch) -> tuple[float, Array]:
    """Return the mean squared error over all targets that are there, and its gradient."""
    return ref.mse(outputs, batch.y, mask=batch.asked)


def cross_entropy(outputs: Array, batch: Batch) -> tuple[float, Array]:
    """Return the mean cross-entropy, in nats, over all targets that are there, and its gradient."""
    return ref.softmax_cross_entropy(outputs, batch.y, mask=batch.asked)


@dataclass(frozen=True, eq=False)
class EarlyStop:
    """Stop when the validation no longer improves, and go back to where it was best.

    Attributes:
        validate: from the network to what should be small: a number, or `(S,)` for networks side by side. With `train`
            it gets the module, and of several processes the first one alone asks it.
        every: number of updates between two validations; the first is before any update.
        patience: how many validations in a row may be without improvement.

    Raises:
        ValueError: `every` or `patience` below 1.
    """

    validate: Callable[[Network], float | Array]
    every: int = 10
    patience: int = 10

    def __post_init__(self) -> None:
        for name in ("every", "patience"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")


@dataclass(frozen=True, eq=False)
class History:
    """What happened in a training run.

    Attributes:
        loss: `(updates,)`, or `(updates, S)`: the loss before each update.
        norm: of the same shape: the norm of the gradient before clipping.
        checked: the numbers of the updates before which the validation was made; empty without early stop.
        validation: `(len(checked),)`, or `(len(checked), S)`: what it gave.
        best: the update before which it was best, () or `(S,)`; None without early stop.
        stopped: whether the early stop ended the run.
        seconds: how long it took.
    """

    loss: Array
    norm: Array
    checked: Array
    validation: Array
    best: Array | None
    stopped: bool
    seconds: float

    @classmethod
    def of(cls, run: Any, seconds: float) -> History:
        """Return the history of what has the lists `loss`, `norm`, `checked` and `validation`, and says `stopped`."""
        return cls(
            loss=np.array(run.loss),
            norm=np.array(run.norm),
            checked=np.array(run.checked, dtype=int),
            validation=np.array(run.validation),
            best=np.array(run.checked)[best_check(run.validation)] if run.checked else None,
            stopped=run.stopped,
            seconds=seconds,
        )


def best_check(validation: Sequence[float | Array]) -> Array:
    """Return the number of the validation that was best, (), or (S,) for networks side by side; not finite is worst."""
    return np.argmin(np.where(np.isfinite(validation), validation, np.inf), axis=0)


class Diverged(FloatingPointError):
    """Raised when a loss is no longer finite; `history` holds the run up to there."""

    def __init__(self, message: str, history: History):
        super().__init__(message)
        self.history = history


def fit(
    network: Network,
    batches: Iterable[Batch],
    loss: Loss,
    optimiser: Any,
    updates: int,
    *,
    clip: float | None = None,
    decay: float = 0.0,
    early_stop: EarlyStop | None = None,
    label: str = "training",
    mode: Mode | None = None,
) -> History:
    """Train a network in place and return what happened.

    Args:
        network: what is trained.
        batches: one batch for each update; `itertools.repeat(batch)` where all updates see the same.
        loss: from outputs and batch to the loss and its gradient: `squared_error`, `cross_entropy` or your own.
        optimiser: made with `network.params`, such as `ref.Adam(network.params)`.
        updates: how many, at most.
        clip: largest norm of the gradient of one network; longer ones are shortened before the step.
        decay: `decay * weight` is added to the gradient of every weight, not of the biases.
        early_stop: when to stop before all updates are made.
        label, mode: of the progress, as in `companion.training.progress`.

    Raises:
        ValueError: a number of updates below 1, a clip that is not above 0, a decay below 0, an optimiser of other
            parameters, batches that end too early.
        Diverged: a loss that is not finite.
    """
    _check(network, optimiser, updates, clip, decay)
    run = _Run(network, early_stop)
    supply = iter(batches)
    with progress(updates, label, mode) as bar:
        for update in range(updates):
            if run.should_stop(update):
                break
            batch = next(supply, None)
            if batch is None:
                raise ValueError(f"batches: expected one for each of {updates} updates, got {update}")
            value, grads = network.gradients(batch, loss)
            run.loss.append(value)
            if not np.isfinite(value).all():
                run.norm.append(np.full_like(value, np.inf))
                advice = "" if clip else "; clip the gradient, or lower the learning rate"
                raise Diverged(f"the loss is {_worst(value)} at update {update}{advice}", run.history())
            for name in grads if decay else ():
                if "weight" in name:
                    grads[name] += decay * network.params[name]
            run.norm.append(_clip(grads, network.runs, clip))
            optimiser.step(grads)
            bar.set_postfix_str(f"loss {np.mean(value):.4g}", refresh=False)
            bar.update()
        else:
            run.should_stop(updates)
    run.restore()
    return run.history()


def _check(network: Network, optimiser: Any, updates: int, clip: float | None, decay: float) -> None:
    if updates < 1:
        raise ValueError(f"updates: expected at least 1, got {updates}")
    if clip is not None and not clip > 0:
        raise ValueError(f"clip: expected a number above 0 or None, got {clip}")
    if decay < 0:
        raise ValueError(f"decay: expected at least 0, got {decay}")
    params = network.params
    if set(optimiser.params) != set(params) or any(optimiser.params[name] is not params[name] for name in params):
        raise ValueError("optimiser: expected one made with network.params, got one that holds other arrays")


class _Run:
    """What a run has gathered so far, and the weights that were best."""

    def __init__(self, network: Network, early_stop: EarlyStop | None):
        self.network, self.early_stop = network, early_stop
        self.loss: list[Array] = []
        self.norm: list[Array] = []
        self.checked: list[int] = []
        self.validation: list[Array] = []
        self.stopped = False
        self._best_params: dict[str, Array] = {}
        self._start = time.perf_counter()

    def should_stop(self, update: int) -> bool:
        """Validate where it is due, keep the weights of those networks that improved, and say whether to stop."""
        stop = self.early_stop
        if stop is None or update % stop.every:
            return False
        value = np.asarray(stop.validate(self.network), dtype=float)
        better = ~(value >= np.min(self.validation, axis=0)) if self.validation else np.full(value.shape, True)
        better &= np.isfinite(value)
        self.checked.append(update)
        self.validation.append(value)
        for name, param in self.network.params.items():
            kept = self._best_params.setdefault(name, param.copy())
            kept[better] = param[better]
        waited = len(self.validation) - 1 - best_check(self.validation)
        self.stopped = bool(np.min(waited) >= stop.patience)
        return self.stopped

    def restore(self) -> None:
        """Put the best weights back."""
        for name, best in self._best_params.items():
            self.network.params[name][...] = best

    def history(self) -> History:
        """Return what happened so far."""
        return History.of(self, time.perf_counter() - self._start)


def _clip(grads: Mapping[str, Array], runs: int | None, clip: float | None) -> Array:
    """Shorten the gradient of every network for itself, in place; return the norms before."""
    largest = np.inf if clip is None else clip
    if runs is None:
        return np.asarray(ref.clip_grad_norm(grads, largest))
    return np.array([ref.clip_grad_norm([grad[s] for grad in grads.values()], largest) for s in range(runs)])


def _worst(value: Array) -> float:
    return float(value[~np.isfinite(value)].flat[0])
