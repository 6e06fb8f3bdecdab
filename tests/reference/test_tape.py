"""The tape: everything by name, at every step."""

import numpy as np
import pytest

from companion import reference as ref
from tests.reference.kinds import JORDANS, KINDS, T, inputs, make, parts

GATES = {
    "rnn-tanh": {"h"},
    "lstm": {"h", "c", "i", "f", "g", "o", "tanh_c"},
    "lstm-1997": {"h", "c", "i", "g", "o", "tanh_c"},
    "peephole-new": {"h", "c", "i", "f", "g", "o", "tanh_c"},
    "gru-after": {"h", "r", "z", "n", "v"},
    "gru-before": {"h", "r", "z", "n", "rh"},
    "jordan-linear-tanh": {"h", "y"},
}


@pytest.mark.parametrize("kind", GATES)
def test_every_quantity_has_a_name(kind, rng):
    layer = make(kind)
    x, state = inputs(layer, rng)
    tape = layer.unroll(x, state)
    (((series,),),) = (tape.layers,)
    assert set(series) == GATES[kind]
    assert len(series) == len(GATES[kind])
    for name in series:
        np.testing.assert_array_equal(tape[name], series[name])
        if name != "y":
            np.testing.assert_array_equal(getattr(tape, name), series[name])
            assert series[name].shape == (T, 3, 4)


def test_the_names_are_the_equations(rng):
    layer = make("lstm")
    x, state = inputs(layer, rng)
    tape = layer.unroll(x, state)
    c_prev = np.concatenate([state[1], tape["c"][:-1]])
    np.testing.assert_allclose(tape["c"], tape["f"] * c_prev + tape["i"] * tape["g"], rtol=1e-15)
    np.testing.assert_allclose(tape["h"], tape["o"] * np.tanh(tape["c"]), rtol=1e-15)
    np.testing.assert_array_equal(tape["h"], tape.y)
    np.testing.assert_array_equal(tape["h"][-1:], tape.state[0])
    np.testing.assert_array_equal(tape["c"][-1:], tape.state[1])


@pytest.mark.parametrize("kind", KINDS)
def test_stacked_two_way_layers_keep_theirs_in_the_time_of_the_input(kind, rng):
    layer = make(kind, num_layers=2, bidirectional=True)
    x, state = inputs(layer, rng)
    tape = layer.unroll(x, state, lengths=[T, 2, 3])
    assert "h" not in tape.keys()  # noqa: SIM118
    for d, end in enumerate(["_l1", "_l1_reverse"]):
        np.testing.assert_array_equal(tape["h" + end], tape.layers[1][d]["h"])
        shown = tape["h" + end].copy()
        shown[2:, 1], shown[3:, 2] = 0, 0
        np.testing.assert_array_equal(shown, tape.y[..., 4 * d : 4 * d + 4])


def test_past_its_end_a_sequence_keeps_its_state_and_has_no_gates(rng):
    layer = make("lstm")
    x, state = inputs(layer, rng)
    tape = layer.unroll(x, state, lengths=[T, 2, 0])
    np.testing.assert_array_equal(tape["h"][2:, 1], np.broadcast_to(tape["h"][1, 1], (T - 2, 4)))
    np.testing.assert_array_equal(tape["c"][:, 2], np.broadcast_to(state[1][0, 2], (T, 4)))
    np.testing.assert_array_equal(tape["i"][2:, 1], 0)
    assert (tape["i"][:2, 1] > 0).all()


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_it_lies_as_y_lies(kind, rng):
    layer = make(kind)
    x, _ = inputs(layer, rng)
    plain = layer.unroll(x)
    layer.batch_first = True
    moved = layer.unroll(x.swapaxes(0, 1))
    for name in plain.keys():  # noqa: SIM118
        np.testing.assert_allclose(moved[name], plain[name].swapaxes(0, 1), rtol=1e-12, atol=1e-14)


def test_unknown_names_are_errors_that_say_which_there_are(rng):
    layer = make("gru-after", num_layers=2)
    tape = layer.unroll(inputs(layer, rng)[0])
    with pytest.raises(KeyError, match="r_l0.*got 'c'"):
        tape["c"]
    with pytest.raises(KeyError, match="expected one of h, r, z, v, n, got 'c'"):
        tape.layers[0][0]["c"]
    with pytest.raises(AttributeError, match="r_l0"):
        _ = tape.gates
    assert not hasattr(tape, "_anything")


def test_a_tape_belongs_to_the_layer_that_made_it(rng):
    one, other = make("lstm"), make("lstm")
    x, _ = inputs(one, rng)
    tape = one.unroll(x)
    with pytest.raises(ValueError, match="tape: expected what this layer's unroll returned"):
        other.bptt(tape, np.zeros_like(tape.y))
    with pytest.raises(ValueError, match="tape"):
        one.bptt(tape.y, np.zeros_like(tape.y))


def test_the_memory_of_a_tape_grows_with_the_steps_alone(rng):
    layer = make("lstm")
    sizes = []
    for steps in (50, 100, 200):
        ((run,),) = layer.unroll(rng.standard_normal((steps, 2, 3))).graph.runs
        sizes.append(run.memory.nbytes)
    assert sizes[1] - sizes[0] == 50 * 7 * 4 * 2 * 8, "7 H numbers of 8 bytes for each of 2 sequences, in 50 steps"
    assert sizes[2] - sizes[1] == 2 * (sizes[1] - sizes[0])


def test_what_a_tape_shows_cannot_be_changed(rng):
    layer = make("lstm")
    tape = layer.unroll(inputs(layer, rng)[0])
    for shown in (tape.y, tape["h"], tape["i"]):
        with pytest.raises(ValueError, match="read-only"):
            shown[...] = 0
    y, _ = layer(inputs(layer, rng)[0])
    y[...] = 0


@pytest.mark.parametrize("lengths", [None, [2, T, 0]])
@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_a_call_is_an_unrolling_without_the_tape(kind, lengths, rng):
    layer = make(kind, **({} if kind in JORDANS else {"num_layers": 2, "bidirectional": True}))
    x, state = inputs(layer, rng)
    y, final = layer(x, state, lengths)
    tape = layer.unroll(x, state, lengths)
    np.testing.assert_array_equal(y, tape.y)
    for part, of_tape in zip(parts(final), parts(tape.state), strict=True):
        np.testing.assert_array_equal(part, of_tape)


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_every_gradient_is_an_array_of_its_own(kind, rng):
    """Clipping and optimisers work in place: equal gradients must not be one array."""
    layer = make(kind)
    x, state = inputs(layer, rng)
    tape = layer.unroll(x, state)
    grads = layer.bptt(tape, tape.y)
    arrays = [grads.x, *parts(grads.state), *grads.params.values()]
    for k, one in enumerate(arrays):
        assert not any(np.shares_memory(one, other) for other in [tape.y, x, *arrays[:k]])


def test_no_upstream_gradient_is_a_gradient_of_zero(rng):
    layer = make("lstm")
    x, state = inputs(layer, rng)
    tape = layer.unroll(x, state)
    none, zero = layer.bptt(tape, None, state), layer.bptt(tape, np.zeros_like(tape.y), state)
    np.testing.assert_equal(none.params, zero.params)
    np.testing.assert_array_equal(none.x, zero.x)
    everything = layer.bptt(tape, tape.y), layer.bptt(tape, tape.y, tuple(map(np.zeros_like, state)))
    np.testing.assert_equal(everything[0].params, everything[1].params)


def test_a_tape_prints_as_its_shape_and_its_names():
    tape = ref.RNN(3, 5, bidirectional=True, rng=0).unroll(np.zeros((4, 2, 3)))
    assert repr(tape) == "Tape(y of shape (4, 2, 10); h_l0, h_l0_reverse)"
