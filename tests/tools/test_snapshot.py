"""The committed errors are rounded up, never down."""

import pytest

from tools.snapshot import round_up, snapshot


@pytest.mark.parametrize(("error", "rounded"), [(0.0, 0.0), (1.2e-16, 2e-16), (9.1e-13, 1e-12), (1e-9, 1e-9)])
def test_an_error_is_rounded_up_to_one_digit(error, rounded):
    assert round_up(error) == pytest.approx(rounded, rel=1e-12, abs=0)


def test_the_snapshot_keeps_all_but_the_digits_in_order():
    entry = {"function": "f", "test": "t", "error": 1.2e-16, "tolerance": 1e-12}
    assert snapshot({"eq-b-b": entry, "eq-a-a": entry}) == {
        "eq-a-a": {**entry, "error": 2e-16},
        "eq-b-b": {**entry, "error": 2e-16},
    }
    assert list(snapshot({"eq-b-b": entry, "eq-a-a": entry})) == ["eq-a-a", "eq-b-b"]
