"""Exercises that exist for the tests of the checker only."""

import numpy as np

from companion.exercises import Exercise, Mistake, case


def leaky(x, w):
    h, y = 0.0, []
    for x_t in x:
        h = w * h + (1 - w) * x_t
        y.append(h)
    return np.array(y)


def _unscaled(x, w):
    h, y = 0.0, []
    for x_t in x:
        h = w * h + x_t
        y.append(h)
    return np.array(y)


def _transposed(x, w):
    return leaky(x, w)[:, None]


def _integers(x, w):
    return leaky(x, w).astype(int)


def _a_list(x, w):
    return leaky(x, w).tolist()


def _in_place(x, w):
    y = leaky(x, w)
    x[:] = y
    return y


def _refuses(x, w):
    raise ZeroDivisionError


def _last_only(x, w):
    return leaky(x, w)[-1]


def _constant(x, w):
    return np.full(len(x), 0.5)


def weights():
    return 1.0, -2.0


def rolls(rng, n):
    return rng.integers(6, size=n)


def twice(step, x):
    return step(step(x))


EXERCISES = (
    Exercise(
        name="toy/1",
        title="A leaky average",
        solution=leaky,
        cases=(case(np.ones(2), 0.5), case(np.array([1.0, -2.0, 3.0]), w=0.9), case(np.zeros(0), 0.1)),
        mistakes=(
            Mistake(_unscaled, "Scale the input by 1 - w."),
            Mistake(_transposed, "One number a step, no second axis."),
            Mistake(_integers, "Whole numbers cannot hold an average."),
            Mistake(_a_list, "Wrap it in np.array."),
            Mistake(_in_place, "Do not write into x."),
            Mistake(_refuses, "Nothing is divided here."),
            Mistake(_last_only, "Keep every step, not only the last."),
            Mistake(_constant, "Let the state move."),
        ),
        hint="Write the line of one step first.",
    ),
    Exercise(
        name="toy/2",
        title="Weights that give zero sum with (2, 1)",
        kind="value",
        solution=weights,
        observe=lambda answer, x: float(np.dot(answer, x)),
        cases=(case(np.array([2.0, 1.0])), case(np.array([4.0, 2.0]))),
        mistakes=(Mistake((1.0, 2.0), "Mind the sign."),),
        hint="The two shares must cancel.",
    ),
    Exercise(
        name="toy/3",
        title="A number",
        kind="value",
        solution=lambda: 0.25,
        mistakes=(Mistake(0.5, "Square it."), Mistake(lambda: 2.0, "Invert it.")),
        hint="Draw it.",
    ),
    Exercise(name="toy/4", title="Dice", solution=rolls, cases=(case(np.random.default_rng(0), 3),)),
    Exercise(name="toy/5", title="Twice", solution=twice, cases=(case(np.negative, 2.0),)),
    Exercise(
        name="toy/6",
        title="A step function",
        solution=lambda h, x_t: 0.5 * h + x_t,
        observe=lambda step, x: step(step(0.0, x), x),
        cases=(case(1.0), case(2.0)),
        mistakes=(Mistake(lambda h, x_t: h + x_t, "Halve the state."),),
    ),
    Exercise(
        name="toy/7",
        title="Three times as much",
        solution=lambda x: 3 * x,
        cases=(case(2.0), case(3.0)),
        mistakes=(
            Mistake(lambda x: x + 2, "Add it twice to itself, not 2."),
            Mistake(lambda x: x * x, "Multiply by 3, not by itself."),
        ),
    ),
)
