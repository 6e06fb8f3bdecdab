"""Every kind of layer that the tests run, what they are fed, and how results are compared."""

import numpy as np

from companion import reference as ref

KINDS = {
    "rnn-tanh": (ref.RNN, {}),
    "rnn-relu": (ref.RNN, {"nonlinearity": "relu"}),
    "rnn-sigmoid": (ref.RNN, {"nonlinearity": "sigmoid"}),
    "lstm": (ref.LSTM, {}),
    "lstm-1997": (ref.LSTM, {"forget_gate": False}),
    "peephole-new": (ref.PeepholeLSTM, {"output_peep": "new"}),
    "peephole-old": (ref.PeepholeLSTM, {"output_peep": "old"}),
    "gru-after": (ref.GRU, {"reset": "after"}),
    "gru-before": (ref.GRU, {"reset": "before"}),
}
JORDANS = {
    f"jordan-{output}-{phi}": (ref.JordanRNN, {"output_size": 2, "output": output, "nonlinearity": phi})
    for output, phi in [("linear", "tanh"), ("sigmoid", "tanh"), ("softmax", "sigmoid"), ("linear", "relu")]
}
SHAPES = {
    "one": {},
    "two layers": {"num_layers": 2},
    "two ways": {"bidirectional": True},
    "both, no bias": {"num_layers": 2, "bidirectional": True, "bias": False},
}
T, B, I, H = 5, 3, 3, 4  # noqa: E741


def make(kind: str, rng=0, dtype=np.float64, scale: float = 2.0, **shape):
    """A layer of this kind. Weights larger than usual: gates near one half hide mistakes."""
    layer_class, arguments = (KINDS | JORDANS)[kind]
    layer = layer_class(I, H, **arguments, **shape, dtype=dtype, rng=rng)
    for value in layer.params.values():
        value *= scale
    return layer


def inputs(layer, rng, steps: int = T, batch: int = B):
    """x and a state that is not zero, both random."""
    x = rng.standard_normal((batch, steps, I) if layer.batch_first else (steps, batch, I)).astype(layer.dtype)
    return x, random_like(layer(x)[1], rng)


def random_like(structure, rng):
    """Random arrays of the shapes and structure of an array or a tuple of arrays."""
    if isinstance(structure, tuple):
        return tuple(random_like(part, rng) for part in structure)
    return rng.standard_normal(structure.shape).astype(structure.dtype)


def parts(state) -> tuple:
    """A state, or anything else of its structure, as a tuple of arrays."""
    return state if isinstance(state, tuple) else (state,)


def tensors(y, state, grads) -> dict[str, np.ndarray]:
    """Everything a pass forward and back gives, by name."""
    return (
        {"y": y}
        | {f"state[{k}]": part for k, part in enumerate(parts(state))}
        | {"d x": grads.x}
        | {f"d state[{k}]": part for k, part in enumerate(parts(grads.state))}
        | {f"d {name}": value for name, value in grads.params.items()}
    )


def both_ways(layer, x, state, lengths, dy, dstate, **options) -> dict[str, np.ndarray]:
    """Forward and back through a layer of the reference; everything by name."""
    tape = layer.unroll(x, state, lengths)
    return tensors(tape.y, tape.state, layer.bptt(tape, dy, dstate, **options))


def assert_close(actual: dict, expected: dict, rtol: float = 1e-9) -> None:
    """One named assertion for each tensor, relative to the tensor's largest entry."""
    assert list(actual) == list(expected)
    for name, value in expected.items():
        assert actual[name].shape == value.shape, name
        atol = rtol * max(np.max(np.abs(value), initial=0), np.finfo(np.float64).tiny)
        np.testing.assert_allclose(actual[name], value, rtol=0, atol=atol, err_msg=name)
