"""Record what Flax's linen cells compute, as golden vectors: `python record_flax.py OUT.npz`.

JAX and Flax are no requirement of this project (about 620 MB). Recorded in an environment of its own with flax
0.12.8 and jax 0.10.2, in float64. Each cell draws its own kernels; the biases, which linen starts at zero, are
drawn here. The trees are stored flat: `lstm.params/hi/kernel`.
"""

import json
import os
import sys

os.environ["JAX_PLATFORMS"] = "cpu"

import flax
import flax.linen as nn
import jax
import numpy as np

jax.config.update("jax_enable_x64", True)
STEPS, BATCH, INPUTS, HIDDEN = 5, 2, 3, 4
CELLS = {
    "simple": nn.SimpleCell,
    "simple_relu": lambda **kw: nn.SimpleCell(activation_fn=nn.relu, **kw),
    "lstm": nn.LSTMCell,
    "optimized_lstm": nn.OptimizedLSTMCell,
    "gru": nn.GRUCell,
}


def record(make, rng):
    """The inputs, the parameters and the outputs of one cell over all steps."""
    cell = make(features=HIDDEN, dtype=np.float64, param_dtype=np.float64)
    x = rng.uniform(-1, 1, (STEPS, BATCH, INPUTS))
    carry = cell.initialize_carry(jax.random.key(0), (BATCH, INPUTS))
    params = cell.init(jax.random.key(1), carry, x[0])["params"]
    params = {
        k: {n: v if n == "kernel" else rng.uniform(-1, 1, v.shape) for n, v in d.items()} for k, d in params.items()
    }
    carry = jax.tree.map(lambda part: rng.uniform(-1, 1, part.shape), carry)
    arrays = {"x": x} | named("state", carry)
    arrays |= {f"params/{k}/{n}": np.asarray(v) for k, d in params.items() for n, v in d.items()}
    y = []
    for x_t in x:
        carry, out = cell.apply({"params": params}, carry, x_t)
        y.append(np.asarray(out))
    return arrays | {"y": np.array(y)} | named("final", carry)


def named(label, carry):
    """The carry by our names: an LSTM's is (c, h)."""
    if isinstance(carry, tuple):
        return {f"{label}.c": np.asarray(carry[0]), f"{label}.h": np.asarray(carry[1])}
    return {f"{label}.h": np.asarray(carry)}


def main(path):
    rng = np.random.default_rng(21)
    arrays = {f"{name}.{k}": v for name, make in CELLS.items() for k, v in record(make, rng).items()}
    about = {"flax": flax.__version__, "jax": jax.__version__, "cells": list(CELLS)}
    np.savez_compressed(path, about=np.array(json.dumps(about)), **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
