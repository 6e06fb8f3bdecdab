"""Truncated backpropagation against what its definition says, window by window and path by path."""

import numpy as np
import pytest
import torch

from companion import reference as ref
from tests.reference.engines import STEPS
from tests.reference.kinds import JORDANS, KINDS, assert_close, both_ways, inputs, make, parts, random_like

STEPS_T = 6
HORIZONS = [1, 2, 3, 5, 6, 7, 20]


def example(layer, rng, lengths=None):
    x, state = inputs(layer, rng, steps=STEPS_T)
    y, final = layer(x, state, lengths)
    return x, state, lengths, random_like(y, rng), random_like(final, rng)


def add(total, part):
    for name, value in part.items():
        total[name] = total.get(name, 0) + value


def window_by_window(layer, x, state, dy, dstate, horizon) -> dict[str, np.ndarray]:
    """The definition: for each t a run over its window alone, from a state that is only a number, all summed up."""
    total = {"d x": np.zeros_like(x)} | {f"d state[{k}]": np.zeros_like(part) for k, part in enumerate(parts(state))}
    states = [state]
    for t in range(len(x)):
        states.append(layer(x[t : t + 1], states[-1])[1])
    for t in range(len(x)):
        start = max(0, t - horizon + 1)
        tape = layer.unroll(x[start : t + 1], states[start])
        upstream = np.zeros_like(tape.y)
        upstream[-1] = dy[t]
        grads = layer.bptt(tape, upstream, dstate if t == len(x) - 1 else None)
        total["d x"][start : t + 1] += grads.x
        if t - horizon + 1 < 0:
            add(total, {f"d state[{k}]": part for k, part in enumerate(parts(grads.state))})
        add(total, {f"d {name}": value for name, value in grads.params.items()})
    return total


@pytest.mark.parametrize("horizon", HORIZONS)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_it_is_the_sum_over_all_windows(kind, num_layers, horizon, rng):
    layer = make(kind, num_layers=num_layers)
    x, state, _, dy, dstate = example(layer, rng)
    expected = window_by_window(layer, x, state, dy, dstate, horizon)
    ours = both_ways(layer, x, state, None, dy, dstate, horizon=horizon)
    assert_close({name: ours[name] for name in expected}, expected)


@pytest.mark.parametrize("horizon", [1, 3, 6, 7])
@pytest.mark.parametrize("kind", JORDANS)
def test_it_is_the_sum_over_all_windows_of_a_jordan_network(kind, horizon, rng):
    layer = make(kind)
    x, state, _, dy, dstate = example(layer, rng)
    expected = window_by_window(layer, x, state, dy, dstate, horizon)
    ours = both_ways(layer, x, state, None, dy, dstate, horizon=horizon)
    assert_close({name: ours[name] for name in expected}, expected)


@pytest.mark.parametrize("horizon", [1, 2, 4, 6, 7])
def test_sequences_of_a_batch_are_truncated_as_if_alone(horizon, rng):
    layer = make("lstm", num_layers=2)
    lengths = [4, 0, STEPS_T]
    x, state, _, dy, dstate = example(layer, rng, lengths)
    ours = both_ways(layer, x, state, lengths, dy, dstate, horizon=horizon)
    total = {}
    for b, length in enumerate(lengths):
        alone = slice(b, b + 1)
        start, end = (tuple(part[:, alone] for part in s) for s in (state, dstate))
        if length == 0:
            np.testing.assert_array_equal(ours["d state[0]"][:, alone], end[0])
            np.testing.assert_array_equal(ours["d x"][:, alone], 0)
            continue
        one = window_by_window(layer, x[:length, alone], start, dy[:length, alone], end, horizon)
        np.testing.assert_allclose(ours["d x"][:length, alone], one.pop("d x"), atol=1e-12)
        for k in range(2):
            np.testing.assert_allclose(ours[f"d state[{k}]"][:, alone], one.pop(f"d state[{k}]"), atol=1e-12)
        add(total, one)
    assert_close({name: ours[name] for name in total}, total)


class Faded(torch.autograd.Function):
    """The identity, whose gradient is multiplied by a factor: it marks every state that a path crosses."""

    @staticmethod
    def forward(context, value, factor):
        context.factor = factor
        return value.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient * context.factor, None


def with_faded_states(layer, x, state, dy, dstate, factor) -> dict[str, np.ndarray]:
    """All gradients by autograd, with `factor` on every state between two steps, and on the initial one."""
    p = {name: torch.tensor(value, requires_grad=True) for name, value in layer.params.items()}
    x_in = torch.tensor(x, requires_grad=True)
    starts = [torch.tensor(part, requires_grad=True) for part in parts(state)]
    step, out, loss = STEPS[type(layer).__name__], x_in, 0
    for l in range(layer.num_layers):  # noqa: E741
        outputs = []
        for d in range(layer.directions):
            k, end = l * layer.directions + d, f"_l{l}{'_reverse' if d else ''}"
            own = {name.removesuffix(end): value for name, value in p.items() if name.endswith(end)}
            h, c = starts[0][k], starts[-1][k]
            hs = [None] * len(x)
            for t in reversed(range(len(x))) if d else range(len(x)):
                c = c if c is None else Faded.apply(c, factor)
                h, c = step(own, out[t], Faded.apply(h, factor), c, layer)
                hs[t] = h
            outputs.append(torch.stack(hs))
            final = (h, c)
            for part, upstream in zip(final, parts(dstate), strict=False):
                loss = loss + (part * torch.tensor(upstream[k])).sum()
        out = torch.cat(outputs, -1)
    (loss + (out * torch.tensor(dy)).sum()).backward()
    return (
        {"d x": x_in.grad.numpy()}
        | {f"d state[{k}]": part.grad.numpy() for k, part in enumerate(starts)}
        | {f"d {name}": value.grad.numpy() for name, value in p.items()}
    )


@pytest.mark.parametrize("horizon", [1, 2, 4, 7])
@pytest.mark.parametrize("kind", ["rnn-tanh", "lstm"])
def test_with_two_directions_it_counts_the_states_that_a_path_crosses(kind, horizon, rng):
    """The gradient is a polynomial in the factor on the states: its first `horizon` coefficients are what counts."""
    layer = make(kind, num_layers=2, bidirectional=True, scale=1.0)
    x, state = inputs(layer, rng, steps=4)
    y, final = layer(x, state)
    dy, dstate = random_like(y, rng), random_like(final, rng)
    degree = layer.num_layers * len(x)
    factors = np.cos(np.pi * (2 * np.arange(degree + 1) + 1) / (2 * degree + 2))
    samples = [with_faded_states(layer, x, state, dy, dstate, factor) for factor in factors]
    solve = np.linalg.inv(np.vander(factors, increasing=True))[:horizon].sum(axis=0)
    expected = {name: sum(s * sample[name] for s, sample in zip(solve, samples, strict=True)) for name in samples[0]}
    ours = both_ways(layer, x, state, None, dy, dstate, horizon=horizon)
    for name, value in expected.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("shape", [{}, {"num_layers": 2}, {"num_layers": 2, "bidirectional": True}])
def test_a_horizon_as_long_as_any_path_is_full_bptt(shape, rng):
    layer = make("gru-after", **shape)
    case = example(layer, rng, [STEPS_T, 3, 5])
    longest = STEPS_T * (2 if "bidirectional" in shape else 1)
    assert_close(both_ways(layer, *case, horizon=longest + 1), both_ways(layer, *case), rtol=1e-12)


def test_a_horizon_of_all_steps_leaves_out_the_initial_state_of_the_last_loss_alone(rng):
    layer = make("lstm")
    case = example(layer, rng)
    cut, full = both_ways(layer, *case, horizon=STEPS_T), both_ways(layer, *case)
    state = [cut.pop(f"d state[{k}]") - full.pop(f"d state[{k}]") for k in range(2)]
    assert_close(cut, full, rtol=1e-12)
    assert all(np.abs(part).max() > 1e-6 for part in state)


def test_a_layer_with_a_shorter_horizon_learns_nothing_from_beyond_it(rng):
    layer = make("rnn-tanh", num_layers=3)
    x, state, _, dy, _ = example(layer, rng)
    dy[:-1] = 0
    grads = layer.bptt(layer.unroll(x, state), dy, horizon=2)
    np.testing.assert_array_equal(grads.x[:-2], 0)
    assert np.abs(grads.x[-2:]).min() > 0


@pytest.mark.parametrize("horizon", [1, 2])
def test_side_by_side_and_shared_input(horizon, rng):
    layers = [make("peephole-new", rng=seed) for seed in range(3)]
    together = ref.stack(layers)
    x, dy = rng.standard_normal((STEPS_T, 2, 3)), rng.standard_normal((3, STEPS_T, 2, 4))
    grads = together.bptt(together.unroll(x), dy, horizon=horizon)
    alone = [layer.bptt(layer.unroll(x), dy[s], horizon=horizon) for s, layer in enumerate(layers)]
    np.testing.assert_allclose(grads.x, sum(g.x for g in alone), rtol=1e-12, atol=1e-14)
    for name, value in grads.params.items():
        np.testing.assert_allclose(value, [g.params[name] for g in alone], rtol=1e-12, atol=1e-14)
