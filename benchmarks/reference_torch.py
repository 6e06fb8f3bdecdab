"""The layers of `benchmarks.reference` in torch.nn, where it has them, on the CPU."""

import os
from collections.abc import Callable

import numpy as np

NATIVE = {"RNNCell": "RNN", "LSTMCell": "LSTM", "GRUCell": "GRU"}


def torch_passes(layer, x: np.ndarray, dy: np.ndarray) -> dict[str, Callable[[], object]]:
    """A pass forward, and one forward and back, of the same network; nothing where torch.nn does not have it."""
    name = NATIVE.get(type(layer.cell).__name__)
    if name is None:
        return {}
    import torch

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    module = getattr(torch.nn, name)(layer.input_size, layer.hidden_size)
    module.load_state_dict({key: torch.tensor(value) for key, value in layer.params.items()})
    x_in, upstream = torch.tensor(x, requires_grad=True), torch.tensor(dy)

    def forward() -> None:
        with torch.no_grad():
            module(x_in)

    def both() -> None:
        module.zero_grad()
        x_in.grad = None
        module(x_in)[0].backward(upstream)

    return {"torch_forward": forward, "torch_training": both}
