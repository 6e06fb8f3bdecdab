"""Build the book into `_build/html`, warnings being errors, and say how to open it.

python tools/build.py            only the pages that changed
python tools/build.py --fresh    everything, which is what the checks do: Sphinx names a warning once, when it
                                 reads the page, and a page that did not change is not read again
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
DOCTREES = ROOT / "_build" / ".doctrees"
BUILD = "from jupyter_book.cli.main import main; main()"


def jupyter_book(*options: str, **streams) -> int:
    return subprocess.call([sys.executable, "-c", BUILD, "build", ".", *options], cwd=ROOT, **streams)


def build(fresh: bool) -> int:
    if fresh:
        shutil.rmtree(HTML, ignore_errors=True)
        shutil.rmtree(DOCTREES, ignore_errors=True)
    begin = time.monotonic()
    strict = ("--warningiserror", "--nitpick", "--keep-going", "--quiet")
    code = jupyter_book(*strict, stdout=subprocess.DEVNULL)  # warnings and errors come on the other stream
    if code:
        shutil.rmtree(DOCTREES, ignore_errors=True)  # so that the next build names the same warnings
        print("\nThe book has warnings, named above. What could be built is in _build/html.", file=sys.stderr)
        return code
    print(f"\nThe book is built ({time.monotonic() - begin:.0f} s). Open it in a browser:\n  {HTML / 'index.html'}")
    return 0


def check_links() -> int:
    """Sphinx's own link check, with its output in a folder beside the book."""
    return jupyter_book("--builder", "custom", "--custom-builder", "linkcheck", "--keep-going")


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fresh", action="store_true", help="build every page anew")
    parser.add_argument("--links", action="store_true", help="ask every address outside the book whether it answers")
    options = parser.parse_args(arguments)
    return check_links() if options.links else build(options.fresh)


if __name__ == "__main__":
    sys.exit(main())
