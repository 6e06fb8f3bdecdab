"""Is the gradient right? Every entry of every gradient, against a derivative that was found another way.

Complex step (Squire and Trapp 1998): f(v + i ε) = f(v) + i ε f'(v) + O(ε²), so the imaginary part over ε is the
slope, with no difference of two near numbers and hence no rounding, down to ε = 1e-30. It needs an analytic forward
pass; a ReLU has none, and gets central differences, (f(v + ε) - f(v - ε)) / 2ε.
"""

from collections.abc import Callable, Iterator
from copy import copy
from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class TensorCheck:
    """One tensor: the worst entry, and how far off it is, relative to the largest entry of the tensor."""

    name: str
    error: float
    index: tuple[int, ...]
    got: float
    expected: float
    tolerance: float

    @property
    def ok(self) -> bool:
        """Whether the error is within the tolerance (NaN is not)."""
        return self.error <= self.tolerance

    def __str__(self) -> str:
        place = ", ".join(map(str, self.index))
        verdict = "ok   " if self.ok else "WRONG"
        return (
            f"{verdict} {self.name}[{place}]: got {self.got:.6g}, expected {self.expected:.6g}, error {self.error:.1e}"
        )


@dataclass(frozen=True)
class Report:
    """What `gradcheck` found: `report.tensors[name]`, and true if and only if every tensor is right."""

    method: str
    tensors: dict[str, TensorCheck]

    @property
    def ok(self) -> bool:
        """Whether every tensor is within its tolerance."""
        return all(tensor.ok for tensor in self.tensors.values())

    def __bool__(self) -> bool:
        return self.ok

    def __getitem__(self, name: str) -> TensorCheck:
        return self.tensors[name]

    def __str__(self) -> str:
        return "\n".join(
            [f"gradients against the {self.method}, the worst entry of each:", *map(str, self.tensors.values())]
        )


def gradcheck(layer, x, state=None, lengths=None, *, rng=0, tolerance: float | None = None, **inputs) -> Report:
    """Check `layer.bptt` for this input: gradients of x, of the initial state and of every parameter.

    The loss is Σ dy·y + Σ dstate·state with dy and dstate drawn from N(0, 1): upstream gradients on all outputs *and*
    on the final state, as all-ones gradients let mistakes cancel.

    Args:
        layer: a layer of this package, of any cell.
        x, state, lengths: as in the layer's `unroll`; a state of None is drawn at random, since a zero state hides
            mistakes.
        rng: None, an integer or a `numpy.random.Generator`, for what is drawn.
        tolerance: the largest error allowed; by default 1e-9 for the complex step, 1e-6 for central differences, and
            1e-4 for a layer in float32 (whose derivatives to compare with are taken in float64).
        inputs: further arguments of `unroll`, such as `targets`.

    Returns:
        a `Report`, false where a gradient is wrong. It does not raise: print it to see which entry of which tensor.
    """
    rng = np.random.default_rng(rng)
    x = np.asarray(x)
    tape = layer.unroll(x, state, lengths, **inputs)
    if state is None:
        state = rebuild([rng.standard_normal(part.shape).astype(part.dtype) for part in parts(tape.state)], tape.state)
        tape = layer.unroll(x, state, lengths, **inputs)
    dy = rng.standard_normal(tape.y.shape).astype(tape.y.dtype)
    dstate = rebuild([rng.standard_normal(part.shape).astype(part.dtype) for part in parts(tape.state)], tape.state)
    got = layer.bptt(tape, dy, dstate)

    def loss(values: dict[str, Array]) -> complex:
        probe = copy(layer)
        probe.dtype = np.dtype(np.float64)
        probe.params = {name: values[name] for name in layer.params}
        start = rebuild([values[f"state[{k}]"] for k in range(len(parts(state)))], state)
        after = probe.unroll(values["x"], start, lengths, **inputs)
        upstream = zip((after.y, *parts(after.state)), (dy, *parts(dstate)), strict=True)
        return sum(np.sum(value * weight) for value, weight in upstream)

    tensors = {"x": x} | {f"state[{k}]": part for k, part in enumerate(parts(state))} | layer.params
    gradients = {"x": got.x} | {f"state[{k}]": part for k, part in enumerate(parts(got.state))} | got.params
    method, slopes, usual = METHODS[layer.cell.analytic]
    tolerance = tolerance or (usual if layer.dtype == np.float64 else 1e-4)
    wide = {name: np.asarray(value, np.float64) for name, value in tensors.items()}
    found = {name: compare(name, gradients[name], slopes(loss, wide, name), tolerance) for name in tensors}
    return Report(method, found)


def complex_step(loss: Callable, values: dict[str, Array], name: str, epsilon: float = 1e-30) -> Array:
    """The slope of the loss in every entry of one tensor."""
    slope = np.empty(values[name].shape)
    for index, v in entries(values[name].astype(complex)):
        v[index] += 1j * epsilon
        slope[index] = loss(values | {name: v}).imag / epsilon
    return slope


def central_differences(loss: Callable, values: dict[str, Array], name: str, epsilon: float = 1e-6) -> Array:
    """The slope of the loss in every entry of one tensor, to about ε²."""
    slope = np.empty(values[name].shape)
    for index, v in entries(values[name]):
        v[index] += epsilon
        above = loss(values | {name: v})
        v[index] -= 2 * epsilon
        slope[index] = (above - loss(values | {name: v})) / (2 * epsilon)
    return slope


METHODS = {True: ("complex step", complex_step, 1e-9), False: ("central differences", central_differences, 1e-6)}


def entries(array: Array) -> Iterator[tuple[tuple[int, ...], Array]]:
    """Each index, with a copy of the array to change there."""
    for index in np.ndindex(array.shape):
        yield index, array.copy()


def compare(name: str, got: Array, expected: Array, tolerance: float) -> TensorCheck:
    """The worst entry, relative to the largest of the tensor; a wrong shape or NaN is as wrong as can be."""
    if got.shape != expected.shape:
        return TensorCheck(f"{name} of shape {got.shape}, not {expected.shape}", np.inf, (), np.nan, np.nan, tolerance)
    off = np.abs(got - expected)
    index = tuple(map(int, np.unravel_index(np.argmax(off), off.shape)))  # to argmax a NaN is the largest
    largest = max(float(np.max(np.abs(expected))), np.finfo(np.float64).tiny)
    return TensorCheck(name, float(off[index]) / largest, index, float(got[index]), float(expected[index]), tolerance)


def parts(state) -> tuple[Array, ...]:
    """A state as a tuple of arrays."""
    return tuple(map(np.asarray, state)) if isinstance(state, tuple | list) else (np.asarray(state),)


def rebuild(arrays: list[Array], like):
    """Arrays in the structure of this state."""
    return tuple(arrays) if isinstance(like, tuple | list) else arrays[0]
