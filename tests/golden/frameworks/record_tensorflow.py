"""Record what TensorFlow's peephole cells compute, as golden vectors: `python record_tensorflow.py OUT.npz`.

TensorFlow is no requirement of this project. Recorded in a Python 3.11 environment of its own with tensorflow-cpu
2.15.1 and tensorflow-addons 0.23.0 (the last releases in which these cells still run):

- `keras`: `PeepholeLSTMCell` of tensorflow.python.keras, the code behind `tf.keras.experimental.PeepholeLSTMCell`.
  The public name was there in TensorFlow 2.0 to 2.8; 2.15 still carries the code, unreachable from the public API. Its
  gates are hard sigmoids, max(0, min(1, 0.2 a + 0.5)), unless asked otherwise: recorded as `keras_default`, and with
  `recurrent_activation="sigmoid"` as `keras`.
- `addons`: `tensorflow_addons.rnn.PeepholeLSTMCell`, where it moved. Its gates are sigmoids.
- `v1`: `tf.compat.v1.nn.rnn_cell.LSTMCell(use_peepholes=True)`, the older implementation (gate order i, j, f, o, a
  forget bias of 1 added on top, state c before h).

All three get the same float64 weights, drawn here, and run the same five steps. The arrays are stored in the layout
of each cell, under the names that the cell gives them, so that a converter can be tested against them.
"""

import json
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa
from tensorflow.python.keras.layers.recurrent import PeepholeLSTMCell

STEPS, BATCH, INPUTS, HIDDEN = 5, 2, 3, 4


def run_keras_cell(cell, x, h, c, weights):
    """The outputs and the final state of a cell with the protocol of Keras: states are [h, c]."""
    cell.build((None, INPUTS))
    cell.set_weights(weights)
    y, states = [], [tf.constant(h), tf.constant(c)]
    for x_t in x:
        out, states = cell(tf.constant(x_t), states)
        y.append(out.numpy())
    return np.array(y), states[0].numpy(), states[1].numpy(), [w.name for w in cell.weights]


def run_v1_cell(x, h, c, weights):
    """The same for the cell of TensorFlow 1: the kernel takes [x, h], and its states are (c, h)."""
    kernel, recurrent, bias, p_i, p_f, p_o = weights
    i, f, g, o = np.split(np.vstack([kernel, recurrent]), 4, axis=1)
    b_i, b_f, b_g, b_o = np.split(bias, 4)
    cell = tf.compat.v1.nn.rnn_cell.LSTMCell(HIDDEN, use_peepholes=True, dtype=tf.float64)
    cell.build(tf.TensorShape([None, INPUTS]))
    stored = {
        "kernel": np.hstack([i, g, f, o]),
        "bias": np.concatenate([b_i, b_g, b_f - 1, b_o]),  # the cell adds 1 to the forget gate's
        "w_i_diag": p_i,
        "w_f_diag": p_f,
        "w_o_diag": p_o,
    }
    for variable in cell.weights:
        variable.assign(stored[variable.name.split("/")[-1].split(":")[0]])
    y, state = [], tf.compat.v1.nn.rnn_cell.LSTMStateTuple(tf.constant(c), tf.constant(h))
    for x_t in x:
        out, state = cell(tf.constant(x_t), state)
        y.append(out.numpy())
    return np.array(y), state.h.numpy(), state.c.numpy(), stored


def main(path):
    tf.keras.backend.set_floatx("float64")
    rng = np.random.default_rng(20)

    def uniform(*shape):
        return rng.uniform(-1, 1, shape)

    x, h, c = uniform(STEPS, BATCH, INPUTS), uniform(BATCH, HIDDEN), uniform(BATCH, HIDDEN)
    weights = [uniform(INPUTS, 4 * HIDDEN), uniform(HIDDEN, 4 * HIDDEN), uniform(4 * HIDDEN)]
    weights += [uniform(HIDDEN) for _ in range(3)]
    arrays = {"x": x, "state.h": h, "state.c": c} | {f"weights.{k}": w for k, w in enumerate(weights)}
    names = {}
    for label, cell in (
        ("keras_default", PeepholeLSTMCell(HIDDEN, dtype="float64")),
        ("keras", PeepholeLSTMCell(HIDDEN, recurrent_activation="sigmoid", dtype="float64")),
        ("addons", tfa.rnn.PeepholeLSTMCell(HIDDEN, dtype="float64")),
    ):
        y, h_n, c_n, names[label] = run_keras_cell(cell, x, h, c, weights)
        arrays |= {f"{label}.y": y, f"{label}.h": h_n, f"{label}.c": c_n}
    y, h_n, c_n, stored = run_v1_cell(x, h, c, weights)
    arrays |= {"v1.y": y, "v1.h": h_n, "v1.c": c_n} | {f"v1.weights.{k}": w for k, w in stored.items()}
    public = hasattr(tf.keras.experimental, "PeepholeLSTMCell")
    activation = PeepholeLSTMCell(HIDDEN).get_config()["recurrent_activation"]
    about = {
        "keras default recurrent_activation": activation,
        "tensorflow": tf.__version__,
        "tensorflow_addons": tfa.__version__,
        "names": names,
    }
    about |= {"tf.keras.experimental.PeepholeLSTMCell is there": public}
    np.savez_compressed(path, about=np.array(json.dumps(about)), **arrays)


if __name__ == "__main__":
    main(sys.argv[1])
