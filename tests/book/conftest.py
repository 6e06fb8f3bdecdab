"""The built book in a browser: a server on the loopback, one Chromium, one context per setting.

`open_page("book/claims.html", width=390, theme="dark")` gives a Playwright page that has finished loading. What the
page did on the way (requests to other hosts, answers of 400 and more, errors in the console) is in `visit(page)`.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTLED = """async () => {
    await document.fonts.ready;
    if (document.querySelector('script[src*="mathjax"]')) {
        while (!window.MathJax?.startup?.promise) await new Promise((next) => setTimeout(next, 10));
        await window.MathJax.startup.promise;
    }
}"""


@dataclass
class Visit:
    """What a page did while it was open."""

    outside: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves the built book as a host of static pages does: an unknown address gets 404.html."""

    def send_error(self, code, message=None, explain=None):
        page = HTML / "404.html"
        if code != 404 or not page.exists():
            super().send_error(code, message, explain)
            return
        body = page.read_bytes()
        self.send_response(404)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        """Say nothing."""


PATIENCE = 120_000  # ms; a busy machine may take long, and a page that hangs never ends


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of the built book."""
    if not (HTML / "index.html").exists():
        pytest.skip("the book is not built: call `make book` first")
    return HTML


@pytest.fixture(scope="session")
def address(built):
    """The address of a server for the built book, on this machine only."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(built)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture(scope="session")
def chromium():
    """One Chromium for all tests of this process."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(
            "Chromium is missing. Debian or Ubuntu: `sudo apt-get install chromium`; elsewhere install Google Chrome."
        )
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def contexts(chromium):
    """Browser contexts by setting, made when they are first asked for."""
    made = {}

    def context(width: int, theme: str, scripts: bool = True):
        key = (width, theme, scripts)
        if key not in made:
            made[key] = chromium.new_context(
                viewport={"width": width, "height": 900},
                color_scheme=theme,
                java_script_enabled=scripts,
                reduced_motion="reduce",
            )
        return made[key]

    yield context
    for each in made.values():
        each.close()


@pytest.fixture
def open_page(address, built, contexts):
    """A function that opens a page of the book and waits until it is quiet; `source` is "http" or "file"."""
    pages = []

    def opened(path: str, width: int = 1280, theme: str = "light", source: str = "http", scripts: bool = True):
        base = address if source == "http" else built.as_uri()
        page = contexts(width, theme, scripts).new_page()
        page.set_default_timeout(PATIENCE)
        pages.append(page)
        page.visit = watch(page, base)
        page.goto(f"{base}/{path}", wait_until="load")
        if scripts:
            page.evaluate(SETTLED)
        return page

    yield opened
    for page in pages:
        page.close()


@pytest.fixture
def visit():
    """What a page that `open_page` gave has done so far."""
    return lambda page: page.visit


def watch(page, base: str) -> Visit:
    """Note what the page asks for and complains about; whatever is not on the book's own host is refused."""
    seen = Visit()
    own = (base, "data:", "blob:", "about:")

    def judge(route, request):
        if request.url.startswith(own):
            route.continue_()
        else:
            seen.outside.append(request.url)
            route.abort()

    def answer(response):
        if response.status >= 400 and response.request.resource_type != "document":
            seen.missing.append(f"{response.status} {response.url}")

    page.route("**/*", judge)
    page.on("response", answer)
    page.on("requestfailed", lambda request: seen.missing.append(f"{request.failure} {request.url}"))
    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    return seen
