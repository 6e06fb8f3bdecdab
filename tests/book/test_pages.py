"""The built pages as files: every link and anchor inside the book leads somewhere, every picture says what is seen."""

import re
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"
LINKS = {"a": "href", "link": "href", "img": "src", "script": "src", "source": "src", "iframe": "src", "object": "data"}
FILE_NAME = re.compile(r"[\w./-]+\.(png|svg|jpe?g|gif)", re.IGNORECASE)

pytestmark = pytest.mark.skipif(not HTML.exists(), reason="the book is not built: make book")


@dataclass
class Page(HTMLParser):
    """What a page links to, the anchors it offers and the pictures it shows."""

    path: Path
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    pictures: list[dict] = field(default_factory=list)
    twice: set[str] = field(default_factory=set)

    def __post_init__(self):
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        names = {attributes[key] for key in ("id", "name") if attributes.get(key) and (key == "id" or tag == "a")}
        if attributes.get("id") in self.anchors:
            self.twice.add(attributes["id"])
        self.anchors |= names
        if attributes.get(LINKS.get(tag)):
            self.links.append(attributes[LINKS[tag]])
        if tag == "img":
            self.pictures.append(attributes)


@cache
def page(path: Path) -> Page:
    return Page(path)


def pages() -> list[Path]:
    """Every page; the theme's templates lie among the static files."""
    return [path for path in sorted(HTML.rglob("*.html")) if "_static" not in path.parts]


def name(path: Path) -> str:
    return path.relative_to(HTML).as_posix()


each_page = pytest.mark.parametrize("path", pages(), ids=name)


def target(path: Path, address: str) -> Path | None:
    """The file that an address on a page names; None where it leads out of the book."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None
    if not parts.path:
        return path
    file = HTML / unquote(parts.path).lstrip("/") if parts.path.startswith("/") else path.parent / unquote(parts.path)
    return (file / "index.html" if file.is_dir() else file).resolve()


def broken(path: Path) -> list[str]:
    """The addresses on a page that lead nowhere inside the book."""
    wrong = []
    for address in page(path).links:
        file = target(path, address)
        if file is None:
            continue
        fragment = unquote(urlsplit(address).fragment)
        missing = not file.is_file() or not file.is_relative_to(HTML.resolve())
        if missing or (fragment and file.suffix == ".html" and fragment not in page(file).anchors):
            wrong.append(address)
    return wrong


@each_page
def test_every_link_and_anchor_inside_the_book_leads_somewhere(path):
    assert not broken(path)


@each_page
def test_every_picture_says_what_is_seen(path):
    """Where an alternative text is missing, Sphinx puts the name of the file."""
    for picture in page(path).pictures:
        decoration = picture.get("alt") == "" and picture.get("aria-hidden") == "true"
        alt = (picture.get("alt") or "").strip()
        assert decoration or (alt and not FILE_NAME.fullmatch(alt)), picture


@cache
def linked_anchors() -> set[tuple[Path, str]]:
    """The anchors that some page of the book links to, each with its page."""
    addresses = [(path, address) for path in pages() for address in page(path).links if "#" in address]
    return {(target(path, address), unquote(urlsplit(address).fragment)) for path, address in addresses}


@each_page
def test_no_anchor_that_is_linked_to_stands_twice(path):
    """autodoc gives a module's name to its section and to the first element inside: that is one place."""
    twice = {anchor for anchor in page(path).twice if not anchor.startswith("module-")}
    assert not {(path.resolve(), anchor) for anchor in twice} & linked_anchors()


@each_page
def test_no_path_of_this_machine_stands_on_it(path):
    root = str(HTML.parents[1])
    assert root not in path.read_text(encoding="utf-8")


@each_page
def test_no_markup_was_left_unread(path):
    """A role or directive that MyST did not understand stands on the page as it was typed."""
    text = re.sub(r"<(script|style|pre|code)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    found = re.search(
        r"\{(?:ref|doc|cite|term|eq|numref|evidence|claim|prf:ref)[\w:]*\}`|^```|^:::", text, re.MULTILINE
    )
    assert not found, found[0]


def test_the_book_has_its_pages():
    assert (HTML / "index.html").is_file()
    assert (HTML / "book" / "index.html").is_file()
