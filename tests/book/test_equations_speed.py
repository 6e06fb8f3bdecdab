"""The numbered equations of the chapter "Speed", each against something that was made another way."""

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from companion.reference import cost


@pytest.mark.parametrize(("gates", "I", "H"), [(4, 5, 7), (3, 2, 6), (1, 4, 4)])
def test_the_operations_are_those_that_pytorch_counts_in_a_loop(equation, gates, I, H):  # noqa: E741
    T, B = 3, 2
    W, U = torch.randn(gates * H, I), torch.randn(gates * H, H)
    x, h = torch.randn(T, B, I), torch.randn(B, H)
    with FlopCounterMode(display=False) as counter:
        for x_t in x:
            torch.mm(x_t, W.t()) + torch.mm(h, U.t())
    equation("eq-speed-work", of=cost.operations).close(
        cost.operations(T, B, I, H, gates), float(counter.get_total_flops()), rtol=1e-15
    )


def test_a_pass_back_has_twice_the_products(rng):
    W = torch.randn(8, 5, requires_grad=True)
    x = torch.randn(3, 5, requires_grad=True)
    with FlopCounterMode(display=False) as forward:
        y = torch.mm(x, W.t())
    with FlopCounterMode(display=False) as back:
        y.backward(torch.ones_like(y))
    assert back.get_total_flops() == 2 * forward.get_total_flops()


def test_the_roof_is_where_arithmetic_and_memory_take_turns(equation):
    """A machine that adds for 2 s while it reads for 3 s, both at once, is done when the last of them is."""
    roof = equation("eq-speed-roofline", of=cost.roofline)
    for operations, moved in ((2e9, 3e8), (4e9, 1e8)):
        ticks = [second for second in range(1, 9) if second * 1e9 >= operations and second * 1e8 >= moved]
        roof.close(cost.roofline(operations, moved, rate=1e9, bandwidth=1e8), float(ticks[0]), rtol=1e-15)


def test_the_input_products_can_all_be_made_before_the_loop(equation, rng):
    x, W, b = rng.normal(size=(5, 2, 3)), rng.normal(size=(8, 3)), rng.normal(size=8)
    in_turn = [[W @ sequence + b for sequence in step] for step in x]
    equation("eq-speed-ahead", of=cost.ahead).close(cost.ahead(x, W, b), np.array(in_turn), rtol=1e-12)


def test_what_is_left_bounds_what_is_gained(equation):
    """A program of 100 parts, 20 of them the chain's: however often the others are sped up, it nears 5 and not more."""
    gained = [100 / (20 + 80 / faster) for faster in (2, 10, 1e3, 1e15)]
    assert max(gained) <= cost.most_gained(0.2)
    equation("eq-speed-gain", of=cost.most_gained).close(cost.most_gained(0.2), gained[-1], rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_operations_a_byte_are_counted_on_a_real_matrix(equation, dtype):
    B, U = 6, np.zeros((4 * 5, 5), dtype)
    operations = sum(2 * B for _ in U.flat)  # every weight is multiplied and added once for each sequence
    each = equation("eq-speed-intensity", of=cost.intensity)
    each.close(cost.intensity(B, U.itemsize), operations / U.nbytes, rtol=1e-15)


def test_at_the_balanced_batch_reading_takes_as_long_as_multiplying(equation):
    rate, bandwidth, weights = 3e11, 4e10, 4 * 64 * 64
    B = cost.balanced_batch(rate, bandwidth, itemsize=4)
    reading = 4 * weights / bandwidth
    equation("eq-speed-balance", of=cost.balanced_batch).close(2 * B * weights / rate, reading, rtol=1e-12)


@pytest.mark.parametrize(("processors", "memory", "gates", "itemsize"), [(132, 232_448, 4, 2), (8, 1000, 3, 4)])
def test_the_most_units_on_a_chip_are_found_by_trying(equation, processors, memory, gates, itemsize):
    fits = [H for H in range(1, 3000) if gates * itemsize * H * H <= processors * memory]
    equation("eq-speed-chip", of=cost.largest_on_chip).close(
        cost.largest_on_chip(processors, memory, gates, itemsize), float(fits[-1]), rtol=1e-15
    )
