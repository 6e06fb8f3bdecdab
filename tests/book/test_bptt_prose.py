"""What the chapter on backpropagation through time says in words, computed again and asked of the evidence."""

import numpy as np
import pytest

from companion.experiments.claims import claim
from companion.experiments.evidence import Evidence
from companion.reference.rtrl import multiplications
from companion.tasks import sunspots


def test_the_table_worked_by_hand():
    h = [0.0]
    for x in (1.0, 0.0, 0.0):
        h.append(np.tanh(x + 0.8 * h[-1]))
    assert np.round(h[1:], 4).tolist() == [0.7616, 0.5436, 0.4094]
    dh, rows = h[-1] - 1, []
    for t in (2, 1, 0):
        da = dh * (1 - h[t + 1] ** 2)
        rows.append((dh, da, da * h[t], da * (t == 0)))
        dh = 0.8 * da
    said = [(-0.5906, -0.4916, -0.2672, 0), (-0.3933, -0.2771, -0.2110, 0), (-0.2216, -0.0931, 0, -0.0931)]
    np.testing.assert_allclose(np.round(rows, 4), said, atol=1e-9)
    assert np.round(np.sum(rows, axis=0)[2:], 4).tolist() == [-0.4783, -0.0931]


def test_whose_fault_the_leap_of_1956_was():
    sun = sunspots.load()
    past = sun.between(1942, 1955)
    x, target = sun.number[past] / 200, sun.number[sun.between(1956, 1956)][0] / 200
    assert [round(float(sun.number[sun.between(year, year)][0])) for year in (1955, 1956)] == [38, 142]
    h = [0.0]
    for x_t in x:
        h.append(np.tanh(0.6 * x_t + 0.5 * h[-1]))
    dh, shares = h[-1] - target, np.empty(14)
    for t in reversed(range(14)):
        da = dh * (1 - h[t + 1] ** 2)
        shares[t], dh = da * h[t], 0.5 * da
    part = dict(zip(range(1942, 1956), shares / shares.sum(), strict=True))
    assert (shares <= 0).all()
    assert round(sum(part[year] for year in range(1952, 1956)), 1) == 0.9
    assert 0.5e-4 < sum(part[year] for year in range(1942, 1947)) < 2e-4
    assert max(part[year] for year in range(1942, 1949)) < 0.005
    assert round(h[-1], 2) == 0.17
    assert round(target, 2) == 0.71


def test_what_the_loop_as_it_stands_gives_points_downhill_everywhere():
    numbers = claim("C06").verdict().numbers
    assert numbers["downhill"] == numbers["count"] >= 20


@pytest.mark.parametrize("size", [(1, 1), (4, 16), (64, 64)])
def test_a_gradient_costs_three_ways_forward_and_rtrl_grows_with_the_fourth_power(size):
    counts = multiplications(*size)
    assert counts["forward"] + counts["bptt"] == 3 * counts["forward"]
    twice = multiplications(*(1000 * side for side in size))["rtrl"] / multiplications(*(500 * s for s in size))["rtrl"]
    assert twice == pytest.approx(16, rel=1e-2)


def test_the_measured_cost_is_near_the_count():
    cost = Evidence.load("bptt").summary["cost"]
    assert 1 < cost["min"] <= cost["median"] <= cost["max"] < 6
