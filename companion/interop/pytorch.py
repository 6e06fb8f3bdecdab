"""To and from PyTorch. The parameters have the same names, shapes and order there: nothing is turned or added."""

from companion.interop.portable import Portable, require, take_apart, to_reference


def to_torch(layer):
    """A torch module with the weights, arguments and dtype of `layer`, on the CPU.

    It is one of `torch.nn` where that has the cell: `RNN` (tanh, relu), `LSTM`, `GRU`. `torch.nn` has no peepholes,
    no 1997 cell, no GRU with the reset before the product, no sigmoid RNN and no Jordan network: those come as the
    module of the same name of `companion.nn`, which behaves as `torch.nn`'s do. Dropout is 0.

    Raises ImportError where torch is missing and TypeError for something that is no layer.
    """
    portable = take_apart(layer)
    torch = require("torch", "torch")
    home = torch.nn if torch_has(portable) else require("companion.nn", "torch")
    options = {k: v for k, v in portable.options.items() if home is not torch.nn or k not in ("forget_gate", "reset")}
    dtype = getattr(torch, portable.dtype.name)
    module = getattr(home, portable.kind)(portable.input_size, portable.hidden_size, **options, dtype=dtype)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in portable.arrays.items()})
    return module


def from_torch(module):
    """The layer of `companion.reference` with the weights and arguments of a module of `torch.nn` or `companion.nn`.

    The dtype stays, but half precision becomes float32, which holds each of its numbers. Dropout is left out: it
    acts in training only. An LSTM with `proj_size` is a ValueError, anything but a recurrent layer a TypeError.
    """
    return to_reference(take_apart(module))


def torch_has(portable: Portable) -> bool:
    """Whether `torch.nn` has the cell."""
    options = portable.options
    return {
        "RNN": options.get("nonlinearity") in ("tanh", "relu"),
        "LSTM": options.get("forget_gate", False),
        "GRU": options.get("reset") == "after",
    }.get(portable.kind, False)
