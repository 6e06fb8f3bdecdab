"""A counter set by hand: an LSTM that reads aⁿ bⁿ for any n, and how far it counts if its forget gate leaks.

The first cell adds 1 at each a and takes 1 off at each b. The second keeps nothing: it tells which letter was read. A
dense layer makes of both what may come next. Letters are those of `companion.tasks.AnBn`: S, a, b, E.
"""

from __future__ import annotations

import numpy as np

from companion import reference as ref
from companion.training import Network

__all__ = ["horizon", "left", "network"]

WIDE = 40.0  # σ(40) and tanh(40) are exactly 1 in float64


def network(b_f: float = WIDE, dtype: type = np.float64) -> Network:
    """Return the counter; `b_f` is the bias of the forget gate of the cell that counts."""
    layer, head = ref.LSTM(4, 2, dtype=dtype), ref.Linear(2, 4, dtype=dtype)
    for value in (layer.params | head.params).values():
        value[...] = 0
    i, f, g, o = layer.params["bias_ih_l0"].reshape(4, 2)
    i[:], f[:], o[:] = WIDE, (b_f, -WIDE), WIDE
    layer.params["weight_ih_l0"][4:6, 1:3] = WIDE, -WIDE  # a and b, for the g of both cells
    edge = np.tanh(0.5) / np.tanh(1)
    head.params["weight"][...] = [[0, 0], [0, 4], [4, 0], [0, -4 * edge]]
    head.params["bias"][:2] = -10, 1
    return Network(layer, head)


def left(f: float, n: int, k: np.ndarray | int) -> np.ndarray | float:
    """Return what is in the cell after n a and k b if a share f < 1 of it is kept at every step."""
    return (f**k * (2 - f**n) - 1) / (1 - f)


def horizon(f: float) -> float:
    """Return the n up to which a cell counts, nearly, that keeps a share f < 1 at every step."""
    return float(np.sqrt(1 / (2 * (1 - f))))
