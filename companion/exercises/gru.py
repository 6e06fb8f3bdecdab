"""The exercises on the GRU: two resets, the biases, the step back, a hand-set gate, one gate less, weights of Keras."""

import numpy as np

from companion import reference as ref
from companion.exercises.exercise import Exercise, Mistake, case
from companion.reference.activations import sigmoid

# ---- 1: before is not after ------------------------------------------------------------------------------------------


def reset_gap(U, r, h):
    """Return r ⊙ (U h) − U (r ⊙ h), (H,): each unit's sum over the others, by how much more open its own gate is."""
    return (U * (r[:, None] - r[None, :])) @ h


def two_by_two():
    """Return U (2, 2), r (2,) and h (2,) with r ⊙ (U h) = (1, 0) and U (r ⊙ h) = (0, 1)."""
    return np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1.0, 0.0]), np.array([1.0, 1.0])


def both_products(answer):
    """Return r ⊙ (U h), U (r ⊙ h), and whether r could come out of a gate."""
    if answer is Ellipsis or answer is None or any(part is Ellipsis for part in answer):
        return None
    U, r, h = (np.asarray(part, dtype=float) for part in answer)
    return r * (U @ h), U @ (r * h), bool(((r >= 0) & (r <= 1)).all())


def _turned_gate():
    U, r, h = two_by_two()
    return U, 1 - r, h


def _diagonal():
    _, r, h = two_by_two()
    return np.eye(2), r, h


def _no_gate():
    U, r, h = two_by_two()
    return U, np.ones(2), h


# ---- 2: the fewest biases --------------------------------------------------------------------------------------------


def fewest_biases(b_ih, b_hh):
    """Return a bias (3H,) for the input side and the bias (H,) of the candidate that has to stay inside the reset."""
    H = len(b_hh) // 3
    return b_ih + np.concatenate([b_hh[: 2 * H], np.zeros(H)]), b_hh[2 * H :].copy()


def _all_summed(b_ih, b_hh):
    return b_ih + b_hh, np.zeros(len(b_hh) // 3)


def _counted_twice(b_ih, b_hh):
    return b_ih + b_hh, b_hh[-(len(b_hh) // 3) :].copy()


def _gates_lost(b_ih, b_hh):
    return b_ih.copy(), b_hh[-(len(b_hh) // 3) :].copy()


def _first_block(b_ih, b_hh):
    H = len(b_hh) // 3
    return b_ih + np.concatenate([np.zeros(H), b_hh[H:]]), b_hh[:H].copy()


# ---- 3: the step back ------------------------------------------------------------------------------------------------


def step_back(dh, h_prev, r, z, n, U):
    """Return da (3, H), rows r, z, n, and the gradient of the state before, (H,), with the reset before U (3H, H)."""
    U_r, U_z, U_n = np.split(U, 3)
    dn = dh * (1 - z)
    dz = dh * (h_prev - n)
    da_n = dn * (1 - n**2)
    dq = U_n.T @ da_n  # of q = r * h_prev, which U_n reads
    dr = dq * h_prev
    da_z = dz * z * (1 - z)
    da_r = dr * r * (1 - r)
    return np.stack([da_r, da_z, da_n]), dh * z + dq * r + U_z.T @ da_z + U_r.T @ da_r


def _reset_after(dh, h_prev, r, z, n, U):
    _, _, U_n = np.split(U, 3)
    da, _ = step_back(dh, h_prev, r, z, n, U)
    da[0] = da[2] * (U_n @ h_prev) * r * (1 - r)
    return da, dh * z + U.T @ np.concatenate([da[0], da[1], da[2] * r])


def _z_exchanged(dh, h_prev, r, z, n, U):
    da, before = step_back(dh, h_prev, r, 1 - z, n, U)
    da[1] *= -1
    return da, before


def _z_sign(dh, h_prev, r, z, n, U):
    _, U_z, _ = np.split(U, 3)
    da, before = step_back(dh, h_prev, r, z, n, U)
    before = before - 2 * U_z.T @ da[1]
    da[1] *= -1
    return da, before


def _own_way_lost(dh, h_prev, r, z, n, U):
    da, before = step_back(dh, h_prev, r, z, n, U)
    return da, before - dh * z


def _reset_not_passed(dh, h_prev, r, z, n, U):
    _, _, U_n = np.split(U, 3)
    da, before = step_back(dh, h_prev, r, z, n, U)
    return da, before + (1 - r) * (U_n.T @ da[2])


def _no_slopes(dh, h_prev, r, z, n, U):
    U_r, U_z, U_n = np.split(U, 3)
    da, _ = step_back(dh, h_prev, r, z, n, U)
    da[0] /= r * (1 - r)
    da[1] /= z * (1 - z)
    return da, dh * z + r * (U_n.T @ da[2]) + U_z.T @ da[1] + U_r.T @ da[0]


# ---- 4: a leaky average ----------------------------------------------------------------------------------------------


def leaky_average(keep):
    """Return W (3, 1), U (3, 1), b_ih (3,), b_hh (3,) of a unit with h_t = keep h_{t-1} + (1 − keep) tanh(x_t)."""
    W, U = np.array([[0.0], [0.0], [1.0]]), np.zeros((3, 1))
    return W, U, np.array([0.0, np.log(keep / (1 - keep)), 0.0]), np.zeros(3)


def lived(answer, keep, x):
    """Run a GRU of one unit with the weights that the answer gives for `keep`; return its states (T,)."""
    weights = answer(keep)
    if weights is Ellipsis or weights is None:
        return None
    layer = ref.GRU(1, 1, rng=0)
    layer.load_state_dict(dict(zip(layer.params, (np.asarray(w, dtype=float) for w in weights), strict=True)))
    return layer(x[:, None])[0][:, 0]


def _takes_for_keeps(keep):
    W, U, b_ih, b_hh = leaky_average(keep)
    return W, U, -b_ih, b_hh


def _share_as_bias(keep):
    W, U, b_ih, b_hh = leaky_average(keep)
    return W, U, np.array([0.0, keep, 0.0]), b_hh


def _scaled_twice(keep):
    W, U, b_ih, b_hh = leaky_average(keep)
    return W * (1 - keep), U, b_ih, b_hh


def _hears_itself(keep):
    W, U, b_ih, b_hh = leaky_average(keep)
    return W, np.array([[0.0], [0.0], [1.0]]), b_ih, b_hh


# ---- 5: one gate less ------------------------------------------------------------------------------------------------


def minimal_unit(x, h, W, U, b):
    """Return h after a step of the minimal gated unit; two blocks of rows, f and n, and f resets before the product."""
    (W_f, W_n), (U_f, U_n), (b_f, b_n) = (np.split(part, 2) for part in (W, U, b))
    f = sigmoid(W_f @ x + U_f @ h + b_f)
    n = np.tanh(W_n @ x + U_n @ (f * h) + b_n)
    return (1 - f) * h + f * n


def _keeps_with_f(x, h, W, U, b):
    (W_f, W_n), (U_f, U_n), (b_f, b_n) = (np.split(part, 2) for part in (W, U, b))
    f = sigmoid(W_f @ x + U_f @ h + b_f)
    return f * h + (1 - f) * np.tanh(W_n @ x + U_n @ (f * h) + b_n)


def _resets_after(x, h, W, U, b):
    (W_f, W_n), (U_f, U_n), (b_f, b_n) = (np.split(part, 2) for part in (W, U, b))
    f = sigmoid(W_f @ x + U_f @ h + b_f)
    return (1 - f) * h + f * np.tanh(W_n @ x + f * (U_n @ h) + b_n)


def _never_resets(x, h, W, U, b):
    (W_f, W_n), (U_f, U_n), (b_f, b_n) = (np.split(part, 2) for part in (W, U, b))
    f = sigmoid(W_f @ x + U_f @ h + b_f)
    return (1 - f) * h + f * np.tanh(W_n @ x + U_n @ h + b_n)


# ---- 6: a GRU of Keras, whichever it is ------------------------------------------------------------------------------


def from_keras(kernel, recurrent, bias):
    """Return where the reset stands, "before" or "after", and W, U, b_ih, b_hh with the blocks r, z, n as rows."""

    def rows(array):
        z, r, n = np.split(array, 3)
        return np.concatenate([r, z, n])

    two = bias.ndim == 2
    b_ih, b_hh = bias if two else (bias, np.zeros_like(bias))
    return "after" if two else "before", rows(kernel.T), rows(recurrent.T), rows(b_ih), rows(b_hh)


def _always_after(kernel, recurrent, bias):
    return ("after", *from_keras(kernel, recurrent, bias)[1:])


def _order_kept(kernel, recurrent, bias):
    b_ih, b_hh = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    return from_keras(kernel, recurrent, bias)[0], kernel.T.copy(), recurrent.T.copy(), b_ih.copy(), b_hh.copy()


def _bias_doubled(kernel, recurrent, bias):
    reset, W, U, b_ih, b_hh = from_keras(kernel, recurrent, bias)
    return reset, W, U, b_ih, b_hh if bias.ndim == 2 else b_ih.copy()


def _z_turned_too(kernel, recurrent, bias):
    reset, *parts = from_keras(kernel, recurrent, bias)
    for part in parts:
        part[len(part) // 3 : 2 * len(part) // 3] *= -1
    return reset, *parts


_RNG = np.random.default_rng(0)
_GATES = tuple(_RNG.uniform(0.1, 0.9, size=3) for _ in "rz")
_STATES = _RNG.uniform(-0.9, 0.9, size=(2, 3))
_STEP = (_RNG.normal(size=3), _STATES[0], *_GATES, _STATES[1], _RNG.normal(size=(9, 3)))
_ONE = (*(np.array([v]) for v in (1.0, 0.5, 0.5, 0.8, 0.2)), np.array([[1.0], [2.0], [3.0]]))
_MINIMAL = tuple(_RNG.normal(size=shape) for shape in ((3,), (2,), (4, 3), (4, 2), (4,)))
_SMALL = (np.ones(1), np.array([0.5]), np.array([[1.0], [2.0]]), np.array([[0.5], [1.0]]), np.zeros(2))

EXERCISES = (
    Exercise(
        name="gru/1",
        title="Before is not after",
        solution=two_by_two,
        kind="value",
        observe=both_products,
        mistakes=(
            Mistake(_turned_gate, "You have the two exchanged: this r gives (0, 1) after the product, (1, 0) before."),
            Mistake(
                _diagonal, "Where U is diagonal the two are one: each unit hears only itself, through its own gate."
            ),
            Mistake(
                _no_gate, "With r = (1, 1) nothing is reset, and there is one product only. Shut one of the gates."
            ),
        ),
        hint="Let each unit hear the other one alone, and shut the gate of one unit.",
    ),
    Exercise(
        name="gru/2",
        title="The fewest biases",
        solution=fewest_biases,
        cases=(
            case(np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 30.0])),
            case(_RNG.normal(size=12), _RNG.normal(size=12)),
        ),
        mistakes=(
            Mistake(_all_summed, "The candidate's recurrent bias is multiplied by r, the other one is not. Keep it."),
            Mistake(_counted_twice, "The candidate's recurrent bias is now outside the reset too: it acts twice."),
            Mistake(_gates_lost, "In r and z nothing stands between the two biases: they have to be added."),
            Mistake(_first_block, "That is the bias of r. The blocks are r, z, n; the reset acts in the last."),
        ),
        hint="Which of the six biases is multiplied by something before it meets another one?",
    ),
    Exercise(
        name="gru/3",
        title="The step back, with the other reset",
        solution=step_back,
        cases=(case(*_ONE), case(*_STEP)),
        mistakes=(
            Mistake(_z_exchanged, "Near 1, z keeps the old state: dh * z goes to it, and dh * (1 - z) to n."),
            Mistake(_z_sign, "h = n + z * (h_prev - n): the derivative by z is h_prev - n, not n - h_prev."),
            Mistake(
                _own_way_lost, "The old state has a way of its own to the new one, z * h_prev. Its share is dh * z."
            ),
            Mistake(_reset_not_passed, "U_n read r * h_prev, so what arrives at h_prev there is U_n.T @ da_n times r."),
            Mistake(_no_slopes, "Between a gate and its pre-activation lies the slope of the sigmoid, r * (1 - r)."),
            Mistake(
                _reset_after, "That is the step with the reset after the product. Here r multiplies h_prev itself."
            ),
        ),
        hint="Write the forward step with a line for q = r * h_prev, and take each line backwards, the last one first.",
    ),
    Exercise(
        name="gru/4",
        title="A leaky average",
        solution=leaky_average,
        observe=lived,
        cases=(case(0.5, np.array([1.0, 0.0, 0.0])), case(0.9, np.array([1.0, -0.5, 2.0, 0.3]))),
        mistakes=(
            Mistake(
                _takes_for_keeps, "It keeps 1 - keep of the old state. Where z is near 1 this unit keeps, not takes."
            ),
            Mistake(_share_as_bias, "The bias goes through the sigmoid. Which a has σ(a) = keep?"),
            Mistake(_scaled_twice, "The share 1 - keep comes from the gate already; the input needs no other."),
            Mistake(_hears_itself, "The candidate is tanh(x_t) alone: nothing comes back into it from h."),
        ),
        hint="z has to be keep at every step, whatever comes in: its row of weights is zero, and it has a bias.",
    ),
    Exercise(
        name="gru/5",
        title="One gate less",
        solution=minimal_unit,
        cases=(case(*_SMALL), case(*_MINIMAL)),
        mistakes=(
            Mistake(_keeps_with_f, "Here f near 1 takes the candidate, and 1 - f is what stays of the old state."),
            Mistake(_resets_after, "The gate stands before the product: U_n reads f * h."),
            Mistake(_never_resets, "The one gate does both: the candidate too hears the old state through it."),
        ),
        hint="Two blocks: f from x and h, then n from x and f * h, then the mixture.",
    ),
    Exercise(
        name="gru/6",
        title="A GRU of Keras, whichever it is",
        solution=from_keras,
        cases=(
            case(np.array([[1.0, 2.0, 3.0]]), np.array([[4.0, 5.0, 6.0]]), np.array([7.0, 8.0, 9.0])),
            case(_RNG.normal(size=(2, 9)), _RNG.normal(size=(3, 9)), _RNG.normal(size=(2, 9))),
            case(_RNG.normal(size=(2, 9)), _RNG.normal(size=(3, 9)), _RNG.normal(size=9)),
        ),
        mistakes=(
            Mistake(_order_kept, "Keras has the blocks in the order z, r, h: the first two of yours are exchanged."),
            Mistake(_bias_doubled, "There is one bias. In both places it would count twice: one of yours has to be 0."),
            Mistake(_z_turned_too, "Keras writes z * h + (1 - z) * hh, as we do: z is not to be turned."),
            Mistake(_always_after, "One row of biases and not two: this layer was made with reset_after=False."),
        ),
        hint="The shape of the bias says where the reset stands. Then transpose, and put the blocks in order.",
    ),
)
