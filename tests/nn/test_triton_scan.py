"""The Triton engine under Triton's interpreter: the kernels' own code, block after block on the CPU, small sizes.

It is held to autograd through the eager cells in float64. What the interpreter cannot show, the barrier between blocks
that run at once, is for tests/gpu; that the kernels compile for a GPU is tested in test_triton_compile.py.
"""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import companion.nn
from companion.nn import _eager, triton_scan
from companion.nn.cells import (
    GRUCell,
    LSTM1997Cell,
    LSTMCell,
    OldPeepholeLSTMCell,
    PeepholeLSTMCell,
    ResetBeforeGRUCell,
    RNNCell,
)
from companion.nn.triton_plan import Plan

CELLS = {
    cell.name: cell
    for cell in (
        RNNCell("tanh"),
        RNNCell("relu"),
        RNNCell("sigmoid"),
        LSTMCell(),
        LSTM1997Cell(),
        PeepholeLSTMCell(),
        OldPeepholeLSTMCell(),
        GRUCell(),
        ResetBeforeGRUCell(),
    )
}

# Three blocks share the 18 hidden units, none of them in full; two batch tiles; the inner dimension is split.
SPLIT = Plan(units=8, rows=16, split=4, chunk=16, warps=4, blocks=3, groups=1, held=True)
EIGHT = Plan(units=16, rows=16, split=8, chunk=16, warps=8, blocks=2, groups=1, held=False)


@pytest.fixture
def interpreter(monkeypatch):
    pytest.importorskip("triton", reason="Triton is not installed (it exists for Linux)")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    from triton.runtime.interpreter import InterpretedFunction

    from companion.nn import triton_forward

    if not isinstance(triton_forward.forward_once, InterpretedFunction):
        pytest.skip("this process has compiled the kernels for its GPU already; start it with TRITON_INTERPRET=1")


def make_case(cell, T, B, H, dtype=torch.float32, seed=0):
    """A scan's inputs and upstream gradients: float64 tensors whose values ``dtype`` holds exactly."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape, scale=1.0):
        return (scale * torch.randn(*shape, generator=generator)).to(dtype).double()

    G = triton_scan.GATES[cell]
    states = 2 if "lstm" in cell or "peephole" in cell else 1
    e = {"peephole": 3 * H, "gru_afte": H}.get(cell[:8])
    a, state = normal(T, B, G * H), [normal(B, H) for _ in range(states)]
    weights = [normal(G * H, H, scale=H**-0.5)] + ([normal(e, scale=0.5)] if e else [])
    return a, state, weights, [normal(T, B, H) for _ in range(states)]


def by_autograd(cell, a, state, weights, upstream):
    """Every state, then the gradients of ``a``, the state and the weights, from the eager cell in float64."""
    leaves = [t.clone().requires_grad_() for t in (a, *state, *weights)]
    series, _ = _eager.scan(CELLS[cell], leaves[0], leaves[1 : 1 + len(state)], leaves[1 + len(state) :])
    return [*(s.detach() for s in series), *torch.autograd.grad(series, leaves, upstream)]


def by_triton(cell, a, state, weights, upstream, dtype=torch.float32, plan=None, backward_plan=None):
    def cast(tensors):
        return tuple(t.to(dtype) for t in tensors)

    state, weights, (dh, *dc) = cast(state), cast(weights), cast(upstream)
    h, c, saved = triton_scan.forward(cell, a.to(dtype), state, weights, True, plan)
    da, dstate, dweights = triton_scan.backward(
        cell, saved, state, weights, dh, dc[0] if dc else None, backward_plan or plan
    )
    return [h] + ([] if c is None else [c]) + [da, *dstate, *dweights]


def worst(actual, expected):
    """The largest relative error of any tensor, and its name."""
    names = ["h", "c", "da", "dh0", "dc0", "dU", "de"] if len(expected) > 5 else ["h", "da", "dh0", "dU", "de"]
    assert [t.shape for t in actual] == [t.shape for t in expected]
    errors = [float((x.double() - y).norm() / y.norm().clamp(min=1e-30)) for x, y in zip(actual, expected, strict=True)]
    return max(zip(errors, names[: len(errors)], strict=True))


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_a_single_block_agrees_with_autograd(interpreter, cell):
    case = make_case(cell, T=4, B=3, H=5)
    error, name = worst(by_triton(cell, *case), by_autograd(cell, *case))
    assert error < 1e-6, name


@pytest.mark.parametrize(
    ("cell", "plan"),
    [(cell, SPLIT) for cell in ("rnn_tanh", "lstm_1997", "peephole_new", "gru_after", "gru_before")]
    + [("lstm", EIGHT), ("gru_before", EIGHT)],
    ids=lambda value: value if isinstance(value, str) else f"{value.split} parts",
)
def test_blocks_that_share_the_hidden_units_agree_with_autograd(interpreter, cell, plan):
    case = make_case(cell, T=3, B=18, H=18)
    error, name = worst(by_triton(cell, *case, plan=plan), by_autograd(cell, *case))
    assert error < 1e-6, name


@pytest.mark.parametrize("cell", ["rnn_tanh", "peephole_new", "gru_after", "gru_before"])
def test_huge_pre_activations_saturate_and_do_not_overflow(interpreter, cell):
    a, state, weights, upstream = make_case(cell, T=3, B=2, H=5)
    case = (
        a * 10.0 ** torch.arange(-5, 4).repeat(a.numel() // 9 + 1)[: a.numel()].view_as(a),
        state,
        weights,
        upstream,
    )
    got, expected = by_triton(cell, *case), by_autograd(cell, *case)
    assert all(torch.isfinite(t).all() for t in got)
    error, name = worst(got, expected)
    assert error < 1e-5, name


def test_more_batch_tiles_than_groups_are_done_in_turn(interpreter):
    case = make_case("gru_before", T=3, B=37, H=5)
    plan = Plan(units=8, rows=16, split=2, chunk=16, warps=2, blocks=1, groups=2, held=True)
    error, name = worst(by_triton("gru_before", *case, plan=plan), by_autograd("gru_before", *case))
    assert error < 1e-6, name


@pytest.mark.parametrize("cell", ["rnn_relu", "peephole_old", "gru_after", "gru_before"])
def test_one_launch_a_step_gives_the_bits_of_the_persistent_kernel(interpreter, cell):
    case = make_case(cell, T=4, B=3, H=6)
    persistent = Plan(units=8, rows=16, split=2, chunk=16, warps=2, blocks=1, groups=1, held=True)
    stepwise = Plan(units=8, rows=16, split=2, chunk=16, warps=2, blocks=1, groups=1, held=False, stepwise=True)
    for x, y in zip(by_triton(cell, *case, plan=persistent), by_triton(cell, *case, plan=stepwise), strict=True):
        assert torch.equal(x, y)


def test_the_same_inputs_give_the_same_bits_twice(interpreter):
    case = make_case("peephole_new", T=3, B=18, H=18)
    for x, y in zip(*(by_triton("peephole_new", *case, plan=SPLIT) for _ in range(2)), strict=True):
        assert torch.equal(x, y)


# The interpreter rounds towards zero where a GPU rounds to nearest, so bfloat16 may be off by twice as much.
@pytest.mark.parametrize(("dtype", "bound"), [(torch.float16, 4e-3), (torch.bfloat16, 6e-2)])
@pytest.mark.parametrize("cell", ["rnn_sigmoid", "lstm", "peephole_new", "gru_after", "gru_before"])
def test_two_byte_types_stay_near_float64(interpreter, cell, dtype, bound):
    case = make_case(cell, T=4, B=5, H=7, dtype=dtype)
    error, name = worst(by_triton(cell, *case, dtype=dtype), by_autograd(cell, *case))
    assert error < bound, name


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cell=st.sampled_from(sorted(CELLS)),
    T=st.integers(1, 4),
    B=st.integers(1, 20),
    H=st.integers(1, 20),
    seed=st.integers(0, 1000),
)
def test_any_shape_agrees_with_autograd(interpreter, cell, T, B, H, seed):
    case = make_case(cell, T, B, H, seed=seed)
    error, name = worst(by_triton(cell, *case), by_autograd(cell, *case))
    assert error < 1e-5, name


def test_without_a_backward_pass_nothing_is_kept(interpreter):
    for cell in ("lstm", "gru_after", "gru_before", "rnn_tanh"):
        a, state, weights, _ = make_case(cell, T=3, B=2, H=5)
        a, state, weights = a.float(), tuple(t.float() for t in state), tuple(t.float() for t in weights)
        kept = triton_scan.forward(cell, a.clone(), state, weights, save=True)
        h, c, saved = triton_scan.forward(cell, a.clone(), state, weights, save=False)
        assert saved == ()
        assert torch.equal(h, kept[0])
        assert c is None if kept[1] is None else torch.equal(c, kept[1])


def test_the_backward_pass_may_come_twice(interpreter):
    a, state, weights, upstream = ([t.float() for t in x] for x in make_case("peephole_new", T=3, B=2, H=5))
    a = torch.stack(a)
    _, _, saved = triton_scan.forward("peephole_new", a, state, weights)
    arguments = ("peephole_new", saved, state, weights, *upstream)
    first, second = (triton_scan.backward(*arguments) for _ in range(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[2][0], second[2][0])


def test_no_gradient_of_the_cell_state_is_the_same_as_zero(interpreter):
    a, state, weights, (dh, dc) = ([t.float() for t in x] for x in make_case("lstm", T=3, B=2, H=5))
    _, _, saved = triton_scan.forward("lstm", torch.stack(a), state, weights)
    none = triton_scan.backward("lstm", saved, state, weights, dh, None)
    zero = triton_scan.backward("lstm", saved, state, weights, dh, torch.zeros_like(dc))
    assert torch.equal(none[0], zero[0])


@pytest.mark.parametrize("shape", [(0, 2, 5), (3, 0, 5)], ids=["no step", "no sequence"])
def test_empty_sequences_and_batches_pass_through(interpreter, shape):
    T, B, H = shape
    a, state, weights, (dh, dc) = make_case("lstm", T, B, H)
    a, state, weights = a.float(), [t.float() for t in state], [t.float() for t in weights]
    h, _, saved = triton_scan.forward("lstm", a, state, weights)
    da, dstate, dweights = triton_scan.backward("lstm", saved, state, weights, dh.float(), dc.float())
    assert h.shape == (T, B, H)
    assert da.shape == (T, B, 4 * H)
    assert torch.equal(dstate[0], torch.zeros(B, H))
    assert torch.equal(dweights[0], torch.zeros(4 * H, H))


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("RNN", {}),
        ("LSTM", {"forget_gate": False}),
        ("PeepholeLSTM", {"output_peep": "old"}),
        ("GRU", {"reset": "before"}),
        ("GRU", {}),
    ],
)
def test_a_layer_with_the_engine_agrees_with_the_eager_one(interpreter, kind, options):
    """Two layers, both directions, unequal lengths: what the engine leaves to its caller."""
    torch.manual_seed(0)
    layers = [
        getattr(companion.nn, kind)(3, 5, num_layers=2, bidirectional=True, engine=engine, **options)
        for engine in ("triton", "eager")
    ]
    layers[1].load_state_dict(layers[0].state_dict())
    x = torch.randn(4, 3, 3)
    lengths = torch.tensor([4, 2, 3])
    gradients = []
    for layer in layers:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, state = layer(packed)
        h = state[0] if isinstance(state, tuple) else state
        loss = (y.data * torch.arange(y.data.numel()).view_as(y.data).sin()).sum() + h.square().sum()
        gradients.append([y.data, h, *torch.autograd.grad(loss, list(layer.parameters()))])
    for got, expected in zip(*gradients, strict=True):
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


def test_a_plan_that_turns_out_too_large_gives_way_to_the_next(interpreter, monkeypatch):
    from triton.runtime.errors import OutOfResources

    launch, tried = triton_scan._launch, []

    def small_chip(*arguments):
        plan = arguments[-2]
        tried.append(plan)
        if plan.units > 8:
            raise OutOfResources(300_000, 232_448, "shared memory")
        return launch(*arguments)

    monkeypatch.setattr(triton_scan, "_launch", small_chip)
    monkeypatch.setattr(triton_scan, "_refused", set())
    case = make_case("rnn_tanh", T=2, B=2, H=20)
    error, name = worst(by_triton("rnn_tanh", *case), by_autograd("rnn_tanh", *case))
    assert error < 1e-6, name
    assert [plan.units for plan in tried] == [32, 8, 32, 8], "one block for all units, then several; back the same"
    by_triton("rnn_tanh", *case)
    assert [plan.units for plan in tried[4:]] == [8, 8], "what was refused is not tried again"


def test_a_chip_that_no_plan_fits_is_an_error(interpreter, monkeypatch):
    from triton.runtime.errors import OutOfResources

    def refuse(*arguments):
        raise OutOfResources(300_000, 232_448, "shared memory")

    monkeypatch.setattr(triton_scan, "_launch", refuse)
    monkeypatch.setattr(triton_scan, "_refused", set())
    case = make_case("rnn_tanh", T=2, B=2, H=5)
    with pytest.raises(RuntimeError, match="no plan of the Triton engine fits this GPU: rnn_tanh, hidden_size 5"):
        by_triton("rnn_tanh", *case)
    with pytest.raises(OutOfResources):
        by_triton("rnn_tanh", *case, plan=SPLIT)


def test_float32_products_are_made_as_torch_makes_its_own():
    before = torch.get_float32_matmul_precision()
    try:
        for word, precision in (("highest", "tf32x3"), ("high", "tf32")):
            torch.set_float32_matmul_precision(word)
            assert triton_scan._precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)


def test_the_reason_says_what_is_missing(monkeypatch):
    why_not, cpu = triton_scan.why_not, torch.device("cpu")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert "CUDA device, the input is on cpu" in why_not("lstm", cpu, torch.float32, 8, 2)
    assert "not in torch.float64" in why_not("lstm", cpu, torch.float64, 8, 2)
    assert "no cell 'jordan'" in why_not("jordan", cpu, torch.float32, 8, 2)
    monkeypatch.setattr(triton_scan.importlib.util, "find_spec", lambda name: None)
    assert why_not("lstm", cpu, torch.float32, 8, 2) == "Triton is not installed"


def test_a_gpu_is_asked_for_its_age_and_its_size(monkeypatch):
    from types import SimpleNamespace

    why_not, device = triton_scan.why_not, torch.device("cuda", 0)
    monkeypatch.setattr(triton_scan.importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "torch finds none" in why_not("lstm", device, torch.float32, 8, 2)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert "8.0" in why_not("lstm", device, torch.float32, 8, 2)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    h200 = SimpleNamespace(multi_processor_count=132, shared_memory_per_block_optin=232448)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: h200)
    triton_scan._chip.cache_clear()
    assert why_not("lstm", device, torch.float32, 1024, 64) is None
    assert "too large" in why_not("lstm", device, torch.float32, 132 * 64 + 1, 1)
    triton_scan._chip.cache_clear()
    monkeypatch.setattr(torch.version, "hip", "6.0")
    assert "NVIDIA" in why_not("lstm", device, torch.float32, 8, 2)
