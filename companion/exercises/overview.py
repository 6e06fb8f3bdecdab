"""The exercises of the overview: states and windows, with a pencil, by trying, and with two neurons."""

from itertools import product

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case
from companion.reference import RNN

# ---- 1: how many states, with a pencil -------------------------------------------------------------------------------


def how_many_states():
    """Return the states needed for parity, echo(1), echo(5), "any one yet?", and the count of ones modulo 6."""
    return 2, 2, 2**5, 2, 6


# ---- 2: the shortest window ------------------------------------------------------------------------------------------


def shortest_window(task, length):
    """Return the smallest window that decides the task on all histories of `length` bits."""
    for window in range(1, length + 1):
        answer = {}
        histories = product((0, 1), repeat=length)
        if all(answer.setdefault(history[-window:], task(history)) == task(history) for history in histories):
            return window
    return None


def _one_too_few(task, length):
    return shortest_window(task, length) - 1


def _better_than_guessing(task, length):
    """The first window with which some answers are certain, not all."""
    for window in range(1, length + 1):
        answers = {}
        for history in product((0, 1), repeat=length):
            answers.setdefault(history[-window:], set()).add(task(history))
        if any(len(found) == 1 for found in answers.values()):
            return window
    return None


def _from_the_front(task, length):
    for window in range(1, length + 1):
        answer = {}
        histories = product((0, 1), repeat=length)
        if all(answer.setdefault(history[:window], task(history)) == task(history) for history in histories):
            return window
    return None


def _none_unless_shorter(task, length):
    found = shortest_window(task, length)
    return found if found < length else length + 1


def two_ago(history):
    """Echo with lag 2."""
    return history[-3]


def newest(history):
    """Echo with lag 0."""
    return history[-1]


def odd(history):
    """Parity."""
    return sum(history) % 2


def both(history):
    """Whether the present bit and the one three steps ago are both 1."""
    return history[-1] & history[-4]


# ---- 3: fool a window ------------------------------------------------------------------------------------------------


def fool(window):
    """Return two histories of equal length whose last `window` bits agree and whose parities differ."""
    return [0] + [0] * window, [1] + [0] * window


def fooled(answer, window):
    """What two histories do: equally long, the same last bits, other parity."""
    histories = answer(window)
    if histories is None or histories is ...:
        return None
    one, other = (list(map(int, history)) for history in histories)
    return len(one) == len(other), one[-window:] == other[-window:], sum(one) % 2 != sum(other) % 2


def _too_short(window):
    return [0] * window, [1] + [0] * (window - 1)


def _two_flips(window):
    return [0, 0] + [0] * window, [1, 1] + [0] * window


def _unequal(window):
    return [1] + [0] * window, [1, 1] + [0] * window


# ---- 4: a machine for three ------------------------------------------------------------------------------------------


def by_three(x_t, s):
    """One step: is the number of ones so far divisible by three? The state is the remainder, 0 at the start."""
    s = (s + x_t) % 3
    return s == 0, s


def watched(step, bits):
    """The answers of a machine that starts in state 0, and whether it visits at most three states."""
    s, answers, visited = 0, [], {0}
    for x_t in bits:
        after = step(x_t, s)
        if after is None or after is ...:
            return None
        y_t, s = after
        answers.append(bool(y_t))
        visited.add(s)
    return answers, len(visited) <= 3


def _counts_on(x_t, s):
    s = s + x_t
    return s % 3 == 0, s


def _answers_before(x_t, s):
    return s == 0, (s + x_t) % 3


def _remainder_of_the_bit(x_t, s):
    return x_t % 3 == 0, (s + x_t) % 3


def _steps_not_ones(x_t, s):
    s = (s + 1) % 3
    return s == 0, s


# ---- 5: parity in two neurons ----------------------------------------------------------------------------------------


def parity_neurons():
    """Return W (2, 1), U (2, 2) and b (2,): the first neuron says "at least one", the second "both"."""
    g = 10.0
    return np.array([[g], [g]]), g * np.array([[0.5, -0.5], [0.5, -0.5]]), g * np.array([-0.5, -1.5])


def read_out(answer, bits):
    """What two tanh neurons that start at 0 say of some bits: half their difference."""
    W, U, b = (np.asarray(part, dtype=float) for part in answer)
    layer = RNN(1, 2, dtype=np.float64)
    layer.load_state_dict({"weight_ih_l0": W, "weight_hh_l0": U, "bias_ih_l0": b, "bias_hh_l0": np.zeros(2)})
    h, _ = layer(np.array(bits, dtype=float)[:, None])
    return (h[:, 0] - h[:, 1]) / 2


def _scaled(W=10.0, U=10.0, b=10.0, shape=(0.5, -0.5), thresholds=(0.5, 1.5)):
    return np.full((2, 1), W), U * np.array([shape, shape]), -b * np.array(thresholds)


_BITS = np.random.default_rng(0).integers(0, 2, size=200).tolist()

EXERCISES = (
    Exercise(
        name="overview/1",
        title="How many states",
        kind="value",
        solution=how_many_states,
        mistakes=(
            Mistake((2, 4, 2**6, 2, 6), "Echo: do not count the bit that has just been read, only what is handed on."),
            Mistake((2, 1, 5, 2, 6), "Echo: you counted the bits to keep. How many different contents can they have?"),
            Mistake((1, 1, 5, 1, 3), "You counted bits of memory. One bit can be in two states, k bits in 2**k."),
            Mistake((2, 2, 10, 2, 6), "Echo: five bits can have 2 * 2 * 2 * 2 * 2 contents, not 2 * 5."),
            Mistake((2, 2, 2**5, 1, 6), "Any one yet: before the first one and after it the answers to come differ."),
        ),
        hint="Two histories may share a state if, whatever follows, the answers to come are the same.",
    ),
    Exercise(
        name="overview/2",
        title="The shortest window",
        solution=shortest_window,
        cases=(case(newest, 3), case(two_ago, 5), case(both, 6), case(odd, 4), case(odd, 7)),
        mistakes=(
            Mistake(_from_the_front, "The window is the end of the history, history[-window:], not its beginning."),
            Mistake(_one_too_few, "One too few: the bit of k steps ago is the first of a window of k + 1."),
            Mistake(
                _better_than_guessing,
                "With that window some answers are certain. It should be long enough for all of them.",
            ),
            Mistake(
                _none_unless_shorter,
                "A window as long as the history holds all of it, so no task needs a longer one.",
            ),
        ),
        hint="Keep a dictionary from window to answer. A window that comes up with two answers is too short.",
    ),
    Exercise(
        name="overview/3",
        title="Fool a window",
        solution=fool,
        observe=fooled,
        cases=(case(1), case(4), case(30)),
        mistakes=(
            Mistake(_too_short, "The bit that differs lies inside the window. Put it one step further back."),
            Mistake(_two_flips, "Two bits differ, so the parity is the same again: change one."),
            Mistake(_unequal, "The two histories have to be equally long, or the length would tell them apart."),
        ),
        hint="Which single bit can you change so that the window does not see it?",
    ),
    Exercise(
        name="overview/4",
        title="A machine for three",
        solution=by_three,
        observe=watched,
        cases=(case([1, 1, 1]), case([0, 1, 0, 1, 1, 1]), case(_BITS)),
        mistakes=(
            Mistake(_answers_before, "Your answer is about the bits before this one: change the state first."),
            Mistake(
                _counts_on,
                "The answers are right, but your state counts for ever. What of the count do the answers to come need?",
            ),
            Mistake(_remainder_of_the_bit, "The answer looks at the bit. It should look at the state."),
            Mistake(_steps_not_ones, "The state moves at every step. A 0 should leave it where it is."),
        ),
        hint="The state is the remainder of the count divided by three. What does a 1 make of it, what a 0?",
    ),
    Exercise(
        name="overview/5",
        title="Parity in two neurons",
        kind="value",
        solution=parity_neurons,
        observe=read_out,
        atol=0.1,
        cases=(case([0, 0]), case([1]), case([1, 1]), case([1, 0, 1, 1]), case(_BITS)),
        mistakes=(
            Mistake(_scaled(W=1.0, U=1.0, b=1.0), "The idea is right and the weights are small: make all ten times."),
            Mistake(
                _scaled(thresholds=(0.5, 0.5)),
                "Your neurons always agree. Give them two thresholds; a neuron that waits has a negative bias.",
            ),
            Mistake(_scaled(U=0.0), "Without U the neurons hear the bit alone. They have to hear the last answer too."),
            Mistake(
                _scaled(shape=(0.5, 0.5)),
                "The last answer is half the difference of the two neurons: the second counts negatively.",
            ),
        ),
        hint="Call s + x the sum of last answer and bit. One neuron should be on from 1 up, the other from 2 up.",
    ),
)
