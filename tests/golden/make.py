"""Make the golden vectors: `python -m tests.golden.make` from the root of the repository (about half a minute).

The numbers come from `plain.py`, never from `companion`. README.md beside this file describes the format.
"""

import json
from pathlib import Path

import numpy as np

from tests.golden import plain

HERE = Path(__file__).parent
ONE = {"input_size": 3, "hidden_size": 4}
STACK = {"input_size": 2, "hidden_size": 3, "num_layers": 2, "bidirectional": True}
JORDAN = {"input_size": 3, "hidden_size": 4, "output_size": 2}
BLOCKS = {"RNN": 1, "LSTM": 4, "LSTM1997": 3, "PeepholeLSTM": 4, "GRU": 3}

# name: (layer and its arguments, what the case adds)
CASES = {
    "rnn-tanh": ({"layer": "RNN"} | ONE, {}),
    "rnn-relu": ({"layer": "RNN", "nonlinearity": "relu"} | ONE, {}),
    "rnn-sigmoid": ({"layer": "RNN", "nonlinearity": "sigmoid"} | ONE, {}),
    "rnn-stack": ({"layer": "RNN"} | STACK, {"lengths": True}),
    "lstm": ({"layer": "LSTM"} | ONE, {}),
    "lstm-nobias": ({"layer": "LSTM", "bias": False} | ONE, {"lengths": True}),
    "lstm-stack": ({"layer": "LSTM"} | STACK, {"lengths": True}),
    "lstm-1997": ({"layer": "LSTM", "forget_gate": False} | ONE, {}),
    "lstm-1997-stack": ({"layer": "LSTM", "forget_gate": False} | STACK, {"lengths": True}),
    "lstm-horizon": ({"layer": "LSTM"} | ONE, {"horizon": 2}),
    "peephole-new": ({"layer": "PeepholeLSTM", "output_peep": "new"} | ONE, {}),
    "peephole-new-stack": ({"layer": "PeepholeLSTM", "output_peep": "new"} | STACK, {"lengths": True}),
    "peephole-new-horizon": ({"layer": "PeepholeLSTM", "output_peep": "new"} | ONE, {"horizon": 3}),
    "peephole-old": ({"layer": "PeepholeLSTM", "output_peep": "old"} | ONE, {}),
    "peephole-old-stack": ({"layer": "PeepholeLSTM", "output_peep": "old"} | STACK, {"lengths": True}),
    "gru-after": ({"layer": "GRU", "reset": "after"} | ONE, {}),
    "gru-after-stack": ({"layer": "GRU", "reset": "after"} | STACK, {"lengths": True}),
    "gru-after-horizon": ({"layer": "GRU", "reset": "after", "num_layers": 2} | ONE, {"horizon": 2}),
    "gru-before": ({"layer": "GRU", "reset": "before"} | ONE, {}),
    "gru-before-stack": ({"layer": "GRU", "reset": "before"} | STACK, {"lengths": True}),
    "jordan-linear": ({"layer": "JordanRNN", "output": "linear"} | JORDAN, {}),
    "jordan-sigmoid": ({"layer": "JordanRNN", "output": "sigmoid"} | JORDAN, {"lengths": True}),
    "jordan-softmax": ({"layer": "JordanRNN", "output": "softmax"} | JORDAN, {}),
    "jordan-forced": ({"layer": "JordanRNN", "output": "linear"} | JORDAN, {"targets": True}),
}
STEPS, BATCH = 5, 3
LENGTHS = np.array([5, 2, 4])


def parameter_shapes(about):
    """Name and shape of every parameter, in the order of PyTorch's `state_dict`."""
    inputs, H = about["input_size"], about["hidden_size"]
    if about["layer"] == "JordanRNN":
        outputs = about["output_size"]
        return {
            "weight_ih": (H, inputs),
            "weight_yh": (H, outputs),
            "bias_h": (H,),
            "weight_hy": (outputs, H),
            "bias_y": (outputs,),
        }
    rows = BLOCKS[plain.family(about)] * H
    directions = 2 if about.get("bidirectional", False) else 1
    shapes = {}
    for layer in range(about.get("num_layers", 1)):
        for side in ("", "_reverse")[:directions]:
            suffix = f"l{layer}{side}"
            shapes[f"weight_ih_{suffix}"] = (rows, inputs if layer == 0 else directions * H)
            shapes[f"weight_hh_{suffix}"] = (rows, H)
            if about.get("bias", True):
                shapes[f"bias_ih_{suffix}"] = shapes[f"bias_hh_{suffix}"] = (rows,)
            if about["layer"] == "PeepholeLSTM":
                shapes[f"weight_ch_{suffix}"] = (3 * H,)
    return shapes


def draw(name):
    """What a case starts from: its description, the tensors it is differentiated in, the upstream gradients, the rest.

    The generator's seed is the name's bytes, so a new case leaves the others as they are.
    """
    about, adds = CASES[name]
    rng = np.random.default_rng(list(name.encode()))
    directions = 2 if about.get("bidirectional", False) else 1
    width = about.get("output_size", about["hidden_size"])
    rows = directions * about.get("num_layers", 1)
    parts = {"JordanRNN": "y", "LSTM": "hc", "PeepholeLSTM": "hc"}.get(about["layer"], "h")

    def uniform(*shape):
        return rng.uniform(-1, 1, shape)

    tensors = {"x": uniform(STEPS, BATCH, about["input_size"])}
    tensors |= {f"state.{part}": uniform(rows, BATCH, width) for part in parts}
    tensors |= {f"param.{k}": uniform(*shape) for k, shape in parameter_shapes(about).items()}
    upstream = {"y": uniform(STEPS, BATCH, directions * width)}
    upstream |= {f"final.{part}": uniform(rows, BATCH, width) for part in parts}
    extra = {"lengths": LENGTHS} if adds.get("lengths") else {}
    if adds.get("targets"):
        extra["targets"] = uniform(STEPS, BATCH, width)
    return about | {"horizon": adds.get("horizon")}, tensors, upstream, extra


def forward(about, tensors, extra):
    """The outputs and the final state, by the names in the file."""
    params = {k.removeprefix("param."): v for k, v in tensors.items() if k.startswith("param.")}
    state = {k.removeprefix("state."): v for k, v in tensors.items() if k.startswith("state.")}
    y, final = plain.run(about, params, tensors["x"], tuple(state.values()), **extra)
    return {"y": y.real} | {f"final.{part}": value.real for part, value in zip(state, final, strict=True)}


def make(name):
    """All arrays of one case, by the names in the file."""
    about, tensors, upstream, extra = draw(name)

    def loss(moved):
        return plain.loss(about, moved, upstream, **extra, horizon=about["horizon"])

    arrays = {"about": np.array(json.dumps(about | {"name": name}))} | tensors | extra
    arrays |= forward(about, tensors, extra)
    arrays |= {f"upstream.{k}": v for k, v in upstream.items()}
    return arrays | {f"grad.{k}": plain.gradient(loss, tensors, k) for k in tensors}


def main():
    for name in CASES:
        arrays = make(name)
        np.savez_compressed(HERE / f"{name}.npz", **arrays)
        print(f"{name}: {sum(a.size for k, a in arrays.items() if k.startswith('grad.'))} derivatives")


if __name__ == "__main__":
    main()
