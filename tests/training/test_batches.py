"""A supply of batches: it goes on, after being taken up again, as if it had never been put down."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from companion.tasks import Batch, Echo
from companion.tasks.batching import minibatches
from companion.training import Batches
from companion.training.batches import Blocks

ECHO = Echo(lag=1)


def drawn(rng):
    return [ECHO.batch(7, 3, rng)]


def lazy(rng):
    return (ECHO.batch(int(rng.integers(2, 9)), 3, rng) for _ in range(4))


def shuffled(rng):
    data = ECHO.batch(5, 10, np.random.default_rng(1))
    return (Batch(data.x[:, rows], data.y[:, rows], np.full(len(rows), 5)) for rows in minibatches(10, 4, rng))


def equal(one, other):
    assert one.fresh == other.fresh
    for name in ("x", "y", "lengths"):
        assert_array_equal(getattr(one.batch, name), getattr(other.batch, name))


@settings(max_examples=40)
@given(
    kind=st.sampled_from([drawn, lazy, shuffled]), k1=st.none() | st.integers(1, 9), taken=st.integers(0, 12), carry=...
)
def test_it_goes_on_where_it_was(kind, k1, taken, carry: bool):
    blocks = Blocks(Batches(kind, rng=5), k1, carry)
    for _ in range(taken):
        next(blocks)
    place = json.loads(json.dumps(blocks.state_dict()))
    again = Blocks(Batches(kind, rng=77), k1, carry)
    again.load_state_dict(place)
    for _ in range(10):
        assert again.state_dict() == blocks.state_dict()
        equal(next(again), next(blocks))


def test_blocks_are_the_batch_in_pieces_with_what_is_left_of_the_lengths(rng):
    batch = Batch(rng.normal(size=(7, 2, 1)), rng.integers(2, size=(7, 2)), np.array([7, 4]))
    blocks = [block.batch for block in Blocks([batch], 3, carry=False)]
    assert [len(block.x) for block in blocks] == [3, 3, 1]
    assert_array_equal(np.concatenate([block.x for block in blocks]), batch.x)
    assert_array_equal(np.concatenate([block.asked for block in blocks]), batch.asked)
    assert [block.lengths.tolist() for block in blocks] == [[3, 3], [3, 1], [1, 0]]


def test_the_state_begins_anew_with_each_pass_or_with_each_batch():
    def fresh(carry, k1=None, supply=None):
        blocks = Blocks(Batches(lazy) if supply is None else supply, k1, carry)
        return [next(blocks).fresh for _ in range(6)]

    assert fresh(carry=True) == [True, False, False, False, True, False]
    assert fresh(carry=False) == [True] * 6
    assert fresh(carry=True, supply=[ECHO.batch(4, 2, np.random.default_rng(0))] * 6) == [
        True,
        *[False] * 5,
    ]
    assert fresh(carry=False, k1=2, supply=[ECHO.batch(4, 2, np.random.default_rng(0))] * 3) == [True, False] * 3


def test_passes_and_places_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="one_pass: expected at least one batch, got none"):
        next(Batches(lambda rng: []))
    with pytest.raises(ValueError, match="batches: expected a pass of at least 3 batches, got 1"):
        Batches(drawn).load_state_dict({"taken": 3, "generator": Batches(drawn).state_dict()["generator"]})
    nothing = Batch(np.zeros((3, 1, 1)), np.full((3, 1), -1))
    with pytest.raises(ValueError, match="batches: expected a target in every batch, got one without any"):
        next(Blocks([nothing], 2, carry=False))


def test_a_supply_is_an_iterator():
    batches = Batches(drawn)
    assert iter(batches) is batches
    assert not Blocks([1], None, carry=False).resumable
