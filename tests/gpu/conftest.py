"""What the GPU tests share: the device, or the reason why there is nothing to test; a layer's numbers in float64."""

import os
from copy import deepcopy

import pytest
import torch

import companion.nn
from benchmarks import gpu_contenders as benchmarked

# Every layer that an engine of its own must bring to a GPU; ``native``: torch.nn has it too.
LAYERS = benchmarked.LAYERS | {
    "rnn_relu": ("RNN", {"nonlinearity": "relu"}),
    "rnn_sigmoid": ("RNN", {"nonlinearity": "sigmoid"}),
}
NATIVE = ("rnn_tanh", "rnn_relu", "lstm", "gru_after")

# What each way of counting is allowed, as ‖x - y‖ / ‖y‖ against float64, on outputs and on gradients. A product in
# bfloat16 rounds at 2^-9, in float16 and TF32 at 2^-12; the sums are made in float32; gradients pass many steps.
BUDGET = {"fp32": (1e-5, 1e-5), "tf32": (3e-3, 1e-2), "fp16": (3e-3, 1e-2), "bf16": (2e-2, 6e-2)}


def pytest_collection_modifyitems(items):
    reason = None
    if not torch.cuda.is_available():
        reason = "torch finds no CUDA device"
    elif os.environ.get("TRITON_INTERPRET") == "1":
        reason = "TRITON_INTERPRET=1: the kernels would be interpreted, not run on the GPU"
    for item in items:
        if reason and item.path.parent.name == "gpu":
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def cuda() -> torch.device:
    return torch.device("cuda", torch.cuda.current_device())


def make_layer(name, inputs, H, engine="eager", **options):
    """A layer with weights that bfloat16 holds exactly, so that only the arithmetic differs between dtypes."""
    kind, more = LAYERS[name]
    layer = getattr(companion.nn, kind)(inputs, H, engine=engine, **more, **options)
    with torch.no_grad():
        for p in layer.parameters():
            p.copy_(p.bfloat16())
    return layer


def make_input(T, B, layer, seed):
    """Input, initial state and upstream gradients of output and final state, all held exactly by bfloat16."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape, scale=1.0):
        return (scale * torch.randn(*shape, generator=generator)).bfloat16().double()

    directions = 2 if layer.bidirectional else 1
    states = 2 if "LSTM" in type(layer).__name__ else 1
    shape = (layer.num_layers * directions, B, layer.hidden_size)
    return {
        "x": normal(T, B, layer.input_size),
        "state": [normal(*shape, scale=0.5) for _ in range(states)],
        "dy": normal(T, B, directions * layer.hidden_size),
        "dstate": [normal(*shape) for _ in range(states)],
    }


def run(layer, given, device, dtype, engine=None):
    """Outputs, final state and every gradient, by name, of a copy of the layer on a device in a dtype."""
    layer = deepcopy(layer).to(device, dtype)
    if engine is not None:
        layer.engine = engine
    x, *state = (t.to(device, dtype).requires_grad_() for t in (given["x"], *given["state"]))
    y, final = layer(x, tuple(state) if len(state) == 2 else state[0])
    final = final if isinstance(final, tuple) else (final,)
    outputs, upstream = [y, *final], [given["dy"], *given["dstate"]]
    leaves = {"x": x} | {f"state {n}": s for n, s in enumerate(state)} | dict(layer.named_parameters())
    found = torch.autograd.grad(outputs, list(leaves.values()), [g.to(device, dtype) for g in upstream])
    results = {"y": y} | {f"final {n}": s for n, s in enumerate(final)}
    gradients = {f"d {name}": g for name, g in zip(leaves, found, strict=True)}
    return {name: t.detach() for name, t in results.items()}, gradients


def error(x, y):
    """‖x - y‖ / ‖y‖ in float64 on the CPU. What is not finite is never near."""
    x, y = x.detach().double().cpu(), y.detach().double().cpu()
    assert torch.isfinite(x).all()
    return float((x - y).norm() / y.norm())


def assert_within(results, expected, bound):
    errors = {name: error(results[name], expected[name]) for name in expected}
    assert max(errors.values()) < bound, {name: f"{e:.1e}" for name, e in errors.items()}
