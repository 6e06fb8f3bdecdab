"""The exercises on truncated backpropagation: who sees what, the loop with k1 and k2, a cut chosen, an unbiased one."""

import numpy as np

from companion.exercises.exercise import Exercise, Mistake, case

# ---- 1: who sees the symbol ------------------------------------------------------------------------------------------


def seen(lag, k):
    """Return the share of the losses that reach a symbol `lag` steps back: in chunks of k, and with windows of k."""
    return max(0, k - lag) / k, float(k > lag)


def _own_step_not_counted(lag, k):
    return min(1, max(0, k - lag + 1) / k), float(k >= lag)


def _chunks_as_windows(lag, k):
    return float(k > lag), float(k > lag)


def _windows_as_chunks(lag, k):
    return max(0, k - lag) / k, max(0, k - lag) / k


def _below_zero(lag, k):
    return (k - lag) / k, float(k > lag)


# ---- 2: the loop with k1 and k2 --------------------------------------------------------------------------------------


def blocks(U, h, first, dy, k1, k2):
    """Return dL/dU (H, H), cut off: blocks of k1 steps, each going back over the k2 - k1 steps before it too."""
    before = np.concatenate([first[None], h[:-1]])
    dU = np.zeros_like(U)
    for start in range(0, len(h), k1):
        end, dh = min(start + k1, len(h)), np.zeros(len(U))
        for t in reversed(range(max(0, start - (k2 - k1)), end)):
            if t >= start:
                dh = dh + dy[t]
            da = dh * (1 - h[t] ** 2)
            dU += np.outer(da, before[t])
            dh = U.T @ da
    return dU


def _own_blocks_only(U, h, first, dy, k1, k2):
    return blocks(U, h, first, dy, k1, k1)


def _k2_before_the_block(U, h, first, dy, k1, k2):
    return blocks(U, h, first, dy, k1, k1 + k2)


def _in_blocks(U, h, first, dy, k1, k2, *, once=True, carried=True):
    """Go back in blocks with one thing done otherwise."""
    before = np.concatenate([first[None], h[:-1]])
    if not carried:
        before[::k1] = 0
    dU = np.zeros_like(U)
    for start in range(0, len(h), k1):
        end, dh = min(start + k1, len(h)), np.zeros(len(U))
        for t in reversed(range(max(0, start - (k2 - k1)), end)):
            if t >= start or not once:
                dh = dh + dy[t]
            da = dh * (1 - h[t] ** 2)
            dU += np.outer(da, before[t])
            dh = U.T @ da
    return dU


def _losses_counted_twice(U, h, first, dy, k1, k2):
    return _in_blocks(U, h, first, dy, k1, k2, once=False)


def _never_cut(U, h, first, dy, k1, k2):
    return blocks(U, h, first, dy, k1, len(h) + k1)


def _state_not_carried(U, h, first, dy, k1, k2):
    return _in_blocks(U, h, first, dy, k1, k2, carried=False)


def _last_block_lost(U, h, first, dy, k1, k2):
    whole = len(h) // k1 * k1
    return blocks(U, h[:whole], first, dy[:whole], k1, k2)


# ---- 3: the cut that is long enough ----------------------------------------------------------------------------------


def smallest_cut(shares, tolerance):
    """Return the smallest k whose windows leave out at most `tolerance` of the gradient's length; shares (T, H, H)."""
    exact = np.linalg.norm(shares.sum(axis=0))
    for k in range(1, len(shares) + 1):
        if np.linalg.norm(shares[k:].sum(axis=0)) <= tolerance * exact:
            return k
    return len(shares)


def _lengths_added(shares, tolerance):
    exact = np.linalg.norm(shares.sum(axis=0))
    sizes = np.linalg.norm(shares, axis=(1, 2))
    return next(k for k in range(1, len(shares) + 1) if sizes[k:].sum() <= tolerance * exact)


def _one_less(shares, tolerance):
    return smallest_cut(shares, tolerance) - 1


def _first_small_share(shares, tolerance):
    exact = np.linalg.norm(shares.sum(axis=0))
    sizes = np.linalg.norm(shares, axis=(1, 2))
    return next((k for k in range(1, len(shares)) if sizes[k] <= tolerance * exact), len(shares))


def _shortened(shares, tolerance):
    exact = np.linalg.norm(shares.sum(axis=0))
    kept = [np.linalg.norm(shares[:k].sum(axis=0)) for k in range(1, len(shares) + 1)]
    return next(k for k, length in enumerate(kept, start=1) if abs(length - exact) <= tolerance * exact)


_RNG = np.random.default_rng(0)
_PLAIN = np.array([8.0, -3.0, 1.0, 1.0])[:, None, None]
_TURNING = np.stack([0.8**j * np.array([[np.cos(j), np.sin(j)], [-np.sin(j), np.cos(j)]]) for j in range(20)])
_REST = _RNG.normal(size=(12, 3, 3)) * 0.6 ** np.arange(12)[:, None, None]

# ---- 4: cuts at random -----------------------------------------------------------------------------------------------


def unbiased(U, h, first, dy, kept, cut):
    """Return dL/dU (H, H); what goes from step t + 1 back to t goes on where kept[t], which it does by 1 - cut."""
    before = np.concatenate([first[None], h[:-1]])
    dU, dh_next = np.zeros_like(U), np.zeros(len(U))
    for t in reversed(range(len(h))):
        da = (dy[t] + dh_next) * (1 - h[t] ** 2)
        dU += np.outer(da, before[t])
        dh_next = U.T @ da * kept[t - 1] / (1 - cut)
    return dU


def _not_divided(U, h, first, dy, kept, cut):
    return unbiased(U, h, first, dy, kept, 0.0)


def _divided_by_the_chance_of_a_cut(U, h, first, dy, kept, cut):
    return unbiased(U, h, first, dy, kept, 1 - cut)


def _own_loss_divided_too(U, h, first, dy, kept, cut):
    return unbiased(U, h, first, dy, kept, cut) / (1 - cut)


def _divided_once_at_the_end(U, h, first, dy, kept, cut):
    return unbiased(U, h, first, dy, kept, 0.0) / (1 - cut) ** (len(h) - 1)


def _kept_turned(U, h, first, dy, kept, cut):
    return unbiased(U, h, first, dy, ~np.asarray(kept), cut)


_U = _RNG.normal(size=(3, 3))
_H = np.tanh(_RNG.normal(size=(7, 3)))
_DY = _RNG.normal(size=(7, 3))
_FIRST = _RNG.normal(size=3)

# ---- 5: what the state remembers -------------------------------------------------------------------------------------


def remembered(h, bits, lag):
    """Return the share of bits `lag` steps back that the best straight readout of the states h (T, B, H) gets right."""
    T, B, H = h.shape
    states = np.concatenate([h[lag:].reshape(-1, H), np.ones(((T - lag) * B, 1))], axis=1)
    asked = 2.0 * bits[: T - lag].reshape(-1) - 1
    readout = np.linalg.lstsq(states, asked, rcond=None)[0]
    return float((np.sign(states @ readout) == asked).mean())


def _reads_the_future(h, bits, lag):
    return remembered(h[::-1], bits[::-1], lag)


def _one_step_late(h, bits, lag):
    return remembered(h, bits, lag + 1)


def _rolled(h, bits, lag):
    T, B, H = h.shape
    states = np.concatenate([h.reshape(-1, H), np.ones((T * B, 1))], axis=1)
    asked = 2.0 * np.roll(bits, lag, axis=0).reshape(-1) - 1
    readout = np.linalg.lstsq(states, asked, rcond=None)[0]
    return float((np.sign(states @ readout) == asked).mean())


def _no_constant(h, bits, lag):
    T, _, H = h.shape
    states, asked = h[lag:].reshape(-1, H), 2.0 * bits[: T - lag].reshape(-1) - 1
    readout = np.linalg.lstsq(states, asked, rcond=None)[0]
    return float((np.sign(states @ readout) == asked).mean())


def _driven(gain, seed, T=60, B=8, H=6):
    """A network as it is drawn, its recurrent weights scaled, and its states while it hears random bits."""
    rng = np.random.default_rng(seed)
    W, U, b = rng.normal(size=(H, 2)), gain * np.linalg.qr(rng.normal(size=(H, H)))[0], rng.normal(size=H)
    bits, h, states = rng.integers(2, size=(T, B)), np.zeros((B, H)), []
    for row in bits:
        h = np.tanh(W.T[row] + h @ U.T + b)
        states.append(h)
    return np.array(states), bits


EXERCISES = (
    Exercise(
        name="truncated-bptt/1",
        title="Who sees the symbol",
        solution=seen,
        cases=(case(0, 1), case(4, 5), case(4, 4), case(2, 8), case(9, 3)),
        mistakes=(
            Mistake(
                _own_step_not_counted,
                "The loss's own step is one of the k: a symbol `lag` steps back is reached over lag + 1 steps.",
            ),
            Mistake(_chunks_as_windows, "In a chunk the losses differ: that of position p reaches p steps back."),
            Mistake(_windows_as_chunks, "A window is each loss's own: all of them reach back equally far."),
            Mistake(_below_zero, "A share is not below 0: where no loss reaches the symbol it is 0."),
        ),
        hint="Number the positions of a chunk 0 to k - 1. Which of them reach a symbol `lag` steps back?",
    ),
    Exercise(
        name="truncated-bptt/2",
        title="The loop with two numbers",
        solution=blocks,
        cases=(
            case(np.array([[0.5]]), np.full((4, 1), 0.5), np.zeros(1), np.eye(4, 1, -3), 2, 3),
            case(_U, _H, _FIRST, _DY, 2, 4),
            case(_U, _H, _FIRST, _DY, 3, 3),
            case(_U, _H, _FIRST, _DY, 1, 3),
        ),
        mistakes=(
            Mistake(_own_blocks_only, "You stop at the block's own first step. Its losses go on over k2 - k1 more."),
            Mistake(_k2_before_the_block, "k2 counts from the end of the block: the block itself is k1 of the k2."),
            Mistake(
                _losses_counted_twice,
                "The losses of the steps before the block were counted with their own block. Leave their dy out here.",
            ),
            Mistake(_never_cut, "Nothing is cut: the way back has to end k2 - k1 steps before the block."),
            Mistake(
                _state_not_carried, "Only the gradient is cut. The state before a block is the one that was there."
            ),
            Mistake(_last_block_lost, "The last block may be shorter than k1, and its losses count like the others."),
        ),
        hint="For every block: walk from its last step back to k2 - k1 steps before its first, with dy inside it only.",
    ),
    Exercise(
        name="truncated-bptt/3",
        title="A cut that is long enough",
        solution=smallest_cut,
        cases=(case(_PLAIN, 0.3), case(_TURNING, 0.1), case(_REST, 0.05), case(_REST, 0.5)),
        mistakes=(
            Mistake(_one_less, "With k the lags 0 to k - 1 are kept, so that is one too few."),
            Mistake(
                _lengths_added,
                "You added up lengths. The shares are arrows, and some of them cancel: add first, then measure.",
            ),
            Mistake(
                _first_small_share,
                "One small share does not make the rest small: all that is left out counts together.",
            ),
            Mistake(
                _shortened,
                "Two gradients may be equally long and point elsewhere. Measure what is left out, not the lengths.",
            ),
        ),
        hint="What windows of k leave out is shares[k:].sum(axis=0). Compare its length with that of the whole sum.",
    ),
    Exercise(
        name="truncated-bptt/4",
        title="A cut that is right on average",
        solution=unbiased,
        cases=(
            case(np.array([[0.5]]), np.full((2, 1), 0.5), np.zeros(1), np.eye(2, 1, -1), np.array([True]), 0.5),
            case(_U, _H, _FIRST, _DY, np.array([True, True, False, True, True, True]), 0.25),
            case(_U, _H, _FIRST, _DY, np.array([True, False, True, True, False, True]), 0.4),
        ),
        mistakes=(
            Mistake(_kept_turned, "kept[t] says that the gradient goes on, not that it is cut."),
            Mistake(_not_divided, "Whatever goes on has to be divided by the chance that it does, 1 - cut."),
            Mistake(
                _divided_by_the_chance_of_a_cut, "Divide by the chance that the gradient goes on, which is 1 - cut."
            ),
            Mistake(
                _own_loss_divided_too,
                "A step's own loss is never cut off, so dy is not divided. Only what comes from the next step is.",
            ),
            Mistake(
                _divided_once_at_the_end,
                "A lag of j steps has passed j cuts: divide at each of them, not once for the whole.",
            ),
        ),
        hint="The loop of full backpropagation, with one factor on dh_next: 0 at a cut, and 1 / (1 - cut) elsewhere.",
    ),
    Exercise(
        name="truncated-bptt/5",
        title="What the state remembers",
        solution=remembered,
        cases=(case(*_driven(0.9, 0), 0), case(*_driven(0.9, 0), 3), case(*_driven(1.0, 1), 5)),
        mistakes=(
            Mistake(
                _reads_the_future, "You read bits that come later than the state: h[lag:] goes with bits[:T - lag]."
            ),
            Mistake(_one_step_late, "That is one step too far back: with lag 0 the state h[t] is asked for bits[t]."),
            Mistake(_rolled, "np.roll brings the end of the stream to its beginning. Leave the first `lag` steps out."),
            Mistake(_no_constant, "Let the readout have a constant: put a column of ones beside the states."),
        ),
        hint="Least squares from h[lag:] and a column of ones to 2 * bits - 1, then compare the signs.",
    ),
)
