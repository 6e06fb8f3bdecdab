"""Bad input of the layers: an error whose message names the argument, what was expected and what came."""

import sys

import numpy as np
import pytest
import torch

from companion import reference as ref
from tests.reference.kinds import JORDANS, KINDS, inputs, make, parts, random_like

ZEROS = np.zeros


@pytest.mark.parametrize(
    ("x", "error", "message"),
    [
        (ZEROS((5, 2, 4)), ValueError, r"x: expected \(T, B, I\) with I = input_size = 3, got shape \(5, 2, 4\)"),
        (ZEROS(3), ValueError, r"x: expected shape \(T, I\) or \(T, B, I\), got 1 axes, shape \(3,\)"),
        (ZEROS((1, 5, 2, 3)), ValueError, "got 4 axes"),
        (ZEROS((0, 2, 3)), ValueError, "x: expected at least one time step and one sequence"),
        (ZEROS((5, 0, 3)), ValueError, r"at least one time step and one sequence, got shape \(5, 0, 3\)"),
        (ZEROS((5, 2, 3), np.float32), TypeError, "x: expected dtype float64, got float32"),
        (ZEROS((5, 2, 3), int), TypeError, "x: expected dtype float64, got int64"),
        (ZEROS((5, 2, 3), bool), TypeError, "got bool"),
        (np.full((5, 2, 3), "a"), TypeError, "x: expected dtype float64, got <U1"),
        (None, TypeError, "x: expected dtype float64, got object"),
        (ZEROS((5, 2, 3), np.complex64), TypeError, "got complex64"),
    ],
)
def test_inputs(x, error, message):
    with pytest.raises(error, match=message):
        make("lstm")(x)


def test_inputs_of_single_precision_and_batch_first():
    with pytest.raises(TypeError, match="x: expected dtype float32, got float64"):
        make("lstm", dtype=np.float32)(ZEROS((5, 2, 3)))
    with pytest.raises(ValueError, match=r"x: expected \(B, T, I\) with I = input_size = 3"):
        make("lstm", batch_first=True)(ZEROS((5, 2, 4)))


def test_inputs_of_networks_side_by_side():
    together = ref.stack([make("lstm", rng=seed) for seed in range(3)])
    with pytest.raises(ValueError, match=r"x: expected \(S, T, B, I\) with S = 3 networks, got shape \(2, 5, 2, 3\)"):
        together(ZEROS((2, 5, 2, 3)))
    with pytest.raises(ValueError, match=r"x: expected shape \(T, B, I\) or \(S, T, B, I\), got 2 axes"):
        together(ZEROS((5, 3)))
    with pytest.raises(ValueError, match=r"state\[0\] \(h\): expected shape \(3, 1, 2, 4\), got \(1, 2, 4\)"):
        together(ZEROS((5, 2, 3)), (ZEROS((1, 2, 4)), ZEROS((1, 2, 4))))


H_, C_ = ZEROS((2, 2, 4)), ZEROS((2, 2, 4))


@pytest.mark.parametrize(
    ("kind", "state", "error", "message"),
    [
        ("lstm", H_, TypeError, r"state: expected a tuple \(h, c\), got ndarray of shape \(2, 2, 4\)"),
        ("lstm", (H_,), TypeError, r"state: expected a tuple \(h, c\), got tuple of 1"),
        ("lstm", (H_, C_, C_), TypeError, "got tuple of 3"),
        ("lstm", (H_, C_[:1]), ValueError, r"state\[1\] \(c\): expected shape \(2, 2, 4\), got \(1, 2, 4\)"),
        ("lstm", (H_[..., :1], C_), ValueError, r"state\[0\] \(h\): expected shape \(2, 2, 4\), got \(2, 2, 1\)"),
        ("lstm", (H_, C_.astype(np.float32)), TypeError, r"state\[1\] \(c\): expected dtype float64, got float32"),
        ("lstm", 3, TypeError, "got int"),
        ("gru-after", H_[0], ValueError, r"state: expected shape \(2, 2, 4\), got \(2, 4\)"),
        ("gru-after", (H_, C_), ValueError, r"state: expected shape \(2, 2, 4\), got \(2, 2, 2, 4\)"),
        ("gru-after", H_.astype(int), TypeError, "state: expected dtype float64, got int64"),
        ("gru-after", H_[:, :1], ValueError, "state"),
    ],
)
@pytest.mark.parametrize("argument", ["state", "dstate"])
def test_states_and_their_gradients(argument, kind, state, error, message):
    layer = make(kind, num_layers=2)
    x = ZEROS((5, 2, 3))
    tape = layer.unroll(x)
    call = {"state": lambda: layer(x, state), "dstate": lambda: layer.bptt(tape, tape.y, state)}[argument]
    with pytest.raises(error, match=message.replace("state", argument)):
        call()


@pytest.mark.parametrize(
    ("lengths", "error", "message"),
    [
        ([5, 6], ValueError, r"lengths: expected each from 0 to T = 5, got \[5, 6\]"),
        ([-1, 5], ValueError, r"lengths: expected each from 0 to T = 5, got \[-1, 5\]"),
        ([5.0, 3.0], TypeError, "lengths: expected integers, got dtype float64"),
        ([True, False], TypeError, "lengths: expected integers, got dtype bool"),
        ([5], ValueError, r"lengths: expected shape \(2,\) \(one for each sequence of the batch\), got \(1,\)"),
        (5, ValueError, r"lengths: expected shape \(2,\)"),
        ([[5, 3]], ValueError, "lengths"),
    ],
)
def test_lengths(lengths, error, message):
    for layer in (make("lstm"), make("jordan-linear-tanh")):
        with pytest.raises(error, match=message):
            layer(ZEROS((5, 2, 3)), lengths=lengths)


@pytest.mark.parametrize(
    ("dy", "error", "message"),
    [
        (ZEROS((5, 2, 5)), ValueError, r"dy: expected shape \(5, 2, 4\) \(that of y\), got \(5, 2, 5\)"),
        (ZEROS((2, 4)), ValueError, r"dy: expected shape \(5, 2, 4\) \(that of y\), got \(2, 4\)"),
        (np.float64(1), ValueError, "dy"),
        (ZEROS((5, 2, 4), int), TypeError, "dy: expected dtype float64, got int64"),
    ],
)
def test_upstream_gradients(dy, error, message):
    layer = make("gru-after")
    with pytest.raises(error, match=message):
        layer.bptt(layer.unroll(ZEROS((5, 2, 3))), dy)


@pytest.mark.parametrize(
    ("horizon", "error", "message"),
    [
        (0, ValueError, "horizon: expected at least 1, got 0"),
        (-2, ValueError, "horizon"),
        (2.0, TypeError, "horizon: expected an integer, got float 2.0"),
        (True, TypeError, "horizon: expected an integer, got bool"),
    ],
)
@pytest.mark.parametrize("kind", ["gru-after", "jordan-linear-tanh"])
def test_horizons(kind, horizon, error, message):
    layer = make(kind)
    tape = layer.unroll(ZEROS((5, 2, 3)))
    with pytest.raises(error, match=message):
        layer.bptt(tape, tape.y, horizon=horizon)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: ref.RNN(0, 4), ValueError, "input_size: expected at least 1, got 0"),
        (lambda: ref.LSTM(3, -4), ValueError, "hidden_size: expected at least 1, got -4"),
        (lambda: ref.GRU(3, 4, 0), ValueError, "num_layers: expected at least 1, got 0"),
        (lambda: ref.GRU(3.0, 4), TypeError, "input_size: expected an integer, got float 3.0"),
        (lambda: ref.GRU(3, True), TypeError, "hidden_size: expected an integer, got bool True"),
        (lambda: ref.JordanRNN(3, 4, 0), ValueError, "output_size: expected at least 1, got 0"),
        (lambda: ref.RNN(3, 4, nonlinearity="softmax"), ValueError, "nonlinearity: expected one of 'tanh', 'relu'"),
        (lambda: ref.RNN(3, 4, nonlinearity=None), ValueError, "nonlinearity.*got None"),
        (lambda: ref.JordanRNN(3, 4, 2, output="relu"), ValueError, "output: expected one of 'linear', 'sigmoid'"),
        (lambda: ref.JordanRNN(3, 4, 2, nonlinearity="x"), ValueError, "nonlinearity"),
        (lambda: ref.GRU(3, 4, reset="never"), ValueError, "reset: expected one of 'after', 'before', got 'never'"),
        (lambda: ref.PeepholeLSTM(3, 4, output_peep="c"), ValueError, "expected one of 'new', 'old', got 'c'"),
        (lambda: ref.LSTM(3, 4, forget_gate=1), TypeError, "forget_gate: expected True or False, got int 1"),
        (lambda: ref.LSTM(3, 4, bias=None), TypeError, "bias: expected True or False"),
        (lambda: ref.LSTM(3, 4, batch_first="yes"), TypeError, "batch_first"),
        (lambda: ref.LSTM(3, 4, bidirectional=2), TypeError, "bidirectional"),
        (lambda: ref.LSTM(3, 4, dtype=int), TypeError, "dtype: expected float32 or float64, got int64"),
        (lambda: ref.LSTM(3, 4, dtype=np.float16), TypeError, "got float16"),
        (lambda: ref.LSTM(3, 4, dtype=complex), TypeError, "got complex128"),
    ],
)
def test_constructors(build, error, message):
    with pytest.raises(error, match=message):
        build()


def without(mapping, name):
    return {key: value for key, value in mapping.items() if key != name}


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: without(s, "bias_hh_l0"), KeyError, r"state_dict: expected the names.*missing \['bias_hh_l0'\]"),
        (lambda s: s | {"weight": s["bias_hh_l0"]}, KeyError, r"unknown \['weight'\]"),
        (lambda s: without(s, "bias_hh_l0") | {"b": 0}, KeyError, r"missing \['bias_hh_l0'\] and unknown \['b'\]"),
        (lambda s: s | {"bias_hh_l0": ZEROS(15)}, ValueError, r"\['bias_hh_l0'\]: expected shape \(16,\), got \(15,\)"),
        (lambda s: s | {"bias_hh_l0": ZEROS((16, 1))}, ValueError, r"expected shape \(16,\), got \(16, 1\)"),
        (lambda s: s | {"weight_hh_l0": ZEROS((4, 16))}, ValueError, r"expected shape \(16, 4\), got \(4, 16\)"),
        (lambda s: s | {"bias_hh_l0": np.full(16, np.nan)}, ValueError, "expected finite numbers in float64, got 16"),
        (lambda s: s | {"bias_hh_l0": np.full(16, np.inf)}, ValueError, "bias_hh_l0.*finite"),
        (lambda s: s | {"bias_hh_l0": ZEROS(16, complex)}, TypeError, "expected real numbers, got dtype complex128"),
        (lambda s: s | {"bias_hh_l0": "zeros"}, TypeError, "expected real numbers, got dtype <U5"),
        (lambda s: s | {"bias_hh_l0": None}, TypeError, "bias_hh_l0.*got dtype object"),
        (lambda s: list(s.values()), TypeError, "state_dict: expected a mapping from names to arrays, got list of 4"),
        (lambda s: None, TypeError, "got NoneType"),
        (lambda s: {n: v[None] if n == "bias_hh_l0" else v for n, v in s.items()}, ValueError, "bias_hh_l0"),
        (lambda s: {n: v[None][:0] for n, v in s.items()}, ValueError, "expected at least one network, got S = 0"),
    ],
)
def test_state_dicts_that_do_not_fit_change_nothing(change, error, message):
    layer = make("lstm")
    before = layer.state_dict()
    with pytest.raises(error, match=message):
        layer.load_state_dict(change({name: value + 1 for name, value in before.items()}))
    np.testing.assert_equal(layer.state_dict(), before)


def test_numbers_too_large_for_single_precision_are_not_finite():
    layer = make("rnn-tanh", dtype=np.float32)
    state = {name: value.astype(float) for name, value in layer.state_dict().items()}
    state["bias_ih_l0"][0] = 1e300
    with pytest.raises(ValueError, match="expected finite numbers in float32, got 1"):
        layer.load_state_dict(state)


def test_state_dicts_come_from_arrays_tensors_and_integers():
    layer = make("lstm")
    module = torch.nn.LSTM(3, 4)
    layer.load_state_dict(module.state_dict())
    np.testing.assert_allclose(layer.params["weight_hh_l0"], module.weight_hh_l0.detach().numpy(), rtol=0)
    layer.load_state_dict(dict(module.named_parameters()))
    layer.load_state_dict({name: np.ones(value.shape, int) for name, value in layer.params.items()})
    assert all((value == 1).all() and value.dtype == np.float64 for value in layer.params.values())


def test_state_dicts_are_copies_both_ways():
    layer = make("lstm")
    state = layer.state_dict()
    state["weight_hh_l0"][...] = 7
    assert (layer.params["weight_hh_l0"] != 7).all()
    held = layer.params["weight_hh_l0"]
    layer.load_state_dict(state)
    state["weight_hh_l0"][...] = 8
    assert (layer.params["weight_hh_l0"] == 7).all()
    assert layer.params["weight_hh_l0"] is held


def test_weights_of_several_networks_load_together():
    layers = [make("lstm", rng=seed) for seed in range(2)]
    target = make("lstm")
    target.load_state_dict({n: np.stack([layer.params[n] for layer in layers]) for n in target.params})
    assert target.runs == 2
    x = ZEROS((5, 2, 3))
    np.testing.assert_allclose(target(x)[0][1], layers[1](x)[0], rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("name", "value", "error", "message"),
    [
        ("bias_ih_l0", ZEROS(15), ValueError, r"params\['bias_ih_l0'\]: expected shape \(16,\), got \(15,\)"),
        ("bias_ih_l0", ZEROS(16, np.float32), TypeError, "expected dtype float64, got float32"),
        ("extra", ZEROS(16), KeyError, r"params: expected the names.*unknown \['extra'\]"),
        ("weight_ih_l0", ZEROS((2, 16, 3)), ValueError, r"\(S networks side by side: the same S for all\)"),
    ],
)
def test_parameters_changed_by_hand_are_checked_at_the_call(name, value, error, message):
    layer = make("lstm")
    layer.params[name] = value
    with pytest.raises(error, match=message):
        layer(ZEROS((5, 2, 3)))


@pytest.mark.parametrize(
    ("targets", "error", "message"),
    [
        (ZEROS((5, 2, 3)), ValueError, r"targets: expected shape \(5, 2, 2\) \(that of y\), got \(5, 2, 3\)"),
        (ZEROS((4, 2, 2)), ValueError, "targets"),
        (ZEROS((5, 2, 2), int), TypeError, "targets: expected dtype float64, got int64"),
    ],
)
def test_targets_of_a_teacher(targets, error, message):
    with pytest.raises(error, match=message):
        make("jordan-linear-tanh").unroll(ZEROS((5, 2, 3)), targets=targets)


@pytest.mark.parametrize("horizon", [None, 2])
@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_nothing_that_goes_in_is_changed(kind, horizon, rng):
    layer = make(kind)
    x, state = inputs(layer, rng)
    lengths = np.array([2, 5, 0])
    y, final = layer(x, state, lengths)
    dy, dstate = random_like(y, rng), random_like(final, rng)
    going_in = [x, lengths, dy, *parts(state), *parts(dstate), *layer.params.values()]
    before = [array.copy() for array in going_in]
    for array in going_in:
        array.flags.writeable = False
    tape = layer.unroll(x, state, lengths)
    first = layer.bptt(tape, dy, dstate, horizon=horizon)
    again = layer.bptt(tape, dy, dstate, horizon=horizon)
    np.testing.assert_equal(going_in, before)
    np.testing.assert_equal(again.params, first.params)
    np.testing.assert_array_equal(again.x, first.x)


def test_nan_in_the_input_is_seen_in_the_output():
    x = ZEROS((5, 2, 3))
    x[2, 1, 0] = np.nan
    for kind in (*KINDS, *JORDANS):
        y, _ = make(kind)(x)
        assert np.isnan(y[2:, 1]).all(), kind
        assert np.isfinite(y[:, 0]).all(), kind


def test_the_reference_needs_numpy_alone():
    import subprocess

    code = (
        "import sys\n"
        "import companion.reference\n"
        "extra = {'torch', 'matplotlib', 'scipy', 'pandas'} & set(sys.modules)\n"
        "assert not extra, extra\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
