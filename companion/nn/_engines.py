"""Which program runs a recurrent layer: the engines, when each is there, and which one ``engine="auto"`` takes.

Every engine computes the same function of the same weights (tests/nn hold them to 1e-9 in float64, 1e-5 in float32):

========== =============================================================================== ======================
engine     what it is                                                                      where
========== =============================================================================== ======================
``eager``  one readable step per cell, autograd goes back through it                       any device, any dtype
``fused``  a hand-derived backward pass, products hoisted out of the loop; the LSTM's loop  any device
           in C where there is a compiler (`companion.nn._compiled`)
``triton`` a persistent GPU kernel for the scan, `companion.nn.triton_scan`                CUDA (or the interpreter)
``cudnn``  torch's own layer: cuDNN on a GPU, oneDNN or ATen on a CPU                      cells that torch.nn has
========== =============================================================================== ======================

Interface of the Triton engine
------------------------------
`companion.nn.triton_scan` (with whatever ``triton_*.py`` files it needs beside it) runs one layer in one direction
over a rectangular batch. The product with the input is hoisted: the caller computes ``a = x @ W.T + b`` for all steps
in one GEMM and differentiates it with autograd; stacking, direction, lengths and dropout are the caller's too. The
module provides four names, works on plain tensors and knows nothing of autograd:

``CELLS``
    frozenset of the cell names below that it can run.

``why_not(cell: str, device: torch.device, dtype: torch.dtype, hidden_size: int, batch: int) -> str | None``
    ``None`` when `forward` and `backward` can run, else one sentence that says why not ("Triton is not installed",
    "needs a CUDA device, the input is on cpu", ...). Must not raise and must import Triton lazily: `companion.nn` is
    imported where Triton is absent. With ``TRITON_INTERPRET=1`` in the environment CPU tensors are accepted.

``forward(cell, a, state, weights, save=True) -> (h, c, saved)``
    * ``a``: ``(T, B, G*H)``, contiguous, float32, bfloat16 or float16; gate blocks in torch.nn's order (table below).
      It belongs to the kernel: it may be overwritten (with the gates, say).
    * ``state``: ``(h_0,)`` or ``(h_0, c_0)``, each ``(B, H)``, contiguous, of ``a``'s dtype.
    * ``weights``: ``(U,)`` or ``(U, e)`` of ``a``'s dtype, contiguous: ``U`` is ``weight_hh``, ``(G*H, H)``;
      ``e`` is the cell's vector (table below).
    * returns ``h``: ``(T, B, H)`` every hidden state, new memory; ``c``: ``(T, B, H)`` every cell state, or ``None``
      for a cell without one; ``saved``: tuple of tensors that `backward` needs (``()`` when ``save`` is false, as
      under ``torch.no_grad``). ``h``, ``c``, ``a`` may be among them. Inner state and sums are kept in float32.

``backward(cell, saved, state, weights, dh, dc) -> (da, dstate, dweights)``
    * ``dh``: ``(T, B, H)``, the gradient of the loss with respect to every ``h`` (the gradient of the final state is
      already added to its last step); ``dc``: the same for ``c``, or ``None`` when it is zero.
    * returns ``da``: ``(T, B, G*H)``; ``dstate``: tuple like ``state``; ``dweights``: tuple like ``weights`` (``dU``
      in one GEMM after the scan). dtypes as in `forward`. Neither ``dh``, ``dc`` nor ``saved`` is written to:
      ``retain_graph`` may come back.

Both raise nothing for arguments for which `why_not` said ``None``. Same inputs, same bits, twice: no float atomics
whose order is open.

================ === ============ ================== =======================================================
cell             G   blocks       e                  step (``a`` holds x W^T and the biases)
================ === ============ ================== =======================================================
``rnn_tanh``     1   h            —                  h = tanh(a + U h')
``rnn_relu``     1   h            —                  h = max(a + U h', 0)
``rnn_sigmoid``  1   h            —                  h = σ(a + U h')
``lstm``         4   i, f, g, o   —                  c = f c' + i g;  h = o tanh(c)
``lstm_1997``    3   i, g, o      —                  c = c' + i g;    h = o tanh(c)
``peephole_new`` 4   i, f, g, o   (3H,): i, f, o     i, f read e c' before σ; o reads e c
``peephole_old`` 4   i, f, g, o   (3H,): i, f, o     i, f, o read e c' before σ
``gru_after``    3   r, z, n      (H,): b_hn or 0    n = tanh(a_n + r (U_n h' + e));  h = (1 - z) n + z h'
``gru_before``   3   r, z, n      —                  n = tanh(a_n + U_n (r h'));      h = (1 - z) n + z h'
================ === ============ ================== =======================================================

``h'`` and ``c'`` are the states of the step before. i, f, o, r and z are σ of their pre-activation, g is tanh.
"""

from dataclasses import dataclass

import torch

from companion.nn import triton_scan
from companion.nn.cells import Cell

ENGINES = ("auto", "eager", "fused", "triton", "cudnn")


@dataclass(frozen=True)
class Work:
    """What is to be computed, as far as the choice of an engine depends on it.

    Attributes:
        cell: the cell.
        native: whether torch.nn has it, with its kernels.
        device, dtype: of the input.
        steps, batch, hidden_size: T, B and H.
        training: whether a gradient may be asked for.
        projected: whether the output is projected (``proj_size``).
        transformed: whether torch.func (vmap, jvp, ...) or forward-mode autograd looks on.
        compiled: whether torch.compile looks on.
        exported: whether torch.export does.
    """

    cell: Cell
    native: bool
    device: torch.device
    dtype: torch.dtype
    steps: int
    batch: int
    hidden_size: int
    training: bool = True
    projected: bool = False
    transformed: bool = False
    compiled: bool = False
    exported: bool = False

    def on(self, kind: str) -> bool:
        """Whether the input is on a device of this kind."""
        return self.device.type == kind

    @property
    def one_dnn(self) -> bool:
        """Whether torch.nn runs this through oneDNN on a CPU, as it does the LSTM in float32 and bfloat16."""
        return self.cell.name == "lstm" and self.dtype in (torch.float32, torch.bfloat16)


# What engine="auto" takes: the first line that fits and whose engine is there. Measured with benchmarks/nn.py (CPU, two
# threads) and benchmarks/gpu.py (CUDA).
AUTO = (
    ("cudnn", lambda w: w.on("cuda") and w.native, "cuDNN has the cell"),
    ("triton", lambda w: w.on("cuda"), "one kernel against thousands of small ones"),
    ("cudnn", lambda w: w.on("cpu") and w.native and w.one_dnn, "oneDNN has the cell"),
    ("cudnn", lambda w: w.native and (w.steps < 16 or not w.training), "the fused engine takes 0.3 ms to begin with"),
    ("eager", lambda w: not w.native and w.steps < 6, "the same"),
    ("cudnn", lambda w: w.native and w.dtype.itemsize < 4, "who rounds, rounds as torch.nn does"),
    ("fused", lambda w: True, "torch.nn's GRU and RNN take 1.3 to 3 times as long, the eager loop 2 to 4 times"),
    ("eager", lambda w: True, "plain operations, for what traces them"),
    ("cudnn", lambda w: True, "what nothing else can do"),
)


def why_not(engine: str, work: Work) -> str | None:
    """Why an engine cannot do the work, in one sentence; None when it can."""
    return _WHY_NOT[engine](work)


def choose(engine: str, work: Work) -> str:
    """The engine that will run: the one asked for, or for "auto" the first of `AUTO` that fits.

    Raises:
        RuntimeError: the engine asked for cannot do it; the message says why.
    """
    if engine == "auto":
        return _first_that_fits(work)
    reason = why_not(engine, work)
    if reason is not None:
        raise RuntimeError(f"engine={engine!r} is not available here: {reason}")
    return engine


def _first_that_fits(work: Work) -> str:
    if work.transformed and why_not("eager", work) is None:
        return "eager"
    for engine, fits, _ in AUTO:
        if fits(work) and why_not(engine, work) is None:
            return engine
    raise RuntimeError(f"no engine can run {work.cell.name!r} here")


def _eager(work: Work) -> str | None:
    return "only torch's own kernels have proj_size" if work.projected else None


def _fused(work: Work) -> str | None:
    if work.transformed:
        return (
            "torch.func, forward-mode autograd and subclasses of Tensor want plain operations, as the eager engine has"
        )
    if work.exported:
        return "torch.export wants plain operations, as the eager engine has"
    return _eager(work)


def _triton(work: Work) -> str | None:
    if work.compiled:
        return "torch.compile wants plain operations, or the fused engine's"
    return _fused(work) or triton_scan.why_not(work.cell.name, work.device, work.dtype, work.hidden_size, work.batch)


def _cudnn(work: Work) -> str | None:
    if not work.native:
        return f"torch.nn has no cell {work.cell.name!r}"
    if work.compiled and work.cell.name == "lstm" and work.device.type == "cpu":
        return "torch.compile cannot differentiate torch's own LSTM on a CPU"
    return None


_WHY_NOT = {"eager": _eager, "fused": _fused, "triton": _triton, "cudnn": _cudnn}
