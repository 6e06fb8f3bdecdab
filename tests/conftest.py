"""Fixtures that every test may use, and the record of what the tests found out about the numbered equations.

Threads are limited before NumPy is imported: the tests run side by side, one process a core.
"""

import json
import os
import re
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import hypothesis
import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
REPORT = ROOT / "_build" / "reports" / "equations.json"
LABEL = re.compile(r"eq-[a-z0-9]+(-[a-z0-9]+)+")

hypothesis.settings.register_profile("default", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator that starts the same way in every test."""
    return np.random.default_rng(0)


# What a test needs follows from where it stands; tools/check.py chooses by these marks.
MARKS = {"test_browser": "browser", "test_pages": "pages", "test_wheel": "wheel"}


def pytest_collection_modifyitems(items):
    for item in items:
        for beginning, mark in MARKS.items():
            if item.path.name.startswith(beginning):
                item.add_marker(mark)
        if item.path.parent == ROOT / "tests" / "gpu":
            item.add_marker("gpu")


# ---- numbered equations -------------------------------------------------------------------------------------------

_records = pytest.StashKey[dict[str, dict]]()


class Equation:
    """One numbered equation of the book beside the function that is it."""

    def __init__(self, label: str, function: str, test: str, records: dict[str, dict]):
        self.label, self.function, self.test, self._records = label, function, test, records

    def close(self, actual, expected, rtol: float = 1e-9, atol: float = 0.0) -> None:
        """Assert that two arrays of one shape agree as `np.testing.assert_allclose` does, and record how well.

        The recorded error is max |actual - expected| / max |expected|. Arrays that are empty or not finite, and an
        array compared with itself, are mistakes of the test.
        """
        if actual is expected:
            raise ValueError(f"{self.label}: an array is compared with itself")
        actual, expected = _array(actual), _array(expected)
        if actual.shape != expected.shape:
            raise AssertionError(f"{self.label}: shape {actual.shape}, expected {expected.shape}")
        if expected.size == 0 or not np.isfinite(expected).all():
            raise ValueError(f"{self.label}: the expected array is empty or not finite")
        scale = max(np.abs(expected).max(), np.finfo(np.float64).tiny)
        error = float(np.abs(actual - expected).max() / scale)
        _keep_worst(self._records, self.label, self._record(error, rtol))
        np.testing.assert_allclose(actual, expected, rtol=rtol, atol=atol, equal_nan=False, err_msg=self.label)

    def _record(self, error: float, tolerance: float) -> dict:
        return {"function": self.function, "test": self.test, "error": error, "tolerance": tolerance}


@pytest.fixture
def equation(request):
    """`equation("eq-rn-step", of=RNNCell.step)` gives an object whose `close` asserts and records the error."""

    def named(label: str, of) -> Equation:
        if not LABEL.fullmatch(label):
            raise ValueError(f"an equation's label looks like eq-rn-step, not {label!r}")
        test = request.node.nodeid.split("[")[0]
        return Equation(label, f"{of.__module__}.{of.__qualname__}", test, request.config.stash[_records])

    return named


def _array(value) -> np.ndarray:
    """A NumPy array of at least double precision, out of an array, a number or a torch tensor."""
    value = value.detach().cpu().double().numpy() if hasattr(value, "detach") else np.asarray(value)
    return value.astype(np.result_type(value.dtype, np.float64))


def _keep_worst(records: dict[str, dict], label: str, new: dict) -> None:
    """Keep the record with the largest error; a NaN counts as the largest."""
    old = records.get(label)
    if old is None or np.isnan(new["error"]) or new["error"] > old["error"]:
        records[label] = new


def pytest_configure(config):
    config.stash[_records] = {}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """A worker of pytest-xdist has ended: take over what it recorded."""
    for label, record in getattr(node, "workeroutput", {}).get("equations", {}).items():
        _keep_worst(node.config.stash[_records], label, record)


def pytest_sessionfinish(session):
    records = session.config.stash[_records]
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["equations"] = records
    elif records:
        _write_report(records)


def _write_report(records: dict[str, dict]) -> None:
    """Update the report; what this run did not touch stays (tools/check.py begins a full run with an empty one)."""
    merged = (json.loads(REPORT.read_text()) if REPORT.exists() else {}) | records
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    scratch = REPORT.with_suffix(f".{os.getpid()}.tmp")
    scratch.write_text(json.dumps(merged, indent=1, sort_keys=True) + "\n")
    scratch.replace(REPORT)
