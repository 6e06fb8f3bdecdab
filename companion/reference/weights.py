"""What a cell has to learn: its parameters, said as data.

A cell lists its parameters once: the name in the state dictionary, the letter in the equations, which pre-activations
the parameter feeds (its rows) and which quantity it multiplies (`reads`). Shapes, initialisation, names for every layer
and direction, and the sum of the gradients over all time steps follow from that list, so no cell repeats them.

Arrays that follow time have the shape (features, T, B), or (S, features, T, B) when S networks run side by side: a row
for each feature, so that all time steps together are the columns of one matrix. `series(name)` gives such an array for
everything that a weight can read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

Size = Callable[[str], int]
Series = Callable[[str], np.ndarray]


def flat(array: np.ndarray) -> np.ndarray:
    """(…, features, T, B) -> (…, features, T B): the columns of all time steps side by side."""
    return array.reshape(*array.shape[:-2], -1)


def unflat(array: np.ndarray, steps: int) -> np.ndarray:
    """The way back from `flat`: (…, features, T B) -> (…, features, T, B)."""
    return array.reshape(*array.shape[:-1], steps, -1)


def offsets(rows: tuple[str, ...], size: Size) -> dict[str, slice]:
    """Where each named block lies when the blocks stand one upon the other."""
    edges = np.cumsum([0, *(size(row) for row in rows)])
    return {row: slice(int(a), int(b)) for row, a, b in zip(rows, edges[:-1], edges[1:], strict=True)}


def rows_of(da: np.ndarray, net: "Bound", rows: tuple[str, ...]) -> np.ndarray:
    """The rows of `da` that belong to `rows`, of all the cell's blocks: a view where they are adjacent."""
    blocks = net.cell.blocks
    where = offsets(blocks, net.size)
    first = blocks.index(rows[0])
    if blocks[first : first + len(rows)] == rows:
        return da[..., where[rows[0]].start : where[rows[-1]].stop, :, :]
    return np.concatenate([da[..., where[row], :, :] for row in rows], axis=-3)


@dataclass(frozen=True)
class Matrix:
    """A weight matrix: pre-activation `rows` += matrix @ `reads`; `reads` has one name, or one for each row block."""

    name: str
    letter: str
    rows: tuple[str, ...]
    reads: tuple[str, ...]

    def shape(self, size: Size) -> tuple[int, int]:
        """(features out, features in)."""
        return sum(size(row) for row in self.rows), size(self.reads[0])

    def bind(self, value: np.ndarray, size: Size) -> dict[str, np.ndarray]:
        """The matrix under its letter, and each block of its rows under letter_row."""
        where = offsets(self.rows, size)
        return {self.letter: value} | {f"{self.letter}_{row}": value[..., at, :] for row, at in where.items()}

    def gradient(self, da: np.ndarray, net: "Bound", series: Series) -> np.ndarray:
        """The sum over time and batch of da times what the matrix read, transposed: one product for all steps."""
        if len(self.reads) == 1:
            return flat(rows_of(da, net, self.rows)) @ flat(series(self.reads[0])).mT
        parts = zip(self.rows, self.reads, strict=True)
        return np.concatenate([flat(rows_of(da, net, (row,))) @ flat(series(read)).mT for row, read in parts], axis=-2)


@dataclass(frozen=True)
class Bias:
    """A bias: pre-activation `rows` += bias."""

    name: str
    rows: tuple[str, ...]
    letter: str = "b"
    reads: tuple[str, ...] = ()

    def shape(self, size: Size) -> tuple[int]:
        """(features out,)."""
        return (sum(size(row) for row in self.rows),)

    def bind(self, value: np.ndarray, size: Size) -> dict[str, np.ndarray]:
        """Each block under letter_row, as a column, ready for (…, features, B)."""
        return {f"{self.letter}_{row}": value[..., at, None] for row, at in offsets(self.rows, size).items()}

    def gradient(self, da: np.ndarray, net: "Bound", series: Series) -> np.ndarray:
        """The sum of da over time and batch."""
        return rows_of(da, net, self.rows).sum(axis=(-2, -1))


@dataclass(frozen=True)
class Diagonal:
    """A weight for each unit: pre-activation `rows` += weight * `reads`, one name for each row block."""

    name: str
    letter: str
    rows: tuple[str, ...]
    reads: tuple[str, ...]

    shape = Bias.shape
    bind = Bias.bind

    def gradient(self, da: np.ndarray, net: "Bound", series: Series) -> np.ndarray:
        """The sum over time and batch of da times what the weight read, unit by unit."""
        parts = zip(self.rows, self.reads, strict=True)
        return np.concatenate(
            [(rows_of(da, net, (row,)) * series(read)).sum(axis=(-2, -1)) for row, read in parts],
            axis=-1,
        )


def gated(rows: tuple[str, ...]) -> tuple[Matrix, Matrix, Bias, Bias]:
    """The four parameters that every gated cell of torch.nn has, for pre-activations of these names."""
    return (
        Matrix("weight_ih", "W", rows, ("x",)),
        Matrix("weight_hh", "U", rows, ("h_prev",)),
        Bias("bias_ih", rows),
        Bias("bias_hh", rows),
    )


@dataclass(frozen=True)
class Bound:
    """A cell with its weights: what one layer has for one direction.

    w: the parameters in the letters of the equations: `w.W`, `w.U`, `w.U_n`, `w.b_n`, … Biases that feed the same
        pre-activation are added; a pre-activation without a bias has `w.b_… = 0`.
    names: the cell's parameters that are there (without biases where the layer has none).
    size: the number of features of a block or series by name.
    dtype: that of the parameters together: complex where any of them is.
    """

    cell: object
    w: SimpleNamespace
    names: tuple[str, ...]
    size: Size
    dtype: np.dtype

    @property
    def height(self) -> int:
        """The number of all pre-activations: the rows of `da`."""
        return sum(map(self.size, self.cell.blocks))


def bind(cell, params: Mapping[str, np.ndarray], size: Size) -> Bound:
    """The cell bound to these parameters (by the cell's own names for them)."""
    dtype = np.result_type(*params.values())
    biases = [weight for weight in cell.weights if isinstance(weight, Bias)]
    letters = {f"{bias.letter}_{row}": np.zeros((), dtype) for bias in biases for row in bias.rows}
    present = [weight for weight in cell.weights if weight.name in params]
    for weight in present:
        for letter, value in weight.bind(params[weight.name], size).items():
            letters[letter] = letters[letter] + value if letter in letters else value
    return Bound(cell, SimpleNamespace(**letters), tuple(weight.name for weight in present), size, dtype)
