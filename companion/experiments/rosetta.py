"""The same weights in every engine, and how far each is from the NumPy reference (claims C28 and C36).

Errors are the largest difference of any output or final state, relative to the largest entry of the reference in
float64. TensorFlow's and Flax's cells were recorded once (tests/golden/frameworks), and so was which release of
TensorFlow offers which name; the others run here.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from companion import interop
from companion import reference as ref
from companion.experiments.evidence import evidence_folder
from companion.experiments.experiment import Experiment

CONFIG = {
    "seed": 0,
    "T": 12,
    "B": 4,
    "I": 5,
    "H": 8,
    "cells": {
        "RNN": ["RNN", {}],
        "LSTM": ["LSTM", {}],
        "LSTM, 1997": ["LSTM", {"forget_gate": False}],
        "PeepholeLSTM, new": ["PeepholeLSTM", {"output_peep": "new"}],
        "PeepholeLSTM, old": ["PeepholeLSTM", {"output_peep": "old"}],
        "GRU, after": ["GRU", {"reset": "after"}],
        "GRU, before": ["GRU", {"reset": "before"}],
    },
}
TENSORFLOW = {
    "keras": "tf.keras.experimental.PeepholeLSTMCell, recurrent_activation='sigmoid'",
    "keras_default": "tf.keras.experimental.PeepholeLSTMCell, as it comes (hard_sigmoid)",
    "addons": "tensorflow_addons.rnn.PeepholeLSTMCell",
    "v1": "tf.compat.v1.nn.rnn_cell.LSTMCell, use_peepholes=True",
}
NAMES = {"tf.keras.layers.LSTM": "LSTM", "tf.keras.experimental.PeepholeLSTMCell": "PeepholeLSTM"}
FLAX = {
    "simple": ("SimpleCell", "RNN"),
    "lstm": ("LSTMCell", "LSTM"),
    "optimized_lstm": ("OptimizedLSTMCell", "LSTM"),
    "gru": ("GRUCell", "GRU, after"),
}
Arrays = list[np.ndarray]


def draw(config: Mapping[str, Any], kind: str, arguments: Mapping[str, Any]):
    """Return a layer in float64 with weights in (-1, 1), an input and the parts of an initial state."""
    rng = np.random.default_rng(config["seed"])
    layer = getattr(ref, kind)(config["I"], config["H"], **arguments)
    layer.load_state_dict({name: rng.uniform(-1, 1, value.shape) for name, value in layer.params.items()})
    x = rng.uniform(-1, 1, (config["T"], config["B"], config["I"]))
    state = [rng.uniform(-1, 1, (1, config["B"], config["H"])) for _ in range(2 if "LSTM" in kind else 1)]
    return layer, x, state


def run_reference(layer, x, state) -> Arrays:
    """The reference in its own dtype."""
    x, *state = (part.astype(layer.dtype) for part in (x, *state))
    return _flat(layer(x, _state(state)))


def run_float32(layer, x, state) -> Arrays:
    """The reference in float32."""
    small = type(layer)(layer.input_size, layer.hidden_size, **_arguments(layer), dtype=np.float32)
    small.load_state_dict({name: value.astype(np.float32) for name, value in layer.params.items()})
    return run_reference(small, x, state)


def run_torch(layer, x, state, engine: str | None = None) -> Arrays:
    """torch.nn, or with an engine companion.nn, in float64."""
    import torch

    from companion import nn

    if engine is None:
        module = interop.to_torch(layer)
        if not type(module).__module__.startswith("torch.nn"):
            raise ValueError("torch.nn has no such cell")
    else:
        kind = getattr(nn, type(layer).__name__)
        module = kind(layer.input_size, layer.hidden_size, **_arguments(layer), dtype=torch.float64, engine=engine)
        module.load_state_dict({name: torch.from_numpy(value) for name, value in layer.params.items()})
    with torch.no_grad():
        y, final = module(torch.from_numpy(x), _state([torch.from_numpy(part) for part in state]))
    return _flat((y, final))


def run_onnx(layer, x, state) -> Arrays:
    """ONNX Runtime, in float32."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        interop.to_onnx(layer, Path(folder) / "layer.onnx")
        session = onnxruntime.InferenceSession(Path(folder) / "layer.onnx", options, ["CPUExecutionProvider"])
    starts = {f"{name}_0": part.astype(np.float32) for name, part in zip("hc", state, strict=False)}
    return session.run(None, {"x": x.astype(np.float32)} | starts)


def run_keras(layer, x, state) -> Arrays:
    """Keras, in float32."""
    if isinstance(layer, ref.PeepholeLSTM):
        raise ValueError("Keras 3 has no peephole cell")
    weights = interop.to_keras(layer)
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    kind = {"RNN": "SimpleRNN"}.get(type(layer).__name__, type(layer).__name__)
    options = {"reset_after": layer.reset == "after"} if kind == "GRU" else {}
    theirs = getattr(keras.layers, kind)(layer.hidden_size, return_sequences=True, return_state=True, **options)
    theirs.build((None, None, layer.input_size))
    theirs.set_weights(weights)
    y, *final = theirs(x.swapaxes(0, 1).astype(np.float32), initial_state=[p[0].astype(np.float32) for p in state])
    return [np.asarray(y.detach()).swapaxes(0, 1), *(np.asarray(part.detach())[None] for part in final)]


ENGINES = {
    "NumPy float32": run_float32,
    "torch.nn float64": run_torch,
    "companion.nn eager float64": lambda *given: run_torch(*given, engine="eager"),
    "companion.nn fused float64": lambda *given: run_torch(*given, engine="fused"),
    "ONNX Runtime float32": run_onnx,
    "Keras float32": run_keras,
}


def measure(seeds: Sequence[None], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a result for each cell in each engine, for the recorded cells, both readings of the peephole and names."""
    results = []
    for cell, (kind, arguments) in config["cells"].items():
        layer, x, state = draw(config, kind, arguments)
        expected = run_reference(layer, x, state)
        for engine, run in ENGINES.items():
            try:
                results.append({"cell": cell, "engine": engine, "error": error(run(layer, x, state), expected)})
            except ValueError as refusal:
                results.append({"cell": cell, "engine": engine, "error": None, "why": str(refusal)})
    return results + measure_flax() + measure_peepholes(config) + measure_names()


def measure_flax() -> list[dict[str, Any]]:
    """The recorded cells of Flax against the reference, in float64."""
    results = []
    for name, (engine, cell) in FLAX.items():
        arrays = recorded("flax-cells", f"{name}.")
        tree: dict[str, dict] = {}
        for key, value in arrays.items():
            if key.startswith("params/"):
                _, gate, leaf = key.split("/")
                tree.setdefault(gate, {})[leaf] = value
        state = [arrays[f"state.{part}"][None] for part in "hc" if f"state.{part}" in arrays]
        actual = [arrays["y"], *(arrays[f"final.{part}"][None] for part in "hc" if f"final.{part}" in arrays)]
        expected = run_reference(interop.from_flax(tree), arrays["x"], state)
        results.append({"cell": cell, "engine": f"flax.linen.{engine} float64", "error": error(actual, expected)})
    return results


def measure_peepholes(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every implementation of the peephole cell against both readings of the output gate: new cell state and old."""
    arrays = recorded("tensorflow-peephole")
    layer = interop.from_keras("PeepholeLSTMCell", [arrays[f"weights.{k}"] for k in range(6)])
    state = [arrays["state.h"][None], arrays["state.c"][None]]
    actual = {
        engine: [arrays[f"{name}.y"], *(arrays[f"{name}.{part}"][None] for part in "hc")]
        for name, engine in TENSORFLOW.items()
    }
    given = dict.fromkeys(actual, (layer, arrays["x"], state))
    given["ONNX Runtime, LSTM with P"] = draw(config, "PeepholeLSTM", {})
    actual["ONNX Runtime, LSTM with P"] = run_onnx(*given["ONNX Runtime, LSTM with P"])
    results = []
    for engine, outputs in actual.items():
        new, x, start = given[engine]
        old = ref.PeepholeLSTM(new.input_size, new.hidden_size, output_peep="old")
        old.load_state_dict(new.state_dict())
        errors = {peep: error(outputs, run_reference(each, x, start)) for peep, each in (("new", new), ("old", old))}
        results.append({"cell": "PeepholeLSTM", "engine": engine, **errors})
    return results


def measure_names() -> list[dict[str, Any]]:
    """Which releases of TensorFlow, in order, offer the cells under the names that the sources give."""
    releases = json.loads((_records() / "tensorflow-names.json").read_text(encoding="utf-8"))
    return [
        {"cell": cell, "engine": name, "releases": {each["release"]: each["offers"][name] for each in releases}}
        for name, cell in NAMES.items()
    ]


def recorded(name: str, prefix: str = "") -> dict[str, np.ndarray]:
    """Arrays recorded from another library, those whose name begins with `prefix`."""
    with np.load(_records() / f"{name}.npz", allow_pickle=False) as file:
        return {key.removeprefix(prefix): file[key] for key in file.files if key.startswith(prefix)}


def error(actual: Arrays, expected: Arrays) -> float:
    """Return the largest difference relative to the largest entry, over all arrays."""
    return max(
        float(np.abs(got - wanted).max() / np.abs(wanted).max()) for got, wanted in zip(actual, expected, strict=True)
    )


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the largest error of each engine over the cells that it has, and how many those are."""
    engines = dict.fromkeys(result["engine"] for result in results if "error" in result)
    found = {
        engine: [r["error"] for r in results if r["engine"] == engine and r.get("error") is not None]
        for engine in engines
    }
    peepholes = [result for result in results if "new" in result]
    sigmoid = [result for result in peepholes if "hard_sigmoid" not in result["engine"]]
    return {
        "engines": {engine: {"cells": len(errors), "largest": max(errors)} for engine, errors in found.items()},
        "peephole": {
            "implementations": len(sigmoid),
            "new": max(result["new"] for result in sigmoid),
            "old": min(result["old"] for result in sigmoid),
        },
        "hard_sigmoid": next(result["new"] for result in peepholes if "hard_sigmoid" in result["engine"]),
    }


def _records() -> Path:
    return evidence_folder().parents[1] / "tests" / "golden" / "frameworks"


def _arguments(layer) -> dict[str, Any]:
    names = ("nonlinearity", "forget_gate", "output_peep", "reset")
    return {name: getattr(layer, name) for name in names if hasattr(layer, name)}


def _state(parts: list):
    return parts[0] if len(parts) == 1 else tuple(parts)


def _flat(result) -> Arrays:
    y, state = result
    return [np.asarray(part) for part in (y, *(state if isinstance(state, tuple) else (state,)))]


EXPERIMENT = Experiment(
    name="rosetta",
    title="one set of weights in every engine",
    claims=("C28", "C36"),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
    packages=("numpy", "torch", "onnx", "onnxruntime", "keras"),
)
