"""What the modules have beyond torch.nn: every state, initial gates, Jordan's network, the choice of an engine."""

import math

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from companion import nn as layers
from companion.nn import _engines, _triton, triton_scan
from companion.nn._engines import Work, choose
from companion.nn.cells import CELLS
from tests.nn.kinds import JORDANS, KINDS, NATIVE, B, I, T, assert_close, both_ways, inputs, make, parts

# ---- every state ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ["auto", "eager", "fused"])
@pytest.mark.parametrize("kind", KINDS)
def test_all_states_hold_the_outputs_and_the_final_states(kind, engine):
    module = make(kind, num_layers=2, bidirectional=True, engine=engine)
    x, state = inputs(module)
    y, final = module(x, state)
    states = module.all_states(x, state)
    assert states.h.shape == (4, T, B, 4)
    assert (states.c is None) == (len(parts(final)) == 1)
    torch.testing.assert_close(torch.cat([states.h[2], states.h[3]], dim=-1), y, rtol=1e-9, atol=1e-12)
    for series, last in zip(states, parts(final), strict=False):
        torch.testing.assert_close(series[0::2, -1], last[0::2], rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(series[1::2, 0], last[1::2], rtol=1e-9, atol=1e-12)


def test_gradients_flow_through_every_cell_state():
    fused, eager = (make("peephole-new", engine=engine) for engine in ("fused", "eager"))
    x, state = inputs(eager)
    weights = torch.randn(2, 1, T, B, 4, dtype=torch.float64)
    losses = [sum((w * s).sum() for w, s in zip(weights, m.all_states(x, state), strict=True)) for m in (fused, eager)]
    got, right = (
        torch.autograd.grad(loss, [x, *state, *m.parameters()]) for loss, m in zip(losses, (fused, eager), strict=True)
    )
    for a, b in zip(got, right, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_all_states_keep_the_callers_order_of_axes():
    module = make("lstm-1997", batch_first=True)
    x, _ = inputs(module)
    h, c = module.all_states(x)
    assert h.shape == c.shape == (1, B, T, 4)
    alone = module.all_states(x[0])
    torch.testing.assert_close(alone.c, c[:, 0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("sorted_already", [False, True])
def test_all_states_of_packed_sequences_are_padded_with_zeros(batch_first, sorted_already):
    module = make("peephole-new", bidirectional=True, batch_first=batch_first)
    x = torch.randn(T, B, I, dtype=torch.float64)
    lengths = torch.tensor([5, 2, 1] if sorted_already else [2, 5, 1])
    packed = pack_padded_sequence(x, lengths, enforce_sorted=sorted_already)
    states = module.all_states(packed)
    _, (h_n, c_n) = module(packed)
    for series, last in zip(states, (h_n, c_n), strict=True):
        series = series.transpose(1, 2) if batch_first else series
        for b, length in enumerate(lengths.tolist()):
            torch.testing.assert_close(series[0, length - 1, b], last[0, b], rtol=1e-9, atol=1e-12)
            torch.testing.assert_close(series[1, 0, b], last[1, b], rtol=1e-9, atol=1e-12)
            assert series[:, length:, b].eq(0).all()


# ---- initial gates -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module_class", [layers.LSTM, layers.PeepholeLSTM])
def test_the_forget_bias_counts_once_and_leaves_the_rest_as_it_was(module_class):
    torch.manual_seed(0)
    plain = module_class(I, 4, 2, bidirectional=True)
    torch.manual_seed(0)
    module = module_class(I, 4, 2, bidirectional=True, forget_bias=3.0)
    for name, parameter in module.named_parameters():
        other = plain.get_parameter(name)
        if "bias" in name:
            assert torch.equal(parameter[4:8], torch.full((4,), 3.0 if "ih" in name else 0.0))
            parameter, other = (torch.cat([p[:4], p[8:]]) for p in (parameter, other))
        assert torch.equal(parameter, other)
    assert "forget_bias=3.0" in repr(module)


@pytest.mark.parametrize("module_class", [layers.LSTM, layers.PeepholeLSTM])
def test_chrono_spreads_the_forgetting_times_of_the_units(module_class):
    torch.manual_seed(0)
    module = module_class(I, 4000, chrono=100, dtype=torch.float32)
    i, f, _, _ = (module.bias_ih_l0 + module.bias_hh_l0).chunk(4)
    i_hh, f_hh, _, _ = module.bias_hh_l0.chunk(4)
    assert torch.equal(i, -f)
    assert i_hh.eq(0).all()
    assert f_hh.eq(0).all()
    times = f.exp()  # a gate at σ(b) forgets in about exp(b) steps
    assert times.min() >= 1 - 1e-4
    assert times.max() <= 99 + 1e-2
    assert abs(times.mean().item() - 50) < 4 * 98 / math.sqrt(12 * 4000)


def test_chrono_in_a_gru_opens_the_gate_that_keeps():
    module = layers.GRU(I, 50, chrono=20)
    _, z, _ = module.bias_ih_l0.chunk(3)
    assert z.exp().min() >= 1 - 1e-4
    assert z.exp().max() <= 19 + 1e-3
    assert module.bias_hh_l0[50:100].eq(0).all()
    assert "chrono=20" in repr(module)


@pytest.mark.parametrize(("build", "error", "message"), [
    (lambda: layers.LSTM(3, 4, forget_bias="1"), TypeError, "forget_bias should be a number"),
    (lambda: layers.LSTM(3, 4, forget_bias=True), TypeError, "forget_bias should be a number"),
    (lambda: layers.LSTM(3, 4, bias=False, forget_bias=1), ValueError, "needs biases"),
    (lambda: layers.GRU(3, 4, bias=False, chrono=9), ValueError, "needs biases"),
    (lambda: layers.LSTM(3, 4, forget_bias=1, chrono=9), ValueError, "give one of them"),
    (lambda: layers.PeepholeLSTM(3, 4, chrono=2), ValueError, "at least 3 steps"),
    (lambda: layers.LSTM(3, 4, forget_gate=False, forget_bias=1), ValueError, "forget_gate=False"),
    (lambda: layers.LSTM(3, 4, forget_gate=False, chrono=9), ValueError, "forget_gate=False"),
])  # fmt: skip
def test_initial_gates_that_cannot_be_are_refused(build, error, message):
    with pytest.raises(error, match=message):
        build()


# ---- Jordan's network ----------------------------------------------------------------------------------------------


def test_jordans_parameters_have_the_contracts_names_and_shapes():
    module = layers.JordanRNN(3, 4, 2)
    shapes = {name: tuple(value.shape) for name, value in module.state_dict().items()}
    assert shapes == {"weight_ih": (4, 3), "weight_yh": (4, 2), "bias_h": (4,), "weight_hy": (2, 4), "bias_y": (2,)}
    assert list(shapes) == ["weight_ih", "weight_yh", "bias_h", "weight_hy", "bias_y"]
    assert all(p.abs().max() <= 0.5 for p in module.parameters())
    assert list(layers.JordanRNN(3, 4, 2, bias=False).state_dict()) == ["weight_ih", "weight_yh", "weight_hy"]


@pytest.mark.parametrize("kind", JORDANS)
def test_teaching_with_its_own_outputs_changes_nothing(kind):
    module = make(kind, batch_first=True)
    x, state = inputs(module)
    y, last = module(x, state)
    taught, final = module(x, state, targets=y.detach())
    torch.testing.assert_close(taught, y, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(final, last, rtol=1e-9, atol=1e-12)
    alone, _ = module(x[0], state[:, 0], targets=y[0].detach())
    torch.testing.assert_close(alone, y[0], rtol=1e-9, atol=1e-12)


def test_no_gradient_goes_from_step_to_step_under_teacher_forcing():
    module = make("jordan-linear-tanh")
    x, _ = inputs(module)
    y, _ = module(x, targets=torch.randn(T, B, 2, dtype=torch.float64))
    (dx,) = torch.autograd.grad(y[-1].sum(), x)
    assert dx[:-1].eq(0).all()
    assert dx[-1].ne(0).any()


def test_wrong_targets_and_arguments_are_named():
    module = layers.JordanRNN(3, 4, 2)
    x = torch.zeros(5, 2, 3)
    with pytest.raises(RuntimeError, match=r"Expected targets size \(5, 2, 2\), got \[5, 2, 3\]"):
        module(x, targets=x)
    with pytest.raises(ValueError, match="packed"):
        module(pack_padded_sequence(x, [5, 5]), targets=torch.zeros(5, 2, 2))
    with pytest.raises(RuntimeError, match="Expected hidden size"):
        module(x, torch.zeros(1, 2, 4))
    for arguments, error in [((3, 4, 0), ValueError), ((3, 4.0, 2), TypeError), ((3, 4, True), TypeError)]:
        with pytest.raises(error, match="_size"):
            layers.JordanRNN(*arguments)
    for name, value in [("output", "relu"), ("nonlinearity", "softmax"), ("engine", "numpy")]:
        with pytest.raises(ValueError, match=f"Unknown {name} '{value}'"):
            layers.JordanRNN(3, 4, 2, **{name: value})
    with pytest.raises(TypeError, match="batch_first should be of type bool"):
        layers.JordanRNN(3, 4, 2, batch_first=1)


# ---- engines -------------------------------------------------------------------------------------------------------


def work(cell: str = "peephole_new", device: str = "cpu", **options) -> Work:
    native = cell in ("lstm", "gru_after", "rnn_tanh", "rnn_relu")
    options = {"dtype": torch.float32, "steps": 50, "batch": 4, "hidden_size": 8} | options
    return Work(CELLS[cell], native, torch.device(device), **options)


def test_every_line_of_the_table_names_an_engine_and_the_last_ones_fit_everything():
    assert {engine for engine, _, _ in _engines.AUTO} == {*_engines.ENGINES} - {"auto"}
    for name in CELLS:
        for device in ("cpu", "cuda", "meta"):
            assert choose("auto", work(name, device)) in _engines.ENGINES


def test_auto_takes_what_can_do_the_work():
    assert choose("auto", work("lstm")) == "cudnn"
    assert choose("auto", work()) == "fused"
    assert choose("auto", work(transformed=True)) == "eager"
    assert choose("auto", work("lstm", transformed=True)) == "eager"
    assert choose("auto", work("lstm", transformed=True, projected=True)) == "cudnn"
    assert choose("auto", work(exported=True)) == "eager"
    assert choose("auto", work("lstm", exported=True)) == "cudnn"
    assert choose("auto", work("lstm", compiled=True)) == "fused"
    assert choose("auto", work("lstm", "cuda")) == "cudnn"
    assert choose("auto", work("gru_after")) == "fused"
    assert choose("auto", work("gru_after", steps=15)) == "cudnn"
    assert choose("auto", work("gru_after", training=False)) == "cudnn"
    assert choose("auto", work("gru_after", dtype=torch.float16)) == "cudnn"
    assert choose("auto", work("lstm", dtype=torch.float64)) == "fused"
    assert choose("auto", work(steps=5)) == "eager"


def test_auto_takes_triton_on_a_gpu_where_it_runs(monkeypatch):
    monkeypatch.setattr(triton_scan, "why_not", lambda *arguments: None)
    assert choose("auto", work(device="cuda")) == "triton"
    monkeypatch.setattr(triton_scan, "why_not", lambda *arguments: "no kernel fits")
    assert choose("auto", work(device="cuda")) == "fused"
    with pytest.raises(RuntimeError, match="engine='triton' is not available here: no kernel fits"):
        choose("triton", work(device="cuda"))


@pytest.mark.parametrize(("engine", "task", "reason"), [
    ("cudnn", work(), "torch.nn has no cell 'peephole_new'"),
    ("cudnn", work("lstm", compiled=True), "torch.compile cannot differentiate"),
    ("triton", work(), "Triton"),
    ("triton", work(compiled=True), "torch.compile"),
    ("fused", work(transformed=True), "the eager engine"),
    ("fused", work(exported=True), "torch.export"),
    ("eager", work("lstm", projected=True), "proj_size"),
])  # fmt: skip
def test_an_engine_that_is_not_available_says_why(engine, task, reason):
    with pytest.raises(RuntimeError, match=f"engine='{engine}' is not available here: .*{reason}"):
        choose(engine, task)


def test_where_nothing_can_do_the_work_that_is_said(monkeypatch):
    monkeypatch.setattr(_engines, "AUTO", ())
    with pytest.raises(RuntimeError, match="no engine can run 'peephole_new' here"):
        choose("auto", work())


@pytest.mark.parametrize("kind", [k for k in KINDS if k not in NATIVE])
def test_a_module_asks_for_the_engine_when_it_runs(kind):
    module = make(kind, engine="cudnn")
    with pytest.raises(RuntimeError, match=r"torch\.nn has no cell"):
        module(torch.zeros(2, 1, I, dtype=torch.float64))


# ---- the bridge to Triton ------------------------------------------------------------------------------------------


class Kernels:
    """Stands in for `triton_scan`: the interface of `companion.nn._engines`, computed by autograd."""

    def __init__(self):
        self.saves = []

    def _run(self, cell, a, state, weights):
        cell = CELLS[cell]
        series = []
        for step in a:
            state = cell.step(step, state, weights)
            series.append(state)
        return [torch.stack(s) for s in zip(*series, strict=True)]

    def forward(self, cell, a, state, weights, save=True):
        self.saves.append(save)
        h, *c = self._run(cell, a, state, weights)
        kept = (a.clone(),) if save else ()
        a.fill_(torch.nan)  # the interface allows it
        return h, c[0] if c else None, kept

    def backward(self, cell, saved, state, weights, dh, dc):
        (a,) = saved
        leaves = [t.detach().requires_grad_() for t in (a, *state, *weights)]
        count = 1 + len(state)
        with torch.enable_grad():
            series = self._run(cell, leaves[0], leaves[1:count], leaves[count:])
        asked = [(s, g) for s, g in zip(series, (dh, dc), strict=False) if g is not None]
        da, *rest = torch.autograd.grad([s for s, _ in asked], leaves, [g for _, g in asked])
        return da, tuple(rest[: len(state)]), tuple(rest[len(state) :])


@pytest.fixture
def kernels(monkeypatch):
    kernels = Kernels()
    for name in ("forward", "backward"):
        monkeypatch.setattr(triton_scan, name, getattr(kernels, name))
    monkeypatch.setattr(triton_scan, "why_not", lambda *arguments: None)
    return kernels


@pytest.mark.parametrize("kind", KINDS)
def test_the_bridge_gives_the_kernels_what_their_interface_says(kind, kernels):
    eager = make(kind, num_layers=2, bidirectional=True, engine="eager")
    module = make(kind, num_layers=2, bidirectional=True, engine="triton")
    x, state = inputs(eager)
    assert_close(both_ways(module, x, state), both_ways(eager, x, state))
    packed = pack_padded_sequence(x.detach(), [5, 3, 1])
    packed = packed._replace(data=packed.data.detach().requires_grad_())
    assert_close(both_ways(module, packed, state), both_ways(eager, packed, state))
    for got, right in zip(module.all_states(x), eager.all_states(x), strict=True):
        assert got is right or torch.allclose(got, right, rtol=1e-9, atol=1e-12)
    kernels.saves.clear()
    with torch.no_grad():
        module(x)
    assert kernels.saves == [False] * 4


def test_the_bridge_has_second_derivatives(kernels):
    modules = [make("peephole-new", engine=engine) for engine in ("triton", "eager")]
    x, _ = inputs(modules[1])
    seconds = []
    for module in modules:
        (dx,) = torch.autograd.grad(module(x)[0].pow(2).sum(), x, create_graph=True)
        seconds.append(torch.autograd.grad(dx.pow(2).sum(), [x, *module.parameters()]))
    for got, right in zip(*seconds, strict=True):
        torch.testing.assert_close(got, right, rtol=1e-9, atol=1e-12)


def test_the_bridge_computes_in_two_bytes_where_the_module_does(kernels):
    module = make("peephole-new", dtype=torch.bfloat16, engine="triton")
    y, _ = module(torch.randn(3, 2, I, dtype=torch.bfloat16))
    assert y.dtype is torch.bfloat16
    assert _triton.unroll  # the engine's name in the table
