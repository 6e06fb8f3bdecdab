"""Initialisations, one function each: they fill parameters of a layer in place.

`uniform` is what every layer starts with. The others change only the parameters they name, and leave the rest as it is.
`rng` is None, an integer or a `numpy.random.Generator`.
"""

from collections.abc import Iterator

import numpy as np

from companion.reference.weights import Bias, Matrix, offsets


def uniform(layer, rng=None) -> None:
    """U(-1/√H, 1/√H) for every parameter, in the order of the state dictionary: the default of torch.nn."""
    rng, bound = np.random.default_rng(rng), 1 / np.sqrt(layer.hidden_size)
    for value in layer.params.values():
        value[...] = rng.uniform(-bound, bound, value.shape)


def orthogonal(layer, rng=None, gain: float = 1.0) -> None:
    """Every recurrent matrix, gate by gate, a random orthogonal one times `gain` (Saxe, McClelland and Ganguli 2014).

    Gate by gate: the stacked (4H, H) matrix as a whole could be given orthogonal columns, but then no gate's own matrix
    would be orthogonal.
    """
    rng = np.random.default_rng(rng)
    for block in recurrent_blocks(layer):
        tall = rng.standard_normal((*block.shape[:-2], max(block.shape[-2:]), min(block.shape[-2:])))
        q, r = np.linalg.qr(tall)
        q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
        block[...] = gain * (q if block.shape[-2] >= block.shape[-1] else q.mT)


def identity(layer, gain: float = 1.0) -> None:
    """Every recurrent matrix, gate by gate, the identity times `gain`, and every bias 0.

    With ReLU this is the IRNN (Le, Jaitly and Hinton 2015): left alone, it keeps its state for ever.
    """
    for block in recurrent_blocks(layer):
        block[...] = gain * np.eye(*block.shape[-2:])
    for _, bias in bias_blocks(layer):
        bias[...] = 0


def forget_bias(layer, value: float = 1.0) -> None:
    """The bias of the forget gate: `value`, once (Gers and others 2000; Jozefowicz and others 2015).

    torch.nn has two biases that are added. `bias_ih` gets the value and `bias_hh` 0: set on both, it would count twice.

    Raises:
        ValueError: the layer has no forget gate, or no biases.
    """
    fill_biases(layer, "f", lambda shape: np.full(shape, value))


def chrono(layer, longest: float, rng=None) -> None:
    """Biases for time scales from 1 to `longest` steps: f gets log(U(1, longest - 1)), i the same with a minus.

    Tallec and Ollivier (2018), equations 14 and 16. In a GRU the update gate keeps the old state, and gets what f gets.

    Raises:
        ValueError: `longest` below 2; a layer that has no gate to keep its state with, or no biases.
    """
    if not longest >= 2:
        raise ValueError(f"longest: expected at least 2 steps, got {longest}")
    rng = np.random.default_rng(rng)
    if "z" in layer.cell.blocks:
        fill_biases(layer, "z", lambda shape: np.log(rng.uniform(1, longest - 1, shape)))
        return
    fill_biases(layer, "f", lambda shape: np.log(rng.uniform(1, longest - 1, shape)))
    forget = [bias for row, bias in bias_blocks(layer) if row == "f"]
    entrance = [bias for row, bias in bias_blocks(layer) if row == "i"]
    for b_i, b_f in zip(entrance, forget, strict=True):
        b_i[...] = -b_f


def fill_biases(layer, row: str, values) -> None:
    """The first bias of this gate gets `values(shape)`, the second one 0, in every layer and direction.

    Raises ValueError for a layer that has no such gate, or no biases.
    """
    found = [bias for name, bias in bias_blocks(layer) if name == row]
    if not found:
        raise ValueError(f"layer: expected one with a bias for the gate {row}, got {list(layer.params)}")
    for first, second in zip(found[::2], found[1::2], strict=True):
        first[...], second[...] = values(first.shape), 0


def recurrent_blocks(layer) -> Iterator[np.ndarray]:
    """A view of every recurrent matrix, gate by gate."""
    return (
        block
        for weight, value, size in declared(layer)
        if isinstance(weight, Matrix) and weight.letter == "U"
        for block in (value[..., at, :] for at in offsets(weight.rows, size).values())
    )


def bias_blocks(layer) -> Iterator[tuple[str, np.ndarray]]:
    """The name of the gate and a view, for every bias, gate by gate."""
    return (
        (row, value[..., at])
        for weight, value, size in declared(layer)
        if isinstance(weight, Bias)
        for row, at in offsets(weight.rows, size).items()
    )


def declared(layer) -> Iterator[tuple]:
    """The declaration, the array and the sizes of every parameter, in the order of the state dictionary."""
    for part in layer.parts():
        for weight in layer.cell.weights:
            name = weight.name + layer.suffix(*part)
            if name in layer.params:
                yield weight, layer.params[name], layer.size(part[0])
