"""First and second derivatives of every cell against differences, in float64, in every engine."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from tests.nn.kinds import JORDANS, KINDS, I, draw, make, parts


def function(module):
    """The module as a function of tensors, its parameters among them."""
    names = [name for name, _ in module.named_parameters()]

    def run(x, *rest):
        state, values = rest[: module.cell.states], rest[module.cell.states :]
        state = tuple(state) if len(state) == 2 else state[0]
        y, final = torch.func.functional_call(module, dict(zip(names, values, strict=True)), (x, state))
        return y, *parts(final)

    return run


def case(kind: str, engine: str, **options):
    module = make(kind, engine=engine, **options)
    size = getattr(module, "output_size", 4)
    layers = getattr(module, "num_layers", 1)
    state = [draw(layers, 2, size) for _ in range(module.cell.states)]
    values = [p.detach().clone().requires_grad_() for p in module.parameters()]
    torch.manual_seed(3)
    return function(module), (draw(3, 2, I), *state, *values)


@pytest.mark.parametrize("engine", ["auto", "eager", "fused"])
@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_first_derivatives(kind, engine):
    run, arguments = case(kind, engine)
    assert torch.autograd.gradcheck(run, arguments)


@pytest.mark.parametrize("engine", ["auto", "eager", "fused"])
@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_second_derivatives(kind, engine):
    run, arguments = case(kind, engine)
    assert torch.autograd.gradgradcheck(run, arguments, fast_mode=True)


@pytest.mark.parametrize("engine", ["auto", "fused"])
def test_two_layers_and_packed_sequences_have_second_derivatives(engine):
    run, (x, *rest) = case("peephole-new", engine, num_layers=2)

    def packed(x, *rest):
        y, *final = run(pack_padded_sequence(x, [3, 1]), *rest)
        return y.data, *final

    assert torch.autograd.gradgradcheck(packed, (x, *rest), fast_mode=True)


def test_a_second_derivative_looks_at_each_input_alone():
    """The recurrent weights made of the input: the gradient with respect to one must not pass through the other."""
    module = make("peephole-new", engine="fused")
    x = draw(3, 2, I)

    def loss(engine):
        module.engine = engine
        weights = module.weight_hh_l0.detach() * x.sum()
        y, _ = torch.func.functional_call(module, {"weight_hh_l0": weights}, (x,))
        (dx,) = torch.autograd.grad(y.pow(2).sum(), x, create_graph=True)
        return torch.autograd.grad(dx.pow(2).sum(), x)[0]

    torch.testing.assert_close(loss("fused"), loss("eager"), rtol=1e-9, atol=1e-12)


def test_a_gradient_penalty_trains_through_the_fused_engine():
    module = make("peephole-new", engine="fused")
    x = draw(4, 2, I)
    (dx,) = torch.autograd.grad(module(x)[0].sum(), x, create_graph=True)
    dx.pow(2).sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in module.parameters())
