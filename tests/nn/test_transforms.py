"""torch.func, torch.compile and torch.export take the modules; forward mode and vmap take the eager engine."""

import pytest
import torch
from torch.func import functional_call, grad, jacrev, jvp, vmap

from companion import nn as layers
from tests.nn.kinds import JORDANS, KINDS, NATIVE, I, draw, make, parts

ALL = [*KINDS, *JORDANS]


@pytest.mark.parametrize("kind", ALL)
def test_vmap_over_the_batch_is_the_batch(kind):
    module = make(kind)
    x = torch.randn(4, 3, I, dtype=torch.float64)
    y = vmap(lambda one: module(one)[0], in_dims=1, out_dims=1)(x)
    torch.testing.assert_close(y, module(x)[0], rtol=1e-9, atol=1e-12)


def test_vmap_over_weights_trains_an_ensemble():
    modules = [make("peephole-new", seed=seed) for seed in range(3)]
    stacked, _ = torch.func.stack_module_state(modules)
    x = torch.randn(4, 2, I, dtype=torch.float64)
    loss = lambda weights: functional_call(modules[0], weights, (x,))[0].pow(2).sum()  # noqa: E731
    gradients = vmap(grad(loss))(stacked)
    for k, module in enumerate(modules):
        module(x)[0].pow(2).sum().backward()
        for name, parameter in module.named_parameters():
            torch.testing.assert_close(gradients[name][k], parameter.grad, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_forward_mode_agrees_with_reverse_mode(kind):
    module = make(kind)
    x, direction = torch.randn(2, 4, 2, I, dtype=torch.float64)
    run = lambda x: module(x)[0].sum(dim=(1, 2))  # noqa: E731
    _, forward = jvp(run, (x,), (direction,))
    reverse = torch.einsum("otbi,tbi->o", jacrev(run)(x), direction)
    torch.testing.assert_close(forward, reverse, rtol=1e-9, atol=1e-12)


def test_forward_mode_without_transforms_works_too():
    module = make("peephole-new")
    x, direction = torch.randn(2, 4, 2, I, dtype=torch.float64)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, direction)
        tangent = torch.autograd.forward_ad.unpack_dual(module(dual)[0]).tangent
    torch.testing.assert_close(tangent, jvp(lambda x: module(x)[0], (x,), (direction,))[1])


def test_a_subclass_of_tensor_gets_plain_operations():
    class Marked(torch.Tensor):
        pass

    module = make("peephole-new")
    x = torch.randn(4, 2, I, dtype=torch.float64)
    y, _ = module(x.as_subclass(Marked))
    assert isinstance(y, Marked)
    torch.testing.assert_close(y.as_subclass(torch.Tensor), module(x)[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", ALL)
def test_a_functional_call_with_other_weights_uses_them(kind):
    module, other = make(kind), make(kind, seed=1)
    x = draw(4, 2, I)
    y, _ = functional_call(module, dict(other.named_parameters()), (x,))
    torch.testing.assert_close(y, other(x)[0], rtol=1e-9, atol=1e-12)


@pytest.fixture
def compile_():
    torch._dynamo.reset()
    yield lambda module: torch.compile(module, backend="aot_eager", fullgraph=True)
    torch._dynamo.reset()


@pytest.mark.parametrize(
    "kind", ["rnn-tanh", "lstm", "peephole-new", "peephole-old", "gru-before", "jordan-linear-tanh"]
)
def test_a_compiled_module_is_one_graph_with_the_same_gradients(kind, compile_):
    module = make(kind)
    x = draw(3, 2, I)
    y, state = compile_(module)(x)
    expected, final = module(x)
    torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-12)
    got = torch.autograd.grad(y.pow(2).sum() + parts(state)[-1].sum(), [x, *module.parameters()])
    right = torch.autograd.grad(expected.pow(2).sum() + parts(final)[-1].sum(), [x, *module.parameters()])
    for a, b in zip(got, right, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)


def test_the_compiled_graph_holds_the_scan_as_one_operator(compile_):
    module = layers.PeepholeLSTM(I, 4, bidirectional=True)
    explained = torch._dynamo.explain(module)(torch.randn(50, 2, I))
    assert explained.graph_break_count == 0
    names = [str(node.target) for node in explained.graphs[0].graph.nodes]
    assert names.count("companion.scan.default") == 2


@pytest.mark.parametrize("kind", ["peephole-new", "gru-before", "rnn-sigmoid", "jordan-linear-tanh"])
def test_the_operators_are_what_torch_asks_of_operators(kind):
    from companion.nn import _fused

    module = make(kind)
    size = getattr(module, "output_size", 4)
    W, b, weights = module._weights(torch.float64) if kind in JORDANS else module._weights(0, 0)
    rest = [*(draw(2, size) for _ in range(module.cell.states)), *(w.detach().requires_grad_() for w in weights)]
    for all_states in (False, True):
        arguments = (module.cell.name, all_states, True, None, draw(3, 2, I), W.detach(), b.detach(), rest)
        torch.library.opcheck(_fused.scan, arguments, test_utils=("test_schema", "test_faketensor"))


@pytest.mark.parametrize("kind", ["lstm", "peephole-new", "gru-before", "jordan-softmax-sigmoid"])
def test_an_exported_program_gives_the_same(kind):
    module = make(kind, dtype=torch.float32)
    x = torch.randn(3, 2, I)
    program = torch.export.export(module, (x,), strict=False)
    torch.testing.assert_close(program.module()(x), module(x))
    assert not any("companion" in str(node.target) for node in program.graph.nodes)


@pytest.mark.parametrize("kind", ["peephole-new", "lstm"])
def test_an_engine_that_cannot_be_transformed_says_so(kind):
    module = make(kind, engine="fused")
    x = torch.randn(4, 3, I, dtype=torch.float64)
    with pytest.raises(RuntimeError, match="the eager engine"):
        vmap(lambda one: module(one)[0], in_dims=1)(x)
    with pytest.raises(RuntimeError, match=r"torch\.export wants plain operations"):
        torch.export.export(module, (x,), strict=False)


def test_torchs_own_kernels_are_exported_where_torch_has_the_cell():
    for kind in NATIVE:
        program = torch.export.export(make(kind, dtype=torch.float32), (torch.randn(3, 2, I),), strict=False)
        assert any(name in str(program.graph) for name in ("aten.lstm", "aten.gru", "aten.rnn_tanh", "aten.rnn_relu"))
