"""What the tests of the text read of a chapter's pictures."""

import json
from pathlib import Path


def alternative(chapter: Path, name: str) -> str:
    """The alternative text of the figure with this name, on one line."""
    cells = json.loads(chapter.read_text(encoding="utf-8"))["cells"]
    figures = [cell["metadata"]["mystnb"] for cell in cells if "mystnb" in cell["metadata"]]
    (text,) = (each["image"]["alt"] for each in figures if each["figure"]["name"] == name)
    return " ".join(text.split())
