"""The exercises of the chapter "Speed": bytes of a step, the chain's bound, hoisting, weights on a chip, best batch."""

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case

# ---- 1: what a step reads, with a pencil -----------------------------------------------------------------------------


def one_sequence():
    """Return bytes of recurrent weights in a step, operations on them, operations a byte, for H = 512 and B = 1."""
    weights = 4 * 512 * 512
    return 4 * weights, 2 * weights, 0.5


# ---- 2: the chain's bound --------------------------------------------------------------------------------------------


def most_gained():
    """Return how many times faster a training step gets at most, when 80 of its 100 µs are the chain's."""
    return 1.25


# ---- 3: hoisting -----------------------------------------------------------------------------------------------------


def run_hoisted(x, W, U, b):
    """Return every state (T, H) of a tanh layer, with one product for the input of all steps."""
    a, h, states = x @ W.T + b, np.zeros(len(U)), []
    for a_t in a:
        h = np.tanh(a_t + U @ h)
        states.append(h)
    return np.array(states)


def _not_hoisted(x, W, U, b):
    h, states = np.zeros(len(U)), []
    for x_t in x:
        h = np.tanh(W @ x_t + U @ h + b)
        states.append(h)
    return np.array(states)


def _chain_lost(x, W, U, b):
    h = np.tanh(x @ W.T + b)
    return np.tanh(x @ W.T + b + np.vstack([np.zeros(len(U)), h[:-1]]) @ U.T)


def _bias_lost(x, W, U, b):
    return run_hoisted(x, W, U, np.zeros_like(b))


class Counted(np.ndarray):
    """An array that counts how often it is multiplied as a matrix."""

    def __array_finalize__(self, source):
        self.count = getattr(source, "count", None)

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        if ufunc is np.matmul:
            for array in inputs:
                if isinstance(array, Counted):
                    array.count.append(1)
        plain = [array.view(np.ndarray) if isinstance(array, Counted) else array for array in inputs]
        return getattr(ufunc, method)(*plain, **kwargs)

    def __array_function__(self, function, types, args, kwargs):
        if function in (np.dot, np.einsum, np.tensordot, np.inner):
            self.count.append(1)
        plain = [array.view(np.ndarray) if isinstance(array, Counted) else array for array in args]
        return function(*plain, **kwargs)


def states_and_products(answer, x, W, U, b):
    """Return the states, and whether W was multiplied once only."""
    counted = W.copy().view(Counted)
    counted.count = []
    states = answer(x, counted, U, b)
    if states is None or states is ...:  # an empty stub, which the checker meets
        return states
    return states, len(counted.count) <= 1


def _layer(seed, T=6, inputs=3, hidden=4):
    rng = np.random.default_rng(seed)
    shapes = ((T, inputs), (hidden, inputs), (hidden, hidden), (hidden,))
    return tuple(rng.normal(size=shape) for shape in shapes)


# ---- 4: weights on a chip --------------------------------------------------------------------------------------------


def units_for_each(H, gates, itemsize, processors, memory):
    """Return how many units a processor takes when all take part, or 0 where their weights do not fit there."""
    units = -(-H // processors)
    return units if gates * units * H * itemsize <= memory else 0


def _spread_evenly(H, gates, itemsize, processors, memory):
    units = H // processors
    return units if gates * units * H * itemsize <= memory else 0


def _one_gate(H, gates, itemsize, processors, memory):
    return units_for_each(H, 1, itemsize, processors, memory)


def _numbers_for_bytes(H, gates, itemsize, processors, memory):
    return units_for_each(H, gates, 1, processors, memory)


def _whole_chip(H, gates, itemsize, processors, memory):
    units = -(-H // processors)
    return units if gates * H * H * itemsize <= processors * memory else 0


# ---- 5: the best batch -----------------------------------------------------------------------------------------------


def best_batch(times, patience):
    """Return the batch with the least time for each sequence, of those whose step takes no longer than `patience`."""
    allowed = {B: step for B, step in times.items() if step <= patience}
    return min(allowed, key=lambda B: allowed[B] / B)


def _largest_allowed(times, patience):
    return max(B for B, step in times.items() if step <= patience)


def _fastest_step(times, patience):
    return min(times, key=times.get)


def _no_patience(times, patience):
    return min(times, key=lambda B: times[B] / B)


_TIMES = {1: 5.0, 2: 7.0, 4: 8.0, 8: 12.0, 16: 20.0, 32: 44.0, 64: 90.0}

EXERCISES = (
    Exercise(
        name="speed/1",
        title="What a step reads",
        kind="value",
        solution=one_sequence,
        mistakes=(
            Mistake((512 * 512 * 4, 2 * 512 * 512, 0.5), "That is one gate. An LSTM has four blocks of H rows."),
            Mistake((4 * 512 * 512, 8 * 512 * 512, 2.0), "You counted numbers. In float32 each of them is four bytes."),
            Mistake(
                (16 * 512 * 512, 4 * 512 * 512, 0.25), "A weight is multiplied and added: two operations for each."
            ),
        ),
        hint="4 H rows of H weights; 4 bytes and, for one sequence, one multiplication and one addition for each.",
    ),
    Exercise(
        name="speed/2",
        title="The chain's bound",
        kind="value",
        solution=most_gained,
        mistakes=(
            Mistake(5.0, "That is what you get when the chain's 80 µs go away. Here the other 20 do."),
            Mistake(0.8, "That is the share that stays. How often does it fit into the whole?"),
            Mistake(1.2, "20 µs less is 20 % of the time, but 100/80 of the speed."),
        ),
        hint="However fast the products become, the 80 µs stay. How often do they fit into 100?",
    ),
    Exercise(
        name="speed/3",
        title="Hoisting",
        solution=run_hoisted,
        observe=states_and_products,
        kind="function",
        cases=(case(*_layer(0, 2, 1, 1)), case(*_layer(1)), case(*_layer(2, 9, 2, 5))),
        mistakes=(
            Mistake(_not_hoisted, "The states are right, but W is multiplied once a step. x @ W.T needs no loop."),
            Mistake(_chain_lost, "The input product may leave the loop. U @ h may not: it waits for the step before."),
            Mistake(_bias_lost, "The bias is missing. It, too, does not wait for h, so it can be added in advance."),
        ),
        hint="a = x @ W.T + b has a row for each step. The loop then needs U @ h and the tanh only.",
    ),
    Exercise(
        name="speed/4",
        title="Weights on a chip",
        solution=units_for_each,
        cases=(
            case(100, 4, 2, 10, 8_000),
            case(100, 4, 2, 10, 3_000),
            case(100, 2, 4, 10, 3_000),
            case(768, 4, 2, 132, 232_448),
            case(2048, 4, 2, 132, 232_448),
            case(1950, 4, 2, 132, 232_448),
        ),
        mistakes=(
            Mistake(_spread_evenly, "Rounded down, some units have no processor. Round up."),
            Mistake(_one_gate, "Each unit has a row of weights for every gate, not just one row."),
            Mistake(_numbers_for_bytes, "You compared numbers with bytes. A number takes `itemsize` of them."),
            Mistake(_whole_chip, "The chip as a whole may hold them, but a unit's rows cannot be cut in two here."),
        ),
        hint="How many units does the fullest processor take? It holds `gates` rows of H numbers for each.",
    ),
    Exercise(
        name="speed/5",
        title="The best batch",
        solution=best_batch,
        cases=(case(_TIMES, 50.0), case(_TIMES, 10.0), case(_TIMES, 1000.0), case({1: 3.0, 8: 4.0}, 3.5)),
        mistakes=(
            Mistake(
                _largest_allowed, "The largest batch is not always the cheapest: look at the time of each sequence."
            ),
            Mistake(_fastest_step, "The fastest step serves one sequence. Divide by the batch before you compare."),
            Mistake(_no_patience, "That is the cheapest, but its step takes longer than you may wait."),
        ),
        hint="Leave out the batches whose step takes too long, and compare step / B of the rest.",
    ),
)
