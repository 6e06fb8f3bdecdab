"""Without a library `companion.interop` still loads, and says what to install when that library is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from companion.interop.portable import require

ROOT = Path(__file__).resolve().parents[2]
WITHOUT = "import sys\nfor name in ('torch', 'onnx', 'onnxruntime', 'keras', 'flax', 'jax'): sys.modules[name] = None\n"


def run(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)


def test_it_loads_none_of_the_libraries():
    code = "import sys, companion.interop\nprint(sorted({'torch', 'onnx', 'keras', 'flax'} & set(sys.modules)))"
    assert run(code).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("call", "extra"),
    [
        ("to_torch(RNN(2, 3))", "companion[torch]"),
        ("to_onnx(RNN(2, 3), 'never.onnx')", "companion[interop]"),
        ("from_onnx('never.onnx')", "companion[interop]"),
    ],
)
def test_a_missing_library_is_named_with_the_extra_that_brings_it(call, extra):
    done = run(WITHOUT + f"from companion.interop import *\nfrom companion.reference import RNN\n{call}")
    assert done.returncode != 0
    assert "ImportError: this needs" in done.stderr
    assert extra in done.stderr
    assert not (ROOT / "never.onnx").exists()


def test_keras_and_flax_need_nothing_installed():
    calls = "from companion.reference import RNN\nfrom_keras('RNN', to_keras(RNN(2, 3)))\nfrom_flax(to_flax(RNN(2, 3)))"
    done = run(WITHOUT + f"from companion.interop import *\n{calls}")
    assert done.returncode == 0, done.stderr


def test_the_message_names_library_and_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'this needs onnx: pip install "companion\[interop\]"') as caught:
        require("onnx", "interop")
    assert caught.value.name == "onnx"


def test_an_import_that_fails_inside_a_library_is_not_taken_for_a_missing_one(tmp_path, monkeypatch):
    (tmp_path / "half_installed.py").write_text("import not_there_at_all\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="not_there_at_all"):
        require("half_installed", "interop")
