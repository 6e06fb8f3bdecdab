"""The exercises on the LSTM: weights by hand, a count, the step back, the path, coupled gates, a diagnosis."""

import numpy as np

from companion import reference as ref
from companion.exercises.exercise import Exercise, Mistake, case
from companion.reference.activations import sigmoid

# ---- 1: store, hold and show a bit -----------------------------------------------------------------------------------


def latch():
    """Return W (4, 3) and b (4,) of one cell that reads (bit, store, show); rows i, f, g, o."""
    W = np.array([[0.0, 20.0, 0.0], [0.0, -20.0, 0.0], [10.0, 0.0, 0.0], [0.0, 0.0, 20.0]])
    return W, np.array([-10.0, 10.0, 0.0, -10.0])


def _never_drops():
    W, b = latch()
    W[1, 1] = 0.0
    return W, b


def _forgets():
    W, b = latch()
    b[1] = 1.0
    return W, b


def _always_listens():
    W, b = latch()
    b[0] = 0.0
    return W, b


def _always_speaks():
    W, b = latch()
    b[3] = 10.0
    return W, b


def _drops_unless_told():
    W, b = latch()
    W[1, 1], b[1] = 20.0, -10.0
    return W, b


def told(answer, seed, gap):
    """Run the cell: two bits are stored, each is shown after `gap` steps of noise; say which of its duties it does."""
    if answer is Ellipsis or answer is None or any(part is Ellipsis for part in answer):
        return None
    W, b = (np.asarray(part, dtype=float) for part in answer)
    rng = np.random.default_rng(seed)
    x = np.zeros((2 * gap + 2, 3))
    x[:, 0] = rng.choice([-1.0, 1.0], size=len(x))
    bits = (1.0, 1.0) if seed == 2 else (1.0, -1.0)
    for start, bit in zip((0, gap + 1), bits, strict=True):
        x[start, :2] = bit, 1.0
        x[start + gap, 2] = 1.0
    cell = ref.LSTM(3, 1, rng=0)
    params = {"weight_ih_l0": W, "weight_hh_l0": np.zeros((4, 1)), "bias_ih_l0": b, "bias_hh_l0": np.zeros(4)}
    cell.load_state_dict(params)
    h = cell(x)[0][:, 0]
    shown = x[:, 2] == 1
    return {
        "says the right bit": bool(np.array_equal(np.sign(h[shown]), bits)),
        "says both equally loud, above 0.7": bool(np.abs(h[shown]).min() > 0.7 and np.ptp(np.abs(h[shown])) < 0.05),
        "is silent otherwise": bool(np.abs(h[~shown]).max() < 0.01),
    }


# ---- 2: what a step costs --------------------------------------------------------------------------------------------


def cost(I, H):  # noqa: E741
    """Return the multiplications of one step, and the numbers in the state dictionary of torch.nn."""
    return 4 * H * (I + H) + 3 * H, 4 * H * (I + H) + 8 * H


def _three_gates(I, H):  # noqa: E741
    return 3 * H * (I + H) + 3 * H, 3 * H * (I + H) + 6 * H


def _one_bias(I, H):  # noqa: E741
    return 4 * H * (I + H) + 3 * H, 4 * H * (I + H) + 4 * H


def _no_products(I, H):  # noqa: E741
    return 4 * H * (I + H), 4 * H * (I + H) + 8 * H


def _no_recurrence(I, H):  # noqa: E741
    return 4 * H * I + 3 * H, 4 * H * I + 8 * H


# ---- 3: the step back ------------------------------------------------------------------------------------------------


def step_back(dh, dc, c_prev, i, f, g, o, c):
    """Return da (4, H), rows i, f, g, o, and the gradient of the cell state before the step, (H,)."""
    tanh_c = np.tanh(c)
    do = dh * tanh_c
    dc = dc + dh * o * (1 - tanh_c**2)
    di = dc * g
    dg = dc * i
    df = dc * c_prev
    da = np.stack([di * i * (1 - i), df * f * (1 - f), dg * (1 - g**2), do * o * (1 - o)])
    return da, dc * f


def _own_path_lost(dh, dc, c_prev, i, f, g, o, c):
    return step_back(dh, np.zeros_like(dc), c_prev, i, f, g, o, c)


def _nothing_from_h(dh, dc, c_prev, i, f, g, o, c):
    da, _ = step_back(np.zeros_like(dh), dc, c_prev, i, f, g, o, c)
    da[3] = dh * np.tanh(c) * o * (1 - o)
    return da, dc * f


def _not_through_f(dh, dc, c_prev, i, f, g, o, c):
    da, before = step_back(dh, dc, c_prev, i, f, g, o, c)
    return da, before / f


def _new_cell_for_f(dh, dc, c_prev, i, f, g, o, c):
    return step_back(dh, dc, c, i, f, g, o, c)


def _no_tanh(dh, dc, c_prev, i, f, g, o, c):
    dc = dc + dh * o
    da = np.stack([dc * g * i * (1 - i), dc * c_prev * f * (1 - f), dc * i * (1 - g**2), dh * np.tanh(c) * o * (1 - o)])
    return da, dc * f


def _other_order(dh, dc, c_prev, i, f, g, o, c):
    da, before = step_back(dh, dc, c_prev, i, f, g, o, c)
    return da[[0, 1, 3, 2]], before


# ---- 4: what a value is worth later ----------------------------------------------------------------------------------


def worth(f, k):
    """Return the derivative of each cell's last state by its own of k steps before, along the path; f (T, H)."""
    return f[len(f) - k :].prod(axis=0)


def _one_gate_more(f, k):
    return f[len(f) - k - 1 :].prod(axis=0)


def _from_the_start(f, k):
    return f[:k].prod(axis=0)


def _mean_to_the_k(f, k):
    return f.mean(axis=0) ** k


def _summed(f, k):
    return f[len(f) - k :].sum(axis=0)


# ---- 5: coupled gates ------------------------------------------------------------------------------------------------


def coupled(x, h, c, W, U, b):
    """Return h and c after a step of a cell whose input gate is 1 - f; three blocks of rows: f, g, o."""
    a_f, a_g, a_o = np.split(W @ x + U @ h + b, 3)
    f, g, o = sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
    c = f * c + (1 - f) * g
    return o * np.tanh(c), c


def _swapped(x, h, c, W, U, b):
    a_f, a_g, a_o = np.split(W @ x + U @ h + b, 3)
    f, g, o = sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
    c = (1 - f) * c + f * g
    return o * np.tanh(c), c


def _not_coupled(x, h, c, W, U, b):
    a_f, a_g, a_o = np.split(W @ x + U @ h + b, 3)
    f, g, o = sigmoid(a_f), np.tanh(a_g), sigmoid(a_o)
    c = f * c + f * g
    return o * np.tanh(c), c


def _old_cell_shown(x, h, c, W, U, b):
    return np.concatenate([sigmoid(np.split(W @ x + U @ h + b, 3)[2]) * np.tanh(c)]), coupled(x, h, c, W, U, b)[1]


# ---- 6: which gate is broken -----------------------------------------------------------------------------------------

HEARD = np.array([0.9, -0.5, 0.7, -0.9, 0.4, 0.8, -0.3, 0.6])
"""What the four patients hear. They are to store at steps 0 and 4, drop the old at step 4, and show at 3 and 7."""


def patients():
    """Return c and h, each (8,), of four cells by name; in each of them one gate is stuck."""
    store, show = np.isin(np.arange(8), (0, 4)), np.isin(np.arange(8), (3, 7))
    i, f, o = store.astype(float), np.where(np.arange(8) == 4, 0.0, 1.0), show.astype(float)
    ill = {
        "A": (np.ones(8), f, o),
        "B": (i, np.ones(8), o),
        "C": (i, f, np.zeros(8)),
        "D": (i, np.full(8, 0.5), o),
    }
    return {name: _lived(*gates) for name, gates in ill.items()}


def _lived(i, f, o):
    c, cells = 0.0, []
    for g_t, i_t, f_t in zip(HEARD, i, f, strict=True):
        c = f_t * c + i_t * g_t
        cells.append(c)
    return np.array(cells), o * np.tanh(cells)


def diagnoses():
    """Return the gate that is stuck in each patient, and where."""
    return {"A": "input open", "B": "forget open", "C": "output shut", "D": "forget half"}


def _input_and_forget():
    return diagnoses() | {"A": "forget open", "B": "input open"}


def _half_is_input():
    return diagnoses() | {"D": "input half"}


def _shut_is_input():
    return diagnoses() | {"C": "input shut"}


_RNG = np.random.default_rng(0)
_GATES = {name: _RNG.uniform(0.1, 0.9, size=3) for name in ("i", "f", "o")}
_G, _C, _DH, _DC = (_RNG.uniform(-0.9, 0.9, size=3) for _ in range(4))
_NEW = _GATES["f"] * _C + _GATES["i"] * _G
_FULL = (_DH, _DC, _C, _GATES["i"], _GATES["f"], _G, _GATES["o"], _NEW)
_SMALL = tuple(np.array([v]) for v in (1.0, 0.5, 0.2, 0.5, 0.9, 0.5, 0.5, 0.43))
_STEP = tuple(_RNG.normal(size=shape) for shape in ((3,), (2,), (2,), (6, 3), (6, 2), (6,)))

EXERCISES = (
    Exercise(
        name="lstm/1",
        title="Store, hold and show a bit",
        solution=latch,
        kind="value",
        observe=told,
        cases=(case(0, 3), case(1, 100), case(2, 20)),
        mistakes=(
            Mistake(
                _never_drops, "The second bit was added to the first. Where it stores, the forget gate has to be shut."
            ),
            Mistake(
                _forgets,
                "It forgets while it holds: σ(1) is 0.73, and that to the power of the steps. A larger bias is needed.",
            ),
            Mistake(_always_listens, "Bits that were not to be stored came in: the bias of i has to shut it."),
            Mistake(_always_speaks, "It speaks all the time: o is open without being asked."),
            Mistake(
                _drops_unless_told,
                "The forget gate has its signs turned: it keeps where it is to store, and drops where it is to hold.",
            ),
        ),
        hint="Row by row: i open at store only, f shut at store only, g the bit and nothing else, o open at show only.",
    ),
    Exercise(
        name="lstm/2",
        title="What a step costs",
        solution=cost,
        cases=(case(1, 1), case(8, 16), case(100, 512)),
        mistakes=(
            Mistake(_three_gates, "There are three gates, and the candidate g besides: four dense layers."),
            Mistake(_one_bias, "torch.nn keeps two biases for each of the four."),
            Mistake(_no_products, "Three products element by element are missing: f c, i g and o tanh(c)."),
            Mistake(_no_recurrence, "Each dense layer reads x and h: I + H numbers."),
        ),
        hint="Four dense layers from I + H to H, and what joins them.",
    ),
    Exercise(
        name="lstm/3",
        title="The step back",
        solution=step_back,
        cases=(case(*_SMALL), case(*_FULL)),
        mistakes=(
            Mistake(
                _own_path_lost, "Two gradients meet at c: that from h through the tanh, and the one handed in, dc."
            ),
            Mistake(_nothing_from_h, "Two gradients meet at c: the one handed in, and dh * o * (1 - tanh(c)**2)."),
            Mistake(_not_through_f, "The way to the cell state before leads through the forget gate: dc * f."),
            Mistake(_new_cell_for_f, "The forget gate multiplied the cell state before the step, c_prev."),
            Mistake(_no_tanh, "Between c and h stands a tanh: its slope 1 - tanh(c)**2 is missing."),
            Mistake(_other_order, "The rows are i, f, g, o. The last two of yours are exchanged."),
        ),
        hint="Write the forward step as five lines, and take each of them backwards, the last one first.",
    ),
    Exercise(
        name="lstm/4",
        title="What a value is worth later",
        solution=worth,
        cases=(case(np.array([[0.5], [0.8], [0.9]]), 1), case(_RNG.uniform(size=(7, 3)), 4)),
        mistakes=(
            Mistake(
                _one_gate_more, "One gate too many: from c_(t-k) to c_t there are k forget gates, the last of them f_t."
            ),
            Mistake(_from_the_start, "Those are the first k gates. The last k lie on the way to the last state."),
            Mistake(_mean_to_the_k, "The gates differ from step to step: the product, not a power of their mean."),
            Mistake(_summed, "The chain rule multiplies along a path."),
        ),
        hint="c_t is f_t c_(t-1) and something that the path does not touch.",
    ),
    Exercise(
        name="lstm/5",
        title="Coupled gates",
        solution=coupled,
        cases=(
            case(np.ones(1), np.zeros(1), np.ones(1), np.zeros((3, 1)), np.zeros((3, 1)), np.array([2.0, 0.5, 0.0])),
            case(*_STEP),
        ),
        mistakes=(
            Mistake(_swapped, "f is what stays of the old cell state; 1 - f is what comes in."),
            Mistake(_not_coupled, "The candidate came in with f. Its gate is 1 - f."),
            Mistake(_old_cell_shown, "The output shows the new cell state."),
        ),
        hint="Three blocks in the place of four. Then the equations as they are, with 1 - f where i stood.",
    ),
    Exercise(
        name="lstm/6",
        title="Which gate is broken",
        solution=diagnoses,
        kind="value",
        mistakes=(
            Mistake(
                _input_and_forget,
                "Look at A and B at the steps between. A's cell moves at every step, B's only where it is to store.",
            ),
            Mistake(_half_is_input, "D takes in the whole value, and loses half of it at every step."),
            Mistake(_shut_is_input, "C's cell state is as it should be. Only nobody sees it."),
        ),
        hint="Work out what a healthy cell does at each step, and find the first step at which the patient differs.",
    ),
)
