"""The toy chapter of the tests stands beside the real ones while a test asks for it."""

from pathlib import Path

import pytest

import companion.exercises


@pytest.fixture
def toys(monkeypatch):
    """Make the exercises of `tests/exercises/chapters` known to the checker."""
    folder = str(Path(__file__).parent / "chapters")
    monkeypatch.setattr(companion.exercises, "__path__", [*companion.exercises.__path__, folder])
