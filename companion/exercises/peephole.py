"""The exercises on peepholes: a clock by hand, a peephole less, a count, a step, and gradients under suspicion."""

from types import SimpleNamespace

import numpy as np

from companion import reference as ref
from companion.exercises.exercise import Exercise, Mistake, case
from companion.reference.activations import sigmoid
from companion.reference.cells import PeepholeLSTMCell
from companion.reference.weights import Diagonal, gated

# ---- 1: a spike every n steps ----------------------------------------------------------------------------------------


def clock(n):
    """Return b (4,), rows i, f, g, o, and p (3,), order i, f, o, of a cell that hears nothing and spikes."""
    step = 1 / n
    edge, steep = (n - 0.5) * step, 40 / step
    b = np.array([20.0, steep * edge, np.arctanh(step), -steep * edge])
    return b, np.array([0.0, -steep, steep])


def _one_late(n):
    step = 1 / n
    edge, steep = (n + 0.5) * step, 40 / step
    return np.array([20.0, steep * edge, np.arctanh(step), -steep * edge]), np.array([0.0, -steep, steep])


def _soft(n):
    b, p = clock(n)
    return np.array([b[0], b[1] / 20, b[2], b[3] / 20]), p / 20


def _never_reset(n):
    b, p = clock(n)
    return b, p * [1, 0, 1]


def _turned(n):
    b, p = clock(n)
    return b * [1, -1, 1, 1], p * [1, -1, 1]


def _always_shown(n):
    b, p = clock(n)
    return b * [1, 1, 1, -1], p * [1, 1, 0]


def run_clock(b, p, steps):
    """Return the tape of one cell without input and without recurrent weights, from biases and peepholes."""
    cell = ref.PeepholeLSTM(1, 1, rng=0)
    params = {"weight_ih_l0": np.zeros((4, 1)), "weight_hh_l0": np.zeros((4, 1)), "bias_hh_l0": np.zeros(4)}
    cell.load_state_dict(params | {"bias_ih_l0": np.asarray(b, float), "weight_ch_l0": np.asarray(p, float)})
    return cell.unroll(np.zeros((steps, 1)))


def ticks(answer, n):
    """Run the cell for twenty periods; say when it is above one half, and whether it is silent between."""
    weights = answer(n)
    if weights is Ellipsis or weights is None:
        return None
    b, p = weights
    h = run_clock(b, p, 20 * n)["h"][:, 0]
    return {"above one half": np.flatnonzero(h > 0.5).tolist(), "silent otherwise": bool(np.all(h[h <= 0.5] < 0.05))}


# ---- 2: one peephole less --------------------------------------------------------------------------------------------


def removed():
    """Return what the clock does without each of its peepholes, biases left as they are."""
    return {"i": "same", "f": "stays on", "o": "silent"}


def _all_needed():
    return removed() | {"i": "silent"}


def _f_and_o_exchanged():
    return removed() | {"f": "silent", "o": "stays on"}


def _both_silent():
    return removed() | {"f": "silent"}


# ---- 3: what they cost -----------------------------------------------------------------------------------------------


def count(I, H):  # noqa: E741
    """Return the weights of an LSTM with peepholes, diagonal and full, each pair of biases counted as one."""
    cell = 4 * H * (I + H + 1)
    return cell + 3 * H, cell + 3 * H * H


def _four_gates(I, H):  # noqa: E741
    return 4 * H * (I + H + 1) + 4 * H, 4 * H * (I + H + 1) + 4 * H * H


def _three_numbers(I, H):  # noqa: E741
    return 4 * H * (I + H + 1) + 3, 4 * H * (I + H + 1) + 3 * H * H


def _only_peepholes(I, H):  # noqa: E741
    return 3 * H, 3 * H * H


def _two_biases(I, H):  # noqa: E741
    return 4 * H * (I + H + 2) + 3 * H, 4 * H * (I + H + 2) + 3 * H * H


# ---- 4: a step -------------------------------------------------------------------------------------------------------


def step(x, h, c, W, U, b, p):
    """Return h and c after a step; rows of W, U and b i, f, g, o; p (3H,), order i, f, o."""
    a_i, a_f, a_g, a_o = np.split(W @ x + U @ h + b, 4)
    p_i, p_f, p_o = np.split(p, 3)
    i, f, g = sigmoid(a_i + p_i * c), sigmoid(a_f + p_f * c), np.tanh(a_g)
    c = f * c + i * g
    o = sigmoid(a_o + p_o * c)
    return o * np.tanh(c), c


def _old_cell_for_o(x, h, c, W, U, b, p):
    a_o, p_o = np.split(W @ x + U @ h + b, 4)[3], np.split(p, 3)[2]
    _, new = step(x, h, c, W, U, b, p)
    return sigmoid(a_o + p_o * c) * np.tanh(new), new


def _behind_the_sigmoid(x, h, c, W, U, b, p):
    a_i, a_f, a_g, a_o = np.split(W @ x + U @ h + b, 4)
    p_i, p_f, p_o = np.split(p, 3)
    i, f, g = sigmoid(a_i) + p_i * c, sigmoid(a_f) + p_f * c, np.tanh(a_g)
    c = f * c + i * g
    return (sigmoid(a_o) + p_o * c) * np.tanh(c), c


def _order_of_onnx(x, h, c, W, U, b, p):
    p_i, p_o, p_f = np.split(p, 3)
    return step(x, h, c, W, U, b, np.concatenate([p_i, p_f, p_o]))


def _candidate_peeps(x, h, c, W, U, b, p):
    H = len(h)
    more = np.concatenate([np.zeros(2 * H), p[:H] * c, np.zeros(H)])
    return step(x, h, c, W, U, b + more, p)


def _no_peepholes(x, h, c, W, U, b, p):
    return step(x, h, c, W, U, b, np.zeros_like(p))


# ---- 5: find the wrong gradient --------------------------------------------------------------------------------------


class _OldCellLost(PeepholeLSTMCell):
    """Nothing goes from the pre-activations of i and f to the old cell state."""

    def step_back(self, dstate, records, prev, w):
        return super().step_back(dstate, records, prev, _changed(w, p_i=0 * w.p_i, p_f=0 * w.p_f))


class _NewCellLost(PeepholeLSTMCell):
    """Nothing goes from the pre-activation of o to the new cell state."""

    def step_back(self, dstate, records, prev, w):
        return super().step_back(dstate, records, prev, _changed(w, p_o=0 * w.p_o))


class _WrongFactor(PeepholeLSTMCell):
    """The gradient of p_o is made with the old cell state."""

    weights = (
        *gated(PeepholeLSTMCell.blocks),
        Diagonal("weight_ch", "p", ("i", "f", "o"), ("c_prev", "c_prev", "c_prev")),
    )


def _changed(w, **other):
    return SimpleNamespace(**(vars(w) | other))


def suspects():
    """Return four layers by name. Their steps forward are the same and right; their steps back are not."""
    cells = {"A": _WrongFactor(), "B": _OldCellLost(), "C": PeepholeLSTMCell(), "D": _NewCellLost()}
    return {name: ref.Layer(cell, 3, 4, rng=0) for name, cell in cells.items()}


def convicted():
    """Return what is wrong with each suspect."""
    return {"A": "weights", "B": "old cell", "C": "right", "D": "new cell"}


def _cells_exchanged():
    return convicted() | {"B": "new cell", "D": "old cell"}


def _only_the_parameters():
    return convicted() | {"B": "right"}


def _factor_is_path():
    return convicted() | {"A": "new cell"}


_RNG = np.random.default_rng(0)
_STEP = tuple(_RNG.normal(size=shape) for shape in ((3,), (2,), (2,), (8, 3), (8, 2), (8,), (6,)))
_SMALL = tuple(np.array(v) for v in ([0.0], [0.0], [1.0], [[0.0]] * 4, [[0.0]] * 4, [0.0] * 4, [0.5, -0.5, 1.0]))

EXERCISES = (
    Exercise(
        name="peephole/1",
        title="A spike every n steps",
        solution=clock,
        observe=ticks,
        cases=(case(3), case(10), case(50)),
        mistakes=(
            Mistake(
                _one_late,
                "One step late. c counts 1, 2, … from the first step on; the edge lies between n - 1 and n of these.",
            ),
            Mistake(
                _soft,
                "The gates are too soft: half a step from the edge, their pre-activations have to be 10 or more.",
            ),
            Mistake(_never_reset, "The count is never wiped out: f has to shut when the old count is past the edge."),
            Mistake(_turned, "f keeps past the edge and wipes before it. Its peephole is negative, its bias positive."),
            Mistake(
                _always_shown, "It shows the count all the time: o is to be shut until the count is past the edge."
            ),
        ),
        hint="i always open, g one n-th. f shuts and o opens at an edge half a step below the n-th count.",
    ),
    Exercise(
        name="peephole/2",
        title="One peephole less",
        solution=removed,
        kind="value",
        mistakes=(
            Mistake(_all_needed, "i is open all the time, whatever c is. Look at its peephole in the clock."),
            Mistake(
                _f_and_o_exchanged,
                "Without its peephole f stays open, and o stays shut. What does each do then?",
            ),
            Mistake(_both_silent, "Without the peephole of f the count grows beyond the edge. What does o say?"),
        ),
        hint="Set one of the three numbers to 0, run the clock again, and look at h.",
    ),
    Exercise(
        name="peephole/3",
        title="What they cost",
        solution=count,
        cases=(case(1, 1), case(8, 16), case(100, 512)),
        mistakes=(
            Mistake(_four_gates, "The candidate g has no peephole: three, not four."),
            Mistake(_three_numbers, "Each unit has its own three numbers."),
            Mistake(_only_peepholes, "The LSTM itself is part of the sum: 4H(I + H + 1)."),
            Mistake(_two_biases, "Count each pair of biases once."),
        ),
        hint="Diagonal: a number for each unit and gate. Full: a matrix of H by H for each gate.",
    ),
    Exercise(
        name="peephole/4",
        title="A step",
        solution=step,
        cases=(case(*_SMALL), case(*_STEP)),
        mistakes=(
            Mistake(_old_cell_for_o, "The output gate comes last, and reads the new cell state."),
            Mistake(_behind_the_sigmoid, "The peephole belongs inside of σ: behind it a gate may leave 0 to 1."),
            Mistake(_order_of_onnx, "The order of p is i, f, o here. Yours is that of ONNX: i, o, f."),
            Mistake(_candidate_peeps, "The candidate g reads no cell state."),
            Mistake(_no_peepholes, "That is the LSTM without peepholes."),
        ),
        hint="The LSTM's five lines, with p_i c, p_f c and p_o c added inside of the three σ.",
    ),
    Exercise(
        name="peephole/5",
        title="Find the wrong gradient",
        solution=convicted,
        kind="value",
        mistakes=(
            Mistake(
                _cells_exchanged,
                "Check a single step. What is lost on the way to the old cell state cannot be missed by a weight then.",
            ),
            Mistake(
                _only_the_parameters,
                "With one step, all weights of B are right. Look at the gradient of the state, and at more steps.",
            ),
            Mistake(_factor_is_path, "Everything but one parameter is right in A, so no path is lost."),
        ),
        hint="ref.gradcheck of each, once with one step and once with six. Which tensors are wrong?",
    ),
)
