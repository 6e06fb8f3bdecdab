"""Real-time recurrent learning: the gradient of a plain recurrent layer, carried forward in time (chapter "BPTT").

Backpropagation through time keeps every state and walks back. Here nothing is kept and nothing is walked back: beside
the state h_t goes its whole derivative by the weights, P_t = ∂h_t/∂Θ, brought up to date at every step. The gradient is
the same. The price is H numbers more for each weight, and H⁴ multiplications a step (Williams and Zipser 1989).
"""

import numpy as np

Array = np.ndarray


def rtrl(W: Array, U: Array, b: Array, x: Array, dy: Array, h: Array | None = None) -> tuple[dict[str, Array], Array]:
    """The gradients of W, U and b for h_t = tanh(W x_t + U h_{t-1} + b), without going back.

    Args:
        W, U, b: weights (H, I), (H, H) and bias (H,).
        x: (T, I), one sequence. dy: (T, H), the gradient of each step's loss with respect to that step's state; that of
            the final state is added to the last row.
        h: (H,), the state before the first step; None is 0. It is held constant.

    Returns:
        the gradients by name ("W", "U", "b"), and the states (T, H).
    """
    h = np.zeros(len(b)) if h is None else h
    P = np.zeros((len(b), len(b), W.shape[1] + len(b) + 1))
    gradient, states = np.zeros(P.shape[1:]), []
    for x_t, dy_t in zip(x, dy, strict=True):
        before, h = h, np.tanh(W @ x_t + U @ h + b)
        P = sensitivity(P, U, np.concatenate([x_t, before, [1.0]]), 1 - h**2)
        gradient += np.tensordot(dy_t, P, 1)
        states.append(h)
    dW, dU, db = np.split(gradient, [W.shape[1], W.shape[1] + len(b)], axis=1)
    return {"W": dW, "U": dU, "b": db[:, 0]}, np.array(states)


def sensitivity(P: Array, U: Array, v: Array, slope: Array) -> Array:
    """One step of P (H, H, I + H + 1): entry (i, j, k) is the derivative of h_i by the weight from v_k to unit j.

    v = (x_t, h_{t-1}, 1) is what the weights Θ = (W U b) multiply, `slope` (H,) that of the activation.
    """
    P = np.tensordot(U, P, 1)  # through the state before
    units = np.arange(len(slope))
    P[units, units] += v  # and at once: the weight into unit j moves unit j by v_k
    return slope[:, None, None] * P


def multiplications(I: int, H: int) -> dict[str, int]:  # noqa: E741
    """Multiplications of one step of one sequence, those of the slopes left out: forward, back through time, RTRL."""
    forward = H * I + H * H
    return {"forward": forward, "bptt": 2 * forward, "rtrl": H * H * H * (I + H + 1)}
