"""Every page of the built book in Chromium, wide and narrow, light and dark, over http and from the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
WIDTHS, THEMES = (1280, 390), ("light", "dark")
LEADS_ON = {"index.html"}  # goes to the landing page at once

pytestmark = [pytest.mark.browser, pytest.mark.pages]


def pages(*, source: bool) -> list[str]:
    """The pages of the book, or those that show the package's source; a single stand-in where nothing is built."""
    every = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html") if "_static" not in path.parts)
    chosen = [name for name in every if name.startswith("_modules/") == source and name not in LEADS_ON]
    return chosen or ["index.html"]


def complaints(page, theme: str) -> list[str]:
    """What axe-core has against a page, one line each. Only the rules that look at colours run twice."""
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=theme)
    page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    options = {
        "resultTypes": ["violations"],
        "preload": False,
    }  # it would load style sheets again, from the wrong folder
    if theme == "dark":
        options["runOnly"] = ["color-contrast", "link-in-text-block"]
    found = Axe().run(page, options=options).response["violations"]
    return [f"{rule['id']}: {node['target']} {node['html'][:120]}" for rule in found for node in rule["nodes"]]


def is_quiet(page, visit):
    seen = visit(page)
    assert seen.outside == []
    assert seen.missing == []
    assert seen.errors == []


def fits(page):
    """No formula failed, and nothing is wider than the window."""
    assert page.locator("[data-mjx-error], mjx-merror").count() == 0
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} px wider than the window"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", pages(source=False))
def test_a_page_is_quiet_whole_and_accessible(open_page, visit, name, width):
    page = open_page(name, width)
    for theme in THEMES:
        assert complaints(page, theme) == [], theme
        fits(page)
    is_quiet(page, visit)


@pytest.mark.parametrize("name", pages(source=True))
def test_a_page_of_source_is_quiet_whole_and_accessible(open_page, visit, name):
    page = open_page(name)  # these pages differ in nothing but their code
    for theme in THEMES:
        assert complaints(page, theme) == [], theme
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)
    is_quiet(page, visit)


@pytest.mark.parametrize(
    "name", [name for name in pages(source=False) if name != "404.html"]
)  # servers show it, no disk does
def test_a_page_is_quiet_from_the_disk(open_page, visit, name):
    page = open_page(name, source="file")
    is_quiet(page, visit)
    assert page.locator("[data-mjx-error], mjx-merror").count() == 0
