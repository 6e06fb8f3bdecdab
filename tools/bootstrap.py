"""Make `.venv` and install everything the course uses: the first step of every target of the Makefile.

    python tools/bootstrap.py

Nothing but the standard library, and nothing that Python 3.6 could not read: a Python that is too old has to get as
far as the sentence that says so. A second call does nothing as long as requirements.txt, pyproject.toml, the version
of Python and the folder stay the same. pip finds packages as it is configured to; no index is replaced.
"""

import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
STAMP = VENV / "installed-by-bootstrap"
OLDEST = (3, 11)
NEWEST_TRIED = (3, 14)
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


class SetupError(Exception):
    """The set-up cannot go on; the message says why and what to do, in a sentence a reader understands."""


def main() -> int:
    try:
        if sys.version_info[:2] < OLDEST:
            return run_with_newer_python()
        prepare()
    except SetupError as error:
        print(f"\nSet-up stopped: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nSet-up stopped by you. Call it again to go on.", file=sys.stderr)
        return 130
    return 0


def prepare() -> None:
    wanted = fingerprint()
    if STAMP.exists() and STAMP.read_text(encoding="utf-8") == wanted and venv_python().exists():
        return
    begin = time.monotonic()
    print(f"Setting up .venv with Python {platform.python_version()} (once; about 3 GB, a few minutes).", flush=True)
    if STAMP.exists():
        STAMP.unlink()  # a half-finished installation must not look finished
    make_venv()
    install_torch()
    pip_install("-r", "requirements.txt")
    STAMP.write_text(wanted, encoding="utf-8")
    print(f"Set up in {time.monotonic() - begin:.0f} s.", flush=True)


# ---- which Python -------------------------------------------------------------------------------------------------


def run_with_newer_python() -> int:
    """This Python is too old: hand over to a newer one on the search path, or say what is missing."""
    newer = newer_python()
    if newer is None:
        raise SetupError(
            "this course needs Python {}.{} or newer, and this is Python {}. Install a newer one "
            "(https://www.python.org/downloads/), then call `make PYTHON=python3.12 book` with its name, or "
            "`python3.12 tools/bootstrap.py`.".format(*OLDEST, platform.python_version())
        )
    return subprocess.call([newer, __file__])


def newer_python():
    """The path of a Python on the search path that is new enough, or None."""
    for minor in range(NEWEST_TRIED[1], OLDEST[1] - 1, -1):
        path = shutil.which(f"python3.{minor}")
        if path and python_version(path) >= OLDEST:
            return path
    return None


def python_version(path) -> tuple:
    """(major, minor) of an interpreter; (0, 0) where it does not run."""
    ask = [str(path), "-c", "import sys; print(*sys.version_info[:2])"]
    try:
        answer = subprocess.run(ask, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    return tuple(map(int, answer.stdout.split())) if answer.returncode == 0 else (0, 0)


# ---- the environment ----------------------------------------------------------------------------------------------


def fingerprint() -> str:
    """What the installation depends on, as one line."""
    content = hashlib.sha256()
    for name in ("requirements.txt", "pyproject.toml"):
        content.update((ROOT / name).read_bytes())
    return "{} python {}.{} {} {}\n".format(content.hexdigest(), *sys.version_info[:2], platform.machine(), ROOT)


def venv_python() -> Path:
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_venv() -> None:
    """Make the environment anew unless the one that is there runs this version of Python and has pip."""
    missing = [name for name in ("venv", "ensurepip") if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupError(
            f"this Python comes without its module {missing[0]}. On Debian or Ubuntu: "
            f"`sudo apt-get install python3-venv`; elsewhere install Python from https://www.python.org/downloads/."
        )
    if python_version(venv_python()) == sys.version_info[:2] and has_pip():
        return
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if made.returncode:
        raise SetupError(f"Python could not make the folder .venv: {last_line(made.stdout.decode(errors='replace'))}")


def has_pip() -> bool:
    return subprocess.call([str(venv_python()), "-c", "import pip"], stderr=subprocess.DEVNULL) == 0


# ---- PyTorch ------------------------------------------------------------------------------------------------------


def install_torch() -> None:
    """Without an NVIDIA GPU, take PyTorch's CPU build where its index answers: it is a tenth of the size."""
    if not wants_cpu_build(sys.platform, has_nvidia_gpu()):
        return
    if not answers(CPU_INDEX + "/torch/"):
        print("PyTorch's own index does not answer; pip takes the PyTorch that it finds.", flush=True)
        return
    print("No NVIDIA GPU here: taking the CPU build of PyTorch.", flush=True)
    try:
        listed = (ROOT / "requirements.txt").read_text(encoding="utf-8")
        pip_install("--extra-index-url", CPU_INDEX, torch_requirement(listed))
    except SetupError:
        print("That did not work; pip takes the PyTorch that it finds.", flush=True)


def wants_cpu_build(system: str, nvidia: bool) -> bool:
    """Only on Linux does the default index bring CUDA along; macOS and Windows get a small build from it anyway."""
    return system.startswith("linux") and not nvidia


def has_nvidia_gpu() -> bool:
    drivers = (Path("/proc/driver/nvidia/version"), Path("/usr/lib/wsl/lib/nvidia-smi"))
    return shutil.which("nvidia-smi") is not None or any(path.exists() for path in drivers)


def answers(url: str, seconds: float = 4.0) -> bool:
    """Does an address answer within so many seconds, the look-up of its name included?"""
    came = []

    def ask() -> None:
        try:
            request = urllib.request.Request(url, method="HEAD")
            with urllib.request.urlopen(request, timeout=seconds) as response:
                came.append(response.status == 200)
        except (OSError, ValueError):
            came.append(False)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(seconds)
    return came == [True]


def torch_requirement(requirements: str) -> str:
    """The line that pins torch, without its comment."""
    return re.search(r"^torch==\S+", requirements, re.MULTILINE).group()


# ---- pip ----------------------------------------------------------------------------------------------------------


def pip_install(*arguments: str) -> None:
    """Call pip; what it complains of is shown where it failed, as most of it is of no consequence where it did not."""
    command = [str(venv_python()), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
    command += [] if sys.stdout.isatty() else ["--quiet"]
    environment = dict(os.environ, PIP_USER="0")
    done = subprocess.run(command + list(arguments), cwd=str(ROOT), env=environment, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        print(done.stderr, file=sys.stderr, flush=True)
        raise SetupError(explain(done.stderr))


def explain(complaints: str) -> str:
    """What pip's complaints come down to."""
    if re.search(r"No space left|Errno 28", complaints):
        return "the disk is full; the environment takes about 3 GB. Make room and call it again."
    network = (
        "NewConnectionError|NameResolution|ConnectTimeout|Read timed out|ConnectionReset|Network is unreachable|"
        "Connection refused|ProxyError|Temporary failure in name|IncompleteRead|from versions: none"
    )
    if re.search(r"SSLError|CERTIFICATE_VERIFY", complaints):
        return (
            "pip does not trust the certificate of the package index; `pip config set global.cert FILE` names your own."
        )
    if re.search(network, complaints):
        return "pip could not reach the package index. Check the network (or pip's proxy settings) and call it again."
    if "No matching distribution" in complaints:
        return (
            f"a package has no release for Python {platform.python_version()} on {platform.platform()}: "
            f"{last_line(complaints)}. Python 3.11 to 3.13 on Linux, macOS (Apple silicon) or Windows is known to work."
        )
    return f"pip could not install what requirements.txt names. Its last word: {last_line(complaints)}"


def last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "(nothing)"


if __name__ == "__main__":
    sys.exit(main())
