"""The exercises of the chapter on a basic network: p − 1 by hand, counting, lengths, a masked loss, early answers."""

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case

Array = np.ndarray

# ---- 1: the gradient of softmax cross-entropy, with a pencil ---------------------------------------------------------


def pencil_gradient():
    """Return the loss and its gradient for the scores ln 1, ln 2, ln 5 when class 1 is right."""
    return np.log(4), 1 / 8, 2 / 8 - 1, 5 / 8


# ---- 2: count the parameters -----------------------------------------------------------------------------------------


def count_parameters(input_size, hidden_size, classes):
    """Return the number of parameters of a recurrent layer with two biases and of the dense layer behind it."""
    layer = hidden_size * input_size + hidden_size * hidden_size + 2 * hidden_size
    dense = classes * hidden_size + classes
    return layer, dense


def _one_bias(input_size, hidden_size, classes):
    return hidden_size * (input_size + hidden_size + 1), classes * (hidden_size + 1)


def _dense_without_bias(input_size, hidden_size, classes):
    return hidden_size * (input_size + hidden_size + 2), classes * hidden_size


def _dense_on_inputs(input_size, hidden_size, classes):
    return hidden_size * (input_size + hidden_size + 2), classes * (input_size + 1)


def _dense_every_step(input_size, hidden_size, classes):
    return hidden_size * (input_size + hidden_size + 2), 8 * classes * (hidden_size + 1)


# ---- 3: the last output that counts ----------------------------------------------------------------------------------


def last_outputs(y, lengths):
    """Return the output at each sequence's last step, (B, H), out of (T, B, H)."""
    return y[lengths - 1, np.arange(len(lengths))]


def _last_column(y, lengths):
    return y[-1]


def _one_too_far(y, lengths):
    return y[np.minimum(lengths, len(y) - 1), np.arange(len(lengths))]


def _mean_over_all(y, lengths):
    return y.mean(axis=0)


def _batch_first(y, lengths):
    return y[np.minimum(np.arange(len(lengths)), len(y) - 1), np.minimum(lengths - 1, y.shape[1] - 1)]


# ---- 4: a masked loss ------------------------------------------------------------------------------------------------


def masked_loss(logits, targets, lengths):
    """Return the mean cross-entropy over the steps inside the sequences, and its gradient with respect to logits."""
    T, B, classes = logits.shape
    counts = np.arange(T)[:, None] < lengths
    a = logits - logits.max(axis=-1, keepdims=True)
    log_p = a - np.log(np.exp(a).sum(axis=-1, keepdims=True))
    right = np.eye(classes)[targets]
    number = counts.sum()
    loss = -(log_p * right).sum(axis=-1)[counts].sum() / number
    return loss, np.where(counts[..., None], np.exp(log_p) - right, 0) / number


def _no_mask(logits, targets, lengths):
    return masked_loss(logits, targets, np.full(len(lengths), len(logits)))


def _divided_by_all(logits, targets, lengths):
    loss, gradient = masked_loss(logits, targets, lengths)
    share = lengths.sum() / targets.size
    return loss * share, gradient * share


def _gradient_not_masked(logits, targets, lengths):
    everywhere = _no_mask(logits, targets, lengths)[1] * targets.size / lengths.sum()
    return masked_loss(logits, targets, lengths)[0], everywhere


def _mean_of_means(logits, targets, lengths):
    loss, gradient = 0.0, np.zeros_like(logits)
    for b, length in enumerate(lengths):
        own, back = masked_loss(logits[:length, b : b + 1], targets[:length, b : b + 1], np.array([length]))
        loss += own / len(lengths)
        gradient[:length, b : b + 1] = back / len(lengths)
    return loss, gradient


def _sum_for_mean(logits, targets, lengths):
    loss, gradient = masked_loss(logits, targets, lengths)
    return loss * lengths.sum(), gradient * lengths.sum()


# ---- 5: early answers ------------------------------------------------------------------------------------------------


def early_answers(p, threshold):
    """Return, for each sequence, the class named and the steps read, stopping once a class has `threshold`."""
    sure = p.max(axis=-1) >= threshold
    stop = np.where(sure.any(axis=0), sure.argmax(axis=0), len(p) - 1)
    answer = p[stop, np.arange(p.shape[1])].argmax(axis=-1)
    return answer, stop + 1


def _never_sure_stops_at_once(p, threshold):
    stop = (p.max(axis=-1) >= threshold).argmax(axis=0)
    return p[stop, np.arange(p.shape[1])].argmax(axis=-1), stop + 1


def _steps_from_zero(p, threshold):
    answer, read = early_answers(p, threshold)
    return answer, read - 1


def _answer_of_the_end(p, threshold):
    return p[-1].argmax(axis=-1), early_answers(p, threshold)[1]


def _all_sequences_together(p, threshold):
    sure = (p.max(axis=-1) >= threshold).all(axis=1)
    stop = sure.argmax() if sure.any() else len(p) - 1
    return p[stop].argmax(axis=-1), np.full(p.shape[1], stop + 1)


_RNG = np.random.default_rng(0)
_Y = np.arange(12.0).reshape(3, 2, 2)
_LONG = _RNG.normal(size=(7, 5, 3))
_LENGTHS = np.array([7, 1, 4, 6, 2])
_LOGITS = 2 * _RNG.normal(size=(7, 5, 4))
_TARGETS = _RNG.integers(4, size=(7, 5))
_SURE = np.array([[[0.5, 0.5], [0.9, 0.1]], [[0.4, 0.6], [0.3, 0.7]], [[0.05, 0.95], [0.2, 0.8]]])
_VAGUE = np.array([[[0.5, 0.3, 0.2]], [[0.2, 0.6, 0.2]], [[0.3, 0.3, 0.4]]])


def _probabilities(sharpness: float) -> Array:
    scores = np.exp(sharpness * _RNG.normal(size=(8, 30, 10)).cumsum(axis=0))
    return scores / scores.sum(axis=-1, keepdims=True)


EXERCISES = (
    Exercise(
        name="basic-network/1",
        title="p − 1 by hand",
        kind="value",
        solution=pencil_gradient,
        mistakes=(
            Mistake(
                (np.log(4), 1 / 8, 2 / 8, 5 / 8),
                "Those are the probabilities. The gradient takes 1 off the one of the right class.",
            ),
            Mistake(
                (np.log(4), -1 / 8, 1 - 2 / 8, -5 / 8),
                "The sign is turned: that is the way down. A wrong class's score must have a positive slope.",
            ),
            Mistake(
                (-np.log(4), 1 / 8, 2 / 8 - 1, 5 / 8),
                "The gradient is right. The loss is minus the logarithm of a probability, so it is not negative.",
            ),
            Mistake(
                (2.0, 1 / 8, 2 / 8 - 1, 5 / 8),
                "The gradient is right. Logarithms are natural here; you took the loss in bits.",
            ),
        ),
        hint="exp(ln 5) is 5. Divide the three numbers by their sum: these are the probabilities. Then take off the 1.",
    ),
    Exercise(
        name="basic-network/2",
        title="Counting the reader",
        solution=count_parameters,
        cases=(case(8, 64, 10), case(26, 64, 11), case(1, 1, 2)),
        mistakes=(
            Mistake(_one_bias, "PyTorch keeps two biases in the recurrent layer; the dense layer has one."),
            Mistake(_dense_without_bias, "The dense layer has a bias too, one number a class."),
            Mistake(_dense_on_inputs, "The dense layer reads the state, H numbers, and not the input."),
            Mistake(_dense_every_step, "One dense layer serves all steps, as one set of recurrent weights does."),
        ),
        hint="W is H by I, U is H by H, two biases of H. V is classes by H, and has a bias of one number a class.",
    ),
    Exercise(
        name="basic-network/3",
        title="The last output that counts",
        solution=last_outputs,
        cases=(
            case(_Y, np.array([3, 1])),
            case(_LONG, _LENGTHS),
            case(_LONG, np.full(5, 7)),
        ),
        mistakes=(
            Mistake(_last_column, "That is the last step of the array. Most sequences have ended before it."),
            Mistake(_one_too_far, "Steps count from 0: a sequence of length 3 has its last output at step 2."),
            Mistake(_mean_over_all, "That is a mean over all steps, those past the end among them."),
            Mistake(_batch_first, "Time is the first axis of y and the batch the second."),
        ),
        hint="Index with two arrays at once: y[steps, sequences] takes one output for each pair.",
    ),
    Exercise(
        name="basic-network/4",
        title="A masked loss",
        solution=masked_loss,
        cases=(
            case(np.zeros((2, 2, 2)), np.array([[0, 1], [1, 0]]), np.array([2, 1])),
            case(_LOGITS, _TARGETS, _LENGTHS),
            case(_LOGITS * 400, _TARGETS, _LENGTHS),
        ),
        mistakes=(
            Mistake(_no_mask, "The steps past the end count in your loss. There is no right answer there."),
            Mistake(_divided_by_all, "The mask is right. Divide by the steps that count, not by T times B."),
            Mistake(_gradient_not_masked, "The loss is masked and its gradient is not: past the end it has to be 0."),
            Mistake(
                _mean_of_means,
                "You took a mean for every sequence and then the mean of these, so a step of a short sequence weighs "
                "more. Here every step weighs the same.",
            ),
            Mistake(_sum_for_mean, "That is the sum over the steps that count. Divide by their number."),
        ),
        hint="counts = np.arange(T)[:, None] < lengths says which steps count; the rest is p minus one-hot.",
    ),
    Exercise(
        name="basic-network/5",
        title="Early answers",
        solution=early_answers,
        cases=(case(_SURE, 0.7), case(_VAGUE, 0.9), case(_probabilities(0.7), 0.8), case(_probabilities(0.3), 0.9)),
        mistakes=(
            Mistake(
                _never_sure_stops_at_once,
                "A sequence whose network is never sure has to be read to the end; argmax of nothing but False is 0.",
            ),
            Mistake(_steps_from_zero, "Stopping at step 0 means that one step was read, not none."),
            Mistake(_answer_of_the_end, "The answer has to be the one at the stop. You looked at the end."),
            Mistake(_all_sequences_together, "Each sequence stops for itself, and not when the last one is sure."),
        ),
        hint="(p.max(axis=-1) >= threshold).argmax(axis=0) is the first step that is sure, where there is one.",
    ),
)
