"""Every kind of module that the tests run, what they are fed, and how results are compared."""

import torch

from companion import nn as layers

KINDS = {
    "rnn-tanh": (layers.RNN, {}),
    "rnn-relu": (layers.RNN, {"nonlinearity": "relu"}),
    "rnn-sigmoid": (layers.RNN, {"nonlinearity": "sigmoid"}),
    "lstm": (layers.LSTM, {}),
    "lstm-1997": (layers.LSTM, {"forget_gate": False}),
    "peephole-new": (layers.PeepholeLSTM, {}),
    "peephole-old": (layers.PeepholeLSTM, {"output_peep": "old"}),
    "gru-after": (layers.GRU, {}),
    "gru-before": (layers.GRU, {"reset": "before"}),
}
JORDANS = {
    f"jordan-{output}-{phi}": (layers.JordanRNN, {"output_size": 2, "output": output, "nonlinearity": phi})
    for output, phi in [("linear", "tanh"), ("sigmoid", "relu"), ("softmax", "sigmoid")]
}
NATIVE = {"rnn-tanh": torch.nn.RNN, "rnn-relu": torch.nn.RNN, "lstm": torch.nn.LSTM, "gru-after": torch.nn.GRU}
SHAPES = {
    "one": {},
    "two layers, batch first": {"num_layers": 2, "batch_first": True},
    "two ways": {"bidirectional": True},
    "both, no bias": {"num_layers": 2, "bidirectional": True, "bias": False},
}
T, B, I, H = 5, 3, 3, 4  # noqa: E741
RTOL = {torch.float64: 1e-9, torch.float32: 1e-5, torch.float16: 2e-3, torch.bfloat16: 1.6e-2}


def make(kind: str, seed: int = 0, scale: float = 2.0, dtype=torch.float64, **arguments):
    """A module of this kind. Weights larger than usual: gates near one half hide mistakes."""
    module_class, own = (KINDS | JORDANS)[kind]
    torch.manual_seed(seed)
    module = module_class(I, H, **own, **arguments, dtype=dtype)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter *= scale
    return module


def like(module, engine: str):
    """A module with the same arguments and weights that another engine runs."""
    kind = next(k for k, (c, own) in (KINDS | JORDANS).items() if type(module) is c and _has(module, own))
    names = ("num_layers", "bidirectional", "dropout") if kind in KINDS else ()
    arguments = {name: getattr(module, name) for name in (*names, "bias", "batch_first")}
    other = make(kind, dtype=next(module.parameters()).dtype, engine=engine, **arguments)
    other.load_state_dict(module.state_dict())
    return other.train(module.training)


def _has(module, own: dict) -> bool:
    defaults = {"nonlinearity": "tanh", "forget_gate": True, "output_peep": "new", "reset": "after"}
    wanted = {k: v for k, v in defaults.items() if hasattr(module, k)} | own
    return all(getattr(module, name) == value for name, value in wanted.items())


def draw(*shape, dtype=torch.float64):
    """A random tensor that wants a gradient."""
    return torch.randn(*shape, dtype=dtype, requires_grad=True)


def inputs(module, steps: int = T, batch: int = B, seed: int = 1):
    """x and a state that is not zero, both random and both wanting gradients."""
    torch.manual_seed(seed)
    dtype = next(module.parameters()).dtype
    x = draw(*((batch, steps, I) if module.batch_first else (steps, batch, I)), dtype=dtype)
    state = module(x)[1]
    state = tuple(draw(*s.shape, dtype=dtype) for s in parts(state))
    return x, state if len(state) == 2 else state[0]


def parts(state) -> tuple:
    """A state, or anything else of its structure, as a tuple of tensors."""
    return tuple(state) if isinstance(state, tuple) else (state,)


def both_ways(module, x, state, seed: int = 2) -> dict[str, torch.Tensor]:
    """Outputs, final states and every gradient, by name, for random upstream gradients on outputs and final states."""
    y, final = module(x, state)
    outputs = [y.data if hasattr(y, "batch_sizes") else y, *parts(final)]
    torch.manual_seed(seed)
    upstream = [torch.randn(out.shape, dtype=torch.float64).to(out.dtype) for out in outputs]
    data = x.data if hasattr(x, "batch_sizes") else x
    wanted = [t for t in (data, *parts(state), *module.parameters()) if t is not None]
    names = [n for n in ("dx", "dh", "dc") if n == "dx" or state is not None][
        : len(wanted) - len(list(module.parameters()))
    ]
    names += [f"d{name}" for name, _ in module.named_parameters()]
    gradients = torch.autograd.grad(outputs, wanted, upstream)
    return dict(zip(("y", "h_n", "c_n"), outputs, strict=False)) | dict(zip(names, gradients, strict=True))


def assert_close(actual: dict, expected: dict, rtol: float | None = None) -> None:
    """Every named tensor agrees relative to the largest number of the expected one, and names the one that does not."""
    assert actual.keys() == expected.keys()
    for name, right in expected.items():
        got, right = actual[name].detach(), right.detach()
        assert got.shape == right.shape, name
        assert got.dtype == right.dtype, name
        assert torch.isfinite(got).all(), name
        limit = RTOL[right.dtype] if rtol is None else rtol
        error = (got.double() - right.double()).abs().max() / right.double().abs().max().clamp(min=1e-300)
        assert error <= limit, f"{name}: {error:.2e}"
