"""What the frame of the book does in a browser: colours, search, map, still pictures, print, lost readers."""

from __future__ import annotations

import re

import pytest

from companion.figures.palette import COLOURS

CHAPTERS = ", ".join(f".bd-docs-nav p.caption:has-text('{part}') + ul a" for part in ("Part", "Beside the course"))

pytestmark = [pytest.mark.browser, pytest.mark.pages]


def rgb(colour: str) -> str:
    """A colour as the browser says it."""
    return "rgb({}, {}, {})".format(*(int(colour[at : at + 2], 16) for at in (1, 3, 5)))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_letter_in_a_formula_has_its_colour_of_the_palette(open_page, theme):
    page = open_page("book/notation.html", theme=theme)
    for colour in COLOURS:
        letters = page.locator(f"mjx-container .u-{colour.name}")
        assert letters.count() > 0, colour.name
        shown = letters.first.evaluate("node => getComputedStyle(node).color")
        assert shown == rgb(getattr(colour, theme)), colour.name


def test_the_colours_can_be_switched_and_stay_on_the_next_page(open_page):
    page = open_page("book/notation.html")
    switch, theme = (
        page.locator(".article-header-buttons .theme-switch-button"),
        "document.documentElement.dataset.theme",
    )
    seen = set()
    for _ in range(3):
        switch.click()
        seen.add(page.evaluate(theme))
    assert seen == {"light", "dark"}
    while page.evaluate(theme) != "dark":
        switch.click()
    page.reload()
    assert page.evaluate(theme) == "dark"
    page.evaluate("localStorage.clear()")


@pytest.mark.parametrize("source", ["http", "file"])
def test_the_search_finds_a_word_of_the_book(open_page, visit, source):
    page = open_page("search.html?q=recurrent", source=source)
    page.wait_for_selector("#search-results ul.search li a")
    links = page.locator("#search-results ul.search li a").evaluate_all("nodes => nodes.map(node => node.href)")
    assert any("glossary" in link for link in links)
    page.wait_for_load_state("networkidle")
    assert visit(page).errors == []


def test_the_map_leads_to_a_chapter_by_keyboard(open_page, built):
    page = open_page("book/index.html")
    station = page.locator("svg.u-map-wide a.u-map-here").first
    station.focus()
    name = station.text_content()
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert name in re.sub(r"\s+", " ", page.locator("article h1").text_content())


@pytest.mark.parametrize(("width", "seen", "hidden"), [(1280, "wide", "narrow"), (390, "narrow", "wide")])
def test_one_drawing_of_the_map_is_shown(open_page, width, seen, hidden):
    page = open_page("book/index.html", width)
    assert page.locator(f"svg.u-map-{seen}").is_visible()
    assert not page.locator(f"svg.u-map-{hidden}").is_visible()


def test_every_chapter_in_the_sidebar_is_a_station_and_no_other(open_page):
    page = open_page("book/index.html")
    hrefs = "nodes => nodes.map(node => new URL(node.href.baseVal ?? node.href, document.baseURI).pathname)"
    stations = page.locator("svg.u-map-wide a.u-map-here").evaluate_all(hrefs)
    parts = page.locator(CHAPTERS).evaluate_all(hrefs)
    assert stations == parts
    assert stations


def pages_with_figures(built) -> list[str]:
    every = sorted((built / "book").glob("*.html"))
    return [f"book/{path.name}" for path in every if "data-interactive=" in path.read_text(encoding="utf-8")]


def test_a_figure_is_a_still_picture_without_scripts(open_page, built):
    names = pages_with_figures(built)
    assert names
    for name in names:
        page = open_page(name, scripts=False)
        for figure in page.locator("figure[data-interactive]").all():
            assert figure.locator(".u-still > svg").is_visible()
            assert not figure.locator(".u-stage").is_visible()


def test_a_figure_is_a_still_picture_in_print_and_in_light_colours(open_page, built):
    for name in pages_with_figures(built):
        page = open_page(name, theme="dark")
        figures = page.locator("figure[data-interactive]").all()
        assert all(figure.locator(".u-stage").is_visible() for figure in figures)
        assert not any(figure.locator(".u-still").is_visible() for figure in figures)
        page.emulate_media(media="print", color_scheme="dark")
        for figure in figures:
            assert figure.locator(".u-still > svg").is_visible()
            assert not figure.locator(".u-stage").is_visible()
        hidden = next(colour for colour in COLOURS if colour.name == "hidden")
        colour = "getComputedStyle(document.documentElement).getPropertyValue('--u-hidden').trim()"
        assert page.evaluate(colour) == hidden.light


def test_a_dark_page_is_printed_in_light_colours_and_is_dark_again_afterwards(open_page):
    page = open_page("book/notation.html", theme="dark")
    colours = "node => [getComputedStyle(node).color, getComputedStyle(document.body).backgroundColor]"
    cell = page.locator("article table td").first
    dark = cell.evaluate(colours)
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'light'")
    on_paper = cell.evaluate(colours)
    page.emulate_media(media="screen", color_scheme="dark")
    page.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    assert cell.evaluate(colours) == dark != on_paper
    assert on_paper[1] == "rgb(255, 255, 255)"


def test_pictures_on_white_are_turned_over_on_a_dark_page(open_page, built):
    pictures = "div.cell_output img"
    for name in [f"book/{path.name}" for path in (built / "book").glob("*.html")]:
        if "cell_output" not in (built / name).read_text(encoding="utf-8"):
            continue
        style = "node => [getComputedStyle(node).filter, getComputedStyle(node).mixBlendMode]"
        dark = open_page(name, theme="dark").locator(pictures).first.evaluate(style)
        assert dark == ["invert(1) hue-rotate(180deg)", "screen"]
        light = open_page(name, theme="light").locator(pictures).first.evaluate(style)
        assert light == ["none", "normal"]


def test_a_lost_reader_gets_a_page_of_the_book(open_page, visit):
    page = open_page("book/deep/down/no-such-page.html")
    assert "Page not found" in page.locator("article h1").text_content()
    assert page.locator(".u-brand-link").is_visible()
    assert visit(page).missing == []
    assert visit(page).outside == []


def test_the_chapters_can_be_opened_and_closed_on_a_phone(open_page):
    page = open_page("book/notation.html", 390)
    entry = page.locator(".bd-docs-nav a", has_text="Glossary").first
    assert not entry.is_visible()
    page.get_by_role("button", name="Chapters").click()
    entry.wait_for(state="visible")
    page.keyboard.press("Escape")
    entry.wait_for(state="hidden")


def test_a_keyboard_reader_can_skip_to_the_text(open_page):
    page = open_page("book/notation.html")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent").strip() == "Skip to main content"
    page.keyboard.press("Enter")
    assert page.url.endswith("#main-content")


def test_no_brackets_of_a_footnote_are_left_over(built):
    for path in (built / "book").glob("*.html"):
        assert "[^" not in re.sub(r"<(script|pre|code)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.S), (
            path.name
        )
