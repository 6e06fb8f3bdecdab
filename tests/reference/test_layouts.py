"""Layouts, lengths and networks side by side: each is only another way to say what one plain run says."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion import reference as ref
from tests.reference.kinds import JORDANS, KINDS, assert_close, both_ways, inputs, make, parts, random_like, tensors

SIZES = st.integers(1, 4)


@st.composite
def cases(draw):
    """A layer of any kind and shape with a case for it: x, state, lengths, dy, dstate, time first."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from([*KINDS, *JORDANS]))
    shape = {"bias": draw(st.booleans())}
    if kind in KINDS:
        shape |= {"num_layers": draw(st.integers(1, 3)), "bidirectional": draw(st.booleans())}
    steps, batch = draw(st.integers(1, 6)), draw(SIZES)
    layer = make(kind, rng=rng, **shape)
    lengths = draw(st.none() | st.lists(st.integers(0, steps), min_size=batch, max_size=batch))
    x, state = inputs(layer, rng, steps, batch)
    y, final = layer(x, state, lengths)
    return layer, (x, state, lengths, random_like(y, rng), random_like(final, rng))


def pick(structure, b):
    return tuple(part[:, b : b + 1] for part in structure) if isinstance(structure, tuple) else structure[:, b : b + 1]


@settings(max_examples=30)
@given(cases())
def test_shapes_are_those_of_the_contract(case):
    layer, (x, state, lengths, dy, dstate) = case
    tape = layer.unroll(x, state, lengths)
    grads = layer.bptt(tape, dy, dstate)
    steps, batch, _ = x.shape
    width = getattr(layer, "output_size", layer.hidden_size)
    assert tape.y.shape == (steps, batch, width * layer.directions)
    for part in (*parts(tape.state), *parts(grads.state)):
        assert part.shape == (layer.num_layers * layer.directions, batch, width)
    assert grads.x.shape == x.shape
    assert {n: v.shape for n, v in grads.params.items()} == {n: v.shape for n, v in layer.params.items()}
    assert list(grads.params) == list(layer.params)


@settings(max_examples=30)
@given(cases())
def test_every_sequence_of_a_batch_is_as_if_alone(case):
    layer, (x, state, lengths, dy, dstate) = case
    together = both_ways(layer, x, state, lengths, dy, dstate)
    steps, batch, _ = x.shape
    alone = {name: 0 for name in together if name.startswith("d ") and name[2:] in layer.params}
    for b, length in enumerate([steps] * batch if lengths is None else lengths):
        start, end = pick(state, b), pick(dstate, b)
        if length:
            cut = slice(0, length), slice(b, b + 1)
            one = both_ways(layer, x[cut], start, None, dy[cut], end)
            for name in alone:
                alone[name] = alone[name] + one[name]
        else:
            one = {f"state[{k}]": part for k, part in enumerate(parts(start))}
            one |= {f"d state[{k}]": part for k, part in enumerate(parts(end))}
        for name in together:
            if "state" in name:
                assert_near(together[name][:, b : b + 1], one[name], together[name])
        for name in ("y", "d x"):
            if length:
                assert_near(together[name][cut], one[name], together[name])
            np.testing.assert_array_equal(together[name][length:, b], 0)
    for name, value in alone.items():
        assert_near(together[name], value, together[name])


def assert_near(actual, expected, whole):
    """Equal but for rounding, judged by the largest entry of the whole tensor."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=1e-11 * max(1, np.abs(whole).max()))


@settings(max_examples=20)
@given(cases())
def test_what_stands_in_the_padding_does_not_matter(case):
    layer, (x, state, lengths, dy, dstate) = case
    if lengths is None:
        return
    clean = both_ways(layer, x, state, lengths, dy, dstate)
    past = np.arange(len(x))[:, None] >= np.array(lengths)
    x, dy = x.copy(), dy.copy()
    x[past], dy[past] = np.nan, np.inf
    np.testing.assert_equal(both_ways(layer, x, state, lengths, dy, dstate), clean)


@settings(max_examples=20)
@given(cases())
def test_batch_first_moves_x_and_y_and_nothing_else(case):
    layer, (x, state, lengths, dy, dstate) = case
    plain = both_ways(layer, x, state, lengths, dy, dstate)
    layer.batch_first = True
    moved = both_ways(layer, x.swapaxes(0, 1), state, lengths, dy.swapaxes(0, 1), dstate)
    plain |= {name: plain[name].swapaxes(0, 1) for name in ("y", "d x")}
    assert_close(moved, plain, rtol=1e-12)


@settings(max_examples=20)
@given(cases())
def test_one_sequence_needs_no_batch(case):
    layer, (x, state, lengths, dy, dstate) = case
    lengths = None if lengths is None else lengths[:1]
    alone = both_ways(layer, x[:, :1], pick(state, 0), lengths, dy[:, :1], pick(dstate, 0))
    drop = lambda s: tuple(p[:, 0] for p in s) if isinstance(s, tuple) else s[:, 0]  # noqa: E731
    bare = both_ways(layer, x[:, 0], drop(state), lengths, dy[:, 0], drop(dstate))
    has_batch = {name for name in alone if name in ("y", "d x") or "state" in name}
    assert_close(bare, {n: v[:, 0] if n in has_batch else v for n, v in alone.items()}, rtol=1e-12)


@settings(max_examples=20)
@given(cases(), st.integers(1, 3), st.booleans())
def test_networks_side_by_side_are_as_if_alone(case, count, batch_first):
    layer, (x, state, lengths, dy, dstate) = case
    rng = np.random.default_rng(count)
    layer.batch_first = batch_first
    if batch_first:
        x, dy = x.swapaxes(0, 1), dy.swapaxes(0, 1)
    layers = [layer]
    for _ in range(count - 1):
        other = ref.unstack(ref.stack([layer]))[0]
        other.load_state_dict(random_like_dict(layer, rng))
        layers.append(other)
    several = [(rng.standard_normal(x.shape), random_like(state, rng), random_like(dy, rng)) for _ in layers]
    xs, states, dys = zip(*several, strict=True)
    dstates = [random_like(dstate, rng) for _ in layers]
    together = both_ways(ref.stack(layers), np.stack(xs), pile(states), lengths, np.stack(dys), pile(dstates))
    for s, (one, *mine) in enumerate(zip(layers, xs, states, dys, dstates, strict=True)):
        alone = both_ways(one, mine[0], mine[1], lengths, mine[2], mine[3])
        assert_close({name: value[s] for name, value in together.items()}, alone, rtol=1e-12)


def pile(group):
    """States or arrays of several networks, with the axis of networks in front."""
    return tuple(map(np.stack, zip(*group, strict=True))) if isinstance(group[0], tuple) else np.stack(group)


def random_like_dict(layer, rng):
    return {name: rng.standard_normal(value.shape) for name, value in layer.params.items()}


@pytest.mark.parametrize("kind", ["lstm", "gru-after", "gru-before", "peephole-old", "rnn-sigmoid"])
@pytest.mark.parametrize("lengths", [None, [5, 2]])
def test_networks_side_by_side_share_an_input(kind, lengths, rng):
    layers = [make(kind, rng=seed, num_layers=2, bidirectional=True) for seed in range(3)]
    together = ref.stack(layers)
    x, dy = rng.standard_normal((5, 2, 3)), rng.standard_normal((3, 5, 2, 8))
    tape = together.unroll(x, lengths=lengths)
    grads = together.bptt(tape, dy)
    assert tape.y.shape == (3, 5, 2, 8)
    alone = []
    for s, layer in enumerate(layers):
        one = layer.unroll(x, lengths=lengths)
        alone.append(layer.bptt(one, dy[s]))
        np.testing.assert_allclose(tape.y[s], one.y, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(parts(tape.state)[0][s], parts(one.state)[0], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(grads.x, sum(g.x for g in alone), rtol=1e-11, atol=1e-13)
    for name, value in grads.params.items():
        np.testing.assert_allclose(value, [g.params[name] for g in alone], rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("lengths", [None, [4, 0, 2]])
@pytest.mark.parametrize("kind", JORDANS)
def test_teacher_forcing_is_one_step_after_the_other_with_the_right_outputs(kind, lengths, rng):
    layer = make(kind)
    x, state = inputs(layer, rng, steps=4)
    targets, dy, dstate = (rng.standard_normal(shape) for shape in [(4, 3, 2), (4, 3, 2), (1, 3, 2)])
    tape = layer.unroll(x, state, lengths, targets=targets)
    all_at_once = tensors(tape.y, tape.state, layer.bptt(tape, dy, dstate))
    ends = np.full(3, 4) if lengths is None else np.array(lengths)
    step_by_step = {name: np.zeros_like(value) for name, value in all_at_once.items()}
    step_by_step["state[0]"][...] = np.where(ends[:, None] == 0, state, 0)
    step_by_step["d state[0]"][...] = np.where(ends[:, None] == 0, dstate, 0)
    for t in range(4):
        for b in np.flatnonzero(ends > t):
            at = slice(t, t + 1), slice(b, b + 1)
            before = state[:, at[1]] if t == 0 else targets[t - 1 : t, at[1]]
            end = dstate[:, at[1]] if t == ends[b] - 1 else None
            one = layer.unroll(x[at], before)
            grads = layer.bptt(one, dy[at], end)
            step_by_step["y"][at] = one.y
            step_by_step["d x"][at] = grads.x
            if t == ends[b] - 1:
                step_by_step["state[0]"][:, b] = one.state[:, 0]
            if t == 0:
                step_by_step["d state[0]"][:, b] = grads.state[:, 0]
            for name, value in grads.params.items():
                step_by_step[f"d {name}"] += value
    assert_close(all_at_once, step_by_step, rtol=1e-11)


def test_teacher_forcing_works_in_every_layout(rng):
    layers = [make("jordan-softmax-sigmoid", rng=seed) for seed in range(2)]
    x, (targets, dy) = rng.standard_normal((4, 3, 3)), rng.standard_normal((2, 2, 4, 3, 2))
    together = ref.stack(layers)
    tape = together.unroll(x, targets=targets)
    grads = together.bptt(tape, dy)
    for s, layer in enumerate(layers):
        one = layer.unroll(x, targets=targets[s])
        alone = layer.bptt(one, dy[s])
        np.testing.assert_allclose(tape.y[s], one.y, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(tape["h"][s], one["h"], rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(grads.params["weight_yh"][s], alone.params["weight_yh"], rtol=1e-11, atol=1e-13)
    layer.batch_first = True
    moved = layer.unroll(x.swapaxes(0, 1), targets=targets[1].swapaxes(0, 1))
    np.testing.assert_allclose(moved.y, one.y.swapaxes(0, 1), rtol=1e-12, atol=1e-14)
    bare = layer.unroll(x[:, 0], targets=targets[1, :, 0])
    np.testing.assert_allclose(bare.y, one.y[:, 0], rtol=1e-12, atol=1e-14)


def test_teacher_forcing_with_horizon_one_keeps_the_initial_state_constant(rng):
    layer = make("jordan-linear-tanh")
    x, targets, dy = rng.standard_normal((4, 3, 3)), rng.standard_normal((4, 3, 2)), rng.standard_normal((4, 3, 2))
    tape = layer.unroll(x, targets=targets)
    one, two, full = (layer.bptt(tape, dy, horizon=k) for k in (1, 2, None))
    np.testing.assert_array_equal(one.state, 0)
    np.testing.assert_array_equal(two.state, full.state)
    assert np.abs(full.state).max() > 0
    np.testing.assert_equal(one.params, full.params)
