"""The exercises of the chapter "Rosetta": orders of blocks, resets that agree, a turned gate, a port, a detective."""

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case
from companion.reference.activations import sigmoid

# ---- 1: the order of blocks, with a pencil ---------------------------------------------------------------------------


def onnx_rows():
    """Return which blocks of PyTorch's LSTM, counted from 0, stand first, second, third and last in ONNX."""
    return [0, 3, 1, 2]


# ---- 2: where both resets agree --------------------------------------------------------------------------------------


def harmless_matrix():
    """Return a 2×2 matrix without a zero on its diagonal for which it does not matter where the reset stands."""
    return np.array([[0.5, 0.0], [0.0, -2.0]])


def reset_matters(U, r, h):
    """Return whether the diagonal is free of zeros, and how far the two products lie apart."""
    U = np.asarray(U, dtype=float)
    return bool(np.diag(U).all()), r * (U @ h) - U @ (r * h)


_R, _H = np.array([0.25, 0.75]), np.array([1.0, -2.0])


# ---- 3: the update gate turned round ---------------------------------------------------------------------------------


def turn_update_gate(W, U, b):
    """Return the weights of a GRU in the order r, z, n for a library whose z near 1 takes the new candidate."""
    H = U.shape[1]
    sign = np.repeat([1.0, -1.0, 1.0], H)
    return W * sign[:, None], U * sign[:, None], b * sign


def _bias_forgotten(W, U, b):
    turned_W, turned_U, _ = turn_update_gate(W, U, b)
    return turned_W, turned_U, b


def _wrong_block(W, U, b):
    sign = np.repeat([-1.0, 1.0, 1.0], U.shape[1])
    return W * sign[:, None], U * sign[:, None], b * sign


def _all_blocks(W, U, b):
    return -W, -U, -b


def _one_minus(W, U, b):
    keep = np.repeat([True, False, True], U.shape[1])
    return np.where(keep[:, None], W, 1 - W), np.where(keep[:, None], U, 1 - U), np.where(keep, b, 1 - b)


def _random_gru(seed, inputs=2, hidden=3):
    rng = np.random.default_rng(seed)
    W, U = rng.normal(size=(3 * hidden, inputs)), rng.normal(size=(3 * hidden, hidden))
    return W, U, rng.normal(size=3 * hidden), rng.normal(size=3 * hidden)


# ---- 4: a GRU from Keras ---------------------------------------------------------------------------------------------


def gru_from_keras(kernel, recurrent, bias):
    """Return W, U, b_ih, b_hh in PyTorch's layout out of the weights of a Keras GRU with reset_after=True."""

    def rows(array):
        z, r, n = np.split(array, 3)
        return np.concatenate([r, z, n])

    given, looped = bias
    return rows(kernel.T), rows(recurrent.T), rows(given), rows(looped)


def _order_kept(kernel, recurrent, bias):
    return kernel.T.copy(), recurrent.T.copy(), bias[0].copy(), bias[1].copy()


def _biases_in_old_order(kernel, recurrent, bias):
    W, U, _, _ = gru_from_keras(kernel, recurrent, bias)
    return W, U, bias[0].copy(), bias[1].copy()


def _biases_summed(kernel, recurrent, bias):
    W, U, given, looped = gru_from_keras(kernel, recurrent, bias)
    return W, U, given + looped, np.zeros_like(looped)


def _biases_swapped(kernel, recurrent, bias):
    W, U, given, looped = gru_from_keras(kernel, recurrent, bias)
    return W, U, looped, given


def _blocks_turned_singly(kernel, recurrent, bias):
    W, _, given, looped = gru_from_keras(kernel, recurrent, bias)
    z, r, n = np.hsplit(recurrent, 3)
    return W, np.concatenate([r, z, n]), given, looped


def _as_keras(seed):
    W, U, b_ih, b_hh = _random_gru(seed)

    def columns(array):
        r, z, n = np.split(array, 3)
        return np.concatenate([z, r, n])

    return columns(W).T.copy(), columns(U).T.copy(), np.stack([columns(b_ih), columns(b_hh)])


# ---- 5: which GRU was it? --------------------------------------------------------------------------------------------


def run_gru(W, U, b_ih, b_hh, x, reset, keeps):
    """Return the states of a GRU: the reset "after" or "before" the product, z near 1 keeping the old state or not."""
    U_r, U_z, U_n = np.split(U, 3)
    b_r, b_z, b_n = np.split(b_hh, 3)
    h, states = np.zeros(U.shape[1]), []
    for x_t in x:
        a_r, a_z, a_n = np.split(W @ x_t + b_ih, 3)
        r, z = sigmoid(a_r + U_r @ h + b_r), sigmoid(a_z + U_z @ h + b_z)
        n = np.tanh(a_n + (r * (U_n @ h + b_n) if reset == "after" else U_n @ (r * h) + b_n))
        h = z * h + (1 - z) * n if keeps else (1 - z) * h + z * n
        states.append(h)
    return np.array(states)


def which_gru(W, U, b_ih, b_hh, x, y):
    """Return the convention behind the states y: "after" or "before", and whether z near 1 keeps the old state."""
    conventions = [(reset, keeps) for reset in ("after", "before") for keeps in (True, False)]
    return min(conventions, key=lambda each: np.abs(run_gru(W, U, b_ih, b_hh, x, *each) - y).max())


def _first_step_only(W, U, b_ih, b_hh, x, y):
    return which_gru(W, U, b_ih, 0 * b_hh, x[:1], y[:1])


def _always_as_pytorch(W, U, b_ih, b_hh, x, y):
    return "after", True


def _z_ignored(W, U, b_ih, b_hh, x, y):
    errors = {reset: np.abs(run_gru(W, U, b_ih, b_hh, x, reset, True) - y).max() for reset in ("after", "before")}
    return min(errors, key=errors.get), True


def _reset_ignored(W, U, b_ih, b_hh, x, y):
    errors = {keeps: np.abs(run_gru(W, U, b_ih, b_hh, x, "after", keeps) - y).max() for keeps in (True, False)}
    return "after", min(errors, key=errors.get)


def _found(seed, reset, keeps):
    """A case of the detective: weights, an input, and the states that one convention makes of them."""
    weights = _random_gru(seed)
    x = np.random.default_rng(seed + 100).normal(size=(6, 2))
    return case(*weights, x, run_gru(*weights, x, reset, keeps))


EXERCISES = (
    Exercise(
        name="rosetta/1",
        title="The order of the blocks",
        kind="value",
        solution=onnx_rows,
        mistakes=(
            Mistake([0, 2, 3, 1], "You wrote where each of PyTorch's blocks goes. Asked is which block is taken."),
            Mistake([0, 1, 3, 2], "ONNX has the output gate second: i, o, f, and then the candidate."),
            Mistake([0, 1, 2, 3], "The orders differ: i, f, g, o in PyTorch, i, o, f, c in ONNX, whose c is our g."),
            Mistake([1, 4, 2, 3], "The right blocks, counted from 1. Python counts from 0."),
        ),
        hint="Write both orders below each other, and PyTorch's with its numbers: i 0, f 1, g 2, o 3.",
    ),
    Exercise(
        name="rosetta/2",
        title="Where the reset does not matter",
        kind="value",
        solution=harmless_matrix,
        observe=reset_matters,
        cases=(case(_R, _H), case(_H, _R), case(np.array([1.0, 0.0]), _R)),
        mistakes=(
            Mistake(np.array([[0.0, 1.0], [1.0, 0.0]]), "It swaps two units, and each comes back with the other's r."),
            Mistake(
                np.array([[1.0, 1.0], [0.0, 1.0]]),
                "The first unit still hears the second: its share is multiplied by the r of the wrong unit.",
            ),
            Mistake(
                np.ones((2, 2)), "Each unit hears both, so r of one and r of the other get mixed. Who may hear whom?"
            ),
            Mistake(np.zeros((2, 2)), "True, but then nothing comes back at all. The diagonal should not have a zero."),
        ),
        hint="Write out the first entry of r * (U @ h) and of U @ (r * h): which weights have to be 0 for all r?",
    ),
    Exercise(
        name="rosetta/3",
        title="The update gate, turned round",
        solution=turn_update_gate,
        cases=(case(*_random_gru(0, 1, 1)[:3]), case(*_random_gru(1)[:3]), case(*_random_gru(2, 3, 4)[:3])),
        mistakes=(
            Mistake(_bias_forgotten, "The bias is part of what goes into the gate: it has to change its sign too."),
            Mistake(_wrong_block, "You turned the reset gate. The blocks stand in the order r, z, n."),
            Mistake(_all_blocks, "Only z changes its meaning: r and the candidate n keep their signs."),
            Mistake(_one_minus, "It is the gate that becomes 1 - z, not its weights. Which a has σ(a) = 1 - σ(old a)?"),
        ),
        hint="1 - σ(a) = σ(-a). So the pre-activation of z has to change its sign, and of nothing else.",
    ),
    Exercise(
        name="rosetta/4",
        title="A GRU from Keras",
        solution=gru_from_keras,
        cases=(case(*_as_keras(0)), case(*_as_keras(1))),
        mistakes=(
            Mistake(_order_kept, "Turned, but not re-ordered: Keras' blocks are z, r, n. Shapes cannot tell you."),
            Mistake(_biases_in_old_order, "The matrices are right; the biases still have Keras' order z, r, n."),
            Mistake(
                _biases_summed,
                "You summed the biases. The second one's last block stands inside the reset, r (U h + b): keep both.",
            ),
            Mistake(_biases_swapped, "Keras' first row belongs to the input, its second one to the recurrent product."),
            Mistake(
                _blocks_turned_singly,
                "The recurrent kernel's blocks are in order but not turned: they are square, so nothing complains.",
            ),
        ),
        hint="Turn first, so that blocks are rows. Then z, r, n to r, z, n, in all four arrays.",
    ),
    Exercise(
        name="rosetta/5",
        title="Which GRU was it?",
        solution=which_gru,
        cases=(
            _found(0, "after", True),
            _found(1, "before", True),
            _found(2, "after", False),
            _found(3, "before", False),
        ),
        mistakes=(
            Mistake(_always_as_pytorch, "That is PyTorch's convention. Not every one of these came from PyTorch."),
            Mistake(_z_ignored, "You tried both resets, but only one meaning of z. There are four combinations."),
            Mistake(_reset_ignored, "You tried both meanings of z, but only one reset. There are four combinations."),
            Mistake(
                _first_step_only,
                "At the first step h is 0, so the reset shows in the bias only. Use all steps and both biases.",
            ),
        ),
        hint="Run all four combinations on x and take the one whose states lie nearest to y.",
    ),
)
