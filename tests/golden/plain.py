"""Every recurrent layer once more, as plainly as possible: the second route behind the golden vectors.

One sequence at a time, one time step at a time, one gate at a time, and no backward pass at all: gradients come
from the complex step, d f / d p = Im f(p + i h) / h with h = 1e-30, which has no rounding error of its own. Nothing
here knows `companion`; a mistake in its unrolling, its hoisted products or its backward passes cannot be repeated
here.

A layer is described by a plain mapping, `{"layer": "LSTM", "hidden_size": 4, "num_layers": 2, ...}`, and its
weights by a mapping with the names of PyTorch's `state_dict`. Every array may be complex.
"""

import numpy as np

STEP = 1e-30
GATES = {"RNN": "a", "LSTM": "ifgo", "LSTM1997": "igo", "PeepholeLSTM": "ifgo", "GRU": "rzn"}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def relu(a):
    return np.where(a.real > 0, a, 0 * a)


def softmax(a):
    e = np.exp(a - a.real.max())
    return e / e.sum()


FUNCTIONS = {"tanh": np.tanh, "sigmoid": sigmoid, "relu": relu, "softmax": softmax, "linear": lambda a: a}


def step_rnn(about, w, x, state):
    (h,) = state
    h = FUNCTIONS[about.get("nonlinearity", "tanh")](w.W["a"] @ x + w.b_in["a"] + w.U["a"] @ h + w.b_rec["a"])
    return (h,)


def step_lstm(about, w, x, state):
    h, c = state

    def drive(gate):
        return w.W[gate] @ x + w.b_in[gate] + w.U[gate] @ h + w.b_rec[gate]

    i, g, o = sigmoid(drive("i")), np.tanh(drive("g")), sigmoid(drive("o"))
    f = sigmoid(drive("f")) if "f" in w.W else 1
    c = f * c + i * g
    return o * np.tanh(c), c


def step_peephole(about, w, x, state):
    h, c_before = state

    def drive(gate):
        return w.W[gate] @ x + w.b_in[gate] + w.U[gate] @ h + w.b_rec[gate]

    i = sigmoid(drive("i") + w.p["i"] * c_before)
    f = sigmoid(drive("f") + w.p["f"] * c_before)
    c = f * c_before + i * np.tanh(drive("g"))
    seen = c if about.get("output_peep", "new") == "new" else c_before
    o = sigmoid(drive("o") + w.p["o"] * seen)
    return o * np.tanh(c), c


def step_gru(about, w, x, state):
    (h,) = state
    r = sigmoid(w.W["r"] @ x + w.b_in["r"] + w.U["r"] @ h + w.b_rec["r"])
    z = sigmoid(w.W["z"] @ x + w.b_in["z"] + w.U["z"] @ h + w.b_rec["z"])
    if about.get("reset", "after") == "after":
        past = r * (w.U["n"] @ h + w.b_rec["n"])
    else:
        past = w.U["n"] @ (r * h) + w.b_rec["n"]
    n = np.tanh(w.W["n"] @ x + w.b_in["n"] + past)
    return ((1 - z) * n + z * h,)


STEPS = {"RNN": step_rnn, "LSTM": step_lstm, "LSTM1997": step_lstm, "PeepholeLSTM": step_peephole, "GRU": step_gru}


class GateWeights:
    """The weights of one layer in one direction, gate by gate."""

    def __init__(self, about, params, suffix):
        gates = GATES[family(about)]
        size = about["hidden_size"]

        def blocks(name, letters):
            rows = params[f"{name}_{suffix}"]
            return {gate: rows[k * size : (k + 1) * size] for k, gate in enumerate(letters)}

        self.W = blocks("weight_ih", gates)
        self.U = blocks("weight_hh", gates)
        none = dict.fromkeys(gates, 0)
        self.b_in = blocks("bias_ih", gates) if about.get("bias", True) else none
        self.b_rec = blocks("bias_hh", gates) if about.get("bias", True) else none
        self.p = blocks("weight_ch", "ifo") if about["layer"] == "PeepholeLSTM" else {}


def family(about):
    return "LSTM1997" if about["layer"] == "LSTM" and not about.get("forget_gate", True) else about["layer"]


def run_one(about, params, x, state):
    """One sequence `(T, I)` through the whole stack; `state` holds arrays `(layers * directions, H)`."""
    directions = 2 if about.get("bidirectional", False) else 1
    step = STEPS[family(about)]
    finals = []
    for layer in range(about.get("num_layers", 1)):
        sides = []
        for direction in range(directions):
            w = GateWeights(about, params, f"l{layer}" + ("_reverse" if direction else ""))
            now = tuple(part[layer * directions + direction] for part in state)
            outputs = []
            for x_t in x[::-1] if direction else x:
                now = step(about, w, x_t, now)
                outputs.append(now[0])
            sides.append(np.array(outputs[::-1] if direction else outputs).reshape(len(x), about["hidden_size"]))
            finals.append(now)
        x = np.concatenate(sides, axis=1)
    return x, tuple(np.array(part) for part in zip(*finals, strict=True))


def run_jordan(about, params, x, state, targets=None):
    """One sequence through the Jordan network: the output comes back, not the hidden state."""
    (y,) = (part[0] for part in state)
    outputs = []
    for t, x_t in enumerate(x):
        back = targets[t - 1] if targets is not None and t > 0 else y
        h = FUNCTIONS[about.get("nonlinearity", "tanh")](
            params["weight_ih"] @ x_t + params["weight_yh"] @ back + params["bias_h"]
        )
        y = FUNCTIONS[about.get("output", "linear")](params["weight_hy"] @ h + params["bias_y"])
        outputs.append(y)
    return np.array(outputs).reshape(len(x), about["output_size"]), (y[None],)


def run(about, params, x, state, lengths=None, targets=None):
    """The whole batch, time first. Each sequence runs alone and is cut to its own length."""
    T, B, _ = x.shape
    lengths = [T] * B if lengths is None else [int(n) for n in lengths]
    width = about["output_size"] if about["layer"] == "JordanRNN" else state[0].shape[-1]
    directions = 2 if about.get("bidirectional", False) else 1
    y = np.zeros((T, B, width * directions), np.complex128)
    final = tuple(np.zeros(part.shape, np.complex128) for part in state)
    for b, n in enumerate(lengths):
        own = tuple(part[:, b] for part in state)
        if about["layer"] == "JordanRNN":
            forced = None if targets is None else targets[:n, b]
            y[:n, b], end = run_jordan(about, params, x[:n, b], own, forced)
        else:
            y[:n, b], end = run_one(about, params, x[:n, b], own)
        for whole, part in zip(final, end, strict=True):
            whole[:, b] = part
    return y, final


def loss(about, tensors, upstream, lengths=None, targets=None, horizon=None):
    """The number whose gradient the vectors hold: sum(y * dy) + sum(final * dfinal).

    `tensors` is `{"x": …, "state.h": …, "param.weight_ih_l0": …}`, `upstream` `{"y": …, "final.h": …}`.
    """
    params = {k.removeprefix("param."): v for k, v in tensors.items() if k.startswith("param.")}
    state = tuple(v for k, v in tensors.items() if k.startswith("state."))
    ends = [v for k, v in upstream.items() if k.startswith("final.")]
    if horizon is not None:
        return truncated_loss(about, params, tensors["x"], state, upstream["y"], ends, horizon)
    y, final = run(about, params, tensors["x"], state, lengths, targets)
    return (y * upstream["y"]).sum() + sum((part * end).sum() for part, end in zip(final, ends, strict=True))


def truncated_loss(about, params, x, state, dy, ends, horizon):
    """Truncated backpropagation through time, by its definition and one loss at a time.

    The loss of step t is computed from the state that enters step t - k + 1, and that state is a constant: its
    imaginary part, which carries the derivative, is dropped. The gradient of the final state belongs to the last
    step.
    """
    T = len(x)
    before = [state]
    for t in range(T):
        before.append(run(about, params, x[t : t + 1], before[-1])[1])
    total = 0
    for t in range(T):
        start = t - horizon + 1
        entering = tuple(part.real for part in before[start]) if start >= 0 else state
        y, final = run(about, params, x[max(start, 0) : t + 1], entering)
        total = total + (y[-1] * dy[t]).sum()
        if t == T - 1:
            total = total + sum((part * end).sum() for part, end in zip(final, ends, strict=True))
    return total


def complex_step(function, tensors, direction):
    """The derivative of `function(tensors)` along `direction`, a mapping of arrays for some of the names."""
    moved = {k: v + 1j * STEP * direction[k] if k in direction else v for k, v in tensors.items()}
    return function(moved).imag / STEP


def gradient(function, tensors, name):
    """The gradient with respect to one tensor, entry by entry."""
    whole = np.zeros_like(tensors[name])
    for index in np.ndindex(whole.shape):
        unit = np.zeros_like(whole)
        unit[index] = 1
        whole[index] = complex_step(function, tensors, {name: unit})
    return whole
