"""The dense layer that reads a recurrent layer's outputs."""

import numpy as np

from companion.reference import checks, parameters
from companion.reference.tape import Gradients

Array = np.ndarray


class Linear:
    """y = W x + b for every position of x, with the names, shapes and initialisation of `torch.nn.Linear`.

    Args:
        in_features, out_features: sizes of the last axis of x and y.
        bias: False leaves b out.
        dtype: float32 or float64.
        rng: None, an integer or a `numpy.random.Generator`, for U(-1/√in, 1/√in).

    Attributes:
        params: `weight` (out, in) and `bias` (out,), live arrays. With a leading axis S, S dense layers side by side:
            x is then (S, …, in).

    Raises:
        TypeError, ValueError: for a size below 1 or not an integer, a bias that is not a bool, a dtype that is not
            real.
    """

    def __init__(self, in_features: int, out_features: int, bias: bool = True, *, dtype=np.float64, rng=None):
        self.in_features = checks.positive_size("in_features", in_features)
        self.out_features = checks.positive_size("out_features", out_features)
        self.bias = checks.flag("bias", bias)
        self.dtype = checks.floating("dtype", dtype)
        rng, bound = np.random.default_rng(rng), 1 / np.sqrt(in_features)
        self.params: dict[str, Array] = {
            name: rng.uniform(-bound, bound, shape).astype(self.dtype)
            for name, shape in self.parameter_shapes().items()
        }

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of each parameter by name, without the axis of networks."""
        return {"weight": (self.out_features, self.in_features)} | ({"bias": (self.out_features,)} if self.bias else {})

    def __call__(self, x: Array) -> Array:
        """y (…, out) for x (…, in).

        Raises:
            ValueError: the last axis is not in_features. TypeError: another dtype than the layer's.
        """
        x, rows = self._rows(x)
        y = rows @ self.params["weight"].mT
        if self.bias:
            y += self.params["bias"][..., None, :]
        return y.reshape(*x.shape[:-1], self.out_features)

    def backward(self, x: Array, dy: Array) -> Gradients:
        """Gradients of x and of the parameters, from the gradient of y = self(x); `state` of the result is empty.

        Raises:
            ValueError: dy has not the shape of y, or x not that of an input. TypeError: another dtype than the layer's.
        """
        x, rows = self._rows(x)
        dy = checks.shape("dy", checks.numbers("dy", dy, self.dtype), (*x.shape[:-1], self.out_features), "(that of y)")
        dy = dy.reshape(*rows.shape[:-1], self.out_features)
        params = {"weight": dy.mT @ rows} | ({"bias": dy.sum(axis=-2)} if self.bias else {})
        return Gradients((dy @ self.params["weight"]).reshape(x.shape), (), params)

    def state_dict(self) -> dict[str, Array]:
        """Copies of the parameters, by name."""
        return {name: value.copy() for name, value in self.params.items()}

    def load_state_dict(self, mapping) -> None:
        """Set all parameters, from arrays or torch tensors; errors as `Layer.load_state_dict`."""
        self.params.update(parameters.load(self.params, mapping, self.parameter_shapes(), self.dtype))

    def _rows(self, x: Array) -> tuple[Array, Array]:
        """x, and x as (positions, in), or (S, positions, in) for S layers side by side."""
        runs = parameters.check(self.params, self.parameter_shapes(), self.dtype)
        x = checks.numbers("x", x, self.dtype)
        if x.ndim == 0 or x.shape[-1] != self.in_features:
            raise ValueError(f"x: expected (…, in_features = {self.in_features}), got shape {x.shape}")
        if runs is None:
            return x, x.reshape(-1, self.in_features)
        if x.ndim < 2 or x.shape[0] != runs:
            raise ValueError(f"x: expected (S = {runs}, …, {self.in_features}), got shape {x.shape}")
        return x, x.reshape(runs, -1, self.in_features)
