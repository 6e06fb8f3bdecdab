"""Who runs in the GPU benchmark, and how each is made to do the same work: one layer, the input product included."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass

import torch

import companion.nn

LAYERS = {
    "lstm": ("LSTM", {}),
    "gru_after": ("GRU", {}),
    "rnn_tanh": ("RNN", {}),
    "lstm_1997": ("LSTM", {"forget_gate": False}),
    "peephole_new": ("PeepholeLSTM", {}),
    "peephole_old": ("PeepholeLSTM", {"output_peep": "old"}),
    "gru_before": ("GRU", {"reset": "before"}),
}
GATES = {
    "lstm": 4,
    "gru_after": 3,
    "rnn_tanh": 1,
    "lstm_1997": 3,
    "peephole_new": 4,
    "peephole_old": 4,
    "gru_before": 3,
}
NATIVE = {"lstm": "LSTM", "gru_after": "GRU", "rnn_tanh": "RNN"}
DTYPE = {"fp32": torch.float32, "tf32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Work:
    """One layer over one batch. ``mode``: fp32, tf32, bf16 or fp16."""

    cell: str
    mode: str
    T: int
    B: int
    H: int

    @property
    def operations(self) -> int:
        """Of the forward pass: a multiplication and an addition for each weight, sequence and step."""
        return 2 * self.T * self.B * GATES[self.cell] * self.H * 2 * self.H

    @property
    def bytes_moved(self) -> int:
        """Of the forward pass, at the least: the weights and the input read once, the output written once."""
        return DTYPE[self.mode].itemsize * (2 * GATES[self.cell] * self.H * self.H + 2 * self.T * self.B * self.H)


class Unavailable(Exception):
    """This contender cannot do this work, and the message says why."""


@contextmanager
def counted_as(mode):
    """float32 products in full or in TF32, for torch's products, cuDNN's layers and the Triton kernels alike."""
    before = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    torch.set_float32_matmul_precision("high" if mode == "tf32" else "highest")
    torch.backends.cudnn.allow_tf32 = mode == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        torch.backends.cudnn.allow_tf32 = before[1]


def make_layer(work: Work, engine: str, device):
    """A layer of the companion, the same weights for every engine."""
    kind, options = LAYERS[work.cell]
    torch.manual_seed(0)
    layer = getattr(companion.nn, kind)(work.H, work.H, engine=engine, **options)
    return layer.to(device, DTYPE[work.mode])


def _companion(engine: str) -> Callable:
    def build(work: Work, device):
        layer = make_layer(work, engine, device)
        try:
            layer(torch.zeros(1, work.B, work.H, device=device, dtype=DTYPE[work.mode]))
        except RuntimeError as problem:
            raise Unavailable(str(problem)) from problem
        return layer, list(layer.parameters())

    return build


def _torch_nn(work: Work, device):
    if work.cell not in NATIVE:
        raise Unavailable("torch.nn does not have this cell")
    torch.manual_seed(0)
    layer = getattr(torch.nn, NATIVE[work.cell])(work.H, work.H).to(device, DTYPE[work.mode])
    return layer, list(layer.parameters())


def _flashrnn(work: Work, device):
    """FlashRNN (Pöppel et al. 2024), one head; it has no input product, so a torch one goes before it."""
    name = {"lstm": "lstm", "gru_after": "gru", "rnn_tanh": "elman"}.get(work.cell)
    if name is None:
        raise Unavailable("FlashRNN does not have this cell")
    if work.mode in ("fp32", "tf32"):
        raise Unavailable("run in the 16-bit types only")
    try:
        from flashrnn import flashrnn
    except Exception as problem:  # it builds its kernels when it is imported or first called, with a compiler
        raise Unavailable(f"flashrnn cannot be imported: {problem!r}"[:200]) from problem
    G, biases = {"lstm": (4, 4), "gru": (3, 4), "elman": (1, 1)}[name]  # the GRU has a bias inside r (U_n h' + b)
    dtype, H = DTYPE[work.mode], work.H
    generator = torch.Generator(device).manual_seed(0)
    W, R, b = (
        (torch.randn(*shape, generator=generator, device=device) * H**-0.5).to(dtype).requires_grad_()
        for shape in ((G * H, H), (G, 1, H, H), (biases, 1, H))
    )

    def layer(x):
        a = torch.nn.functional.linear(x.transpose(0, 1), W).view(work.B, work.T, G, 1, H)
        states, last = flashrnn(a, R, b, states=None, function=name, backend="cuda_fused", dtype=str(dtype)[6:])
        return states[0], last

    try:
        layer(torch.zeros(work.T, work.B, H, device=device, dtype=dtype))
    except Exception as problem:
        raise Unavailable(f"flashrnn does not run: {problem!r}"[:200]) from problem
    return layer, [W, R, b]


CONTENDERS: dict[str, Callable] = {
    "torch.nn": _torch_nn,
    "cudnn": _companion("cudnn"),
    "triton": _companion("triton"),
    "fused": _companion("fused"),
    "eager": _companion("eager"),
    "flashrnn": _flashrnn,
}


def passes(work: Work, layer, parameters, device, copies=3) -> dict[str, list[Callable]]:
    """Calls to time: the forward pass alone, and with the backward pass to the input and all weights.

    Several inputs in turn: one that is used again and again would come out of the cache.
    """
    generator = torch.Generator(device).manual_seed(1)

    def normal():
        return torch.randn(work.T, work.B, work.H, generator=generator, device=device).to(DTYPE[work.mode])

    def forward(x):
        with torch.no_grad():
            return layer(x)[0]

    def both(x, dy):
        y = layer(x)[0]
        return torch.autograd.grad(y, [x, *parameters], dy if y.shape == dy.shape else dy.reshape(y.shape))

    inputs = [(normal().requires_grad_(), normal()) for _ in range(copies)]
    return {
        "forward": [lambda x=x: forward(x) for x, _ in inputs],
        "forward+backward": [lambda x=x, dy=dy: both(x, dy) for x, dy in inputs],
    }


def distance(work: Work, layer, device) -> float:
    """‖y - y'‖ / ‖y'‖ of a layer's output against the fused engine in float32, on 32 steps."""
    short = Work(work.cell, work.mode, min(work.T, 32), work.B, work.H)
    x = torch.randn(short.T, short.B, short.H, generator=torch.Generator(device).manual_seed(2), device=device)
    exact = make_layer(Work(work.cell, "fp32", 1, 1, work.H), "fused", device)
    exact.load_state_dict({name: p.float() for name, p in layer.state_dict().items()})
    with torch.no_grad(), counted_as("fp32"):
        expected = exact(x.to(DTYPE[work.mode]).float())[0]
    with torch.no_grad(), counted_as(work.mode):
        found = layer(x.to(DTYPE[work.mode]))[0]
    return float((found.float() - expected).norm() / expected.norm())
