"""The equations on counting: against a loop of exact numbers, and against the counter itself."""

from fractions import Fraction

import numpy as np
import pytest

from companion.experiments import hand_counter
from companion.tasks import AnBn
from companion.tasks.grammar import right_steps


def word(n):
    return AnBn(n, n).batch(1, np.random.default_rng(0))


def test_the_counter_adds_and_takes_off_one(equation):
    told = equation("eq-ld-counter", of=hand_counter.network)
    for n in (1, 7, 300):
        tape = hand_counter.network().layer.unroll(word(n).x)
        told.close(tape["c"][:, 0, 0], np.concatenate([np.arange(n + 1.0), np.arange(n - 1.0, -1, -1)]), rtol=0)


@pytest.mark.parametrize("share", [Fraction(1, 2), Fraction(9, 10), Fraction(999, 1000)])
def test_what_a_leaky_counter_holds_is_a_geometric_sum(equation, share):
    n, c, held = 12, Fraction(0), []
    for step in [1] * n + [-1] * n:
        c = share * c + step
        held.append(float(c))
    found = hand_counter.left(float(share), n, np.arange(n + 1))
    equation("eq-ld-leak", of=hand_counter.left).close(found, held[n - 1 :], rtol=1e-9)


def test_the_horizon_is_where_the_counter_fails(equation):
    told = equation("eq-ld-horizon", of=hand_counter.horizon)
    for b_f in (5.0, 6.0, 7.0, 8.0):
        counter, n = hand_counter.network(b_f), 1
        while right_steps(counter(word(n).x), word(n)).all():
            n += 1
        told.close(hand_counter.horizon(1 / (1 + np.exp(-b_f))), n - 0.5, rtol=0.06)  # between the last right and n
