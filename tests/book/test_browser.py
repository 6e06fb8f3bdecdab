"""Every page of the built book in Chromium, wide and narrow, light and dark, over http and from the disk."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

AXE_SCRIPT = pytest.importorskip("axe_playwright_python.base").AXE_SCRIPT
HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
WIDTHS, THEMES = (1280, 390), ("light", "dark")
COLOURS = ["color-contrast", "link-in-text-block"]
LEADS_ON = {"index.html"}  # goes to the landing page at once

pytestmark = [pytest.mark.browser, pytest.mark.pages]


def pages(*, source: bool) -> list[str]:
    """The pages of the book, or those that show the package's source; a single stand-in where nothing is built."""
    every = sorted(path.relative_to(HTML).as_posix() for path in HTML.rglob("*.html") if "_static" not in path.parts)
    chosen = [name for name in every if name.startswith("_modules/") == source and name not in LEADS_ON]
    return chosen or ["index.html"]


def extremes(names: list[str]) -> list[str]:
    """The smallest and the largest of some pages."""
    sizes = sorted(names, key=lambda name: (HTML / name).stat().st_size if (HTML / name).exists() else 0)
    return list(dict.fromkeys([sizes[0], sizes[-1]]))


def complaints(page, theme: str, width: int) -> list[str]:
    """What axe-core has against a page, one line each.

    Colours are compared where they can differ: of all rules only those on colours run in the second theme, and at the
    second width only around the article, whose colours do not depend on the width. Tokens of code have a test of
    their own, and of the package's many entries, all alike, the first three of each list are looked at.
    """
    page.emulate_media(color_scheme=theme)
    page.wait_for_function("theme => document.documentElement.dataset.theme === theme", arg=theme)
    apart = ["pre span", "dl.py ~ dl.py ~ dl.py ~ dl.py"] if width == WIDTHS[0] else ["article"]
    found = axe(page, {"runOnly": COLOURS}, exclude=apart)
    if theme == THEMES[0]:
        found += axe(page, {"rules": {rule: {"enabled": False} for rule in COLOURS}})
    return found


def axe(page, options: dict, exclude: list[str] | None = None) -> list[str]:
    """Run axe-core on a page without some parts and return what it found."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    # without "preload": it would load the style sheets again, and from the wrong folder
    options = options | {"resultTypes": ["violations"], "preload": False}
    context = {"exclude": [[selector] for selector in exclude or []]}
    run = "([context, options]) => axe.run(context.exclude.length ? context : document, options)"
    found = page.evaluate(run, [context, options])["violations"]
    nodes = [(rule["id"], node) for rule in found for node in rule["nodes"] if not is_spoken(page, rule["id"], node)]
    return [f"{rule}: {node['target']} {node['html'][:120]}" for rule, node in nodes]


def is_spoken(page, rule: str, node: dict) -> bool:
    """Is it a table's heading that is a formula alone? axe-core sees no text there; screen readers say its MathML."""
    if rule != "empty-table-header":
        return False
    formulas = page.locator(node["target"][0]).locator("mjx-assistive-mml math").all_text_contents()
    return any(formula.strip() for formula in formulas)


def is_quiet(page, visit):
    seen = visit(page)
    assert seen.outside == []
    assert seen.missing == []
    assert seen.errors == []


def is_set(page):
    """Every formula was set, and none failed."""
    assert page.locator("[data-mjx-error], mjx-merror").count() == 0
    assert page.locator(".math:not(:has(mjx-container))").all_text_contents() == []


def fits(page):
    """Nothing is wider than the window."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"the page is {wide} px wider than the window"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", pages(source=False))
def test_a_page_is_quiet_whole_and_accessible(open_page, visit, name, width):
    page = open_page(name, width)
    is_set(page)
    for theme in THEMES:
        assert complaints(page, theme, width) == [], theme
        fits(page)
    is_quiet(page, visit)


@pytest.mark.parametrize("name", pages(source=True))
def test_a_page_of_source_is_quiet_and_fits(open_page, visit, name):
    page = open_page(name)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        fits(page)
    is_quiet(page, visit)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("name", ["_modules/index.html", *extremes(pages(source=True))])
def test_the_list_of_modules_and_the_shortest_and_the_longest_are_accessible(open_page, name, theme):
    """Pages of source differ in nothing but their code, and every kind of its tokens is looked at below."""
    assert complaints(open_page(name), theme, WIDTHS[0]) == []


@pytest.mark.parametrize("theme", THEMES)
def test_every_kind_of_token_in_code_can_be_read(open_page, built, theme):
    html = "".join(path.read_text(encoding="utf-8") for path in built.rglob("*.html"))
    kinds = sorted(set(re.findall(r'<span class="([a-z][a-z0-9]{0,2})">', html)))
    assert {"k", "n", "mi"} <= set(kinds)
    page = open_page("book/notation.html", theme=theme)
    page.evaluate(
        """kinds => document.querySelector("article").innerHTML = `<div class="cell"><div class="cell_input">
        <div class="highlight"><pre>${kinds.map((kind) => `<span class="${kind}">${kind}</span>`).join(" ")}</pre>
        </div></div></div>`""",
        kinds,
    )
    assert axe(page, {"runOnly": COLOURS}) == []


@pytest.mark.parametrize(
    "name", [name for name in pages(source=False) if name != "404.html"]
)  # servers show it, no disk does
def test_a_page_is_quiet_from_the_disk(open_page, visit, name):
    page = open_page(name, source="file")
    is_quiet(page, visit)
    is_set(page)
