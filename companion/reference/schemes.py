"""Ways to close the loop, set against each other: when is one the other, and what does a step cost.

The reader meets these lines in the chapter on connection schemes. The hidden loop is `companion.reference.RNN` with a
`Linear` behind it, the output loop is `companion.reference.JordanRNN`.
"""

import numpy as np

from companion.reference.jordan import JordanRNN
from companion.reference.layers import RNN
from companion.reference.linear import Linear

Array = np.ndarray


def as_hidden_loop(layer: JordanRNN) -> tuple[RNN, Linear]:
    """Return the hidden loop that is the same function as an output loop with linear outputs.

    Its recurrent matrix is U V, whose rank is at most the number of outputs, and its bias b + U d. It starts from the
    state that `start` gives.

    Raises:
        ValueError: outputs that are not linear, or no bias.
    """
    if layer.output != "linear" or not layer.bias:
        raise ValueError(f"layer: expected linear outputs and a bias, got {layer.output!r} and bias={layer.bias}")
    W, U, b, V, d = layer.params.values()
    loop = RNN(layer.input_size, layer.hidden_size, nonlinearity=layer.nonlinearity, dtype=layer.dtype)
    loop.load_state_dict(
        {"weight_ih_l0": W, "weight_hh_l0": U @ V, "bias_ih_l0": b + U @ d, "bias_hh_l0": np.zeros_like(b)}
    )
    head = Linear(layer.hidden_size, layer.output_size, dtype=layer.dtype)
    head.params["weight"][...], head.params["bias"][...] = V, d
    return loop, head


def start(layer: JordanRNN, y: Array | None = None) -> Array:
    """Return the hidden state (1, B, H) that gives the outputs `y` (1, B, O): V h + d = y, the shortest such h.

    `y` is 0 for one sequence unless told. There is such an h for every y where the rows of V are independent.
    """
    V, d = layer.params["weight_hy"], layer.params["bias_y"]
    y = np.zeros((1, 1, layer.output_size), layer.dtype) if y is None else y
    return (y - d) @ np.linalg.pinv(V).T


def both_loops(x: Array, W: Array, U: Array, R: Array, b: Array, V: Array, d: Array) -> tuple[Array, Array]:
    """Return states (T, H) and outputs (T, O) of a network that feeds both back, h through U and y through R.

    h_t = tanh(W x_t + U h_{t-1} + R y_{t-1} + b), y_t = V h_t + d, for one sequence x (T, I), from h = 0 and y = d.
    """
    h, y = np.zeros(len(b)), d
    states, outputs = [], []
    for x_t in x:
        h = np.tanh(W @ x_t + U @ h + R @ y + b)
        y = V @ h + d
        states.append(h)
        outputs.append(y)
    return np.array(states), np.array(outputs)


def multiply_adds(I: int, H: int, O: int) -> dict[str, int]:  # noqa: E741
    """Return the multiplications, each with an addition, that a step forward takes by scheme, heads included."""
    return {"hidden": H * I + H * H + O * H, "output": H * I + 2 * O * H}
