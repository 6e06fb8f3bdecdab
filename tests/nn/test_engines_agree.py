"""The engines are one function of the same weights: outputs, final states and all gradients agree."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence

from companion import nn as layers
from companion.nn import _compiled, _products
from tests.nn.kinds import (
    JORDANS,
    KINDS,
    NATIVE,
    SHAPES,
    B,
    I,
    assert_close,
    both_ways,
    draw,
    inputs,
    like,
    make,
    parts,
)


def engines(kind: str) -> list[str]:
    return ["auto", "fused", *(["cudnn"] if kind in NATIVE else [])]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_engine_gives_what_the_eager_one_gives(kind, shape):
    eager = make(kind, **shape, engine="eager")
    x, state = inputs(eager)
    expected = both_ways(eager, x, state)
    for engine in engines(kind):
        assert_close(both_ways(like(eager, engine), x, state), expected)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", JORDANS)
def test_jordans_networks_agree_too(kind, bias):
    eager = make(kind, bias=bias, engine="eager")
    x, state = inputs(eager)
    assert_close(both_ways(like(eager, "fused"), x, state), both_ways(eager, x, state))


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_float32_agrees_with_float64(kind):
    eager = make(kind, engine="eager", scale=1.0)
    x, state = inputs(eager, steps=9)
    expected = both_ways(eager, x, state)
    short = [s.detach().float().requires_grad_() for s in parts(state)]
    for engine in ("eager", *engines(kind)) if kind in KINDS else ("eager", "fused"):
        module = like(eager, engine).float()
        actual = both_ways(module, x.detach().float().requires_grad_(), tuple(short) if len(short) == 2 else short[0])
        assert_close({name: value.double() for name, value in actual.items()}, expected, rtol=1e-5)


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
@pytest.mark.parametrize("engine", ["eager", "fused"])
def test_packed_sequences_give_what_each_gives_alone(kind, engine):
    options = {"num_layers": 2, "bidirectional": True} if kind in KINDS else {}
    module = make(kind, engine=engine, **options)
    x, state = inputs(module)
    lengths = torch.tensor([2, 5, 1])
    packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
    y, final = module(packed, state)
    padded, _ = torch.nn.utils.rnn.pad_packed_sequence(y)
    for b, length in enumerate(lengths.tolist()):
        alone = [s[:, b : b + 1] for s in parts(state)]
        y_b, final_b = module(x[:length, b : b + 1], tuple(alone) if len(alone) == 2 else alone[0])
        torch.testing.assert_close(padded[:length, b : b + 1], y_b, rtol=1e-9, atol=1e-12)
        for s, s_b in zip(parts(final), parts(final_b), strict=True):
            torch.testing.assert_close(s[:, b : b + 1], s_b, rtol=1e-9, atol=1e-12)
        assert padded[length:, b].eq(0).all()


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_gradients_of_packed_sequences_agree(kind):
    eager = make(kind, engine="eager")
    _, state = inputs(eager)
    packed = pack_padded_sequence(draw(5, B, I), [5, 3, 1])
    packed = packed._replace(data=packed.data.detach().requires_grad_())
    expected = both_ways(eager, packed, state)
    assert_close(both_ways(like(eager, "fused"), packed, state), expected)
    if kind in NATIVE:
        assert_close(both_ways(like(eager, "cudnn"), packed, state), expected)


@pytest.mark.parametrize("engine", ["eager", "fused"])
@pytest.mark.parametrize("kind", ["rnn-relu", "jordan"])
def test_what_explodes_past_a_sequences_end_leaves_no_trace(kind, engine):
    options = {"nonlinearity": "relu", "bias": False, "dtype": torch.float64, "engine": engine}
    module = layers.RNN(I, 4, **options) if kind == "rnn-relu" else layers.JordanRNN(I, 4, 2, **options)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.abs() + 100)
    x = torch.zeros(200, 2, I, dtype=torch.float64)
    x[0, 1] = 1  # the second sequence has one step; were it to go on, it would overflow
    packed = pack_padded_sequence(x, [200, 1])
    y, _ = module(packed)
    (y.data[1].sum() + y.data[-1].sum()).backward()
    assert all(torch.isfinite(p.grad).all() for p in module.parameters())
    assert not torch.isfinite(module(x)[0]).all()


@settings(max_examples=25)
@given(
    kind=st.sampled_from([*KINDS, *JORDANS]),
    steps=st.integers(1, 40),
    batch=st.integers(1, 6),
    given_state=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_any_number_of_steps_and_sequences_agrees(kind, steps, batch, given_state, seed):
    eager = make(kind, seed=seed, engine="eager")
    x, state = inputs(eager, steps, batch, seed)
    state = state if given_state else None
    assert_close(both_ways(like(eager, "fused"), x, state), both_ways(eager, x, state))


@pytest.fixture(params=["oneDNN", "torch"])
def large_products(request, monkeypatch):
    """Sizes at which the other libraries multiply, at a price that tests can pay; the loops in C call none of them."""
    monkeypatch.setenv(_compiled.VARIABLE, "none")
    monkeypatch.setattr(_products, "SMALL", 0)
    monkeypatch.setattr(_products, "LARGE", 0)
    if request.param == "torch":
        monkeypatch.setattr(_products, "one_dnn", lambda: False)


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_every_library_that_multiplies_gives_the_same(kind, large_products):
    eager = make(kind, engine="eager", dtype=torch.float32, scale=1.0)
    x, state = inputs(eager)
    assert_close(both_ways(like(eager, "fused"), x, state), both_ways(eager, x, state))


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_stretches_and_chunks_of_steps_join_without_a_seam(kind, monkeypatch):
    from companion.nn.cells import _scan

    monkeypatch.setattr(_scan, "CHUNK", 2 * B * 4)
    monkeypatch.setattr(_scan, "stretch", lambda steps, numbers, least: 3)
    monkeypatch.setattr("companion.nn.cells.lstm.stretch", lambda steps, numbers, least: 3)
    eager = make(kind, engine="eager")
    x, state = inputs(eager, steps=11)
    assert_close(both_ways(like(eager, "fused"), x, state), both_ways(eager, x, state))


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_the_fused_engine_without_numpy_gives_the_same(kind, monkeypatch):
    """On other devices its loops run in torch; here they do on the CPU."""
    monkeypatch.setattr(_products, "in_numpy", lambda tensor: False)
    eager = make(kind, engine="eager")
    x, state = inputs(eager)
    assert_close(both_ways(like(eager, "fused"), x, state), both_ways(eager, x, state))


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_without_gradients_the_fused_engine_keeps_nothing_and_gives_the_same(kind):
    module = make(kind, engine="fused")
    x, state = inputs(module)
    y, final = module(x, state)
    with torch.no_grad():
        again, last = module(x, state)
    assert torch.equal(y, again)
    assert all(torch.equal(a, b) for a, b in zip(parts(final), parts(last), strict=True))


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_one_upstream_gradient_alone_is_enough(kind):
    eager = make(kind, engine="eager")
    fused = like(eager, "fused")
    x, state = inputs(eager)
    for pick in (lambda out: out[0], lambda out: parts(out[1])[0], lambda out: parts(out[1])[-1]):
        expected, actual = (
            torch.autograd.grad(pick(m(x, state)).sum(), [x, *m.parameters()], allow_unused=True)
            for m in (eager, fused)
        )
        for right, got in zip(expected, actual, strict=True):
            torch.testing.assert_close(got, torch.zeros_like(got) if right is None else right, rtol=1e-9, atol=1e-12)


def test_a_graph_that_is_kept_gives_the_same_gradients_twice():
    module = make("peephole-new", engine="fused")
    x, state = inputs(module)
    loss = module(x, state)[0].pow(2).sum()
    first = torch.autograd.grad(loss, [x, *module.parameters()], retain_graph=True)
    again = torch.autograd.grad(loss, [x, *module.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))


def test_an_output_that_is_changed_in_place_is_noticed():
    module = make("peephole-new", engine="fused")
    y, _ = module(draw(4, 2, I))
    with torch.no_grad():
        y += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def test_numbers_too_large_are_infinite_without_a_warning():
    module = make("rnn-relu", engine="fused", scale=1e200)
    with torch.no_grad():
        module.weight_hh_l0.abs_()
        module.weight_ih_l0.abs_()
    y, _ = module(torch.ones(9, 1, I, dtype=torch.float64))
    assert torch.isinf(y[-1]).any()


def test_large_memory_comes_in_one_piece_of_the_right_type():
    from companion.nn.cells._scan import allocate

    for dtype in (torch.float32, torch.float64):
        like = torch.zeros(1, dtype=dtype)
        first, second = allocate(like, (300, 2000), (3, 200_000))
        assert first.shape == (300, 2000)
        assert second.shape == (3, 200_000)
        assert first.dtype is second.dtype is dtype
        assert first.untyped_storage().data_ptr() == second.untyped_storage().data_ptr()
        assert second.data_ptr() == first.data_ptr() + first.numel() * like.itemsize
