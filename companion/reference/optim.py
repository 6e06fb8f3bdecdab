"""What is done with a gradient: two optimisers, with the arguments and the arithmetic of torch.optim.

Both hold the parameters by reference and change the arrays in place. To train several layers with one optimiser, give
it all their parameters: `Adam(rnn.params | head.params)`, then `step(grads.params | head_grads.params)`.
"""

from collections.abc import Mapping

import numpy as np

from companion.reference import checks

Params = Mapping[str, np.ndarray]


class SGD:
    """Stochastic gradient descent with momentum: v <- μ v + g, p <- p - lr v (Polyak 1964, as `torch.optim.SGD`).

    Raises:
        ValueError: a learning rate or momentum below 0, or not finite.
    """

    def __init__(self, params: Params, lr: float = 1e-3, momentum: float = 0.0):
        self.params = check_params(params)
        self.lr, self.momentum = at_least_zero("lr", lr), at_least_zero("momentum", momentum)
        self._v = {name: np.zeros_like(value) for name, value in self.params.items()}

    def step(self, grads: Params) -> None:
        """One update, in place. Raises KeyError or ValueError where names or shapes differ from the parameters'."""
        for name, p, g in pairs(self.params, grads):
            v = self._v[name]
            v *= self.momentum
            v += g
            p -= self.lr * v


class Adam:
    """Adam (Kingma and Ba 2015, algorithm 1, as `torch.optim.Adam`).

    m <- β1 m + (1 - β1) g, v <- β2 v + (1 - β2) g², p <- p - lr m̂ / (√v̂ + eps),
    with m̂ = m / (1 - β1ᵗ), v̂ = v / (1 - β2ᵗ).

    Raises:
        ValueError: a learning rate or eps below 0, or a β outside [0, 1).
    """

    def __init__(self, params: Params, lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8):
        self.params = check_params(params)
        self.lr, self.eps = at_least_zero("lr", lr), at_least_zero("eps", eps)
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas: expected two numbers from 0 to below 1, got {betas!r}")
        self.betas = tuple(betas)
        self._t = 0
        self._m = {name: np.zeros_like(value) for name, value in self.params.items()}
        self._v = {name: np.zeros_like(value) for name, value in self.params.items()}

    def step(self, grads: Params) -> None:
        """One update, in place. Raises KeyError or ValueError where names or shapes differ from the parameters'."""
        checked = pairs(self.params, grads)
        self._t += 1
        beta1, beta2 = self.betas
        for name, p, g in checked:
            m, v = self._m[name], self._v[name]
            m += (1 - beta1) * (g - m)
            v += (1 - beta2) * (g * g - v)
            m_hat, v_hat = m / (1 - beta1**self._t), v / (1 - beta2**self._t)
            p -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)


def check_params(params: object) -> dict[str, np.ndarray]:
    """The parameters in a dictionary of the same arrays. Raises TypeError for anything but a mapping of arrays."""
    if not isinstance(params, Mapping) or not all(isinstance(value, np.ndarray) for value in params.values()):
        raise TypeError(f"params: expected a mapping from names to arrays, got {checks.describe(params)}")
    return dict(params)


def pairs(params: Params, grads: Params) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(name, parameter, gradient) for all parameters, checked before anything changes."""
    if set(params) != set(grads):
        raise KeyError(f"grads: expected the names {list(params)}, got {list(grads)}")
    return [(name, p, checks.shape(f"grads[{name!r}]", np.asarray(grads[name]), p.shape)) for name, p in params.items()]


def at_least_zero(name: str, value: float) -> float:
    """A finite number of at least 0. Raises ValueError for any other."""
    if not (np.isfinite(value) and value >= 0):
        raise ValueError(f"{name}: expected a finite number of at least 0, got {value!r}")
    return float(value)
