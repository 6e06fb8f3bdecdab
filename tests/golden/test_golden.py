"""The golden vectors are what their script makes, and everything in this repository that can run them agrees."""

import numpy as np
import pytest

from companion import reference as ref
from tests.golden import make, plain
from tests.golden.vectors import HERE, NAMES, load

TOLERANCE = 1e-12


def close(actual, expected, what):
    """The largest difference, relative to the largest entry, is a few roundings."""
    actual = actual.detach().numpy() if hasattr(actual, "detach") else np.asarray(actual)
    assert actual.shape == expected.shape, what
    error = np.abs(actual - expected).max() / np.abs(expected).max()
    assert error <= TOLERANCE, f"{what}: relative error {error:.1e}"


def parts(state):
    return state if isinstance(state, tuple) else (state,)


def whole(state):
    """A state as layers take it: h, or (h, c)."""
    return state[0] if len(state) == 1 else tuple(state)


def test_every_case_has_its_file_and_no_file_is_left_over():
    assert sorted(make.CASES) == NAMES
    assert sum(path.stat().st_size for path in HERE.rglob("*.npz")) < 400_000


@pytest.mark.parametrize("name", NAMES)
def test_inputs_and_outputs_are_what_the_script_makes(name):
    about, tensors, upstream, extra = make.draw(name)
    stored = load(name)
    assert stored.about == about | {"name": name}
    made = tensors | extra | make.forward(about, tensors, extra) | {f"upstream.{k}": v for k, v in upstream.items()}
    assert [*made, *(f"grad.{key}" for key in tensors)] == list(stored.arrays)
    for key, value in made.items():
        np.testing.assert_allclose(value, stored[key], rtol=1e-12, atol=1e-14, err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_the_plain_layers_along_any_direction(name, rng):
    about, tensors, upstream, extra = make.draw(name)
    stored = load(name)

    def loss(moved):
        return plain.loss(about, moved, upstream, **extra, horizon=about["horizon"])

    for key, value in tensors.items():
        direction = rng.uniform(-1, 1, value.shape)
        derivative = plain.complex_step(loss, tensors, {key: direction})
        np.testing.assert_allclose((stored[f"grad.{key}"] * direction).sum(), derivative, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("name", ["jordan-softmax", "gru-before", "lstm-horizon"])
def test_the_script_makes_the_whole_file_again(name):
    made, stored = make.make(name), load(name)
    for key, value in stored.arrays.items():
        np.testing.assert_allclose(made[key], value, rtol=1e-11, atol=1e-13, err_msg=key)


@pytest.mark.parametrize("name", NAMES)
def test_no_gradient_of_a_vector_is_zero_as_a_whole(name):
    vector = load(name)
    assert len(vector.group("grad")) == 1 + len(vector.group("state")) + len(vector.group("param"))
    assert all(np.count_nonzero(value) > value.size / 4 for value in vector.group("grad").values())


def test_the_complex_step_gives_a_derivative_that_is_known():
    x = np.linspace(-1, 1, 5)
    gradient = plain.gradient(lambda tensors: np.tanh(tensors["x"]).sum(), {"x": x}, "x")
    np.testing.assert_allclose(gradient, 1 - np.tanh(x) ** 2, rtol=1e-15)


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_agrees_in_outputs_and_all_gradients(name):
    vector = load(name)
    layer = getattr(ref, vector.about["layer"])(**vector.arguments)
    layer.load_state_dict(vector.group("param"))
    state = whole(list(vector.group("state").values()))
    extra = {key: vector[key] for key in ("lengths", "targets") if key in vector.arrays}

    tape = layer.unroll(vector["x"], state, **extra)
    close(tape.y, vector["y"], "y")
    for part, expected in zip(parts(tape.state), vector.group("final").values(), strict=True):
        close(part, expected, "final state")

    dstate = whole([vector[f"upstream.final.{part}"] for part in vector.group("final")])
    grads = layer.bptt(tape, vector["upstream.y"], dstate, horizon=vector.about["horizon"])
    close(grads.x, vector["grad.x"], "grad.x")
    for part, expected in zip(parts(grads.state), vector.group("grad.state").values(), strict=True):
        close(part, expected, "grad.state")
    assert list(grads.params) == list(vector.group("param"))
    for key, expected in vector.group("grad.param").items():
        close(grads.params[key], expected, key)


def torch_layers():
    """The vectors of cells that torch.nn has, with the full gradient."""
    for name in NAMES:
        about = load(name).about
        usual = about.get("nonlinearity") != "sigmoid" and about.get("reset") != "before"
        usual = usual and about.get("forget_gate", True) and about["horizon"] is None
        if about["layer"] in ("RNN", "LSTM", "GRU") and usual:
            yield name


@pytest.mark.parametrize("name", list(torch_layers()))
def test_torch_nn_agrees_in_outputs_and_all_gradients(name):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    vector = load(name)
    arguments = {k: v for k, v in vector.arguments.items() if k not in ("reset", "forget_gate")}
    layer = getattr(torch.nn, vector.about["layer"])(**arguments, dtype=torch.float64)
    layer.load_state_dict({k: torch.from_numpy(v) for k, v in vector.group("param").items()})
    run_torch(torch, layer, vector)


def engines():
    """Each vector with the full gradient, and each engine of companion.nn that every machine has."""
    native = list(torch_layers())
    for name in NAMES:
        if load(name).about["horizon"] is None:
            yield from ((name, engine) for engine in ("eager", "fused", *(["cudnn"] if name in native else [])))


@pytest.mark.parametrize(("name", "engine"), list(engines()))
def test_the_engines_of_companion_nn_agree_in_outputs_and_all_gradients(name, engine):
    torch = pytest.importorskip("torch", reason="torch is not installed")
    from companion import nn

    vector = load(name)
    layer = getattr(nn, vector.about["layer"])(**vector.arguments, dtype=torch.float64, engine=engine)
    layer.load_state_dict({k: torch.from_numpy(v) for k, v in vector.group("param").items()})
    run_torch(torch, layer, vector)


def run_torch(torch, layer, vector):
    """Run a module forward and back and compare everything."""
    x = torch.tensor(vector["x"], requires_grad=True)
    state = [torch.tensor(part, requires_grad=True) for part in vector.group("state").values()]
    lengths = vector.get("lengths")
    packed = x
    if lengths is not None:
        packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.from_numpy(lengths), enforce_sorted=False)
    extra = {"targets": torch.from_numpy(vector["targets"])} if "targets" in vector.arrays else {}
    y, final = layer(packed, whole(state), **extra)
    if lengths is not None:
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, total_length=len(x))
    close(y, vector["y"], "y")
    loss = (y * torch.from_numpy(vector["upstream.y"])).sum()
    for part, key in zip(parts(final), vector.group("final"), strict=True):
        close(part, vector[f"final.{key}"], f"final.{key}")
        loss = loss + (part * torch.from_numpy(vector[f"upstream.final.{key}"])).sum()
    loss.backward()
    close(x.grad, vector["grad.x"], "grad.x")
    for part, key in zip(state, vector.group("state"), strict=True):
        close(part.grad, vector[f"grad.state.{key}"], f"grad.state.{key}")
    for key, parameter in layer.named_parameters():
        close(parameter.grad, vector[f"grad.param.{key}"], key)
