"""The exercises on backpropagation through time: a drill, the loop back, the shares, a start to learn, checkpoints."""

import numpy as np

from companion.exercises._checkpoints import MISTAKES, walked
from companion.exercises.exercise import Exercise, Mistake, case

# ---- 1: three steps with a pencil ------------------------------------------------------------------------------------


def drill(w, u, x, target):
    """Return every number on the way forward and back through three steps; the loss is (h2 - target)**2 / 2."""
    h0 = np.tanh(w * x[0])
    h1 = np.tanh(w * x[1] + u * h0)
    h2 = np.tanh(w * x[2] + u * h1)
    dh2 = h2 - target
    da2 = dh2 * (1 - h2**2)
    dh1 = u * da2
    da1 = dh1 * (1 - h1**2)
    dh0 = u * da1
    da0 = dh0 * (1 - h0**2)
    du = da2 * h1 + da1 * h0
    dw = da2 * x[2] + da1 * x[1] + da0 * x[0]
    forward = {"h0": h0, "h1": h1, "h2": h2}
    return forward | {"dh2": dh2, "da2": da2, "dh1": dh1, "da1": da1, "dh0": dh0, "da0": da0, "du": du, "dw": dw}


def _worked(w, u, x, target, *, slope=lambda h, before: 1 - h**2, sign=1, carried="da", read="before", last_only=False):
    """Do the drill with one thing done otherwise."""
    h = [0.0]
    for x_t in x:
        h.append(np.tanh(w * x_t + u * h[-1]))
    dh, found, du, dw = sign * (h[-1] - target), {}, 0.0, 0.0
    for t in (2, 1, 0):
        da = dh * slope(h[t + 1], h[t])
        found |= {f"h{t}": h[t + 1], f"dh{t}": dh, f"da{t}": da}
        if t == 2 or not last_only:
            du, dw = du + da * (h[t] if read == "before" else h[t + 1]), dw + da * x[t]
        dh = u * (da if carried == "da" else dh)
    return found | {"du": du, "dw": dw}


def _slope_of_the_state_before(w, u, x, target):
    return _worked(w, u, x, target, slope=lambda h, before: 1 - before**2)


def _slope_left_out(w, u, x, target):
    return _worked(w, u, x, target, carried="dh")


def _last_step_alone(w, u, x, target):
    return _worked(w, u, x, target, last_only=True)


def _state_after(w, u, x, target):
    return _worked(w, u, x, target, read="after")


def _turned_sign(w, u, x, target):
    return _worked(w, u, x, target, sign=-1)


_PENCIL = (1.0, 0.5, (1.0, 0.0, -1.0), 0.5)


def verdicts(answer) -> str:
    """Return a verdict for every line of the drill, each against the complex step from that line on."""
    got = answer(*_PENCIL)
    if not isinstance(got, dict):
        return "nothing to check yet: return a dictionary, as in the stub."
    lines = []
    for name in drill(*_PENCIL):
        if not isinstance(value := got.get(name), int | float):
            lines.append(f"{name:>4}: missing")
            continue
        right = _nudged("", name).real if name[0] == "h" else _nudged(name[1:]).imag / 1e-30
        lines.append(f"{name:>4}: {'ok' if np.isclose(value, right, rtol=1e-9, atol=1e-12) else 'WRONG'}")
    return "\n".join(lines)


def _nudged(name, wanted="loss"):
    """Run the three steps with the quantity `name` moved by 1e-30 i, and return what is wanted."""
    w, u, x, target = _PENCIL
    nudge = {name: 1e-30j}
    w, u, h, found = w + nudge.get("w", 0), u + nudge.get("u", 0), 0.0, {}
    for t in range(3):
        h = np.tanh(w * x[t] + u * h + nudge.get(f"a{t}", 0)) + nudge.get(f"h{t}", 0)
        found[f"h{t}"] = h
    return (found | {"loss": (h - target) ** 2 / 2})[wanted]


# ---- 2: the loop back ------------------------------------------------------------------------------------------------


def back(U, h, dy, dh_next):
    """Return da (T, H), and the gradient of the state before the first step (H,)."""
    da = np.empty_like(h)
    for t in reversed(range(len(h))):
        dh = dy[t] + dh_next
        da[t] = dh * (1 - h[t] ** 2)
        dh_next = U.T @ da[t]
    return da, dh_next


def _nothing_carried(U, h, dy, dh_next):
    da = dy * (1 - h**2)
    return da, U.T @ da[0]


def _final_gradient_lost(U, h, dy, dh_next):
    return back(U, h, dy, np.zeros_like(dh_next))


def _not_transposed(U, h, dy, dh_next):
    return back(U.T, h, dy, dh_next)


def _forwards(U, h, dy, dh_next):
    da = np.empty_like(h)
    for t in range(len(h)):
        da[t] = (dy[t] + dh_next) * (1 - h[t] ** 2)
        dh_next = U.T @ da[t]
    return da, dh_next


def _own_loss_forgotten(U, h, dy, dh_next):
    da = np.empty_like(h)
    dh_next = dh_next + dy[-1]
    for t in reversed(range(len(h))):
        da[t] = dh_next * (1 - h[t] ** 2)
        dh_next = U.T @ da[t]
    return da, dh_next


def _final_gradient_everywhere(U, h, dy, dh_next):
    return back(U, h, dy + np.r_[np.tile(dh_next, (len(h) - 1, 1)), np.zeros((1, len(dh_next)))], dh_next)


_RNG = np.random.default_rng(0)
_U = _RNG.normal(size=(3, 3))
_H = np.tanh(_RNG.normal(size=(4, 3)))
_DY = _RNG.normal(size=(4, 3))
_DH = _RNG.normal(size=3)

# ---- 3: each step's share --------------------------------------------------------------------------------------------


def shares_of_U(da, h, first):
    """Return each step's share of dL/dU, (T, H, H)."""
    before = np.concatenate([first[None], h[:-1]])
    return da[:, :, None] * before[:, None, :]


def _transposed(da, h, first):
    return shares_of_U(da, h, first).swapaxes(1, 2).copy()


def _states_after(da, h, first):
    return da[:, :, None] * h[:, None, :]


def _rolled(da, h, first):
    return da[:, :, None] * np.roll(h, 1, axis=0)[:, None, :]


def _already_summed(da, h, first):
    return shares_of_U(da, h, first).sum(axis=0)


def _starts_at_zero(da, h, first):
    return shares_of_U(da, h, np.zeros_like(first))


# ---- 4: a start that is learnt ---------------------------------------------------------------------------------------


def learn_start(w, u, x, target, rate, updates):
    """Return the state before the first step after some updates; it begins at 0."""
    start = 0.0
    for _ in range(updates):
        h = [start]
        for x_t in x:
            h.append(np.tanh(w * x_t + u * h[-1]))
        dh = h[-1] - target
        for h_t in reversed(h[1:]):
            dh = u * dh * (1 - h_t**2)
        start = start - rate * dh
    return start


def _one_factor_short(w, u, x, target, rate, updates):
    return learn_start(w, u, x, target, rate / u, updates)


def _climbs(w, u, x, target, rate, updates):
    return learn_start(w, u, x, target, -rate, updates)


def _learnt(w, u, x, target, rate, updates, *, begun="start", slopes=slice(1, None)):
    """Learn the start with one thing done otherwise."""
    start = 0.0
    for _ in range(updates):
        h = [start]
        for x_t in x:
            h.append(np.tanh(w * x_t + u * h[-1]))
        dh = h[-1] - target
        for h_t in reversed(h[slopes]):
            dh = u * dh * (1 - h_t**2)
        start = (start if begun == "start" else h[-1]) - rate * dh
    return start


def _goes_on_from_the_end(w, u, x, target, rate, updates):
    return _learnt(w, u, x, target, rate, updates, begun="end")


def _slope_at_the_start_too(w, u, x, target, rate, updates):
    return _learnt(w, u, x, target, rate, updates, slopes=slice(None, -1))


# ---- 5: checkpoints --------------------------------------------------------------------------------------------------


def checkpointed(step, step_back, h, T, dh, k):
    """Return the gradient of the first state while only every k-th state is kept."""
    kept = {}
    for t in range(T):
        if t % k == 0:
            kept[t] = h
        h = step(h, t)
    for start in reversed(range(0, T, k)):
        states = [kept.pop(start)]
        for t in range(start, min(start + k, T) - 1):
            states.append(step(states[-1], t))
        for t in reversed(range(start, start + len(states))):
            dh = step_back(dh, states.pop(), t)
    return dh


EXERCISES = (
    Exercise(
        name="bptt/1",
        title="Three steps with a pencil",
        solution=drill,
        cases=(case(*_PENCIL), case(0.8, -1.2, (0.5, 0.2, 1.0), -0.3)),
        mistakes=(
            Mistake(_turned_sign, "The loss grows with h2 where h2 is above the target: dh2 is h2 - target."),
            Mistake(
                _slope_of_the_state_before,
                "The slope of tanh at step t is 1 - h_t squared, with the state that step made, not the one it read.",
            ),
            Mistake(
                _slope_left_out,
                "From dh2 to dh1 the way leads through the tanh of step 2 too: dh1 is u times da2, not u times dh2.",
            ),
            Mistake(
                _last_step_alone,
                "du and dw hold the last step only, which is the immediate derivative. The weights acted three times.",
            ),
            Mistake(_state_after, "At step t the weight u was multiplied with the state before it: da2 goes with h1."),
        ),
        hint="Write the three steps forward. Then the same lines backwards, each with its own derivative.",
    ),
    Exercise(
        name="bptt/2",
        title="The loop back",
        solution=back,
        cases=(
            case(np.array([[2.0, 1.0], [0.0, 3.0]]), np.zeros((2, 2)), np.array([[0.0, 0.0], [1.0, 0.0]]), np.zeros(2)),
            case(_U, _H, _DY, np.zeros(3)),
            case(_U, _H, np.zeros((4, 3)), _DH),
            case(_U, _H, _DY, _DH),
        ),
        mistakes=(
            Mistake(_not_transposed, "Forward, h goes through U. Back, the gradient goes through its transpose, U.T."),
            Mistake(
                _nothing_carried, "Each step got its own dy only. Hand on what it leaves for the step before: dh_next."
            ),
            Mistake(_forwards, "You went from the first step to the last. The later step has to come first."),
            Mistake(
                _own_loss_forgotten,
                "A state is used twice, by its own loss and by the next step: dh = dy[t] + dh_next.",
            ),
            Mistake(
                _final_gradient_lost,
                "The argument dh_next is the gradient of the final state. You began with zeros in its place.",
            ),
            Mistake(
                _final_gradient_everywhere,
                "The gradient of the final state belongs to the last step alone; after that dh_next is what you made.",
            ),
        ),
        hint="Three lines for a step: dh, then da, then the dh_next for the step before. Walk from T - 1 down to 0.",
    ),
    Exercise(
        name="bptt/3",
        title="Each step's share",
        solution=shares_of_U,
        cases=(
            case(np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[0.5, 0.1], [0.3, 0.4]]), np.zeros(2)),
            case(_DY, _H, _DH),
        ),
        mistakes=(
            Mistake(
                _transposed,
                "Rows of U belong to the unit that receives: entry (i, j) is da[t, i] times the state j before.",
            ),
            Mistake(_states_after, "At step t the matrix U was multiplied with the state before: h[t - 1]."),
            Mistake(_rolled, "np.roll put the last state before the first step. Before the first step stands `first`."),
            Mistake(_already_summed, "That is their sum, the gradient. The shares themselves are asked: (T, H, H)."),
            Mistake(_starts_at_zero, "The state before the first step is `first`, which need not be 0."),
        ),
        hint="A share is the outer product of da[t] and the state that the step read. `first` is the one of step 0.",
    ),
    Exercise(
        name="bptt/4",
        title="A start that is learnt",
        solution=learn_start,
        cases=(
            case(1.0, 0.5, (0.0,), 0.5, 1.0, 1),
            case(1.0, 1.5, (0.2, -0.1, 0.0), 0.6, 0.5, 20),
            case(0.7, -0.9, (0.5, 0.0), 0.1, 0.3, 5),
        ),
        mistakes=(
            Mistake(_climbs, "You climb the gradient: descent takes it off, start - rate * dh."),
            Mistake(
                _goes_on_from_the_end, "Every run begins at the start that is learnt, not where the last run ended."
            ),
            Mistake(
                _slope_at_the_start_too,
                "The slopes are those of the states that a tanh made: h_0 to h_(T-1). The start itself has none.",
            ),
            Mistake(
                _one_factor_short, "One factor u is missing: the way from h_0 to the start leads through u as well."
            ),
        ),
        hint="Run, keep the states, walk back one step further than the first: u da_0 is the gradient of the start.",
    ),
    Exercise(
        name="bptt/5",
        title="Checkpoints",
        solution=checkpointed,
        observe=walked,
        cases=(case(0.9, 16, 4), case(1.1, 100, 10), case(0.8, 30, 7)),
        mistakes=MISTAKES,
        hint="One pass that keeps every k-th state. Then, piece by piece from the end, make it again and walk back.",
    ),
)
