"""The same weights in every engine: NumPy, PyTorch, Keras, ONNX and Flax (met in the chapter "Rosetta").

Every function here moves weights, none of them trains or runs anything. A converter keeps the function of the
layer: for the same input the other library gives the same output, up to rounding. Where a library cannot hold the
cell, the converter raises a `ValueError` that says why; it never writes something close instead.

=============================== ============== ========================== ================== ==================
cell                            torch.nn       Keras                      ONNX               Flax (linen)
=============================== ============== ========================== ================== ==================
`RNN` tanh, relu                `RNN`          `SimpleRNN`                `RNN`              `SimpleCell`
`RNN` sigmoid                   no [1]_        `SimpleRNN`                `RNN`              `SimpleCell`
`LSTM`                          `LSTM`         `LSTM`                     `LSTM`             `OptimizedLSTMCell`
`LSTM(forget_gate=False)`       no [1]_        no [2]_                    no [2]_            no [2]_
`PeepholeLSTM` new              no [1]_        `PeepholeLSTMCell` [3]_    `LSTM`, input `P`  no
`PeepholeLSTM` old              no [1]_        no                         no                 no
`GRU` reset after               `GRU`          `GRU(reset_after=True)`    `GRU`, 1 [4]_      `GRUCell`
`GRU` reset before              no [1]_        `GRU(reset_after=False)`   `GRU`, 0 [4]_      no
`JordanRNN`                     no [1]_        no                         no                 no
=============================== ============== ========================== ================== ==================

.. [1] `to_torch` gives the module of `companion.nn` instead.
.. [2] These always have a forget gate. `open_forget_gate(layer)` gives an `LSTM` with a forget gate that stays open
   and so computes the same numbers; that one they can hold.
.. [3] `tf.keras.experimental.PeepholeLSTMCell` (TensorFlow 2.0 to 2.8), then `tensorflow_addons.rnn.PeepholeLSTMCell`,
   whose development has ended.
.. [4] The operator's attribute `linear_before_reset`.

What changes on the way:

========= ============ ============ ========================= ===================================================
library   LSTM blocks  GRU blocks   a weight is stored as     biases
========= ============ ============ ========================= ===================================================
PyTorch   i, f, g, o   r, z, n      (blocks, inputs)          two
Keras     i, f, c, o   z, r, h      (inputs, blocks)          one; two for the GRU with reset after
ONNX      i, o, f, c   z, r, h      (1, blocks, inputs)       two, one after the other
Flax      by name      by name      (inputs, hidden) a gate   one a gate; two for the candidate of the GRU
========= ============ ============ ========================= ===================================================

In all of them `z` keeps the old state: h = (1 - z) n + z h. (Cho et al. 2014 write it so too; Chung et al. 2014
swap the two.) A library with one bias gets the sum of both: the function is kept, how the sum was split is not. On
the way back the one bias is `bias_ih` and `bias_hh` is zero, so that going there and back again changes nothing
from then on.

`from_…` gives a layer of `companion.reference`; `to_…` takes a layer of `companion.reference`, a module of
`companion.nn` or one of `torch.nn`. Each library is imported when it is needed, and Keras and Flax not at all:
their weights are plain arrays.
"""

from companion.interop.flax_tree import from_flax, to_flax
from companion.interop.keras_arrays import from_keras, to_keras
from companion.interop.onnx_file import to_onnx
from companion.interop.onnx_reader import from_onnx
from companion.interop.portable import open_forget_gate
from companion.interop.pytorch import from_torch, to_torch

__all__ = [
    "from_flax",
    "from_keras",
    "from_onnx",
    "from_torch",
    "open_forget_gate",
    "to_flax",
    "to_keras",
    "to_onnx",
    "to_torch",
]
