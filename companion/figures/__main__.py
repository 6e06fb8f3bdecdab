"""Write the files of `book/` that are made from this package: `python -m companion.figures [book]`."""

import sys
from pathlib import Path

from companion.figures import palette, style


def generated() -> dict[str, str]:
    """Return the text of every generated file by its path inside `book/`."""
    return {
        "_assets/palette.css": palette.css(),
        "matplotlibrc": style.matplotlibrc(),
    }


def main(book: Path) -> None:
    """Write every generated file under `book`."""
    for path, text in generated().items():
        (book / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "book"))
