"""What the tests of the equations of both LSTMs share: a problem, and how the tensors of a graph are read."""

import numpy as np

I, H, T = 3, 4, 6  # noqa: E741
BLOCKS = "ifgo"


def drawn(kind, seed):
    """Draw a layer, an input, a state, and a random gradient for every output and for the final state."""
    rng = np.random.default_rng(seed)
    layer = kind(I, H, rng=rng)
    x, h, c, dh, dc = (rng.standard_normal(shape) for shape in ((T, I), H, H, H, H))
    return layer, x, (h, c), rng.standard_normal((T, H)), (dh, dc)


def numbers(tensors):
    """Return the values of tensors, one below the other."""
    return np.stack([tensor.detach().numpy() for tensor in tensors])


def gradients(tensors):
    """Return the gradients of tensors, one below the other."""
    return np.stack([tensor.grad.numpy() for tensor in tensors])
