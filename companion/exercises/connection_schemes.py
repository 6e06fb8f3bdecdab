"""The exercises of the chapter on connection schemes: two pasts, two loops, cost, ends, a fading teacher."""

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case

# ---- 1: two pasts that a taught output loop cannot tell apart --------------------------------------------------------


def two_pasts():
    """Return two streams of four bits that look alike to a taught output loop and need different answers."""
    return [0, 0, 1, 1], [0, 1, 1, 1]


def told_apart(pasts):
    """What the network reads at the last step of each stream, and what it should answer, for an echo of lag 2."""
    return [
        {"reads x": int(bits[3]), "reads the right answer of step 2": int(bits[0]), "must answer": int(bits[1])}
        for bits in pasts
    ]


def alike_and_apart(pasts):
    """Say whether both streams are of bits, are alike to the network at step 3, and need different answers there."""
    bits = np.asarray(pasts)
    if bits.shape != (2, 4) or not np.isin(bits, (0, 1)).all():
        return "expected two streams of four bits each"
    one, other = told_apart(bits)
    reads = [key for key in one if key.startswith("reads")]
    return {
        "it reads the same": all(one[key] == other[key] for key in reads),
        "the right answers differ": one["must answer"] != other["must answer"],
    }


# ---- 2: the output loop as a hidden loop -----------------------------------------------------------------------------


def as_hidden(U, V, b, d):
    """Return the recurrent matrix and the bias of the hidden loop that is the same as this output loop."""
    return U @ V, b + U @ d


def _other_order(U, V, b, d):
    return V @ U, b + U @ d


def _output_bias_forgotten(U, V, b, d):
    return U @ V, b


def _output_bias_raw(U, V, b, d):
    return U @ V, b + d


def _transposed(U, V, b, d):
    return (U @ V).T, b + U @ d


# ---- 3: what a step costs --------------------------------------------------------------------------------------------


def multiply_adds(I, H, O):  # noqa: E741
    """Return the multiply-adds of a step of the hidden loop and of the output loop, heads included."""
    return H * I + H * H + O * H, H * I + H * O + O * H


def _no_head(I, H, O):  # noqa: E741
    return H * I + H * H, H * I + H * O


def _output_loop_keeps_the_square(I, H, O):  # noqa: E741
    return H * I + H * H + O * H, H * I + H * H + H * O + O * H


def _feeds_back_once(I, H, O):  # noqa: E741
    return H * I + H * H + O * H, H * I + O * H


def _with_biases(I, H, O):  # noqa: E741
    return H * I + H * H + O * H + H + O, H * I + 2 * O * H + H + O


# ---- 4: the ends of both directions ----------------------------------------------------------------------------------


def ends(output, lengths):
    """Return (B, 2H): what each direction of a bidirectional layer knows when it has read all of its sequence."""
    H, B = output.shape[-1] // 2, np.arange(output.shape[1])
    return np.concatenate([output[lengths - 1, B, :H], output[0, :, H:]], axis=1)


def _last_of_both(output, lengths):
    return output[lengths - 1, np.arange(output.shape[1])]


def _first_of_both(output, lengths):
    return output[0].copy()


def _padding(output, lengths):
    H = output.shape[-1] // 2
    return np.concatenate([output[-1, :, :H], output[0, :, H:]], axis=1)


def _swapped(output, lengths):
    H = output.shape[-1] // 2
    return np.concatenate([output[0, :, H:], output[lengths - 1, np.arange(output.shape[1]), :H]], axis=1)


def _bidirectional(lengths, H, seed):
    """The outputs of a layer that stands for a trained one: random numbers, 0 where a sequence has ended."""
    rng = np.random.default_rng(seed)
    T = max(lengths) + 1  # padded one step further than the longest
    output = rng.normal(size=(T, len(lengths), 2 * H)).round(3)
    return output * (np.arange(T)[:, None] < np.array(lengths))[..., None]


# ---- 5: a teacher who fades out --------------------------------------------------------------------------------------


def mixed(targets, outputs, share, rng):
    """Return what the steps are to read: the right answer in a share of the places (t, b), else the network's own."""
    keep = rng.random(targets.shape[:2]) < share
    return np.where(keep[..., None], targets, outputs)


def _the_other_way_round(targets, outputs, share, rng):
    keep = rng.random(targets.shape[:2]) < share
    return np.where(keep[..., None], outputs, targets)


def _every_number_alone(targets, outputs, share, rng):
    return np.where(rng.random(targets.shape) < share, targets, outputs)


def _averaged(targets, outputs, share, rng):
    return share * targets + (1 - share) * outputs


def _whole_sequences(targets, outputs, share, rng):
    return np.where(rng.random(targets.shape[1])[:, None] < share, targets, outputs)


_RIGHT = np.arange(24.0).reshape(4, 3, 2)
_OWN = -1 - _RIGHT

EXERCISES = (
    Exercise(
        name="connection-schemes/1",
        title="Two pasts that it cannot tell apart",
        solution=two_pasts,
        kind="value",
        observe=alike_and_apart,
        mistakes=(
            Mistake(
                ([0, 0, 1, 1], [0, 0, 0, 1]),
                "These two need the same answer: the echo of lag 2 at step 3 is the bit of step 1, so that one must "
                "differ.",
            ),
            Mistake(
                ([0, 0, 1, 0], [0, 1, 1, 1]),
                "The network can tell these apart: at step 3 it reads the bit of step 3 and the right answer of step "
                "2, which is the bit of step 0. Both must be the same.",
            ),
            Mistake(
                ([0, 0, 1, 1], [1, 0, 1, 0]),
                "It reads different things and should answer the same: the other way round is asked for.",
            ),
        ),
        hint="Write down for step 3 what the network reads, and which bit it has to say. Which bit is in neither?",
    ),
    Exercise(
        name="connection-schemes/2",
        title="One loop as the other",
        solution=as_hidden,
        cases=(
            case(np.array([[2.0], [1.0]]), np.array([[0.5, -1.0]]), np.zeros(2), np.array([3.0])),
            case(
                np.array([[1.0, 2.0], [0.0, 1.0]]),
                np.array([[0.5, 0.0], [1.0, -1.0]]),
                np.array([0.1, 0.2]),
                np.array([1.0, -2.0]),
            ),
            case(np.arange(6.0).reshape(3, 2), np.ones((2, 3)), np.ones(3), np.array([0.0, 1.0])),
        ),
        mistakes=(
            Mistake(_other_order, "That product is O by O. The state goes through V first: U (V h), so U V."),
            Mistake(
                _output_bias_forgotten,
                "The output that comes back is V h + d. Its d goes through U as well, at every step.",
            ),
            Mistake(_output_bias_raw, "d is added to the outputs. It reaches the hidden units through U."),
            Mistake(_transposed, "Rows are the units that receive: no transposition is needed."),
        ),
        hint="Put y_{t-1} = V h_{t-1} + d into the equation of the state and collect what multiplies h_{t-1}.",
    ),
    Exercise(
        name="connection-schemes/3",
        title="What a step costs",
        solution=multiply_adds,
        cases=(case(1, 1, 1), case(4, 64, 4), case(2, 3, 10)),
        mistakes=(
            Mistake(_no_head, "The outputs are made in both networks: V h takes O H more."),
            Mistake(
                _output_loop_keeps_the_square, "In the output loop no state comes back: there is no H by H matrix."
            ),
            Mistake(_feeds_back_once, "U takes the O outputs to the H units: H O more, beside the O H of V."),
            Mistake(_with_biases, "A bias is an addition without a multiplication: leave them out."),
        ),
        hint="A matrix with m rows and n columns times a vector takes m n multiply-adds. Which matrices are there?",
    ),
    Exercise(
        name="connection-schemes/4",
        title="The ends of both directions",
        solution=ends,
        cases=(
            case(_bidirectional([2], 1, 0), np.array([2])),
            case(_bidirectional([5, 2, 3], 2, 1), np.array([5, 2, 3])),
            case(_bidirectional([1, 4], 3, 2), np.array([1, 4])),
        ),
        mistakes=(
            Mistake(
                _last_of_both,
                "At a sequence's last step the reverse half has read one step only. It ends at step 0.",
            ),
            Mistake(_first_of_both, "At step 0 the forward half has read one step only. It ends at the last step."),
            Mistake(_padding, "The last row is padding for the shorter sequences: take each at its own length."),
            Mistake(_swapped, "Right numbers in the wrong order: the forward half comes first."),
        ),
        hint="The first H features are the forward half. Where does each half end, for a sequence of n steps?",
    ),
    Exercise(
        name="connection-schemes/5",
        title="A teacher who fades out",
        solution=mixed,
        cases=(
            case(_RIGHT, _OWN, 0.5, np.random.default_rng(0)),
            case(_RIGHT, _OWN, 0.8, np.random.default_rng(1)),
            case(_RIGHT[:, :1], _OWN[:, :1], 0.25, np.random.default_rng(2)),
        ),
        mistakes=(
            Mistake(
                _the_other_way_round, "`share` is the share of right answers: where the draw is below it, targets."
            ),
            Mistake(
                _every_number_alone,
                "An output is one thing: draw once for each place (t, b) and take all of its features together.",
            ),
            Mistake(_averaged, "No step should read a mean of both: it would be something that nobody said."),
            Mistake(_whole_sequences, "Draw for every step of a sequence anew, not once for all of them."),
        ),
        hint="Draw rng.random((T, B)), compare it with the share, and let np.where choose.",
    ),
)
