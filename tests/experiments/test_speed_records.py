"""The records of the benchmarks on the page: missing, of a dry run, and there, with numbers that are made up here."""

import pytest

from companion.experiments import Evidence
from companion.experiments import speed_records as records


def row(cell, by, mode, ms, T=1024, which="forward+backward", **more):
    sizes = {"T": T, "B": 16, "H": 768}
    return {
        "cell": cell,
        "mode": mode,
        **sizes,
        "pass": which,
        "by": by,
        "ms": ms,
        "us_per_step": 1000 * ms / T,
        "bound_ms": 2.0,
        "fraction_of_bound": 2.0 / ms,
        **more,
    }


GPU = Evidence(
    experiment="gpu",
    claims=(),
    config={"dry_run": False, "gpu": "a made-up GPU"},
    seeds=None,
    results=(
        row("lstm", "torch.nn", "fp16", 5.0),
        row("peephole_new", "eager", "bf16", 480.0),
        row("peephole_new", "triton", "bf16", 12.5, error=0.001),
        row("peephole_new", "triton", "fp32", 25.0),
        row("peephole_new", "triton", "bf16", 3.0, which="forward"),
        row("peephole_new", "triton", "bf16", 1.0, T=256),
    ),
    versions={"python": "3.11", "companion": "1", "torch": "2.13.0"},
    hardware="a made-up GPU; 1 × processor",
    date="2026-01-01",
)


def saved(folder, **changes):
    import dataclasses

    dataclasses.replace(GPU, **changes).save(folder)
    return records.load("gpu", folder)


def test_what_was_never_measured_is_said_to_be_so(tmp_path):
    assert records.load("gpu", tmp_path) is None
    assert "not measured yet" in records.gpu_table(None)
    assert "make gpu" in records.gpu_table(None)
    assert "make bench" in records.cpu_table(None)


def test_a_dry_run_is_no_measurement(tmp_path):
    assert saved(tmp_path, config={"dry_run": True}) is None


def test_the_table_has_every_program_at_the_main_size_and_nothing_else(tmp_path):
    table = records.gpu_table(saved(tmp_path))
    assert "a made-up GPU" in table
    assert "LSTM, T=1024 B=16 H=768" in table
    lines = [line.split() for line in table.splitlines() if line.startswith("  ") and "program" not in line]
    assert lines == [
        ["torch.nn", "fp16", "5", "4.88", "2.5"],
        ["eager", "bf16", "480", "469", "240"],
        ["triton", "bf16", "12.5", "12.2", "6.25"],
        ["triton", "fp32", "25", "24.4", "12.5"],
    ]
    assert "GRU" not in table


def test_the_picture_begins_with_the_bound_and_goes_from_fast_to_slow(tmp_path):
    times = records.gpu_times(saved(tmp_path), "peephole_new")
    assert list(times.items()) == [("bound", 2.0), ("triton", 12.5), ("eager", 480.0)]


@pytest.mark.parametrize("there", [False, True])
def test_the_cells_of_the_chapter_run_with_and_without_the_record(there, tmp_path, monkeypatch, capsys):
    """The two cells that show the GPU, out of the notebook itself."""
    import json
    from pathlib import Path

    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    from companion.figures import speed as draw

    if there:
        GPU.save(tmp_path)
    monkeypatch.setenv("UNROLLED_EVIDENCE", str(tmp_path))
    chapter = Path(__file__).resolve().parents[2] / "book" / "speed.ipynb"
    sources = ["".join(cell["source"]) for cell in json.loads(chapter.read_text(encoding="utf-8"))["cells"]]
    cells = [source for source in sources if "gpu" in source and "speed_records" in source and "import" not in source]
    assert len(cells) == 2
    names = {"speed_records": records, "draw": draw, "plt": plt}
    for source in cells:
        exec(source, names)
    assert ("not measured yet" in capsys.readouterr().out) != there
    assert len(plt.get_fignums()) == there
    plt.close("all")


def test_the_cpu_record_is_shown_by_size_and_layer():
    rows = [
        {
            "benchmark": "nn",
            "layer": layer,
            "T": 100,
            "B": 32,
            "D": 64,
            "H": 128,
            "inference": 1.0,
            "training": ms,
            "ratio": ms / 4,
        }
        for layer, ms in (("torch LSTM", 4.0), ("Peephole", 9.0))
    ]
    rows.append({"benchmark": "reference", "work": {"layer": "LSTM"}})
    table = records.cpu_table(Evidence("bench_cpu", (), {}, None, tuple(rows), date="2026-01-01", hardware="a machine"))
    lines = [line.split() for line in table.splitlines()[3:]]
    assert lines[0] == ["T=100", "B=32", "I=64", "H=128"]
    assert lines[1] == ["ms", "forward", "training", "ratio"]
    assert lines[2:] == [["torch", "LSTM", "1", "4", "1.00"], ["Peephole", "1", "9", "2.25"]]
