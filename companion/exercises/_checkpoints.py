"""What goes wrong in the exercise on checkpoints, `bptt/5`, and how its answer is watched; `bptt` has the solution."""

from math import ceil

import numpy as np

from companion.exercises.exercise import Mistake


def _keeps_all(step, step_back, h, T, dh, k):
    states = [h]
    for t in range(T):
        states.append(step(states[-1], t))
    for t in reversed(range(T)):
        dh = step_back(dh, states[t], t)
    return dh


def _from_the_start_each_time(step, step_back, h, T, dh, k):
    for t in reversed(range(T)):
        state = h
        for s in range(t):
            state = step(state, s)
        dh = step_back(dh, state, t)
    return dh


def _holds_its_checkpoint_still(step, step_back, h, T, dh, k):
    kept = {}
    for t in range(T):
        if t % k == 0:
            kept[t] = h
        h = step(h, t)
    for t in reversed(range(T)):
        dh = step_back(dh, kept[t - t % k], t)
    return dh


def _pieces_forwards(step, step_back, h, T, dh, k):
    for start in range(0, T, k):
        states = [h]
        for t in range(start, min(start + k, T)):
            states.append(step(states[-1], t))
        h = states.pop()
        for t in reversed(range(start, start + len(states))):
            dh = step_back(dh, states.pop(), t)
    return dh


def walked(answer, u, T, k):
    """Let a neuron be walked back, and report the gradient, the work and how many states were held at once."""
    alive = {"now": 0, "most": 0, "steps": 0}

    class State(float):
        """A state that is counted as long as somebody holds it."""

        def __new__(cls, value):
            alive["now"] += 1
            alive["most"] = max(alive["most"], alive["now"])
            return super().__new__(cls, value)

        def __del__(self):
            alive["now"] -= 1

    def step(h, t):
        alive["steps"] += 1
        return State(np.tanh(u * h + np.cos(t)))

    def step_back(dh, h, t):
        return float(u * dh * (1 - np.tanh(u * h + np.cos(t)) ** 2) + h)  # every state has a loss of its own, h²/2

    gradient = answer(step, step_back, State(0.1), T, 1.0, k)
    if gradient is None or gradient is Ellipsis:
        return gradient
    return {
        "gradient": gradient,
        "at most 2 T steps forward": alive["steps"] <= 2 * T,
        "at most T/k + k + 2 states held": alive["most"] <= ceil(T / k) + k + 2,
    }


MISTAKES = (
    Mistake(_keeps_all, "The gradient is right, and every state was kept. Keep those with t % k == 0 only."),
    Mistake(
        _from_the_start_each_time,
        "Little is kept, but each state is made again from the very start: that is T squared / 2 steps. "
        "Begin at the nearest checkpoint, and make its whole piece at once.",
    ),
    Mistake(
        _holds_its_checkpoint_still,
        "step_back wants the state before its own step, not the nearest checkpoint: make the piece again.",
    ),
    Mistake(_pieces_forwards, "The pieces were taken in the order of time. The last piece has to come first."),
)
