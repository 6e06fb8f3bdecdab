"""Every engine on the GPU against the eager one in float64 on the CPU, in four ways of counting, and torch.nn."""

from functools import cache

import pytest
import torch

from benchmarks.gpu_contenders import DTYPE, counted_as

from .conftest import BUDGET, LAYERS, NATIVE, assert_within, make_input, make_layer, run

# (T, B, input, H): a single block; blocks that share units which no tile divides; more batch tiles than groups
SIZES = [(40, 16, 24, 64), (25, 19, 33, 200), (12, 150, 16, 520)]


def engines(name):
    return ["eager", "fused", "triton"] + (["cudnn"] if name in NATIVE else [])


CASES = [(name, engine) for name in LAYERS for engine in engines(name)]


@cache
def reference(name, seed):
    """A layer, what it is given, and its numbers in float64 on the CPU."""
    torch.manual_seed(seed)
    T, B, inputs, H = SIZES[seed]
    layer = make_layer(name, inputs, H)
    given = make_input(T, B, layer, seed)
    return layer, given, *run(layer, given, "cpu", torch.float64)


@pytest.mark.parametrize("mode", list(BUDGET))
@pytest.mark.parametrize(("name", "engine"), CASES)
def test_an_engine_keeps_its_error_budget(cuda, name, engine, mode):
    for seed in range(len(SIZES)):
        layer, given, outputs, gradients = reference(name, seed)
        with counted_as(mode):
            got = run(layer, given, cuda, DTYPE[mode], engine)
        assert_within(got[0], outputs, BUDGET[mode][0])
        assert_within(got[1], gradients, BUDGET[mode][1])


@pytest.mark.parametrize("mode", ["fp32", "bf16"])
@pytest.mark.parametrize("name", NATIVE)
def test_the_triton_engine_gives_the_numbers_of_torch_nn(cuda, name, mode):
    layer = make_layer(name, 40, 256, num_layers=2, bidirectional=True)
    given = make_input(50, 32, layer, seed=1)
    with counted_as(mode):
        ours = run(layer, given, cuda, DTYPE[mode], "triton")
        theirs = run(layer, given, cuda, DTYPE[mode], "cudnn")
    assert_within(ours[0], theirs[0], 2 * BUDGET[mode][0])
    assert_within(ours[1], theirs[1], 2 * BUDGET[mode][1])


@pytest.mark.parametrize("name", ["peephole_new", "gru_before"])
def test_unequal_lengths_agree_with_the_eager_engine(cuda, name):
    layer = make_layer(name, 8, 96, bidirectional=True).to(cuda)
    x = torch.randn(20, 5, 8, device=cuda)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor([20, 3, 11, 20, 1]), enforce_sorted=False)
    outputs = []
    for engine in ("triton", "eager"):
        layer.engine = engine
        y, _ = layer(packed)
        outputs.append({"y": y.data, "dU": torch.autograd.grad(y.data.square().sum(), layer.weight_hh_l0_reverse)[0]})
    assert_within(*outputs, 1e-5)


def test_auto_takes_the_triton_kernel_for_a_cell_that_cudnn_has_not(cuda):
    layer = make_layer("peephole_new", 8, 64, engine="auto").to(cuda)
    assert layer._engine(torch.randn(3, 2, 8, device=cuda)) == "triton"


def test_under_autocast_the_scan_runs_in_bfloat16(cuda):
    layer = make_layer("peephole_new", 24, 128, engine="triton")
    given = make_input(30, 16, layer, seed=2)
    expected, _ = run(layer, given, "cpu", torch.float64, "eager")
    layer, x, state = layer.to(cuda), given["x"].float().to(cuda), [s.float().to(cuda) for s in given["state"]]
    with torch.autocast("cuda", torch.bfloat16):
        y, _ = layer(x, tuple(state))
    assert_within({"y": y.detach()}, {"y": expected["y"]}, BUDGET["bf16"][0])
