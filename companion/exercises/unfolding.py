"""The exercises of the chapter on unfolding: shares by hand, a scan, counting weights and memory, tying copies."""

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case

# ---- 1: the shares of three copies, with a pencil --------------------------------------------------------------------


def pencil_shares():
    """Return the shares of the copies u_0, u_1, u_2 in the gradient, and their sum."""
    h_0 = 1 + 2 * 1
    h_1 = 1 + 2 * h_0
    return 2 * 2 * 1, 2 * h_0, h_1, 2 * 2 * 1 + 2 * h_0 + h_1


# ---- 2: unroll any cell ----------------------------------------------------------------------------------------------


def unroll(step, state, x):
    """Return the outputs of all steps as a list, and the last state."""
    outputs = []
    for x_t in x:
        y_t, state = step(x_t, state)
        outputs.append(y_t)
    return outputs, state


def _always_from_the_start(step, state, x):
    outputs, last = [], state
    for x_t in x:
        y_t, last = step(x_t, state)
        outputs.append(y_t)
    return outputs, last


def _last_output_only(step, state, x):
    outputs = []
    for x_t in x:
        y_t, state = step(x_t, state)
        outputs = [y_t]
    return outputs, state


def _states_for_outputs(step, state, x):
    outputs = []
    for x_t in x:
        _, state = step(x_t, state)
        outputs.append(state)
    return outputs, state


def _output_handed_on(step, state, x):
    outputs = []
    for x_t in x:
        y_t, after = step(x_t, state)
        state = y_t
        outputs.append(y_t)
    return outputs, after


def running_mean(x_t, state):
    """A cell without weights: the mean of all it has read. Its state is a pair (sum, count), its output the mean."""
    total, count = state[0] + x_t, state[1] + 1
    return total / count, (total, count)


def neuron(x_t, h):
    """The neuron of the last chapter, with w = 1 and u = 0.5: output and state are the same number."""
    h = float(np.tanh(x_t + 0.5 * h))
    return h, h


def latest_two(x_t, state):
    """A cell that keeps the last two inputs and says their difference."""
    return x_t - state[1], (state[1], x_t)


# ---- 3: count the parameters -----------------------------------------------------------------------------------------


def count_parameters(input_size, hidden_size, T):
    """Return the number of parameters of a recurrent layer, and of T layers with weights of their own."""
    layer = hidden_size * input_size + hidden_size * hidden_size + 2 * hidden_size
    return layer, T * layer


def _one_bias(input_size, hidden_size, T):
    layer = hidden_size * input_size + hidden_size**2 + hidden_size
    return layer, T * layer


def _no_bias(input_size, hidden_size, T):
    layer = hidden_size * input_size + hidden_size**2
    return layer, T * layer


def _shared_times_T(input_size, hidden_size, T):
    layer = hidden_size * input_size + hidden_size**2 + 2 * hidden_size
    return T * layer, T * layer


def _biases_unshared_once(input_size, hidden_size, T):
    layer = hidden_size * input_size + hidden_size**2
    return layer + 2 * hidden_size, T * layer + 2 * hidden_size


# ---- 4: the longest sequence that fits -------------------------------------------------------------------------------


def longest_sequence(memory, B, input_size, hidden_size, itemsize=8):
    """Return the largest T whose tape fits in `memory` bytes; 0 where not even one step does."""
    numbers = memory // (itemsize * B) - hidden_size
    return max(0, numbers // (input_size + hidden_size))


def _first_state_forgotten(memory, B, input_size, hidden_size, itemsize=8):
    return max(0, memory // (itemsize * B * (input_size + hidden_size)))


def _inputs_forgotten(memory, B, input_size, hidden_size, itemsize=8):
    return max(0, memory // (itemsize * B * hidden_size) - 1)


def _one_sequence(memory, B, input_size, hidden_size, itemsize=8):
    return longest_sequence(memory, 1, input_size, hidden_size, itemsize)


def _numbers_for_bytes(memory, B, input_size, hidden_size, itemsize=8):
    return longest_sequence(memory, B, input_size, hidden_size, 1)


def _not_whole(memory, B, input_size, hidden_size, itemsize=8):
    return max(0.0, (memory / (itemsize * B) - hidden_size) / (input_size + hidden_size))


# ---- 5: keep the copies copies ---------------------------------------------------------------------------------------


def tied_step(weights, gradients, rate):
    """Return the copies after one step of gradient descent that the shared weight would have made."""
    total = sum(gradients)
    return [weight - rate * total for weight in weights]


def _each_its_own(weights, gradients, rate):
    return [weight - rate * gradient for weight, gradient in zip(weights, gradients, strict=True)]


def _mean_instead(weights, gradients, rate):
    return [weight - rate * sum(gradients) / len(gradients) for weight in weights]


def _last_share(weights, gradients, rate):
    return [weight - rate * gradients[-1] for weight in weights]


def _uphill(weights, gradients, rate):
    return [weight + rate * sum(gradients) for weight in weights]


_RNG = np.random.default_rng(0)
_COPY = _RNG.normal(size=(2, 2))
_SHARES = [_RNG.normal(size=(2, 2)) for _ in range(4)]

EXERCISES = (
    Exercise(
        name="unfolding/1",
        title="Shares by hand",
        kind="value",
        solution=pencil_shares,
        mistakes=(
            Mistake((7, 6, 4, 17), "Your shares are right and in the wrong order: the copy of step 0 comes first."),
            Mistake(
                (1, 3, 7, 11),
                "Those are the states that the copies read. A copy's share is that state times what the later steps "
                "make of it: u once for every step after it.",
            ),
            Mistake(
                (0, 2, 3, 5), "You started from h = 0. Here the state before the first step is 1, and copy 0 reads it."
            ),
            Mistake(
                (17, 17, 17, 51),
                "The whole derivative belongs to the shared u. A copy has only the part of its own step.",
            ),
        ),
        hint="Write h_0, h_1, h_2 down. The share of copy t is the state it reads, times u for each later step.",
    ),
    Exercise(
        name="unfolding/2",
        title="Unroll anything",
        solution=unroll,
        cases=(
            case(running_mean, (0.0, 0), [1.0, 3.0, 8.0]),
            case(neuron, 0.25, [1.0, 0.0, 0.0]),
            case(latest_two, (0.0, 2.0), [5.0, 4.0, 4.0, 7.0]),
            case(neuron, 0.5, []),
        ),
        mistakes=(
            Mistake(
                _always_from_the_start, "Every step starts from the first state. Hand on the state that came back."
            ),
            Mistake(_last_output_only, "Only the last output is there. Keep the outputs of all steps in a list."),
            Mistake(_states_for_outputs, "You kept the states. A cell returns its output first and its state second."),
            Mistake(
                _output_handed_on,
                "You handed the output on where the state belongs. They are the same for a plain neuron only.",
            ),
        ),
        hint="A loop over x with one call of step in it: from x_t and the state to the output and the state.",
    ),
    Exercise(
        name="unfolding/3",
        title="Counting weights",
        solution=count_parameters,
        cases=(case(1, 8, 12), case(3, 5, 1), case(100, 200, 50)),
        mistakes=(
            Mistake(_one_bias, "PyTorch keeps two biases in every layer, one beside W and one beside U."),
            Mistake(_no_bias, "The biases are missing: two of H numbers in every layer."),
            Mistake(_shared_times_T, "The recurrent layer has one set of weights, however long the sequence is."),
            Mistake(_biases_unshared_once, "A layer of its own has biases of its own too: they also count T times."),
        ),
        hint="W has H rows of I numbers, U has H rows of H, and there are two biases of H numbers.",
    ),
    Exercise(
        name="unfolding/4",
        title="What fits",
        solution=longest_sequence,
        cases=(
            case(440, 1, 1, 4),
            case(1_000_000, 32, 28, 128),
            case(2**30, 64, 64, 256, itemsize=4),
            case(1000, 4, 8, 16),
        ),
        mistakes=(
            Mistake(
                _first_state_forgotten,
                "There are T + 1 states: the one before the first step is held too, whatever T is.",
            ),
            Mistake(_inputs_forgotten, "The gradient of W needs the inputs: they are held beside the states."),
            Mistake(_one_sequence, "That is for one sequence. Each of the B sequences leaves its own numbers."),
            Mistake(_numbers_for_bytes, "You counted numbers where the memory is in bytes: each takes `itemsize`."),
            Mistake(_not_whole, "A sequence has a whole number of steps: round down, with // rather than /."),
        ),
        hint="Solve the formula for T: bytes = itemsize * B * (T * I + (T + 1) * H), and round down.",
    ),
    Exercise(
        name="unfolding/5",
        title="Keep the copies copies",
        solution=tied_step,
        cases=(
            case([1.0, 1.0], [0.5, -0.25], 0.1),
            case([_COPY.copy() for _ in _SHARES], _SHARES, 0.01),
            case([np.zeros(3)], [np.ones(3)], 0.5),
        ),
        mistakes=(
            Mistake(
                _each_its_own,
                "Each copy followed its own share, so after this step they are copies no longer.",
            ),
            Mistake(
                _mean_instead,
                "You took the mean of the shares. The gradient of the shared weight is their sum: T times as much.",
            ),
            Mistake(_last_share, "All copies moved by the share of the last one. The others have a say too."),
            Mistake(_uphill, "The sum is right and the sign is not: gradient descent goes downhill."),
        ),
        hint="What does the shared weight move by? Move every copy by that.",
    ),
)
