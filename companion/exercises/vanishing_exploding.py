"""The exercises on vanishing and exploding gradients: three matrices, a half-life, a hump and an exponent."""

import math

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case

# ---- 1: which of them vanish -----------------------------------------------------------------------------------------


def fates():
    """Return, for each matrix, what its gradient does in the long run, and whether it grows at first."""
    return {"A": ("vanishes", True), "B": ("vanishes", False), "C": ("explodes", True)}


_BY_ENTRIES = {"A": ("explodes", True), "B": ("vanishes", False), "C": ("vanishes", False)}
_BY_NORM = {"A": ("explodes", True), "B": ("vanishes", False), "C": ("explodes", True)}
_BY_RADIUS = {"A": ("vanishes", False), "B": ("vanishes", False), "C": ("explodes", True)}
_BY_DETERMINANT = {"A": ("vanishes", True), "B": ("vanishes", False), "C": ("vanishes", True)}

# ---- 2: a half-life in advance ---------------------------------------------------------------------------------------


def sure_to_halve(U, activation):
    """Return the smallest whole number of steps after which the bound is at most a half, or infinity."""
    steepest = {"tanh": 1.0, "sigmoid": 0.25}[activation]
    factor = steepest * np.linalg.norm(U, 2)
    if factor >= 1:
        return math.inf
    return math.ceil(math.log(0.5) / math.log(factor))


def _by_radius(U, activation):
    factor = {"tanh": 1.0, "sigmoid": 0.25}[activation] * np.abs(np.linalg.eigvals(U)).max()
    return math.inf if factor >= 1 else math.ceil(math.log(0.5) / math.log(factor))


def _by_frobenius(U, activation):
    factor = {"tanh": 1.0, "sigmoid": 0.25}[activation] * np.linalg.norm(U)
    return math.inf if factor >= 1 else math.ceil(math.log(0.5) / math.log(factor))


def _always_tanh(U, activation):
    return sure_to_halve(U, "tanh")


def _takes_a_quarter_off(U, activation):
    return sure_to_halve(U if activation == "tanh" else 3 * U, activation)


def _rounded_down(U, activation):
    found = sure_to_halve(U, activation)
    return found if found == math.inf else found - 1


_RNG = np.random.default_rng(0)
_TURN = np.linalg.qr(_RNG.normal(size=(4, 4)))[0]
_GAUSSIAN = _RNG.normal(size=(4, 4))

# ---- 3: a network that explodes only on the way ----------------------------------------------------------------------


def hump():
    """Return a matrix whose powers grow more than tenfold and are below a hundredth after 100 steps."""
    return np.array([[0.9, 3.0], [0.0, 0.9]])


def walked(U):
    """Say of a matrix whether it does what was asked, one thing at a time."""
    if not isinstance(U, np.ndarray) or U.shape != (2, 2) or U.dtype.kind not in "if":
        return U
    norms = [np.linalg.norm(np.linalg.matrix_power(U.astype(float), k), 2) for k in range(101)]
    return {
        "no entry above 3": bool(np.abs(U).max() <= 3),
        "grows more than tenfold": bool(max(norms) > 10),
        "comes down again": bool(norms[100] < max(norms)),
        "less than a hundredth after 100 steps": bool(norms[100] < 0.01),
    }


# ---- 4: the exponent of a walk back ----------------------------------------------------------------------------------


def exponent(U, states, dh):
    """Return the mean logarithm of the factor by which a step back changes the length of `dh`.

    The states (T, H) are those of a tanh network; the gradient goes from the last to the first.
    """
    logs = []
    for h in states[:0:-1]:
        dh = U.T @ (dh * (1 - h**2)) / np.linalg.norm(dh)  # of length 1 before every step: it cannot run out of digits
        logs.append(np.log(np.linalg.norm(dh)))
    return float(np.mean(logs))


def _at_the_end(U, states, dh):
    start = np.linalg.norm(dh)
    for h in states[:0:-1]:
        dh = U.T @ (dh * (1 - h**2))
    with np.errstate(divide="ignore"):
        return float(np.log(np.linalg.norm(dh) / start) / (len(states) - 1))


def _not_turned(U, states, dh):
    return exponent(U.T, states, dh)


def _without_slopes(U, states, dh):
    return exponent(U, np.zeros_like(states), dh)


def _forwards(U, states, dh):
    return exponent(U, states[::-1], dh)


def _log_of_the_mean(U, states, dh):
    factors = []
    for h in states[:0:-1]:
        dh = U.T @ (dh * (1 - h**2)) / np.linalg.norm(dh)
        factors.append(np.linalg.norm(dh))
    return float(np.log(np.mean(factors)))


def _of_the_radius(U, states, dh):
    return float(np.log(np.abs(np.linalg.eigvals(U)).max()))


def _walk(seed, H, T, size):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(H, H)) / np.sqrt(H), np.tanh(size * rng.normal(size=(T, H))), rng.normal(size=H)


EXERCISES = (
    Exercise(
        name="vanishing-exploding/1",
        title="Which of them vanish",
        kind="value",
        solution=fates,
        mistakes=(
            Mistake(_BY_ENTRIES, "You went by the entries. What counts is what becomes of a vector, step after step."),
            Mistake(_BY_NORM, "The first step tells of the norm. In the long run the largest eigenvalue decides."),
            Mistake(_BY_RADIUS, "The eigenvalues tell of the long run. Let A act on (0, 1) once: how long is it?"),
            Mistake(_BY_DETERMINANT, "A determinant of 0 means that one direction dies. Try C on (1, 1)."),
        ),
        hint="Find the eigenvalues for the long run. For the first step find one vector that becomes longer, or show "
        "that none does.",
    ),
    Exercise(
        name="vanishing-exploding/2",
        title="A half-life in advance",
        solution=sure_to_halve,
        cases=(
            case(np.array([[0.5]]), "tanh"),
            case(np.array([[0.9]]), "tanh"),
            case(0.95 * _TURN, "tanh"),
            case(np.array([[0.8, 0.55], [0.0, 0.8]]), "tanh"),
            case(np.array([[1.0]]), "sigmoid"),
            case(3.2 * _TURN, "sigmoid"),
            case(np.array([[4.5]]), "sigmoid"),
            case(_GAUSSIAN, "sigmoid"),
        ),
        mistakes=(
            Mistake(
                _by_radius,
                "The largest eigenvalue bounds nothing. Take the largest singular value, np.linalg.norm(U, 2).",
            ),
            Mistake(
                _by_frobenius,
                "np.linalg.norm(U) is the Frobenius norm, the root of the sum of squares. Ask for order 2.",
            ),
            Mistake(_always_tanh, "The sigmoid is never steeper than a quarter: its factor is U's norm over 4."),
            Mistake(_takes_a_quarter_off, "The sigmoid leaves at most a quarter; it does not take a quarter off."),
            Mistake(_rounded_down, "After that many steps the bound is still above a half. Round up."),
        ),
        hint="One step multiplies by at most the steepest slope times the norm. How many of these make a half?",
    ),
    Exercise(
        name="vanishing-exploding/3",
        title="A network that explodes only on the way",
        kind="value",
        solution=hump,
        observe=walked,
        mistakes=(
            Mistake(
                np.array([[1.05, 0.0], [0.0, 0.5]]),
                "That one explodes for good: an eigenvalue is above 1. Keep both below, and let the units talk.",
            ),
            Mistake(
                np.array([[0.5, 3.0], [0.0, 0.5]]),
                "The hump is there, but too low. The nearer the eigenvalues are to 1, the longer it grows.",
            ),
            Mistake(
                np.array([[0.95, 3.0], [0.0, 0.95]]),
                "The hump is high, but after 100 steps too much is left. Take the eigenvalues a little lower.",
            ),
            Mistake(
                np.array([[0.5, 20.0], [0.0, 0.5]]),
                "The hump comes from one loud entry. None may be larger than 3 in size.",
            ),
        ),
        hint="Two equal eigenvalues below 1, and a loud connection from one unit to the other.",
    ),
    Exercise(
        name="vanishing-exploding/4",
        title="The exponent of a walk back",
        solution=exponent,
        cases=(
            case(np.array([[0.0, 0.8], [0.3, 0.0]]), np.zeros((2, 2)), np.array([1.0, 0.0])),
            case(*_walk(0, 6, 12, 0.8)),
            case(*_walk(1, 8, 3000, 1.5)),
        ),
        mistakes=(
            Mistake(_not_turned, "Backwards the matrix stands turned: dh of the step before is U.T @ (...)."),
            Mistake(_without_slopes, "The slopes 1 - h**2 are missing; they belong to the states you were given."),
            Mistake(_forwards, "You walked forwards. The gradient starts at the last state and ends at the first."),
            Mistake(_log_of_the_mean, "That is the logarithm of the mean factor. Take the mean of the logarithms."),
            Mistake(_of_the_radius, "The spectral radius knows neither the states nor the gradient. Walk back."),
            Mistake(
                _at_the_end,
                "After thousands of steps the gradient is too small for float64. Make it 1 long before every step.",
            ),
        ),
        hint="At every step: length 1, one step back, the logarithm of the new length. Then the mean.",
    ),
)
