"""What all converters share: a layer taken apart into its kind, its arguments and plain arrays with PyTorch's names.

A converter reads a `Portable` or makes one and knows nothing of the library at the other end of the trip.
"""

import importlib
from dataclasses import dataclass, replace

import numpy as np

# the blocks of rows in weight_ih and weight_hh, in PyTorch's order
GATES = {"RNN": "a", "LSTM": "ifgo", "PeepholeLSTM": "ifgo", "GRU": "rzn"}
# arguments besides the two sizes, with the defaults of torch.nn; a layer that lacks the attribute has the default
SHARED = {"num_layers": 1, "bias": True, "batch_first": False, "bidirectional": False}
OPTIONS = {
    "RNN": SHARED | {"nonlinearity": "tanh"},
    "LSTM": SHARED | {"forget_gate": True},
    "PeepholeLSTM": SHARED | {"output_peep": "new"},
    "GRU": SHARED | {"reset": "after"},
    "JordanRNN": {"output_size": None, "output": "linear", "nonlinearity": "tanh", "bias": True, "batch_first": False},
}
NO_FORGET_GATE = "it always has a forget gate; open_forget_gate(layer) gives an LSTM whose gate stays open"
LARGE = 100.0  # sigmoid(100) is exactly 1 in float64 and in float32


@dataclass(frozen=True)
class Portable:
    """A layer's kind (`"RNN"`, `"LSTM"`, …), its sizes, its other arguments and its parameters by PyTorch's names."""

    kind: str
    input_size: int
    hidden_size: int
    options: dict
    arrays: dict[str, np.ndarray]

    @property
    def gates(self) -> str:
        """The blocks of rows, one letter each. The 1997 cell lacks the forget gate."""
        return GATES[self.kind] if self.options.get("forget_gate", True) else "igo"

    @property
    def directions(self) -> int:
        return 2 if self.options["bidirectional"] else 1

    @property
    def suffixes(self) -> list[str]:
        """`["l0", "l0_reverse", "l1", …]`: one for each layer and direction, in the order of the state."""
        return suffixes(self.options["num_layers"], self.directions)

    @property
    def dtype(self) -> np.dtype:
        return next(iter(self.arrays.values())).dtype


def suffixes(num_layers: int, directions: int) -> list[str]:
    return [f"l{layer}{side}" for layer in range(num_layers) for side in ("", "_reverse")[:directions]]


def require(module: str, extra: str):
    """Import a library that not everybody has; a missing one is an ImportError that says what to install."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.split(".")[0]:
            raise
        raise ImportError(f'this needs {error.name}: pip install "companion[{extra}]"', name=error.name) from error


def put_together(kind: str, options: dict, arrays: dict):
    """A layer of `companion.reference` out of arrays in PyTorch's layout; the sizes are those of the arrays."""
    unknown = set(options) - set(OPTIONS[kind])
    if unknown:
        raise TypeError(f"{kind}: unexpected arguments {sorted(unknown)}, expected some of {sorted(OPTIONS[kind])}")
    arrays = {name: _plain(name, value) for name, value in arrays.items()}
    dtypes = {value.dtype.name for value in arrays.values()}
    if len(dtypes) > 1:
        raise ValueError(f"arrays: expected one dtype, got {sorted(dtypes)}")
    sizes = arrays["weight_ih_l0"].shape[1], arrays["weight_hh_l0"].shape[1]
    return to_reference(Portable(kind, *sizes, OPTIONS[kind] | options, arrays))


def take_apart(layer) -> Portable:
    """The `Portable` of a layer of `companion.reference`, a module of `companion.nn` or one of `torch.nn`.

    Raises TypeError for anything else and ValueError for a layer whose weights are not one network's.
    """
    kind = _kind_of(layer)
    if getattr(layer, "proj_size", 0):
        raise ValueError(f"a layer with proj_size={layer.proj_size} has no counterpart: expected proj_size=0")
    options = {k: getattr(layer, k, default) for k, default in OPTIONS[kind].items()}
    arrays = {name: _plain(name, value) for name, value in layer.state_dict().items()}
    return checked(Portable(kind, int(layer.input_size), int(layer.hidden_size), options, arrays))


def checked(portable: Portable) -> Portable:
    """The same, after a look at every name, shape and dtype."""
    expected = parameter_shapes(portable)
    if set(portable.arrays) != set(expected):
        unknown, missing = set(portable.arrays) - set(expected), set(expected) - set(portable.arrays)
        raise ValueError(f"{portable.kind}: unknown parameters {sorted(unknown)}, missing {sorted(missing)}")
    for name, shape in expected.items():
        if portable.arrays[name].shape != shape:
            raise ValueError(f"{portable.kind}: {name} has shape {portable.arrays[name].shape}, expected {shape}")
    return replace(portable, arrays={name: portable.arrays[name] for name in expected})


def parameter_shapes(portable: Portable) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter, in the order of PyTorch's `state_dict`."""
    inputs, H = portable.input_size, portable.hidden_size
    if portable.kind == "JordanRNN":
        outputs = portable.options["output_size"]
        shapes = {"weight_ih": (H, inputs), "weight_yh": (H, outputs), "bias_h": (H,)}
        shapes |= {"weight_hy": (outputs, H), "bias_y": (outputs,)}
        return {name: shape for name, shape in shapes.items() if portable.options["bias"] or name.startswith("weight")}
    rows = len(portable.gates) * H
    shapes = {}
    for suffix in portable.suffixes:
        width = inputs if suffix.startswith("l0") else portable.directions * H
        shapes |= {f"weight_ih_{suffix}": (rows, width), f"weight_hh_{suffix}": (rows, H)}
        if portable.options["bias"]:
            shapes |= {f"bias_ih_{suffix}": (rows,), f"bias_hh_{suffix}": (rows,)}
        if portable.kind == "PeepholeLSTM":
            shapes |= {f"weight_ch_{suffix}": (3 * H,)}
    return shapes


def to_reference(portable: Portable):
    """A layer of `companion.reference` with these weights."""
    from companion import reference

    layer = getattr(reference, portable.kind)(
        portable.input_size, portable.hidden_size, **portable.options, dtype=portable.dtype, rng=0
    )
    layer.load_state_dict(checked(portable).arrays)
    return layer


def reorder(blocks: np.ndarray, source: str, target: str) -> np.ndarray:
    """Rows that stand in the gate order `source`, put in the order `target`: `reorder(w, "rzn", "zrn")`."""
    parts = dict(zip(source, np.split(blocks, len(source)), strict=True))
    return np.concatenate([parts[gate] for gate in target])


def open_forget_gate(layer):
    """The 1997 cell as an LSTM with a forget gate that is always open, a layer of `companion.reference`.

    The gate's weights are zero and its bias is 100. As sigmoid(100) is exactly 1 in float32 and float64, c = f c + i g
    is exactly the 1997 cell's c = c + i g (a matrix product with more rows may round otherwise). The gate stays open in
    training too, as its slope there is 0 (weight decay would close it).

    Raises ValueError for anything but an LSTM without forget gate.
    """
    portable = take_apart(layer)
    if portable.kind != "LSTM" or portable.options["forget_gate"]:
        raise ValueError(f"layer: expected an LSTM with forget_gate=False, got {named(portable)}")
    arrays = {}
    for name, value in portable.arrays.items():
        parts = dict(zip(portable.gates, np.split(value, 3), strict=True))
        parts["f"] = np.full_like(parts["i"], LARGE if name.startswith("bias_ih") else 0)
        arrays[name] = np.concatenate([parts[gate] for gate in "ifgo"])
    if not portable.options["bias"]:
        for suffix in portable.suffixes:
            gate = np.repeat(np.array([0, LARGE, 0, 0], portable.dtype), portable.hidden_size)
            arrays |= {f"bias_ih_{suffix}": gate, f"bias_hh_{suffix}": np.zeros_like(gate)}
    return to_reference(
        replace(portable, options=portable.options | {"forget_gate": True, "bias": True}, arrays=arrays)
    )


def named(portable: Portable) -> str:
    """The kind and what is unusual about it, for messages: `LSTM(forget_gate=False)`."""
    usual = OPTIONS[portable.kind]
    beyond = {k: v for k, v in portable.options.items() if k not in SHARED and k != "output_size" and v != usual[k]}
    return f"{portable.kind}({', '.join(f'{k}={v!r}' for k, v in beyond.items())})"


def _kind_of(layer) -> str:
    for ancestor in type(layer).__mro__:
        if ancestor.__name__ in OPTIONS and ancestor.__module__.split(".")[0] in ("companion", "torch"):
            return ancestor.__name__
    raise TypeError(
        f"layer: expected one of {', '.join(OPTIONS)} of companion.reference, companion.nn or torch.nn, "
        f"got {type(layer).__module__}.{type(layer).__qualname__}"
    )


def _plain(name: str, value) -> np.ndarray:
    """A NumPy copy in float32 or float64. Half precision becomes float32, which holds every number of it."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = (value.float() if value.element_size() < 4 else value).numpy()
    value = np.array(value)
    if value.dtype.name in ("float16", "bfloat16"):
        value = value.astype(np.float32)
    if value.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name}: expected float32 or float64, got {value.dtype}")
    return value
