"""The numbered equations of the overview, each against something that was made another way."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion import reference as ref
from companion.reference import machine
from companion.tasks import Echo, Parity

BITS = st.lists(st.integers(0, 1), min_size=1, max_size=40)


def parity_of(history):
    """The task, without a state."""
    return sum(history) % 2


def bit_ago(lag):
    """The task, without a state."""
    return lambda history: history[-1 - lag]


@pytest.mark.parametrize("lag", [0, 1, 3, 7])
def test_echo_says_what_came_lag_steps_ago(equation, rng, lag):
    batch = Echo(lag).batch(50, 4, rng)
    for b in range(4):
        said = machine.run(machine.echo, (0,) * lag, batch.x[:, b].argmax(axis=-1))
        equation("eq-ov-echo", of=machine.echo).close(said[lag:], batch.y[lag:, b], rtol=1e-15)


def test_parity_says_whether_the_number_of_ones_is_odd(equation, rng):
    batch = Parity().batch(200, 5, rng)
    for b in range(5):
        bits = batch.x[:, b].argmax(axis=-1)
        said = machine.run(machine.parity, 0, bits.tolist())
        equation("eq-ov-parity", of=machine.parity).close(said, batch.y[:, b], rtol=1e-15)
        counted = [int("".join(map(str, bits[: t + 1])), 2).bit_count() % 2 for t in range(200)]
        assert said == counted


def test_a_recurrent_layer_is_a_machine_whose_state_is_h(equation, rng):
    layer = ref.RNN(3, 5, rng=rng)
    x = rng.normal(size=(12, 3))
    W, U, b_ih, b_hh = layer.params.values()

    def step(x_t, h):
        h = np.tanh(W @ x_t + b_ih + U @ h + b_hh)
        return h, h

    said = machine.run(step, np.zeros(5), x)
    equation("eq-ov-machine", of=machine.run).close(np.stack(said), layer(x)[0], rtol=1e-12)


def best_by_trying_every_function(task, window, length):
    """The score of the best of all 2^(2^window) functions from a window to a bit."""
    histories = list(product((0, 1), repeat=length))
    windows = list(product((0, 1), repeat=window))
    best = 0
    for values in product((0, 1), repeat=len(windows)):
        table = dict(zip(windows, values, strict=True))
        best = max(best, sum(table[history[-window:]] == task(history) for history in histories))
    return best / len(histories)


TASKS = {
    "echo 1": bit_ago(1),
    "echo 2": bit_ago(2),
    "parity": parity_of,
    "any": lambda history: int(any(history)),
    "majority": lambda history: int(sum(history) > 2),
}


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("window", [1, 2, 3])
def test_the_ceiling_is_the_score_of_the_best_function_of_the_window(equation, task, window):
    expected = np.array([best_by_trying_every_function(task, window, 5)])
    found = np.array([machine.ceiling(task, window, 5)])
    equation("eq-ov-ceiling", of=machine.ceiling).close(found, expected, rtol=1e-15)


@pytest.mark.parametrize("lag", [0, 1, 2, 5])
def test_a_window_solves_echo_from_lag_plus_one_on_and_says_nothing_before(lag):
    scores = [machine.ceiling(bit_ago(lag), window, 9) for window in range(1, 10)]
    assert scores == [0.5] * lag + [1.0] * (9 - lag)


@pytest.mark.parametrize("length", [2, 5, 9])
def test_a_window_says_nothing_of_parity_until_it_holds_everything(length):
    assert [machine.ceiling(parity_of, window, length) for window in range(1, length + 1)] == [0.5] * (length - 1) + [1]


@pytest.mark.parametrize("lag", [0, 1, 2, 3, 4])
def test_echo_needs_two_to_the_lag_states(lag):
    assert machine.states(bit_ago(lag), max(lag, 1)) == machine.states(bit_ago(lag), lag + 1) == 2**lag


@pytest.mark.parametrize("length", [1, 2, 4])
def test_parity_needs_two_states_however_long_the_history(length):
    assert machine.states(parity_of, length) == 2


def test_other_tasks_need_what_a_pencil_says():
    assert machine.states(lambda history: sum(history) % 3 == 0, 3) == 3
    assert machine.states(lambda history: any(history), 3) == 2
    assert machine.states(lambda history: history[-1] == history[-2], 3) == 2
    assert [machine.states(lambda history: sum(history), n) for n in (1, 2, 3)] == [2, 3, 4]  # no end


@given(BITS)
def test_no_machine_with_those_states_is_smaller_than_the_states_it_visits(bits):
    visited, s = {0}, 0
    for bit in bits:
        _, s = machine.parity(bit, s)
        visited.add(s)
    assert len(visited) <= 2
    assert machine.run(machine.parity, 0, bits)[-1] == parity_of(bits)


@pytest.mark.parametrize(("window", "length"), [(0, 3), (4, 3)])
def test_a_window_that_does_not_fit_is_told(window, length):
    with pytest.raises(ValueError, match="window: expected 1 to length = 3"):
        machine.ceiling(parity_of, window, length)


def test_no_history_is_told():
    with pytest.raises(ValueError, match="length: expected at least 1, got 0"):
        machine.states(parity_of, 0)
