"""The exercises on keeping a gradient: a threshold, a clip with a guard, a gain, and a matrix gate by gate."""

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case

# ---- 1: a threshold from the norms -----------------------------------------------------------------------------------


def threshold(norms, share):
    """Return the norm above which no more than `share` of the finite norms lie."""
    finite = norms[np.isfinite(norms)]
    return float(np.quantile(finite, 1 - share))


def _all_norms(norms, share):
    with np.errstate(invalid="ignore"):
        return float(np.quantile(norms, 1 - share))


def _infinity_kept(norms, share):
    with np.errstate(invalid="ignore"):
        return float(np.nanquantile(norms, 1 - share))


def _other_end(norms, share):
    return float(np.quantile(norms[np.isfinite(norms)], share))


def _mean(norms, share):
    return float(norms[np.isfinite(norms)].mean())


def _share_of_the_largest(norms, share):
    return float((1 - share) * norms[np.isfinite(norms)].max())


_NORMS = np.exp(np.random.default_rng(0).normal(-1, 1.2, size=400))
_WITH_NAN, _WITH_BOTH = _NORMS.copy(), _NORMS.copy()
_WITH_NAN[[7, 70, 300]] = np.nan
_WITH_BOTH[[11, 50, 51, 52, 53]] = np.nan, np.inf, np.inf, np.inf, np.inf

# ---- 2: clip with a guard --------------------------------------------------------------------------------------------


def clip(grads, max_norm):
    """Return the gradients, shortened together to `max_norm`, and their norm; zeros where the norm is not finite."""
    norm = float(np.sqrt(sum(np.sum(grad**2) for grad in grads)))
    if not np.isfinite(norm):
        return [np.zeros_like(grad) for grad in grads], norm
    scale = min(1.0, max_norm / norm) if norm else 1.0
    return [scale * grad for grad in grads], norm


def _one_by_one(grads, max_norm):
    clipped = [clip([grad], max_norm)[0][0] for grad in grads]
    return clipped, clip(grads, max_norm)[1]


def _sum_of_norms(grads, max_norm):
    norm = float(sum(np.linalg.norm(grad) for grad in grads))
    if not np.isfinite(norm):
        return [np.zeros_like(grad) for grad in grads], norm
    scale = min(1.0, max_norm / norm)
    return [scale * grad for grad in grads], norm


def _lengthens(grads, max_norm):
    norm = clip(grads, max_norm)[1]
    return [max_norm / norm * grad if np.isfinite(norm) else np.zeros_like(grad) for grad in grads], norm


def _by_value(grads, max_norm):
    return [np.clip(np.nan_to_num(grad), -max_norm, max_norm) for grad in grads], clip(grads, max_norm)[1]


def _no_guard(grads, max_norm):
    norm = clip(grads, max_norm)[1]
    with np.errstate(invalid="ignore"):
        return [min(1.0, max_norm / norm) * grad for grad in grads], norm


def _guard_for_nan_alone(grads, max_norm):
    norm = clip(grads, max_norm)[1]
    if np.isnan(norm):
        return [np.zeros_like(grad) for grad in grads], norm
    with np.errstate(invalid="ignore"):
        return [min(1.0, max_norm / norm) * grad for grad in grads], norm


def _holes_filled(grads, max_norm):
    clipped, _ = clip([np.nan_to_num(grad, posinf=0.0, neginf=0.0) for grad in grads], max_norm)
    return clipped, clip(grads, max_norm)[1]


def _norm_after(grads, max_norm):
    clipped, _ = clip(grads, max_norm)
    return clipped, clip(clipped, max_norm)[1]


_GRADS = [np.array([[3.0, 0.0], [0.0, 4.0]]), np.array([12.0, 0.0])]
_SMALL = [0.01 * grad for grad in _GRADS]
_HOLE = [np.array([[1.0, np.nan], [0.0, 2.0]]), np.array([0.5, 0.1])]
_ENDLESS = [np.array([[1.0, 0.0], [-np.inf, 2.0]]), np.array([0.5, 0.1])]

# ---- 3: a gain that is just right ------------------------------------------------------------------------------------


def growth(g, U, driven, dh):
    """Return by what factor the gradient `dh` of the last state grows at each step back, as a geometric mean.

    The network is h = tanh(driven[t] + g U h), from h = 0; driven is (T, H). The gradient is taken to the first state.
    """
    h, states = np.zeros(len(U)), []
    for driven_t in driven:
        h = np.tanh(driven_t + g * U @ h)
        states.append(h)
    start = np.linalg.norm(dh)
    for h in states[:0:-1]:
        dh = g * U.T @ (dh * (1 - h**2))
    return float((np.linalg.norm(dh) / start) ** (1 / (len(driven) - 1)))


def balance(U, driven, dh):
    """Return the gain at which the gradient comes to the first state as long as it left the last."""
    g = 1.0
    for _ in range(200):
        g /= growth(g, U, driven, dh)
    return g


def _by_radius(U, driven, dh):
    return 1 / float(np.abs(np.linalg.eigvals(U)).max())


def _by_singular_value(U, driven, dh):
    return 1 / float(np.linalg.norm(U, 2))


def _one_correction(U, driven, dh):
    return 1 / growth(1.0, U, driven, dh)


def _linear(U, driven, dh):
    start, steps = np.linalg.norm(dh), len(driven) - 1
    for _ in range(steps):
        dh = U.T @ dh
    return float((np.linalg.norm(dh) / start) ** (-1 / steps))


def _wrong_way(U, driven, dh):
    g = 1.0
    for _ in range(3):
        g = min(g * growth(g, U, driven, dh), 3.0)
    return g


def grown(answer, U, driven, dh):
    """Report what the answer's gain makes of the gradient at each step back."""
    g = answer(U, driven, dh)
    if g is None or g is Ellipsis:
        return g
    return {"factor of a step back": growth(float(g), U, driven, dh)}


def _network(seed, H, T, size):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(H, H)) / np.sqrt(H), size * rng.normal(size=(T, H)), rng.normal(size=H)


# ---- 4: orthogonal, gate by gate -------------------------------------------------------------------------------------


def gate_by_gate(gates, H, rng):
    """Return a stack (gates * H, H) of orthogonal matrices, each drawn for itself."""
    return np.concatenate([np.linalg.qr(rng.normal(size=(H, H)))[0] for _ in range(gates)])


def _stack_as_a_whole(gates, H, rng):
    return np.linalg.qr(rng.normal(size=(gates * H, H)))[0]


def _side_by_side(gates, H, rng):
    return gate_by_gate(gates, H, rng).reshape(gates, H, H).swapaxes(0, 1).reshape(H, gates * H)


def _one_for_all(gates, H, rng):
    return np.tile(gate_by_gate(1, H, rng), (gates, 1))


def _scaled(gates, H, rng):
    return rng.normal(size=(gates * H, H)) / np.sqrt(H)


def _scaled_stack(gates, H, rng):
    return np.sqrt(gates) * _stack_as_a_whole(gates, H, rng)


def stretched(answer, gates, H):
    """Say of a stack of the right shape what it and its blocks do to the length of a vector."""
    stack = answer(gates, H, np.random.default_rng(0))
    if not isinstance(stack, np.ndarray) or stack.shape != (gates * H, H):
        return stack
    blocks = stack.reshape(gates, H, H)
    singular = np.linalg.svd(blocks, compute_uv=False)
    return {
        "the stack itself stretches by": float(np.round(np.linalg.norm(stack, 2), 6)),
        "every block keeps every length": bool(np.abs(singular - 1).max() < 1e-6),
        "no two blocks are alike": len(np.unique(np.round(blocks, 6), axis=0)) == gates,
    }


EXERCISES = (
    Exercise(
        name="keeping-gradients/1",
        title="A threshold from the norms",
        solution=threshold,
        cases=(
            case(np.array([0.1, 0.2, 0.3, 0.4, 8.0]), 0.25),
            case(_NORMS, 0.1),
            case(_WITH_NAN, 0.1),
            case(_WITH_BOTH, 0.01),
        ),
        mistakes=(
            Mistake(
                _other_end, "np.quantile counts from below: at most `share` above it means the quantile 1 - share."
            ),
            Mistake(_mean, "The mean follows the few that explode: one large norm lifts it. A quantile does not care."),
            Mistake(
                _share_of_the_largest,
                "That is a part of the largest norm, which is one accident. Ask how many norms lie above, not how far.",
            ),
            Mistake(_all_norms, "Some norms are not finite, and they spoil the quantile. Leave them out first."),
            Mistake(_infinity_kept, "NaN is left out, but infinity still counts as a norm. np.isfinite tells both."),
        ),
        hint="Keep the finite norms; then np.quantile, with the share that is to lie below.",
    ),
    Exercise(
        name="keeping-gradients/2",
        title="A clip with a guard",
        solution=clip,
        cases=(case(_GRADS, 1.0), case(_SMALL, 1.0), case(_HOLE, 1.0), case(_ENDLESS, 1.0), case(_GRADS, 5.0)),
        mistakes=(
            Mistake(
                _one_by_one,
                "Each array was clipped for itself, which bends the whole. Take one norm over all, and one factor.",
            ),
            Mistake(_sum_of_norms, "Norms do not add up, their squares do: the root of the sum of all squares."),
            Mistake(_by_value, "Every entry was cut at max_norm. Multiply all arrays by one number in its place."),
            Mistake(_lengthens, "A gradient shorter than max_norm was made longer. The factor is at most 1."),
            Mistake(
                _no_guard,
                "A norm that is not finite made NaN of every entry. Look at the norm before you multiply by anything.",
            ),
            Mistake(_guard_for_nan_alone, "NaN is seen to, infinity is not: 1/inf times inf is NaN. Use np.isfinite."),
            Mistake(
                _holes_filled,
                "You mended the entries and used the rest. Of a gradient with a hole nothing is known: return zeros.",
            ),
            Mistake(
                _norm_after, "Return the norm from before clipping. It is what you watch while the network trains."
            ),
        ),
        hint="The norm of everything first. Is it finite? Then one factor, at most 1, for all arrays.",
    ),
    Exercise(
        name="keeping-gradients/3",
        title="A gain that is just right",
        solution=balance,
        observe=grown,
        rtol=0.0,
        atol=2e-3,
        cases=(
            case(np.diag([0.5, 0.5]), np.zeros((10, 2)), np.array([1.0, 2.0])),
            case(*_network(0, 16, 40, 0.2)),
            case(*_network(1, 16, 40, 0.5)),
        ),
        mistakes=(
            Mistake(
                _by_radius,
                "A spectral radius of 1 decides for endless time and a slope of 1. Measure the factor in this network.",
            ),
            Mistake(
                _by_singular_value,
                "With a largest singular value of 1 nothing can explode, and so almost everything shrinks.",
            ),
            Mistake(_linear, "The slopes 1 - h**2 take part too: go back through this network, not through U alone."),
            Mistake(
                _one_correction,
                "One division is not enough: another gain has other states and other slopes. Measure and divide again.",
            ),
            Mistake(_wrong_way, "Where the gradient grows the gain is too large: divide by the factor."),
        ),
        hint="growth(g, ...) is the factor of a step back. Divide the gain by it, measure again, and go on.",
    ),
    Exercise(
        name="keeping-gradients/4",
        title="Orthogonal, gate by gate",
        solution=gate_by_gate,
        observe=stretched,
        cases=(case(4, 8), case(3, 5)),
        mistakes=(
            Mistake(_stack_as_a_whole, "The columns of the stack are orthogonal, its blocks are not. Draw each alone."),
            Mistake(_scaled_stack, "A factor for the whole stack cannot make its blocks orthogonal. Draw each alone."),
            Mistake(_side_by_side, "The blocks stand beside each other. Stack them: (gates * H, H)."),
            Mistake(_one_for_all, "All gates got the same matrix and begin alike. Draw one for each."),
            Mistake(_scaled, "A Gaussian matrix of that size stretches some vectors and all but kills others."),
        ),
        hint="np.linalg.qr of a Gaussian (H, H) gives one orthogonal block. np.concatenate stacks them.",
    ),
)
