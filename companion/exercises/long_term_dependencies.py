"""The exercises on long-term dependencies: latches, a sum by hand, equal sizes, an interval, a fair race, a cell."""

import numpy as np

from companion import reference as ref
from companion import tasks
from companion.exercises.exercise import Exercise, Mistake, case
from companion.experiments import long_lags
from companion.reference import neuron

# ---- 1: first or last ------------------------------------------------------------------------------------------------


def kept(u, w):
    """Return whether h = tanh(u h + w s) keeps the last sign s that it met; else it keeps the first. u is above 1."""
    h = 1.0
    for _ in range(10_000):
        h = np.tanh(u * h)
    return bool(w > u * h)


def _against_u(u, w):
    return w > u


def _against_the_state(u, w):
    return bool(w > neuron.fixed_points(u)[-1])


def _against_the_fold(u, w):
    return bool(w > neuron.fold(u))


def _turned(u, w):
    return not kept(u, w)


# ---- 2: two units that add -------------------------------------------------------------------------------------------


def adder():
    """Return W (2, 2), U (2, 2), b (2,) and V (1, 2) of a ReLU network that solves the adding problem exactly."""
    W = np.array([[1.0, 1.0], [0.0, 0.0]])
    U = np.array([[0.0, 0.0], [1.0, 1.0]])
    return W, U, np.array([-1.0, 0.0]), np.array([[1.0, 1.0]])


def _last_number_missed():
    W, U, b, _ = adder()
    return W, U, b, np.array([[0.0, 1.0]])


def _every_number():
    W, U, _, V = adder()
    return W, U, np.zeros(2), V


def _never_handed_on():
    W, _, b, V = adder()
    return W, np.array([[0.0, 0.0], [0.0, 1.0]]), b, V


def _no_loop():
    W, _, b, V = adder()
    return W, np.array([[0.0, 0.0], [1.0, 0.0]]), b, V


def sum_of(weights, T):
    """Run the network on rows of T numbers; return its mean error."""
    if weights is Ellipsis or weights is None or any(value is Ellipsis for value in weights):
        return None
    W, U, b, V = (np.asarray(value, dtype=float) for value in weights)
    batch = tasks.Adding(T=T).batch(100, np.random.default_rng(T))
    h = np.zeros((100, 2))
    for x_t in batch.x:
        h = np.maximum(0, x_t @ W.T + h @ U.T + b)
    return {"mean error": round(float(np.abs(h @ V.T - batch.y[-1]).mean()), 6)}


# ---- 3: equal sizes --------------------------------------------------------------------------------------------------


def units(blocks, I, O, parameters):  # noqa: E741
    """Return the units with which a layer of so many blocks of gates, two biases each, and its head are nearest."""
    H = np.arange(1, 1000)
    count = blocks * H * (I + H + 2) + O * (H + 1)
    return int(H[np.argmin(np.abs(count - parameters))])


def _one_bias(blocks, I, O, parameters):  # noqa: E741
    H = np.arange(1, 1000)
    return int(H[np.argmin(np.abs(blocks * H * (I + H + 1) + O * (H + 1) - parameters))])


def _no_head(blocks, I, O, parameters):  # noqa: E741
    return units(blocks, I, 0, parameters)


def _divided(blocks, I, O, parameters):  # noqa: E741
    return units(1, I, O, parameters) // blocks


def _never_above(blocks, I, O, parameters):  # noqa: E741
    H = np.arange(1, 1000)
    return int(H[blocks * H * (I + H + 2) + O * (H + 1) <= parameters][-1])


# ---- 4: an interval --------------------------------------------------------------------------------------------------


def interval(k, n, z=1.96):
    """Return the ends of Wilson's interval of a share of which k of n runs were seen to succeed."""
    p = k / n
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


def _plain(k, n, z=1.96):
    p = k / n
    half = z * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


def _not_divided(k, n, z=1.96):
    low, high = interval(k, n, z)
    return low * (1 + z**2 / n), high * (1 + z**2 / n)


def _variance_for_deviation(k, n, z=1.96):
    p = k / n
    middle, half = p + z**2 / (2 * n), z * (p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)


# ---- 5: a fair race --------------------------------------------------------------------------------------------------


def reports():
    """Return what five reports say of how they compared an LSTM with a tanh network."""
    fair = {
        "sizes": "LSTM 26 units, tanh 61 units: 4,600 weights each",
        "rates": "the better of 0.002 and 0.01, for both",
        "begin": "tanh with an orthogonal matrix, LSTM with a forget bias of 1",
        "runs": "20 seeds each",
        "lags": "20, 50 and 100, with new rows",
    }
    return {
        "A": fair | {"sizes": "LSTM and tanh 64 units each"},
        "B": fair | {"rates": "LSTM the best of eight rates, tanh 0.01"},
        "C": fair,
        "D": fair | {"runs": "one seed each, drawn as lines with four digits behind the point"},
        "E": fair | {"begin": "tanh with recurrent weights below 0.001, LSTM with a forget bias of 1"},
    }


def faults():
    """Return what is unfair in each report."""
    return {"A": "sizes", "B": "rates", "C": "fair", "D": "runs", "E": "begin"}


def _same_units_are_fair():
    return faults() | {"A": "fair"}


def _more_rates_are_fair():
    return faults() | {"B": "fair"}


def _different_units_are_unfair():
    return faults() | {"C": "sizes"}


def _any_beginning_is_fair():
    return faults() | {"E": "fair"}


# ---- 6: beat the table -----------------------------------------------------------------------------------------------

RACE = {"distance": 40, "rate": 0.01, "seeds": 3}
SETTINGS = long_lags.CONFIG | {"parameters": 1000, "updates": 200, "every": 25}


def entrant(inputs, hidden, rng):
    """Return a layer that begins with a memory as long as it will need."""
    made = ref.GRU(inputs, hidden, rng=rng, dtype=np.float32)
    ref.init.chrono(made, RACE["distance"], rng)
    return made


def _gru_as_it_comes(inputs, hidden, rng):
    return ref.GRU(inputs, hidden, rng=rng, dtype=np.float32)


def _lstm_with_bias_1(inputs, hidden, rng):
    return long_lags.layer("LSTM", inputs, hidden, rng)


def _tanh_as_it_comes(inputs, hidden, rng):
    return ref.RNN(inputs, hidden, rng=rng, dtype=np.float32)


def _wider(inputs, hidden, rng):
    made = ref.GRU(inputs, 2 * hidden, rng=rng, dtype=np.float32)
    ref.init.chrono(made, RACE["distance"], rng)
    return made


def raced(make):
    """Let a cell run at a distance of 40: is it of the size asked, and do all three networks solve the task?"""
    inputs, outputs = long_lags.sizes("agreement")
    hidden = long_lags.hidden_size("GRU", inputs, outputs, SETTINGS["parameters"])
    made = make(inputs, hidden, np.random.default_rng(0))
    if made is Ellipsis or made is None:
        return None
    hidden = long_lags.hidden_size(make, inputs, outputs, SETTINGS["parameters"])
    made = make(inputs, hidden, np.random.default_rng(0))
    count = sum(value.size for value in made.params.values()) + outputs * (made.hidden_size + 1)
    fits = abs(count - SETTINGS["parameters"]) < 100 and made.hidden_size == hidden
    if not fits:
        return {"of the size asked": False, "all three solve it": False, "short of it": 0.0}
    lag, rate, seeds = RACE["distance"], RACE["rate"], range(RACE["seeds"])
    solved, curves = long_lags.trained("agreement", lag, make, rate, seeds, SETTINGS)
    done = None not in solved
    short = 0.0 if done else round(float(np.dot(curves[-1], [1, 2, 3])), 3)
    return {"of the size asked": True, "all three solve it": done, "short of it": short}


EXERCISES = (
    Exercise(
        name="long-term-dependencies/1",
        title="First or last",
        solution=kept,
        cases=(case(2.0, 4.0), case(2.0, 0.7), case(2.0, 1.0), case(2.0, 1.95), case(1.2, 0.78), case(1.2, 0.8)),
        mistakes=(
            Mistake(_against_the_state, "The state holds itself through its weight: compare w with u h*, not with h*."),
            Mistake(
                _against_the_fold,
                "The fold is for a push that lasts. This one lasts a step: what is the sign of tanh(u h* - w)?",
            ),
            Mistake(_against_u, "At rest the state is not 1 but h* below it: what holds it is u h*, not u."),
            Mistake(_turned, "The other way round: a strong pulse turns the state over, so the last one is kept."),
        ),
        hint="Let it come to rest at h* = tanh(u h*). After a pulse against it the state is tanh(u h* - w).",
    ),
    Exercise(
        name="long-term-dependencies/2",
        title="Two units that add",
        solution=adder,
        kind="value",
        observe=sum_of,
        cases=(case(10), case(1000)),
        mistakes=(
            Mistake(
                _last_number_missed,
                "The sum hears of a number one step late. At the last step, read the first unit too.",
            ),
            Mistake(_every_number, "A number without a mark has to leave 0: x + mark - 1 is above 0 only with a mark."),
            Mistake(
                _never_handed_on,
                "The second unit never hears of the first. A row of U is who hears, a column who speaks.",
            ),
            Mistake(_no_loop, "The second unit hears of the first, but forgets: it needs a loop of weight 1."),
        ),
        hint="One unit is max(0, x + mark - 1). The other adds to itself what the first said a step ago.",
    ),
    Exercise(
        name="long-term-dependencies/3",
        title="Equal sizes",
        solution=units,
        cases=(case(1, 1, 1, 100), case(1, 26, 4, 4600), case(3, 26, 4, 4600), case(4, 2, 1, 1000), case(4, 8, 4, 310)),
        mistakes=(
            Mistake(_one_bias, "torch.nn and this course have two biases a block: H (I + H + 2) for each."),
            Mistake(_no_head, "The head counts too: O (H + 1)."),
            Mistake(
                _divided,
                "Weights grow with the square of the units: a quarter of the units is not a quarter of the weights.",
            ),
            Mistake(_never_above, "The nearest count may lie above the one asked for."),
        ),
        hint="blocks * H * (I + H + 2) + O * (H + 1), for every H; which is nearest?",
    ),
    Exercise(
        name="long-term-dependencies/4",
        title="An interval for a share",
        solution=interval,
        cases=(case(10, 20), case(0, 20), case(20, 20), case(17, 20)),
        mistakes=(
            Mistake(
                _plain,
                "That one says with 0 of 20 that nothing can ever happen. Wilson's has z² / 2n and z² / 4n² in it.",
            ),
            Mistake(_not_divided, "All of it is divided by 1 + z² / n."),
            Mistake(_variance_for_deviation, "A square root is missing over the variance."),
        ),
        hint="The equation of the chapter, with p = k / n and z = 1.96.",
    ),
    Exercise(
        name="long-term-dependencies/5",
        title="A fair race",
        solution=faults,
        kind="value",
        mistakes=(
            Mistake(_same_units_are_fair, "With 64 units each the LSTM has four times the weights."),
            Mistake(_more_rates_are_fair, "Eight tries against one: the best of eight is luck as well."),
            Mistake(_different_units_are_unfair, "What is made equal in C is the number of weights."),
            Mistake(_any_beginning_is_fair, "In E the tanh network cannot even begin to hear."),
        ),
        hint="Four of them give one side something that they withhold from the other, or rest on one run.",
    ),
    Exercise(
        name="long-term-dependencies/6",
        title="Beat the table",
        solution=entrant,
        observe=raced,
        seconds=60.0,
        mistakes=(
            Mistake(_wider, "Too large: the layer is to have the units that it is asked for, in one layer."),
            Mistake(
                _gru_as_it_comes, "A GRU as it comes forgets half of its state at every step. How should it begin?"
            ),
            Mistake(
                _lstm_with_bias_1, "With a forget bias of 1 a quarter is lost at every step. How much is left after 40?"
            ),
            Mistake(
                _tanh_as_it_comes,
                "A tanh network as it comes does not hear the country. Begin otherwise, or take another.",
            ),
        ),
        hint="What has to be heard lies 40 steps back. Which beginning keeps a state that long?",
    ),
)
