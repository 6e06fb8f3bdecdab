"""C for the loops on a CPU, compiled on the machine that runs them.

At the sizes of a recurrent layer a loop of library calls spends more time on the calls than on the numbers. Where there
is a C compiler, the fused engine's loops are compiled when they are first needed, which takes a second, and kept in the
user's cache folder; where there is none, the loops of `companion.nn.cells` do the same work. Nothing is compiled when
the package is imported.

The variable COMPANION_CC names the compiler to be used instead of ``cc``; ``none`` means none, and may be set and taken
back while a program runs.
"""

import ctypes
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

VARIABLE = "COMPANION_CC"
# no -ffast-math: inf and nan are to come out as they do in torch
FLAGS = ("-O3", "-std=gnu11", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC", "-pthread")


class NoCompiler(Exception):
    """There is no C compiler, or it did not do what was asked; the message says which."""


def library(source: Path) -> ctypes.CDLL | NoCompiler:
    """The functions of a C file, or the reason why there are none.

    The reason is returned, not raised: whoever asks has another way, and asks again at every call.
    """
    return NoCompiler(f"{VARIABLE} is 'none'") if os.environ.get(VARIABLE) == "none" else _loaded(source)


@contextmanager
def switched_off() -> Iterator[None]:
    """Inside the block nothing runs in C, as on a machine without a compiler. For comparisons."""
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = "none"
    try:
        yield
    finally:
        if before is None:
            del os.environ[VARIABLE]
        else:
            os.environ[VARIABLE] = before


@cache
def _loaded(source: Path) -> ctypes.CDLL | NoCompiler:
    try:
        built = _built(source)
    except NoCompiler as reason:
        return reason
    except (OSError, subprocess.SubprocessError) as error:  # a compiler that may not be run, or that never ends
        return NoCompiler(f"{source.name} cannot be compiled: {error}")
    try:
        return ctypes.CDLL(str(built))
    except OSError as error:  # a cache folder from which nothing may be loaded, say
        return NoCompiler(f"what was compiled cannot be loaded: {error}")


def _built(source: Path) -> Path:
    """The compiled file: from the cache, or made now."""
    compiler = _compiler()
    command = [compiler, *_native(), *FLAGS]
    kept = _folder() / f"{source.stem}-{_key(source, command)}.so"
    if not kept.exists():
        with tempfile.TemporaryDirectory(dir=kept.parent) as beside:
            made = Path(beside) / kept.name
            run = [*command, str(source), "-o", str(made)]
            result = subprocess.run(run, capture_output=True, text=True, errors="replace", timeout=120, check=False)
            if result.returncode or not made.exists():
                raise NoCompiler(f"{compiler} failed on {source.name}: {result.stderr.strip()[-500:]}")
            os.replace(made, kept)  # whole or not at all, also when two processes compile at once
    return kept


def _compiler() -> str:
    wanted = os.environ.get(VARIABLE, "cc")
    if os.name != "posix":
        raise NoCompiler(f"the C of the loops wants POSIX threads, which {platform.system()} does not have")
    found = shutil.which(wanted)
    if found is None:
        raise NoCompiler(f"there is no C compiler {wanted!r} on this machine")
    return found


def _native() -> list[str]:
    """The flags that let the compiler use all this processor has."""
    return ["-march=native"] if platform.machine().lower() in ("x86_64", "amd64") else ["-mcpu=native"]


def _folder() -> Path:
    """A folder of the user's own that keeps what was compiled; without a home one that ends with the process."""
    base = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    folder = Path(base) / "unrolled-companion"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return _own_folder()
    mine = folder.stat()
    # what lies here is loaded and run: it may come from nobody else
    if mine.st_uid != os.getuid() or mine.st_mode & 0o022 or not os.access(folder, os.W_OK):
        return _own_folder()
    return folder


@cache
def _own_folder() -> Path:
    made = tempfile.TemporaryDirectory(prefix="unrolled-companion-")
    _own_folder.until_exit = made  # its finaliser takes the folder away
    return Path(made.name)


def _key(source: Path, command: list[str]) -> str:
    """What the compiled file depends on, in sixteen letters: the source, the command and its version, the processor."""
    version = subprocess.run(
        [command[0], "--version"], capture_output=True, text=True, errors="replace", timeout=60, check=False
    )
    parts = [
        source.read_text(encoding="utf-8"),
        *command,
        version.stdout,
        platform.machine(),
        sys.platform,
        _processor(),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def _processor() -> str:
    """What this processor can do: a home folder may be shared by machines of different kinds."""
    listed = Path("/proc/cpuinfo")
    if not listed.exists():
        return platform.processor()
    lines = listed.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(dict.fromkeys(line for line in lines if line.startswith(("flags", "Features", "model name"))))
