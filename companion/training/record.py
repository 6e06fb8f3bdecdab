"""What happened so far in a training run of a PyTorch model, and the weights that were best."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from torch import Tensor, nn

from companion.training.numpy_loop import EarlyStop, History, best_check
from companion.training.parallel import world
from companion.training.step import Done

__all__ = ["Record"]


class Record:
    """The losses, norms and validations of a run; says when to validate and when to stop."""

    def __init__(self, model: nn.Module, early_stop: EarlyStop | None):
        self._model, self._early_stop = model, early_stop
        self.loss: list[float] = []
        self.norm: list[float] = []
        self.checked: list[int] = []
        self.validation: list[float] = []
        self._best: dict[str, Tensor] | None = None
        self._begin = time.perf_counter()

    @property
    def updates(self) -> int:
        """How many updates were made."""
        return len(self.loss)

    @property
    def due(self) -> bool:
        """Whether a validation is due before the next update."""
        stop = self._early_stop
        return stop is not None and self.updates % stop.every == 0 and self.updates not in self.checked[-1:]

    @property
    def stopped(self) -> bool:
        """Whether the validation has waited in vain for long enough."""
        if self._early_stop is None or not self.validation:
            return False
        return bool(len(self.validation) - 1 - best_check(self.validation) >= self._early_stop.patience)

    def add(self, done: Done) -> None:
        """Note an update."""
        self.loss.append(done.loss)
        self.norm.append(done.norm)

    def validate(self) -> None:
        """Validate, on the first process alone, and keep the weights if they are the best so far."""
        processes = world()
        value = float(self._early_stop.validate(self._model)) if processes.first else None
        self.checked.append(self.updates)
        self.validation.append(processes.from_first(value))
        if self._best is None or best_check(self.validation) == len(self.validation) - 1:
            self._best = {name: tensor.detach().clone() for name, tensor in self._model.state_dict().items()}

    def restore(self) -> None:
        """Put the best weights back."""
        if self._best is not None:
            self._model.load_state_dict(self._best)

    def history(self) -> History:
        """Return what happened so far."""
        return History.of(self, time.perf_counter() - self._begin)

    def state_dict(self) -> dict[str, Any]:
        """Return all of it for a checkpoint."""
        lists = {"loss": self.loss, "norm": self.norm, "validation": self.validation}
        arrays = {name: np.array(values, dtype=np.float64) for name, values in lists.items()}
        seconds = time.perf_counter() - self._begin
        return arrays | {"checked": list(self.checked), "best": self._best, "seconds": seconds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.loss, self.norm, self.validation = (state[name].tolist() for name in ("loss", "norm", "validation"))
        self.checked, self._best = list(state["checked"]), state["best"]
        self._begin = time.perf_counter() - state["seconds"]
