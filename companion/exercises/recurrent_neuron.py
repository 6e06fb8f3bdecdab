"""The exercises of the chapter on the recurrent neuron: a half-life, a bit, resting states, a line for the sun."""

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case

# ---- 1: a leaky average with a given half-life -----------------------------------------------------------------------


def leaky_average(half_life):
    """Return the input weight and the recurrent weight."""
    u = 0.5 ** (1 / half_life)
    return 1 - u, u


def _no_scaling(half_life):
    return 1.0, 0.5 ** (1 / half_life)


def _time_constant(half_life):
    u = np.exp(-1 / half_life)
    return 1 - u, u


def _divided(half_life):
    return 1 - 0.5 / half_life, 0.5 / half_life


def _swapped(half_life):
    w, u = leaky_average(half_life)
    return u, w


# ---- 2: a neuron that keeps one bit ----------------------------------------------------------------------------------


def latch():
    """Return the input weight, the recurrent weight and the bias."""
    return 5.0, 3.0, 0.0


def last_bit(weights, x):
    """Run a tanh neuron from state 0 and read its last state: 1 above 0.5, -1 below -0.5, else 0."""
    w, u, b = weights
    h = 0.0
    for x_t in x:
        h = np.tanh(w * x_t + u * h + b)
    return int(np.sign(h)) if abs(h) > 0.5 else 0


_SET = np.eye(1, 32)[0]
_SET_RESET = np.concatenate([_SET, -_SET])
_SET_NOISE = np.concatenate([_SET, np.full(40, -0.2)])
_RESET_NOISE = -_SET_NOISE


# ---- 3: where a neuron comes to rest ---------------------------------------------------------------------------------


def resting_states(u, b):
    """Return the states that a neuron without input settles in, in rising order."""
    low, high = -1.0, 1.0
    for _ in range(2000):
        low, high = np.tanh(u * low + b), np.tanh(u * high + b)
    return np.array([low]) if np.isclose(low, high) else np.array([low, high])


def _from_zero_only(u, b):
    h = 0.0
    for _ in range(2000):
        h = np.tanh(u * h + b)
    return np.array([h])


def _never_merged(u, b):
    low, high = -1.0, 1.0
    for _ in range(2000):
        low, high = np.tanh(u * low + b), np.tanh(u * high + b)
    return np.array([low, high])


def _bias_outside(u, b):
    low, high = -1.0, 1.0
    for _ in range(2000):
        low, high = np.tanh(u * low) + b, np.tanh(u * high) + b
    return np.array([low]) if np.isclose(low, high) else np.array([low, high])


# ---- 4: a line for the sun -------------------------------------------------------------------------------------------


def linear_forecast(values, order, train):
    """Return the forecasts of `values[train:]`, each from the `order` values before it."""
    past = np.lib.stride_tricks.sliding_window_view(values[:-1], order)
    rows = np.column_stack([past, np.ones(len(past))])
    known = train - order  # row r forecasts values[r + order]
    weights = np.linalg.lstsq(rows[:known], values[order:train], rcond=None)[0]
    return rows[known:] @ weights


def _no_constant(values, order, train):
    past = np.lib.stride_tricks.sliding_window_view(values[:-1], order)
    weights = np.linalg.lstsq(past[: train - order], values[order:train], rcond=None)[0]
    return past[train - order :] @ weights


def _fitted_on_everything(values, order, train):
    past = np.lib.stride_tricks.sliding_window_view(values[:-1], order)
    rows = np.column_stack([past, np.ones(len(past))])
    weights = np.linalg.lstsq(rows, values[order:], rcond=None)[0]
    return rows[train - order :] @ weights


def _one_row_late(values, order, train):
    past = np.lib.stride_tricks.sliding_window_view(values, order)
    rows = np.column_stack([past, np.ones(len(past))])
    weights = np.linalg.lstsq(rows[: train - order], values[order:train], rcond=None)[0]
    return rows[train - order + 1 :] @ weights


def _fed_with_itself(values, order, train):
    past = np.lib.stride_tricks.sliding_window_view(values[:-1], order)
    rows = np.column_stack([past, np.ones(len(past))])
    weights = np.linalg.lstsq(rows[: train - order], values[order:train], rcond=None)[0]
    known = list(values[:train])
    for _ in values[train:]:
        known.append(np.dot(weights[:-1], known[-order:]) + weights[-1])
    return np.array(known[train:])


_WAVE = 10 + 5 * np.sin(np.arange(12.0)) + np.arange(12.0) % 3
_NOISE = np.random.default_rng(0).normal(3, 1, size=40)

EXERCISES = (
    Exercise(
        name="recurrent-neuron/1",
        title="A leaky average",
        solution=leaky_average,
        cases=(case(1.0), case(2.0), case(10.0), case(0.5)),
        mistakes=(
            Mistake(
                _no_scaling, "With w = 1 a constant input of 1 piles up to 1 / (1 - u). Which w brings that back to 1?"
            ),
            Mistake(
                _time_constant, "You used exp(-1 / half_life): after that many steps 1/e of the trace is left, not 1/2."
            ),
            Mistake(
                _divided,
                "The trace is multiplied by u at every step: solve u ** half_life = 1/2, which is not a division.",
            ),
            Mistake(_swapped, "Your two numbers are right and in the wrong order: the input weight w comes first."),
        ),
        hint="The trace left after k steps is u ** k. A constant input of 1 ends at w / (1 - u).",
    ),
    Exercise(
        name="recurrent-neuron/2",
        title="One bit, by hand",
        kind="value",
        solution=latch,
        observe=last_bit,
        cases=(case(_SET), case(_SET_RESET), case(_SET_NOISE), case(_RESET_NOISE)),
        mistakes=(
            Mistake((1.0, 0.9, 0.0), "The pulse was forgotten. What does the recurrent weight have to be larger than?"),
            Mistake((5.0, 3.0, -2.0), "The bias pulls the bit to one side. Both values should be equally safe."),
            Mistake(
                (5.0, -3.0, 0.0), "A negative recurrent weight turns the state over at every step: a bit that blinks."
            ),
            Mistake(
                (1.0, 2.0, 0.0),
                "The second pulse did not turn the bit over: w has to beat what the loop sends back, u h*.",
            ),
            Mistake(
                (20.0, 2.0, 0.0),
                "The noise of 0.2 turned the bit over: w times 0.2 has to stay below the fold of your u.",
            ),
        ),
        hint="Choose u first, well above 1. Then w: so large that a pulse turns the bit, so small that 0.2 does not.",
    ),
    Exercise(
        name="recurrent-neuron/3",
        title="Where it comes to rest",
        solution=resting_states,
        cases=(case(0.5, 0.2), case(2.0, 0.0), case(2.0, 0.4), case(2.0, 0.6), case(1.5, -0.1)),
        mistakes=(
            Mistake(
                _from_zero_only,
                "A start at 0 finds one state at most, and for b = 0 one that does not hold. Start at both ends.",
            ),
            Mistake(_never_merged, "Where both ends run to the same state there is one resting state: return it once."),
            Mistake(_bias_outside, "The bias is added before the tanh: it moves what goes in, not what comes out."),
        ),
        hint="Run the neuron without input from h = -1 and from h = 1 for a long time: have the two met?",
        rtol=1e-6,
        atol=1e-7,
    ),
    Exercise(
        name="recurrent-neuron/4",
        title="A line for the sun",
        solution=linear_forecast,
        cases=(case(_WAVE, 1, 8), case(_WAVE, 2, 9), case(_NOISE, 3, 30)),
        mistakes=(
            Mistake(
                _no_constant,
                "Without a constant the line goes through 0: the sun has about 43 spots in a usual year, not none.",
            ),
            Mistake(
                _fitted_on_everything,
                "The weights were fitted on the test years too. Use rows whose target lies before `train` only.",
            ),
            Mistake(_one_row_late, "Each forecast has seen the value that it forecasts. Shift the windows by one."),
            Mistake(
                _fed_with_itself,
                "You fed the forecasts back in. Here every forecast may use the true values of the years before it.",
            ),
        ),
        hint="One row a year: the `order` values before it and a 1. Fit the rows before `train` with np.linalg.lstsq.",
        rtol=1e-7,
    ),
)
