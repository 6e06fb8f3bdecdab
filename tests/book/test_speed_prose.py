"""What the chapter "Speed" says in words, asked of the committed evidence."""

import json
from pathlib import Path

import pytest

from companion.experiments.evidence import Evidence

CHAPTER = Path(__file__).resolve().parents[2] / "book" / "speed.ipynb"


@pytest.fixture(scope="module")
def summary():
    return Evidence.load("speed").summary


def median(summary, size, program, kind="chain"):
    return summary["ladder"][size][program]["training"][kind]["median"]


@pytest.mark.parametrize("size", ["small", "large"])
def test_the_programs_stand_in_the_order_of_the_ladder(summary, size):
    order = [median(summary, size, name) for name in ("native", "fused", "NumPy", "hoisted")]
    assert order == sorted(order)
    assert median(summary, size, "NumPy") < median(summary, size, "loop")
    assert median(summary, size, "in C") < median(summary, size, "fused")
    arithmetic = summary["ladder"][size]["arithmetic"]["training"]["median"]
    assert arithmetic < order[0]


def test_the_plain_loop_takes_hundreds_of_times_its_arithmetic(summary):
    times = median(summary, "small", "loop") / summary["ladder"]["small"]["arithmetic"]["training"]["median"]
    assert times > 200


def test_the_loop_in_c_is_close_to_the_native_layer(summary):
    assert median(summary, "small", "in C") < 1.5 * median(summary, "small", "native")


def test_without_its_chain_the_loop_is_about_as_fast_as_pytorchs_own_kernels(summary):
    assert median(summary, "small", "loop", "free") < 1.5 * median(summary, "small", "native", "free")
    assert summary["ladder"]["small"]["loop"]["training"]["share"]["low"] > 0.9


def test_hoisting_alone_gains_little_where_there_is_something_to_compute(summary):
    assert median(summary, "large", "loop") / median(summary, "large", "hoisted") < 1.3


def test_twice_the_units_cost_next_to_nothing_while_there_are_few(summary):
    for passes in summary["units"]["b1"].values():
        assert passes["h32"]["growth"]["high"] < 1.3


def test_large_layers_grow_at_least_nearly_as_the_work(summary):
    for batch in summary["units"].values():
        for sizes in batch.values():
            assert sizes["h1024"]["growth"]["low"] > 3


def test_the_chain_shows_with_one_sequence_and_hardly_with_sixteen(summary):
    one, many = (summary["units"][key]["training"] for key in ("b1", "b16"))
    assert min(size["share"]["low"] for size in one.values()) > 0.1
    assert all(abs(many[f"h{H}"]["share"]["median"]) < 0.2 for H in (16, 32, 64, 128, 256, 512))


def test_a_few_sequences_more_are_nearly_free_and_many_are_not(summary):
    step = {int(key[1:]): entry["training"]["median"] for key, entry in summary["many"].items()}
    assert step[4] < 2 * step[1]
    assert step[256] > 3.5 * step[64]


def test_time_is_a_straight_line_in_the_length(summary):
    per_step = [entry["training"]["median"] for key, entry in summary["long"].items() if int(key[1:]) >= 20]
    assert max(per_step) < 1.25 * min(per_step)


def test_the_chapter_shows_the_records_of_both_benchmarks():
    sources = ["".join(cell["source"]) for cell in json.loads(CHAPTER.read_text(encoding="utf-8"))["cells"]]
    for name in ("gpu", "bench_cpu"):
        assert any(f'speed_records.load("{name}")' in source for source in sources)
