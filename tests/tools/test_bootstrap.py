"""The set-up script decides rightly, and where it cannot go on it says so in a sentence."""

import http.server
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tools import bootstrap

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def house(tmp_path, monkeypatch):
    """An empty project folder in which nothing is really installed; `calls` lists what would have been."""
    for name in ("requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    monkeypatch.setattr(bootstrap, "ROOT", tmp_path)
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(bootstrap, "STAMP", tmp_path / ".venv" / "stamp")
    calls = []

    def make_venv():
        bootstrap.venv_python().parent.mkdir(parents=True, exist_ok=True)
        bootstrap.venv_python().write_text("")
        calls.append("venv")

    monkeypatch.setattr(bootstrap, "make_venv", make_venv)
    monkeypatch.setattr(bootstrap, "install_torch", lambda: calls.append("torch"))
    monkeypatch.setattr(bootstrap, "pip_install", lambda *arguments: calls.append(arguments))
    return tmp_path, calls


def test_a_second_call_does_nothing(house):
    _, calls = house
    assert bootstrap.main() == 0
    assert calls == ["venv", "torch", ("-r", "requirements.txt")]
    assert bootstrap.main() == 0
    assert len(calls) == 3


def test_a_changed_requirement_installs_again(house):
    folder, calls = house
    bootstrap.main()
    (folder / "requirements.txt").write_text("numpy==2.4.6\n")
    bootstrap.main()
    assert calls.count(("-r", "requirements.txt")) == 2


def test_an_installation_that_fails_is_not_taken_for_finished(house, monkeypatch, capsys):
    folder, calls = house
    bootstrap.main()
    (folder / "requirements.txt").write_text("numpy==2.4.6\n")

    def fail(*arguments):
        raise bootstrap.SetupError("no network")

    monkeypatch.setattr(bootstrap, "pip_install", fail)
    assert bootstrap.main() == 2
    assert capsys.readouterr().err == "\nSet-up stopped: no network\n"
    assert not bootstrap.STAMP.exists()


def test_a_python_that_is_too_old_is_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(bootstrap, "newer_python", lambda: None)
    assert bootstrap.main() == 2
    assert "needs Python 3.11 or newer, and this is Python" in capsys.readouterr().err


def test_a_newer_python_on_the_search_path_takes_over(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name: f"/opt/{name}" if name == "python3.12" else None)
    monkeypatch.setattr(bootstrap, "python_version", lambda path: (3, 12))
    called = []
    monkeypatch.setattr(bootstrap.subprocess, "call", lambda command: called.append(command) or 7)
    assert bootstrap.main() == 7
    assert called == [["/opt/python3.12", bootstrap.__file__]]


def test_a_command_that_only_looks_like_a_newer_python_is_passed_over(tmp_path, monkeypatch):
    shim = tmp_path / "python3.12"
    shim.write_text("#!/bin/sh\nexit 127\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert bootstrap.newer_python() is None


def test_this_python_tells_its_version():
    assert bootstrap.python_version(sys.executable) == sys.version_info[:2]


@pytest.mark.parametrize(
    ("system", "nvidia", "cpu"),
    [("linux", False, True), ("linux", True, False), ("darwin", False, False), ("win32", False, False)],
)
def test_only_linux_without_an_nvidia_gpu_takes_the_cpu_build(system, nvidia, cpu):
    assert bootstrap.wants_cpu_build(system, nvidia) is cpu


def test_torch_is_pinned_in_the_requirements():
    assert bootstrap.torch_requirement((ROOT / "requirements.txt").read_text()).startswith("torch==2.")


def test_torch_comes_from_the_default_index_when_its_own_does_not_answer(monkeypatch):
    monkeypatch.setattr(bootstrap, "wants_cpu_build", lambda *_: True)
    monkeypatch.setattr(bootstrap, "answers", lambda url: False)
    monkeypatch.setattr(bootstrap, "pip_install", lambda *_: pytest.fail("pip was asked for nothing"))
    bootstrap.install_torch()


def test_torch_comes_from_its_own_index_beside_the_configured_ones(monkeypatch):
    monkeypatch.setattr(bootstrap, "wants_cpu_build", lambda *_: True)
    monkeypatch.setattr(bootstrap, "answers", lambda url: True)
    asked = []
    monkeypatch.setattr(bootstrap, "pip_install", lambda *arguments: asked.append(arguments))
    bootstrap.install_torch()
    assert asked[0][:2] == ("--extra-index-url", bootstrap.CPU_INDEX)


def test_a_failed_download_of_torch_is_not_the_end(monkeypatch, capsys):
    monkeypatch.setattr(bootstrap, "wants_cpu_build", lambda *_: True)
    monkeypatch.setattr(bootstrap, "answers", lambda url: True)

    def fail(*arguments):
        raise bootstrap.SetupError("reset")

    monkeypatch.setattr(bootstrap, "pip_install", fail)
    bootstrap.install_torch()
    assert "did not work" in capsys.readouterr().out


@pytest.fixture
def server():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self):
            if self.path == "/slow":
                time.sleep(1)
            self.send_response(200 if self.path != "/gone" else 404)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()


@pytest.mark.parametrize(("path", "expected"), [("/here", True), ("/gone", False), ("/slow", False)])
def test_an_index_answers_at_once_or_not_at_all(server, path, expected, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert bootstrap.answers(server + path, seconds=0.5) is expected


def test_an_address_that_is_none_does_not_answer():
    assert bootstrap.answers("not an address") is False


@pytest.mark.parametrize(
    ("complaint", "sentence"),
    [
        ("... NewConnectionError: Failed to establish a new connection", "could not reach the package index"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for torch==9", "no release for Python"),
        ("SSLError(SSLCertVerificationError(1, ...", "certificate"),
        ("ERROR: something else\n\n", "ERROR: something else"),
        ("", "(nothing)"),
    ],
)
def test_what_pip_complains_of_becomes_a_sentence(complaint, sentence):
    assert sentence in bootstrap.explain(complaint)


def test_a_missing_venv_module_names_the_package_to_install(monkeypatch):
    monkeypatch.setattr(bootstrap.importlib.util, "find_spec", lambda name: None if name == "ensurepip" else object())
    with pytest.raises(bootstrap.SetupError, match="apt-get install python3-venv"):
        bootstrap.make_venv()


@pytest.mark.skipif(os.name == "nt", reason="a folder that cannot be written is made with chmod")
def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "file" / ".venv")
    with pytest.raises(bootstrap.SetupError, match=r"could not make the folder \.venv"):
        bootstrap.make_venv()


def test_no_network_is_a_sentence_and_not_a_traceback(tmp_path, monkeypatch, capfd):
    """The real pip, in the real environment, with an index that refuses the connection."""
    monkeypatch.setattr(bootstrap, "venv_python", lambda: Path(sys.executable))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv("PIP_EXTRA_INDEX_URL", raising=False)
    with pytest.raises(bootstrap.SetupError, match="could not reach the package index"):
        bootstrap.pip_install("--target", str(tmp_path), "a-package-that-is-not-there")
    assert "Traceback" not in capfd.readouterr().err


def test_the_script_is_readable_by_an_old_python():
    """No syntax newer than 3.6 may creep in, or a reader with an old Python gets a SyntaxError for an answer."""
    check = "import ast, sys; ast.parse(open(sys.argv[1], encoding='utf-8').read(), feature_version=(3, 6))"
    subprocess.run([sys.executable, "-c", check, bootstrap.__file__], check=True)
