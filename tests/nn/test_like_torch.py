"""In the place of torch.nn's modules: the same weights, texts, shapes and states, the same exception for a mistake."""

import copy
import inspect
import io
import itertools
import pickle
import warnings

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence

from companion import nn as layers
from tests.nn.kinds import JORDANS, KINDS, draw, inputs, make, parts

PAIRS = {"RNN": (nn.RNN, layers.RNN), "LSTM": (nn.LSTM, layers.LSTM), "GRU": (nn.GRU, layers.GRU)}
OPTIONS = [
    dict(zip(("num_layers", "bias", "batch_first", "bidirectional"), values, strict=True))
    for values in itertools.product((1, 2), (True, False), (True, False), (True, False))
]


def twins(kind: str, **options):
    """torch.nn's module and ours, each made after the same seed."""
    theirs, ours = PAIRS[kind]
    torch.manual_seed(7)
    first = theirs(3, 4, **{k: v for k, v in options.items() if k != "engine"})
    torch.manual_seed(7)
    return first, ours(3, 4, **options)


def assert_same(actual, expected, **tolerance):
    for got, right in zip(flat(actual), flat(expected), strict=True):
        assert got.shape == right.shape
        assert got.dtype == right.dtype
        torch.testing.assert_close(got, right, **tolerance)


def flat(result) -> list[torch.Tensor]:
    if isinstance(result, torch.Tensor):
        return [result]
    if hasattr(result, "batch_sizes"):
        return [t for t in result if t is not None]
    return [t for part in result for t in flat(part)]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", PAIRS)
def test_a_seed_gives_the_weights_the_text_and_the_numbers_of_torch(kind, options):
    theirs, ours = twins(kind, **options)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), theirs.parameters(), strict=True))
    assert repr(ours) == repr(theirs)
    assert [[p.shape for p in ps] for ps in ours.all_weights] == [[p.shape for p in ps] for ps in theirs.all_weights]
    x = torch.randn(2, 5, 3)
    assert_same(ours(x), theirs(x), rtol=1e-5, atol=1e-6)
    for engine in ("eager", "fused"):
        ours.engine = engine
        assert_same(ours(x), theirs(x), rtol=1e-5, atol=1e-6)
        assert_same(ours(x[0]), theirs(x[0]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("engine", ["auto", "eager", "fused", "cudnn"])
@pytest.mark.parametrize("kind", PAIRS)
def test_packed_sequences_come_back_packed_alike(kind, engine):
    theirs, ours = twins(kind, num_layers=2, bidirectional=True, engine=engine)
    x, lengths = torch.randn(5, 3, 3), torch.tensor([2, 5, 1])
    state = theirs(x)[1]
    ordered = pack_sequence([torch.randn(n, 3) for n in (4, 2, 2)])
    for packed in (ordered, pack_padded_sequence(x, lengths, enforce_sorted=False)):
        assert_same(ours(packed), theirs(packed), rtol=1e-5, atol=1e-6)
        assert_same(ours(packed, state), theirs(packed, state), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("engine", ["eager", "fused"])
@pytest.mark.parametrize("kind", PAIRS)
def test_dropout_between_layers_draws_as_torch_draws(kind, engine):
    theirs, ours = twins(kind, num_layers=3, dropout=0.5, engine=engine)
    x = torch.randn(5, 2, 3)
    torch.manual_seed(1)
    expected = theirs(x)
    torch.manual_seed(1)
    assert_same(ours(x), expected, rtol=1e-5, atol=1e-6)
    assert_same(ours.eval()(x), theirs.eval()(x), rtol=1e-5, atol=1e-6)


def test_a_projection_runs_in_torchs_own_kernels():
    theirs, ours = twins("LSTM", proj_size=2, num_layers=2)
    x = torch.randn(5, 2, 3)
    assert repr(ours) == repr(theirs)
    assert_same(ours(x), theirs(x))
    for engine in ("eager", "fused"):
        ours.engine = engine
        with pytest.raises(RuntimeError, match="proj_size"):
            ours(x)
    with pytest.raises(RuntimeError, match="proj_size"):
        layers.LSTM(3, 4, proj_size=2).all_states(x)


@pytest.mark.parametrize("kind", PAIRS)
def test_arguments_stand_in_torchs_order(kind):
    theirs, ours = (inspect.signature(c.__init__ if c is PAIRS[kind][1] else c).parameters for c in PAIRS[kind])
    names = [n for n, p in ours.items() if p.kind is p.POSITIONAL_OR_KEYWORD and n != "self"]
    wanted = ["input_size", "hidden_size", "num_layers", *(["nonlinearity"] if kind == "RNN" else []), "bias"]
    wanted += ["batch_first", "dropout", "bidirectional", *(["proj_size"] if kind == "LSTM" else []), "device", "dtype"]
    assert names == wanted
    assert {*theirs} <= {*names, "args", "kwargs"}


def test_a_peephole_lstm_takes_an_lstms_place():
    theirs, _ = twins("LSTM", num_layers=2, bidirectional=True)
    torch.manual_seed(7)
    ours = layers.PeepholeLSTM(3, 4, 2, True, False, 0.0, True)
    state = ours.state_dict()
    assert all(torch.equal(state[name], value) for name, value in theirs.state_dict().items())
    extra = {name: tuple(value.shape) for name, value in state.items() if name not in theirs.state_dict()}
    assert extra == {f"weight_ch_l{layer}{end}": (12,) for layer in (0, 1) for end in ("", "_reverse")}
    assert list(state)[4] == "weight_ch_l0"
    assert not any((w == 0).all() for w in ours.parameters())
    with torch.no_grad():
        for name in extra:
            state[name].zero_()
    x = torch.randn(5, 2, 3)
    assert_same(ours(x), theirs(x), rtol=1e-5, atol=1e-6)


# ---- mistakes ------------------------------------------------------------------------------------------------------

X = torch.zeros(5, 2, 3)
H0 = torch.zeros(1, 2, 4)
MISTAKES = {
    "four axes": (torch.zeros(1, 5, 2, 3), None),
    "one axis": (torch.zeros(3), None),
    "wrong features": (torch.zeros(5, 2, 4), None),
    "float64 input": (X.double(), None),
    "integer input": (X.long(), None),
    "no steps": (torch.zeros(0, 2, 3), None),
    "not a tensor": ([1.0], None),
    "wrong batch of the state": (X, torch.zeros(1, 3, 4)),
    "wrong layers of the state": (X, torch.zeros(2, 2, 4)),
    "wrong size of the state": (X, torch.zeros(1, 2, 3)),
    "two axes of the state": (X, torch.zeros(2, 4)),
    "state with a batch, input without": (X[:, 0], H0),
    "packed one-axis data": (pack_padded_sequence(torch.zeros(5, 2, 1, 3), [5, 2]), None),
    "packed wrong features": (pack_padded_sequence(torch.zeros(5, 2, 4), [5, 2]), None),
    "packed wrong batch of the state": (pack_padded_sequence(X, [5, 2]), torch.zeros(1, 3, 4)),
    "another device": (torch.zeros(5, 2, 3, device="meta"), None),
}


@pytest.mark.parametrize("engine", ["auto", "eager", "fused"])
@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("kind", PAIRS)
def test_the_same_mistake_raises_the_same(kind, mistake, engine):
    theirs, ours = twins(kind, engine=engine)
    x, h = MISTAKES[mistake]
    h = (h, h) if kind == "LSTM" and h is not None else h
    with pytest.raises(Exception) as expected:
        theirs(x, h)
    with pytest.raises(expected.type) as actual:
        ours(x, h)
    assert type(actual.value) is expected.type


@pytest.mark.parametrize("engine", ["eager", "fused"])
@pytest.mark.parametrize(
    ("x", "h", "message"),
    [
        (X, (H0.double(), H0.double()), "not of the same dtype"),
        (X, (H0.to("meta"), H0.to("meta")), "not at the same device"),
        (X, (H0, torch.zeros(1, 2, 5)), r"Expected hidden\[1\] size \(1, 2, 4\), got \[1, 2, 5\]"),
    ],
)
def test_a_state_that_does_not_fit_is_named(x, h, message, engine):
    with pytest.raises(RuntimeError, match=message):
        layers.PeepholeLSTM(3, 4, engine=engine)(x, h)


@pytest.mark.parametrize("engine", ["auto", "eager"])
def test_a_state_of_the_wrong_structure_is_torchs_error(engine):
    for kind, wrong in (("LSTM", (H0,)), ("LSTM", H0), ("LSTM", 5), ("GRU", (H0, H0)), ("RNN", 5)):
        theirs, ours = twins(kind, engine=engine)
        with pytest.raises((TypeError, IndexError, AttributeError)) as expected:
            theirs(X, wrong)
        with pytest.raises(expected.type):
            ours(X, wrong)


ARGUMENTS = {
    "no size": (3,),
    "zero features": (0, 4),
    "negative features": (-1, 4),
    "hidden size no int": (3, 4.0),
    "input size no int": ("3", 4),
    "no layers": (3, 4, 0),
    "bias no bool": (3, 4, {"bias": 1}),
    "batch_first no bool": (3, 4, {"batch_first": 1}),
    "dropout too large": (3, 4, {"dropout": 1.5}),
    "dropout a bool": (3, 4, {"dropout": True}),
    "unknown argument": (3, 4, {"colour": 1}),
    "proj_size": (3, 4, {"proj_size": 5}),
    "negative proj_size": (3, 4, {"proj_size": -1}),
    "unknown nonlinearity": (3, 4, {"nonlinearity": "softplus"}),
}


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
@pytest.mark.parametrize("kind", PAIRS)
def test_the_same_wrong_argument_raises_the_same(kind, arguments):
    options = arguments[-1] if isinstance(arguments[-1], dict) else {}
    sizes = arguments[: len(arguments) - bool(options)]
    theirs, ours = PAIRS[kind]
    with pytest.raises((TypeError, ValueError)) as expected:
        theirs(*sizes, **options)
    with pytest.raises(expected.type):
        ours(*sizes, **options)


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: layers.PeepholeLSTM(3, 4, proj_size=2), ValueError, "proj_size"),
        (lambda: layers.PeepholeLSTM(3, 4, output_peep="both"), ValueError, "output_peep 'both'"),
        (lambda: layers.GRU(3, 4, reset="never"), ValueError, "reset 'never'"),
        (lambda: layers.LSTM(3, 4, forget_gate=1), TypeError, "forget_gate"),
        (lambda: layers.LSTM(3, 4, forget_gate=False, proj_size=2), ValueError, "proj_size"),
        (lambda: layers.LSTM(3, 4, engine="cuda"), ValueError, "engine should be one of auto, eager"),
    ],
)
def test_a_wrong_argument_of_our_own_is_named(build, error, message):
    with pytest.raises(error, match=message):
        build()


def test_dropout_without_a_second_layer_warns_as_torch_does():
    with pytest.warns(UserWarning, match="dropout option adds dropout after all but last"):
        layers.PeepholeLSTM(3, 4, dropout=0.5)


# ---- copies, files, devices, types -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_copies_and_files_give_the_same_module(kind):
    module = make(kind, dtype=torch.float32)
    x = torch.randn(4, 2, 3)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    weights = io.BytesIO()
    torch.save(module.state_dict(), weights)
    weights.seek(0)
    fresh = make(kind, seed=5, dtype=torch.float32)
    fresh.load_state_dict(torch.load(weights, weights_only=True))
    others = [copy.deepcopy(module), pickle.loads(pickle.dumps(module)), torch.load(file, weights_only=False), fresh]
    for other in others:
        assert repr(other) == repr(module)
        assert_same(other(x), module(x), rtol=0, atol=0)
    others[0].reset_parameters()
    assert not torch.equal(others[0](x)[0], module(x)[0])


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_the_text_names_what_torch_does_not_have(kind):
    module = make(kind, dtype=torch.float32, engine="eager")
    rebuilt = eval(repr(module).replace(", engine='eager'", ""), vars(layers))
    assert type(rebuilt) is type(module)
    assert "engine='eager'" in repr(module)
    if not kind.startswith("rnn-relu"):  # torch.nn does not show it either
        assert rebuilt.cell == module.cell


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_two_bytes_a_number_are_enough_for_inputs_weights_and_outputs(kind, dtype):
    for engine in ("auto", "eager", "fused"):
        module = make(kind, dtype=dtype, scale=1.0, engine=engine)
        exact = copy.deepcopy(module).double()
        x = torch.randn(6, 2, 3).to(dtype).requires_grad_()
        y, state = module(x)
        assert all(t.dtype is dtype for t in (y, *parts(state)))
        right, _ = exact(x.double())
        budget = 4 * torch.finfo(dtype).eps
        assert (y.double() - right).abs().max() <= budget * right.abs().max().clamp(min=1)
        y.sum().backward()
        assert x.grad.dtype is dtype
        assert all(p.grad.dtype is dtype for p in module.parameters())


@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_under_autocast_the_outputs_have_its_type(kind):
    module = make(kind, dtype=torch.float32, scale=1.0)
    exact = copy.deepcopy(module).double()
    x = torch.randn(6, 2, 3, requires_grad=True)
    engines = ("eager", "fused")
    for engine in engines:
        module.engine = engine
        with torch.autocast("cpu", torch.bfloat16):
            y, state = module(x)
        assert all(t.dtype is torch.bfloat16 for t in (y, *parts(state)))
        assert (y.double() - exact(x.double())[0]).abs().max() < 0.05
        y.float().sum().backward()
        assert x.grad.dtype is torch.float32
        with torch.autocast("cpu", torch.bfloat16):
            assert (
                module(x.bfloat16(), tuple(parts(state)) if len(parts(state)) == 2 else state)[0].dtype
                is torch.bfloat16
            )


@pytest.mark.parametrize("engine", ["eager", "fused"])
@pytest.mark.parametrize("kind", [*KINDS, *JORDANS])
def test_autocast_leaves_float64_alone(kind, engine):
    module = make(kind, dtype=torch.float64, scale=1.0)
    module.engine = engine
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    expected, _ = module(x)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(module(x)[0], expected)


@pytest.mark.parametrize("dtypes", list(itertools.permutations([torch.float32, torch.float64])), ids=str)
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_under_autocast_float64_and_another_type_are_a_mistake_as_in_torch(kind, dtypes):
    mine, given = dtypes
    for library, arguments in ((torch.nn, {}), (layers, {"engine": "fused"})):
        module = getattr(library, kind)(3, 5, dtype=mine, **arguments)
        state = torch.zeros(1, 2, 5, dtype=given)
        with torch.autocast("cpu", torch.bfloat16):
            with pytest.raises(RuntimeError):
                module(torch.randn(6, 2, 3, dtype=given))
            with pytest.raises(RuntimeError):
                module(torch.randn(6, 2, 3, dtype=mine), (state, state) if kind == "LSTM" else state)


def test_a_module_moves_its_weights_and_its_type():
    module = layers.PeepholeLSTM(3, 4, device="meta", dtype=torch.float64)
    assert module.weight_ch_l0.device.type == "meta"
    module = module.to_empty(device="cpu").float()
    module.reset_parameters()
    module.flatten_parameters()
    y, _ = module(torch.randn(4, 2, 3))
    assert y.dtype is torch.float32
    assert layers.JordanRNN(3, 4, 2).flatten_parameters() is None


def test_weights_that_are_replaced_are_used():
    module = layers.PeepholeLSTM(3, 4)
    x = torch.randn(4, 2, 3)
    before = module(x)[0]
    module.weight_ch_l0 = nn.Parameter(module.weight_ch_l0 + 1)
    assert not torch.equal(module(x)[0], before)
    assert any(p is module.weight_ch_l0 for p in module.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_no_sequence_in_a_batch_is_no_mistake(kind):
    for engine in ("eager", "fused"):
        module = make(kind, engine=engine)
        y, _ = module(torch.zeros(4, 0, 3, dtype=torch.float64))
        assert y.shape == (4, 0, 4)
        y.sum().backward()
        assert all(p.grad.eq(0).all() for p in module.parameters())


@pytest.mark.parametrize("kind", KINDS)
def test_unbatched_input_is_a_batch_of_one(kind):
    module = make(kind, num_layers=2, bidirectional=True, batch_first=True)
    x, state = inputs(module, batch=1)
    y, final = module(x, state)
    alone = tuple(s[:, 0] for s in parts(state))
    y_alone, final_alone = module(x[0], alone if len(alone) == 2 else alone[0])
    assert_same(
        (y_alone, final_alone), (y[0], tuple(s[:, 0] for s in parts(final)) if len(alone) == 2 else final[:, 0])
    )


def test_nothing_is_said_where_nothing_is_wrong():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for kind in KINDS:
            module = make(kind, num_layers=2, dropout=0.5)
            module(draw(4, 2, 3))[0].sum().backward()
