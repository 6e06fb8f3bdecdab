"""The modules against `companion.reference`, which has no autograd: outputs, states and gradients, lengths included."""

import numpy as np
import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from companion import reference as ref
from tests.nn.kinds import JORDANS, KINDS, SHAPES, B, H, I, T, both_ways, inputs, like, make, parts


def reference_of(module):
    """The layer of the reference with the same arguments and weights."""
    layer_class = getattr(ref, type(module).__name__)
    names = ("nonlinearity", "forget_gate", "output_peep", "reset", "output", "num_layers", "bidirectional")
    options = {name: getattr(module, name) for name in names if hasattr(module, name)}
    sizes = (module.output_size,) if hasattr(module, "output_size") else ()
    layer = layer_class(I, H, *sizes, **options, bias=module.bias, batch_first=module.batch_first)
    layer.load_state_dict({name: value.numpy() for name, value in module.state_dict().items()})
    return layer


def arrays(structure):
    """Tensors as arrays, in the structure they came in."""
    if isinstance(structure, tuple):
        return tuple(arrays(part) for part in structure)
    return structure.detach().numpy()


@pytest.mark.parametrize("engine", ["auto", "eager", "fused"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_forward_and_back_agree_with_the_reference(kind, shape, engine):
    if kind in JORDANS:
        shape = {name: value for name, value in shape.items() if name in ("bias", "batch_first")}
    module = make(kind, **shape, engine=engine)
    x, state = inputs(module)
    actual = both_ways(module, x, state)
    layer = reference_of(module)
    tape = layer.unroll(arrays(x), arrays(state))
    torch.manual_seed(2)  # the upstream gradients of both_ways
    dy, *dstate = (torch.randn(out.shape, dtype=torch.float64).numpy() for out in [tape.y, *parts(tape.state)])
    grads = layer.bptt(tape, dy, tuple(dstate) if len(dstate) == 2 else dstate[0])
    expected = [
        tape.y,
        *parts(tape.state),
        grads.x,
        *parts(grads.state),
        *(grads.params[n] for n in module.state_dict()),
    ]
    for (name, got), right in zip(actual.items(), expected, strict=True):
        limit = 1e-9 * np.abs(right).max()
        np.testing.assert_allclose(got.detach().numpy(), right, rtol=0, atol=limit, err_msg=name)


@pytest.mark.parametrize("engine", ["eager", "fused"])
@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_packed_sequences_are_the_references_lengths(kind, engine):
    options = {} if kind in JORDANS else {"num_layers": 2, "bidirectional": True}
    module = make(kind, **options, engine=engine)
    x, state = inputs(module)
    lengths = [2, T, 1][:B]
    y, final = module(pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False), state)
    right, last = reference_of(module)(arrays(x), arrays(state), np.array(lengths))
    np.testing.assert_allclose(pad_packed_sequence(y)[0].detach().numpy(), right, rtol=1e-9, atol=1e-12)
    for got, value in zip(parts(final), parts(last), strict=True):
        np.testing.assert_allclose(got.detach().numpy(), value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", JORDANS)
def test_teacher_forcing_is_the_references(kind):
    module = make(kind)
    x, state = inputs(module)
    targets = torch.rand(T, B, 2, dtype=torch.float64)
    y, final = module(x, state, targets=targets)
    tape = reference_of(module).unroll(arrays(x), arrays(state), targets=targets.numpy())
    np.testing.assert_allclose(y.detach().numpy(), tape.y, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(final.detach().numpy(), tape.state, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_all_states_are_the_tapes(kind):
    module = make(kind)
    x, state = inputs(module)
    tape = reference_of(module).unroll(arrays(x), arrays(state))
    states = module.all_states(x, state)
    h = np.asarray(tape.y)
    np.testing.assert_allclose(states.h[0].detach().numpy(), h, rtol=1e-9, atol=1e-12)
    if states.c is not None:
        last = np.asarray(tape.state[1][0])
        np.testing.assert_allclose(states.c[0, -1].detach().numpy(), last, rtol=1e-9, atol=1e-12)
    assert torch.equal(like(module, "eager").all_states(x, state).h, like(module, "eager")(x, state)[0][None])
