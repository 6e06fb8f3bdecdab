"""Run chapters again and rewrite their outputs, so that a change shows as a small difference.

    python -m tools.notebooks              every chapter of book/
    python -m tools.notebooks lstm gru     some of them
    python -m tools.notebooks --all lstm   also the outputs that differ from machine to machine

What makes the differences small: cell ids stay, no timestamps are recorded, neighbouring pieces of one stream become
one, the kernel's version is left out, and a cell tagged `nbval-ignore-output` (a time, a device) keeps the output it
has. Pictures get few colours, as that makes a file small. A chapter that fails is not written. How long each took goes
into book/evidence/run.json.
"""

from __future__ import annotations

import json
import os
import sys
import time
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from PIL import Image

from companion.experiments.evidence import hardware, today, versions, write_json
from tools.check import PACKAGES

ROOT = Path(__file__).resolve().parents[1]
STATUS = ROOT / "book" / "evidence" / "run.json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
VARIES = "nbval-ignore-output"


def rerun(path: Path, everything: bool = False, timeout: int = 300) -> float:
    """Execute one notebook in its folder, write it, and return the seconds that took."""
    notebook = nbformat.read(path, as_version=4)
    committed = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    begin = time.monotonic()
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(path.parent)}},
    )
    client.execute()
    seconds = time.monotonic() - begin
    make_pictures_small(notebook)
    if not everything:
        keep_varying_outputs(notebook, committed)
    notebook.metadata.update(nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}}))
    write(path, nbformat.writes(notebook).rstrip("\n") + "\n")
    return seconds


def make_pictures_small(notebook) -> None:
    """Give every PNG a palette of 256 colours: a quarter of the bytes, and large areas keep their colour exactly."""
    for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
        if picture := output.get("data", {}).get("image/png"):
            output.data["image/png"] = in_few_colours(picture)


def in_few_colours(picture: str) -> str:
    """Return the PNG (base64) with a palette, or as it is where that is not smaller or something shines through."""
    image, small = Image.open(BytesIO(b64decode(picture))), BytesIO()
    if image.mode == "RGBA" and image.getextrema()[3] != (255, 255):
        return picture
    palette = image.convert("RGB").quantize(256, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette.save(small, "PNG", optimize=True)
    return min(picture, b64encode(small.getvalue()).decode("ascii"), key=len)


def keep_varying_outputs(notebook, committed: dict) -> None:
    """Give cells whose outputs differ from run to run the outputs they had; jupytext drops those of an edited cell."""
    for cell in notebook.cells:
        old = committed[cell.id]
        if cell.cell_type == "code" and VARIES in cell.metadata.get("tags", []) and old.outputs:
            cell.outputs = old.outputs
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = cell.execution_count


def write(path: Path, text: str) -> None:
    """All or nothing."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    scratch.write_text(text, encoding="utf-8")
    scratch.replace(path)


def write_status(seconds: dict[str, float]) -> None:
    """Update the committed status: whole seconds, and only of the chapters that were run."""
    status = json.loads(STATUS.read_text(encoding="utf-8")) if STATUS.exists() else {}
    times = status.get("notebooks", {}) | {name: round(took) for name, took in seconds.items()}
    there = {name: times[name] for name in sorted(times) if (ROOT / "book" / f"{name}.ipynb").exists()}
    write_json(STATUS, {"date": today(), "hardware": hardware(), "versions": versions(PACKAGES), "notebooks": there})


def chosen(names: list[str]) -> list[Path]:
    paths = {path.stem: path for path in sorted((ROOT / "book").glob("*.ipynb"))}
    wanted = [Path(name).stem for name in names] or list(paths)
    unknown = [name for name in wanted if name not in paths]
    if unknown:
        raise SystemExit(f"There is no chapter {', '.join(unknown)} in book/. There are: {', '.join(paths) or 'none'}.")
    return [paths[name] for name in wanted]


def main(arguments: list[str]) -> int:
    everything = "--all" in arguments
    os.environ["OMP_NUM_THREADS"] = "1"  # as in the checks: the last digits of a long sum depend on it
    seconds, failed = {}, []
    for path in chosen([argument for argument in arguments if argument != "--all"]):
        print(f"{path.stem} … ", end="", flush=True)
        try:
            seconds[path.stem] = rerun(path, everything)
            print(f"{seconds[path.stem]:.0f} s")
        except (CellExecutionError, CellTimeoutError) as error:
            failed.append(path.stem)
            print(f"failed, not written\n{error}")
    if seconds:
        write_status(seconds)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
