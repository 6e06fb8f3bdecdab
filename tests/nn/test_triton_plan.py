"""How a scan is laid over a GPU: every plan covers the work, and none has more blocks than can run at once."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.nn.triton_plan import Chip, plan_scan

H200 = Chip(processors=132, shared=232448)


@given(
    gates=st.sampled_from([1, 3, 4]),
    hidden=st.integers(1, 4096),
    batch=st.integers(1, 2000),
    width=st.sampled_from([2, 4, 8]),
    back=st.booleans(),
    processors=st.sampled_from([16, 108, 132]),
)
def test_a_plan_covers_the_work_with_blocks_that_run_at_once(gates, hidden, batch, width, back, processors):
    for plan in plan_scan(gates, hidden, batch, width, back, Chip(processors, H200.shared)):
        assert plan.blocks * plan.groups <= processors
        assert (plan.blocks - 1) * plan.units < hidden <= plan.blocks * plan.units
        assert plan.tiles(batch) * plan.rows >= batch
        assert 1 <= plan.groups <= plan.tiles(batch)
        assert plan.split in (1, plan.warps)
        for size in (plan.units, plan.rows, plan.split, plan.chunk, plan.warps):
            assert size & (size - 1) == 0, "Triton's tensors have powers of two"
        assert min(plan.rows, plan.chunk) >= 16, "what the tensor cores multiply"


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("gates", [1, 3, 4])
def test_every_size_of_the_benchmark_has_a_plan(gates, back):
    for hidden, batch, width in product((64, 128, 192, 256, 512, 768, 1024), (1, 16, 64, 256), (2, 4, 8)):
        assert plan_scan(gates, hidden, batch, width, back, H200)


def test_a_small_layer_needs_no_barrier():
    assert plan_scan(4, 64, 16, 2, False, H200)[0].blocks == 1


def test_a_layer_of_the_benchmark_stays_on_chip():
    for back in (False, True):
        best = plan_scan(4, 768, 16, 2, back, H200)[0]
        assert best.held
        assert best.blocks > 1
        assert best.tiles(16) == best.groups == 1


def test_too_many_units_for_the_chip_have_no_plan():
    assert plan_scan(4, 2048, 64, 2, True, H200)
    assert plan_scan(4, 132 * 64 + 1, 1, 2, False, H200) == []
