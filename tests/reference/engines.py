"""The same networks in PyTorch, written from the equations a second time, one sequence step after the other.

Gradients come out of autograd, not out of any formula. Arrays are (B, features) here, and every sequence of a batch
with lengths is run alone: nothing of how the reference goes about it is shared.
"""

import numpy as np
import torch

from tests.reference.kinds import tensors

PHI = {"tanh": torch.tanh, "relu": torch.relu, "sigmoid": torch.sigmoid}
OUT = {"linear": lambda a: a, "sigmoid": torch.sigmoid, "softmax": lambda a: torch.softmax(a, -1)}


def blocks(p, name, x, count):
    weight = p[f"weight_{name}"]
    bias = p.get(f"bias_{name}", torch.zeros(len(weight), dtype=weight.dtype))
    return (x @ weight.T + bias).chunk(count, -1)


def rnn(p, x, h, c, layer):
    (a,), (b,) = blocks(p, "ih", x, 1), blocks(p, "hh", h, 1)
    return PHI[layer.nonlinearity](a + b), None


def lstm(p, x, h, c, layer):
    if layer.forget_gate:
        i, f, g, o = (a + b for a, b in zip(blocks(p, "ih", x, 4), blocks(p, "hh", h, 4), strict=True))
    else:
        i, g, o = (a + b for a, b in zip(blocks(p, "ih", x, 3), blocks(p, "hh", h, 3), strict=True))
    kept = f.sigmoid() * c if layer.forget_gate else c
    c = kept + i.sigmoid() * g.tanh()
    return o.sigmoid() * c.tanh(), c


def peephole(p, x, h, c, layer):
    i, f, g, o = (a + b for a, b in zip(blocks(p, "ih", x, 4), blocks(p, "hh", h, 4), strict=True))
    p_i, p_f, p_o = p["weight_ch"].chunk(3)
    new = (f + p_f * c).sigmoid() * c + (i + p_i * c).sigmoid() * g.tanh()
    seen = new if layer.output_peep == "new" else c
    return (o + p_o * seen).sigmoid() * new.tanh(), new


def gru(p, x, h, c, layer):
    r, z, n = blocks(p, "ih", x, 3)
    r_h, z_h, n_h = blocks(p, "hh", h, 3)
    r, z = (r + r_h).sigmoid(), (z + z_h).sigmoid()
    if layer.reset == "before":
        *_, n_h = blocks(p, "hh", r * h, 3)
        n = (n + n_h).tanh()
    else:
        n = (n + r * n_h).tanh()
    return (1 - z) * n + z * h, None


STEPS = {"RNN": rnn, "LSTM": lstm, "PeepholeLSTM": peephole, "GRU": gru}


def sequence(p, layer, x, states):
    """One sequence (1, T, I) through a stack; states[part] is (h, c); returns outputs (1, T, H) and final states."""
    step, final = STEPS[type(layer).__name__], []
    for l in range(layer.num_layers):  # noqa: E741
        outputs = []
        for d in range(layer.directions):
            end = f"_l{l}{'_reverse' if d else ''}"
            own = {name.removesuffix(end): value for name, value in p.items() if name.endswith(end)}
            h, c = states[l * layer.directions + d]
            hs = []
            for t in reversed(range(x.shape[1])) if d else range(x.shape[1]):
                h, c = step(own, x[:, t], h, c, layer)
                hs.append(h)
            outputs.append(torch.stack(hs[::-1] if d else hs, 1))
            final.append((h, c))
        x = torch.cat(outputs, -1)
    return x, final


def with_autograd(layer, x, state, lengths, dy, dstate) -> dict[str, np.ndarray]:
    """Forward and back through the same network in PyTorch (time first, batched); everything by name."""
    p = {name: torch.tensor(value, requires_grad=True) for name, value in layer.params.items()}
    pair = isinstance(state, tuple)
    h0, c0 = (torch.tensor(part, requires_grad=True) for part in (state if pair else (state, state)))
    x_in = torch.tensor(x, requires_grad=True)
    steps, batch = x.shape[:2]
    y = torch.zeros(steps, batch, layer.hidden_size * layer.directions, dtype=h0.dtype)
    h_n, c_n = h0.clone(), c0.clone()
    for b, length in enumerate([steps] * batch if lengths is None else lengths):
        if length == 0:
            continue
        start = [(h0[k, b : b + 1], c0[k, b : b + 1]) for k in range(len(h0))]
        out, final = sequence(p, layer, x_in[:length, b][None], start)
        y[:length, b] = out[0]
        for k, (h, c) in enumerate(final):
            h_n[k, b] = h[0]
            if pair:
                c_n[k, b] = c[0]
    final = (h_n, c_n) if pair else h_n
    upstream = zip((h_n, c_n), dstate if pair else (dstate,), strict=False)
    loss = (y * torch.tensor(dy)).sum() + sum((part * torch.tensor(d)).sum() for part, d in upstream)
    loss.backward()
    return named(y, final, x_in, (h0, c0) if pair else h0, p)


def named(y, final, x, start, params) -> dict[str, np.ndarray]:
    """Results and gradients of PyTorch as arrays, by the names of `kinds.tensors`."""

    class Grads:
        pass

    grads = Grads()
    grads.x = x.grad.numpy()
    grads.state = tuple(part.grad.numpy() for part in start) if isinstance(start, tuple) else start.grad.numpy()
    grads.params = {name: value.grad.numpy() for name, value in params.items()}
    final = tuple(part.detach().numpy() for part in final) if isinstance(final, tuple) else final.detach().numpy()
    return tensors(y.detach().numpy(), final, grads)


def with_torch_nn(layer, x, state, lengths, dy, dstate) -> dict[str, np.ndarray]:
    """Forward and back through torch.nn's own layer, packed where there are lengths; everything by name."""
    extra = {"nonlinearity": layer.nonlinearity} if hasattr(layer, "nonlinearity") else {}
    module = getattr(torch.nn, type(layer).__name__)(
        layer.input_size,
        layer.hidden_size,
        layer.num_layers,
        bias=layer.bias,
        batch_first=layer.batch_first,
        bidirectional=layer.bidirectional,
        dtype=torch.float64 if layer.dtype == np.float64 else torch.float32,
        **extra,
    )
    module.load_state_dict({name: torch.tensor(value) for name, value in layer.params.items()})
    start = torch.utils._pytree.tree_map(lambda part: torch.tensor(part, requires_grad=True), state)
    x_in = torch.tensor(x, requires_grad=True)
    if lengths is None:
        y, final = module(x_in, start)
    else:
        packed = torch.nn.utils.rnn.pack_padded_sequence(
            x_in, torch.tensor(lengths), batch_first=layer.batch_first, enforce_sorted=False
        )
        y, final = module(packed, start)
        steps = x.shape[1 if layer.batch_first else 0]
        y, _ = torch.nn.utils.rnn.pad_packed_sequence(y, batch_first=layer.batch_first, total_length=steps)
    loss = (y * torch.tensor(dy)).sum()
    for part, d in zip(*(pair if isinstance(pair, tuple) else (pair,) for pair in (final, dstate)), strict=True):
        loss = loss + (part * torch.tensor(d)).sum()
    loss.backward()
    return named(y, final, x_in, start, dict(module.named_parameters()))
