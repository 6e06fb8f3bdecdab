"""What the chapter "Rosetta" says in words and in its table, asked of the converters, the records and the evidence."""

import json
from pathlib import Path

import numpy as np
import pytest

from companion.experiments import Evidence
from companion.experiments.rosetta import recorded
from companion.interop import keras_arrays, onnx_file, portable
from companion.interop.flax_tree import to_flax
from companion.reference import GRU, LSTM

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "rosetta.ipynb"


@pytest.fixture(scope="module")
def text():
    cells = json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


@pytest.fixture(scope="module")
def table(text):
    """The table of conventions, by the first cell of each row: what stands under PyTorch, Keras and ONNX."""
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows if len(row) == 4}


def letters(cell):
    """The gates that a cell of the table lists before it says anything else."""
    return "".join(cell.partition(" (")[0].split(", "))


@pytest.mark.parametrize("kind", ["LSTM", "GRU"])
def test_the_table_has_the_orders_of_the_converters(table, kind):
    orders = [portable.GATES[kind], keras_arrays.KERAS_GATES[kind], onnx_file.ONNX_GATES[kind]]
    assert [letters(cell) for cell in table[f"{kind} blocks"]] == orders


def test_the_table_has_the_peepholes_of_the_converters(table):
    assert [letters(cell) for cell in table["peepholes"]] == ["ifo", "ifo", onnx_file.PEEPHOLES]


def test_flax_has_its_biases_where_the_chapter_says():
    lstm, gru = (to_flax(layer(3, 4, rng=0))["l0"] for layer in (LSTM, GRU))
    assert {name for name, leaf in lstm.items() if "bias" in leaf} == {"hi", "hf", "hg", "ho"}
    assert {name for name, leaf in gru.items() if "bias" in leaf} == {"ir", "iz", "in", "hn"}


def test_tensorflow_1_has_one_kernel_another_order_and_a_forget_bias_that_is_smaller_by_one():
    arrays = recorded("tensorflow-peephole")
    i, f, g, o = np.split(np.vstack([arrays["weights.0"], arrays["weights.1"]]), 4, axis=1)
    np.testing.assert_array_equal(arrays["v1.weights.kernel"], np.hstack([i, g, f, o]))
    b_i, b_f, b_g, b_o = np.split(arrays["weights.2"], 4)
    np.testing.assert_array_equal(arrays["v1.weights.bias"], np.concatenate([b_i, b_g, b_f - 1, b_o]))


def test_errors_are_rounding_and_nothing_lies_between():
    errors = {}
    for run in Evidence.load("rosetta").results:
        if run.get("error") is not None:
            errors.setdefault(run["engine"].split()[-1], []).append(run["error"])
    assert max(errors["float64"]) < 1e-14
    assert 5e-8 < min(errors["float32"]) < max(errors["float32"]) < 1e-5


def test_the_hard_sigmoid_of_keras_3_has_another_slope_on_pytorch(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="Keras is not installed")
    if keras.backend.backend() != "torch":
        pytest.skip("Keras is already loaded with another backend")
    at = np.array([-2.9, -1.0, 0.0, 1.0, 2.9], np.float32)
    found = keras.ops.convert_to_numpy(keras.activations.hard_sigmoid(at))
    np.testing.assert_allclose(found, at / 6 + 0.5, rtol=1e-6)
