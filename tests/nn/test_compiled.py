"""The fused engine's loops in C: the same numbers as the loops in Python, and no compiler is no loss but of time."""

import os
import platform
import stat
import subprocess

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pack_padded_sequence

from companion.nn import _compiled
from companion.nn.cells import _lstm_compiled as loops
from companion.nn.cells.lstm import LSTM1997Cell, LSTMCell, OldPeepholeLSTMCell, PeepholeLSTMCell
from tests.nn import kinds
from tests.nn.kinds import assert_close, both_ways, draw, inputs, like, make, parts

KINDS = ("lstm", "lstm-1997", "peephole-new", "peephole-old")
CELLS = (LSTMCell(), LSTM1997Cell(), PeepholeLSTMCell(), OldPeepholeLSTMCell())
MISSING = loops.why_not(torch.zeros(1))
in_c = pytest.mark.skipif(MISSING is not None, reason=f"no loops in C here: {MISSING}")


@pytest.fixture
def without_c(monkeypatch):
    monkeypatch.setenv(_compiled.VARIABLE, "none")


@pytest.fixture
def fresh(monkeypatch, tmp_path):
    """Nothing compiled yet, and an empty cache folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv(_compiled.VARIABLE, raising=False)
    _compiled._loaded.cache_clear()
    yield tmp_path / "unrolled-companion"
    _compiled._loaded.cache_clear()


def module_of(kind: str, hidden: int, inputs: int = 3, **arguments):
    """A fused layer with weights that move its gates."""
    made, own = kinds.KINDS[kind]
    torch.manual_seed(hidden)
    module = made(inputs, hidden, **own, **arguments, engine="fused")
    with torch.no_grad():
        for parameter in module.parameters():
            parameter *= 1.5
    return module


def as_eager_float64(module, x, state):
    eager = type(module)(
        module.input_size,
        module.hidden_size,
        **{k: v for k, v in vars(module).items() if k in ("forget_gate", "output_peep")},
        engine="eager",
        dtype=torch.float64,
    )
    eager.load_state_dict({name: value.double() for name, value in module.state_dict().items()})
    double = tuple(s.detach().double().requires_grad_() for s in parts(state))
    return both_ways(eager, x.detach().double().requires_grad_(), double)


@in_c
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20, deadline=None)
@given(
    steps=st.integers(1, 70),
    batch=st.sampled_from([1, 2, 5, 7, 8, 13, 33, 70]),
    hidden=st.sampled_from([1, 3, 15, 16, 17, 32, 40]),
    seed=st.integers(0, 2**31),
)
def test_any_size_gives_what_float64_gives(kind, steps, batch, hidden, seed):
    module = module_of(kind, hidden)
    torch.manual_seed(seed)
    x, state = (
        draw(steps, batch, 3, dtype=torch.float32),
        tuple(draw(1, batch, hidden, dtype=torch.float32) for _ in "hc"),
    )
    actual = {name: value.double() for name, value in both_ways(module, x, state).items()}
    assert_close(actual, as_eager_float64(module, x, state), rtol=3e-5)


@pytest.mark.parametrize("kind", KINDS)
def test_the_loops_in_python_give_the_same_in_float32(kind, without_c):
    module = module_of(kind, 17)
    torch.manual_seed(0)
    x, state = draw(40, 5, 3, dtype=torch.float32), tuple(draw(1, 5, 17, dtype=torch.float32) for _ in "hc")
    actual = {name: value.double() for name, value in both_ways(module, x, state).items()}
    assert_close(actual, as_eager_float64(module, x, state), rtol=1e-5)


@in_c
@pytest.mark.parametrize("kind", KINDS)
def test_all_cell_states_and_lengths_go_through_c_too(kind, monkeypatch):
    called = []
    run = loops._run
    monkeypatch.setattr(loops, "_run", lambda name, work: (called.append(name), run(name, work)))
    eager = make(kind, engine="eager", dtype=torch.float32, scale=1.0)
    fused = like(eager, "fused")
    x, _ = inputs(eager, steps=6)
    for module in (eager, fused):
        states = module.all_states(pack_padded_sequence(x, [2, 6, 3], enforce_sorted=False))
        loss = (states.h * states.c).sum()
        module.found = [*states, *torch.autograd.grad(loss, [x, *module.parameters()])]
    for one, other in zip(fused.found, eager.found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert set(called) == {"scan", "scan_back"}


class Given:
    """Pre-activations as they are, in place of those that a product makes."""

    def __init__(self, a: torch.Tensor):
        self.a = a

    def __len__(self) -> int:
        return len(self.a)

    def pieces(self, numbers: int):
        yield self.a


def scanned(cell, a: torch.Tensor, U: torch.Tensor, p: torch.Tensor | None):
    """h and c of the loop in C for pre-activations a (T, B, G*H) and a state that begins with 0."""
    steps, batch, hidden = len(a), a.shape[1], U.shape[1]
    gates = torch.empty(steps, cell.gates, batch, hidden)
    cells = torch.zeros(steps + 1, batch, hidden)
    state = torch.zeros(batch, hidden), torch.zeros(batch, hidden)
    return loops.scan(cell, Given(a), state, U, p, True, gates, cells), cells[1:]


@in_c
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
@pytest.mark.parametrize("threads", [2, 3, 64])
def test_neither_the_neighbours_nor_the_threads_change_a_bit_of_a_sequence(cell, threads, monkeypatch):
    torch.manual_seed(0)
    hidden = 19
    a, U = torch.randn(6, 70, cell.gates * hidden), torch.randn(cell.gates * hidden, hidden)
    p = torch.randn(3 * hidden) if "peephole" in cell.name else None
    h, c = scanned(cell, a, U, p)
    monkeypatch.setattr(loops, "_threads", lambda *_: threads)
    again = scanned(cell, a, U, p)
    assert torch.equal(h, again[0])
    assert torch.equal(c, again[1])
    for b in (0, 31, 69):
        alone = scanned(cell, a[:, b : b + 1].contiguous(), U, p)
        assert torch.equal(alone[0][:, 0], h[:, b])
        assert torch.equal(alone[1][:, 0], c[:, b])


@in_c
@pytest.mark.skipif(platform.machine() != "x86_64", reason="the flags are those of x86 processors")
@pytest.mark.parametrize("flags", [["-mavx2", "-mfma"], ["-msse2"], ["-U__linux__"]], ids=" ".join)
def test_every_width_of_vector_and_threads_of_its_own_give_the_same(flags, fresh, monkeypatch):
    monkeypatch.setattr(_compiled, "_native", lambda: flags)
    monkeypatch.setattr(loops, "_threads", lambda *_: 3)
    assert loops.why_not(torch.zeros(1)) is None
    module = module_of("peephole-new", 19)
    torch.manual_seed(0)
    x, state = draw(9, 13, 3, dtype=torch.float32), tuple(draw(1, 13, 19, dtype=torch.float32) for _ in "hc")
    actual = {name: value.double() for name, value in both_ways(module, x, state).items()}
    assert_close(actual, as_eager_float64(module, x, state), rtol=1e-5)


@in_c
def test_sigmoid_and_tanh_are_right_to_the_last_digits_everywhere():
    """One step from nothing without recurrent weights is h = σ(a_o) tanh(σ(a_i) tanh(a_g))."""
    grid = torch.cat([torch.linspace(-20, 20, 4001), torch.logspace(-30, 1.9, 500), -torch.logspace(-30, 1.9, 500)])
    open_gate = torch.full_like(grid, 40.0)
    for a in ((open_gate, grid, open_gate), (grid, open_gate, open_gate)):
        h, c = scanned(LSTM1997Cell(), torch.stack(a).T.reshape(1, -1, 3).contiguous(), torch.zeros(3, 1), None)
        i, g, o = (part.double() for part in a)
        right = torch.sigmoid(i) * torch.tanh(g)
        torch.testing.assert_close(c.flatten().double(), right, rtol=4e-7, atol=1e-37)
        torch.testing.assert_close(h.flatten().double(), torch.sigmoid(o) * torch.tanh(right), rtol=8e-7, atol=1e-37)


@in_c
def test_infinity_saturates_and_what_is_no_number_stays_none():
    inf, nan = torch.inf, torch.nan
    a = torch.tensor(
        [[inf, 1.0, inf], [-inf, 1.0, inf], [inf, -inf, inf], [inf, nan, inf], [nan, 1.0, inf], [inf, inf, -inf]]
    )
    h, c = scanned(LSTM1997Cell(), a[None], torch.zeros(3, 1), None)
    i, g, o = a.unbind(1)
    right = torch.sigmoid(i) * torch.tanh(g)
    torch.testing.assert_close(c.flatten(), right, equal_nan=True)
    torch.testing.assert_close(h.flatten(), torch.sigmoid(o) * torch.tanh(right), equal_nan=True)
    assert c[0, 1] == 0  # and not merely next to nothing: this is how a sequence's end is marked


@in_c
def test_a_sequence_that_is_no_number_leaves_its_neighbours_alone():
    module = module_of("peephole-new", 17)
    x = torch.randn(9, 5, 3)
    alone = module(x[:, 3:4])[0]
    x[2, 1] = torch.nan
    y = module(x)[0]
    assert torch.isnan(y[2:, 1]).all()
    torch.testing.assert_close(y[:, 3:4], alone)


def test_other_numbers_than_float32_are_left_to_python():
    assert "float64" in loops.why_not(torch.zeros(1, dtype=torch.float64))
    assert "meta" in loops.why_not(torch.zeros(1, device="meta"))


# ---- compiling -------------------------------------------------------------------------------------------------------


@in_c
def test_it_is_compiled_once_and_kept_where_nobody_else_can_write(fresh):
    assert loops.why_not(torch.zeros(1)) is None
    (kept,) = fresh.iterdir()
    assert stat.S_IMODE(fresh.stat().st_mode) == 0o700
    before = kept.stat().st_mtime_ns
    _compiled._loaded.cache_clear()
    assert loops.why_not(torch.zeros(1)) is None
    assert [path.stat().st_mtime_ns for path in fresh.iterdir()] == [before]


@in_c
def test_a_folder_that_others_can_write_to_is_not_trusted(fresh):
    fresh.mkdir()
    fresh.chmod(0o777)
    assert loops.why_not(torch.zeros(1)) is None
    assert not list(fresh.iterdir())


@in_c
def test_a_changed_source_is_compiled_again(fresh, tmp_path):
    source = tmp_path / "loops.c"
    for number in (1, 2):
        source.write_text(f"int number(void) {{ return {number}; }}\n")
        _compiled._loaded.cache_clear()
        assert _compiled.library(source).number() == number
    assert len(list(fresh.iterdir())) == 2


@pytest.mark.skipif(os.name != "posix", reason="wants a POSIX shell")
@pytest.mark.parametrize(
    ("compiler", "reason"),
    [
        ("none", "COMPANION_CC is 'none'"),
        ("no-such-compiler", "no C compiler 'no-such-compiler'"),
        ("broken", "the compiler gave up"),
    ],
)
def test_without_a_compiler_the_layer_works_and_the_reason_is_named(compiler, reason, fresh, tmp_path, monkeypatch):
    broken = tmp_path / "broken"
    broken.write_text("#!/bin/sh\necho 'the compiler gave up' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv(_compiled.VARIABLE, compiler)
    assert reason in loops.why_not(torch.zeros(1))
    y, _ = module_of("peephole-new", 4)(torch.randn(7, 2, 3))
    assert y.shape == (7, 2, 4)
    assert not fresh.exists() or not list(fresh.iterdir())


def test_a_compiler_that_never_ends_is_given_up(fresh, monkeypatch):
    def hang(command, **options):
        raise subprocess.TimeoutExpired(command, options["timeout"])

    monkeypatch.setattr(_compiled, "_compiler", lambda: "/usr/bin/slow")
    monkeypatch.setattr(subprocess, "run", hang)
    assert "lstm.c cannot be compiled" in loops.why_not(torch.zeros(1))


@in_c
def test_a_file_that_cannot_be_loaded_is_no_disaster(fresh):
    kept = _compiled._built(loops.SOURCE)
    kept.write_bytes(b"no program")
    assert "cannot be loaded" in loops.why_not(torch.zeros(1))
