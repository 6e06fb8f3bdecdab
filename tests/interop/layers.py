"""The layers that the tests of `companion.interop` carry from one library to another, and how they are compared."""

import numpy as np

from companion import reference as ref

CELLS = {
    "rnn-tanh": ("RNN", {}),
    "rnn-relu": ("RNN", {"nonlinearity": "relu"}),
    "rnn-sigmoid": ("RNN", {"nonlinearity": "sigmoid"}),
    "lstm": ("LSTM", {}),
    "lstm-1997": ("LSTM", {"forget_gate": False}),
    "peephole-new": ("PeepholeLSTM", {}),
    "peephole-old": ("PeepholeLSTM", {"output_peep": "old"}),
    "gru-after": ("GRU", {}),
    "gru-before": ("GRU", {"reset": "before"}),
    "jordan": ("JordanRNN", {"output_size": 2, "output": "sigmoid"}),
}
SHAPES = {
    "one": {},
    "no-bias": {"bias": False},
    "batch-first": {"batch_first": True},
    "two-ways": {"bidirectional": True},
    "stack": {"num_layers": 3},
    "everything": {"num_layers": 2, "bidirectional": True, "batch_first": True},
}
STEPS, BATCH, INPUTS, HIDDEN = 6, 3, 3, 4


def make(cell: str, shape: str = "one", dtype=np.float64, seed: int = 0):
    """A layer of `companion.reference`. Weights larger than usual: the gates must not all be near one half."""
    kind, arguments = CELLS[cell]
    layer = getattr(ref, kind)(INPUTS, HIDDEN, **arguments, **SHAPES[shape], dtype=dtype, rng=seed)
    layer.load_state_dict({name: 2 * value for name, value in layer.state_dict().items()})
    return layer


def example(layer, seed: int = 1):
    """An input and an initial state for the layer."""
    rng = np.random.default_rng(seed)
    outer = (BATCH, STEPS) if layer.batch_first else (STEPS, BATCH)
    x = rng.uniform(-1, 1, (*outer, layer.input_size)).astype(layer.dtype)
    if type(layer).__name__ == "JordanRNN":
        return x, rng.uniform(-1, 1, (1, BATCH, layer.output_size)).astype(layer.dtype)
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    parts = 2 if "LSTM" in type(layer).__name__ else 1
    state = [rng.uniform(-1, 1, (rows, BATCH, layer.hidden_size)).astype(layer.dtype) for _ in range(parts)]
    return x, tuple(state) if parts == 2 else state[0]


def flat(result) -> list[np.ndarray]:
    """The outputs and every part of the final state, as arrays."""
    y, state = result
    return [np.asarray(part) for part in (y, *(state if isinstance(state, (tuple, list)) else [state]))]


def assert_close(actual, expected, rtol: float) -> None:
    """The largest difference relative to the largest entry, for each array."""
    for got, wanted in zip(actual, expected, strict=True):
        assert got.shape == wanted.shape
        error = np.abs(got - wanted).max() / np.abs(wanted).max()
        assert error <= rtol, f"relative error {error:.1e}"


def assert_same_layer(actual, expected) -> None:
    """Kind, sizes, arguments, dtype, and every bit of every weight."""
    assert type(actual) is type(expected)
    names = "input_size hidden_size num_layers bias batch_first bidirectional nonlinearity forget_gate output_peep"
    for name in [*names.split(), "reset", "output_size", "output", "dtype"]:
        assert getattr(actual, name, None) == getattr(expected, name, None), name
    ours, theirs = actual.state_dict(), expected.state_dict()
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        assert ours[name].dtype == value.dtype
        np.testing.assert_array_equal(ours[name], value, err_msg=name)
