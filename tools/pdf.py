"""Print the built book as one PDF with Chromium: its pages in order, and links that stay inside.

The pages are those of `_build/html`, so that paper and screen show the same numbers. Their articles are put into one
document, with every anchor named after its page; scripts stay away except MathJax, so that folded solutions are open
and interactive figures show their static picture.

python tools/pdf.py [FILE]      into _build/unrolled.pdf unless told
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bs4 import BeautifulSoup, Tag

ROOT = Path(__file__).resolve().parents[1]
HTML = ROOT / "_build" / "html"
FIRST = "book/index.html"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
NAMING = ("id", "for", "aria-labelledby", "aria-describedby")
FILES = (("link", "href"), ("script", "src"), ("img", "src"), ("source", "src"))
MARGIN = {"top": "18mm", "bottom": "20mm", "left": "18mm", "right": "18mm"}
FOOTER = (
    '<div style="font: 8pt Figtree, sans-serif; color: #555; width: 100%; text-align: center">'
    '<span class="pageNumber"></span></div>'
)
STYLE = """
body { margin: 0; }
.u-sheet { break-before: page; }
.u-sheet:first-of-type { break-before: auto; }
.u-part { break-after: avoid; color: #555; letter-spacing: 0.04em; }
.cell_input, pre { break-inside: avoid; }
pre { white-space: pre-wrap !important; } /* paper does not scroll */
.u-equations { zoom: 0.66; } /* nor do tables: five columns, one of them formulas */
.pst-scrollable-table-container { overflow: visible !important; }
h1, h2, h3 { break-after: avoid; }
.bd-content h1 { display: block !important; } /* the theme prints the title of a single page elsewhere */
"""
SETTLED = """async () => {
    await document.fonts.ready;
    while (!window.MathJax?.startup?.promise) await new Promise((next) => setTimeout(next, 20));
    await window.MathJax.startup.promise;
}"""


@dataclass(frozen=True)
class Page:
    """One page of the built book: its address from the root of the book, the part it opens, and what it holds."""

    address: str
    part: str
    soup: BeautifulSoup

    @property
    def name(self) -> str:
        """The page's name as the beginning of its anchors."""
        return self.address.removesuffix(".html").replace("/", "-")


def pages(html: Path, first: str = FIRST) -> Iterator[Page]:
    """Yield the pages in the order of the book, by following each one's link to the next."""
    address: str | None = first
    parts: dict[str, str] | None = None
    while address:
        soup = BeautifulSoup((html / address).read_text(encoding="utf-8"), "html.parser")
        if parts is None:
            parts = parts_of(soup, address)
        yield Page(address, parts.get(address, ""), soup)
        following = soup.select_one("a.right-next")
        address = resolved(address, following["href"])[0] if following else None


def parts_of(soup: BeautifulSoup, address: str) -> dict[str, str]:
    """Return the name of each part by the address of its first page, out of the list of chapters."""
    found = {}
    for caption in soup.select("nav p.caption"):
        chapters = caption.find_next_sibling("ul")
        if chapters and (link := chapters.select_one("a[href]")):
            found[resolved(address, link["href"])[0]] = caption.get_text(strip=True)
    return found


def resolved(address: str, link: str) -> tuple[str, str]:
    """Return the address and the anchor that a link on a page leads to."""
    path, _, anchor = link.partition("#")
    path = path.partition("?")[0]
    if not path:
        return address, anchor
    return posixpath.normpath(posixpath.join(posixpath.dirname(address), path)), anchor


def article(page: Page, names: Mapping[str, str]) -> Tag:
    """Return a page's article, with anchors of its own and links that lead inside the one document."""
    found = page.soup.select_one("article")
    if found is None:
        raise ValueError(f"{page.address} has no <article>: is it a page of this book?")
    for tag in found.select("script, noscript, button, .headerlink"):
        tag.decompose()
    for tag in found.select("details"):
        tag["open"] = ""
    for tag in found.find_all(True):
        rename(tag, page.name)
        if tag.name == "a" and tag.has_attr("href"):
            redirect(tag, page, names)
        for kind, attribute in FILES:
            if tag.name == kind and tag.has_attr(attribute):
                tag[attribute] = beside(page.address, tag[attribute])
    return found


def rename(tag: Tag, name: str) -> None:
    """Put the page's name before every anchor that a tag makes or uses."""
    for attribute in NAMING:
        if value := tag.get(attribute):
            words = value if isinstance(value, list) else value.split()
            tag[attribute] = " ".join(f"{name}--{word}" for word in words)
    for attribute, value in tag.attrs.items():
        if isinstance(value, str) and "url(#" in value:
            tag[attribute] = re.sub(r"url\(#", f"url(#{name}--", value)
    if tag.name == "use":
        for attribute in ("href", "xlink:href"):
            if str(tag.get(attribute, "")).startswith("#"):
                tag[attribute] = f"#{name}--{tag[attribute][1:]}"


def redirect(link: Tag, page: Page, names: Mapping[str, str]) -> None:
    """Let a link lead inside the document, outside to the web, or nowhere where the document lacks its target."""
    if re.match(r"[a-z]+:", link["href"]):
        return
    address, anchor = resolved(page.address, link["href"])
    if address in names:
        link["href"] = f"#{names[address]}--{anchor}" if anchor else f"#{names[address]}"
    else:
        del link["href"]


def beside(address: str, file: str) -> str:
    """Return the address of a file as seen from the root of the book."""
    return file if re.match(r"[a-z]+:", file) else posixpath.normpath(posixpath.join(posixpath.dirname(address), file))


def head(page: Page) -> str:
    """Return the style sheets of a page, and MathJax with its settings; no other script."""
    kept = []
    for tag in page.soup.select('link[rel~="stylesheet"], script'):
        if tag.name == "script" and "mathjax" not in f"{tag.get('src', '')}{tag.string or ''}".lower():
            continue
        for kind, attribute in FILES:
            if tag.name == kind and tag.has_attr(attribute):
                tag[attribute] = beside(page.address, tag[attribute])
        kept.append(str(tag))
    return "\n".join(kept)


def document(html: Path, first: str = FIRST) -> str:
    """Return the whole book as one HTML document that stands in the root of the built book."""
    book = list(pages(html, first))
    names = {page.address: page.name for page in book}
    heads = [head(page) for page in book]
    sheets = []
    for page in book:
        part = f'<p class="u-part">{page.part}</p>' if page.part else ""
        sheets.append(f'<section class="u-sheet" id="{page.name}">{part}{article(page, names)}</section>')
    sheets.insert(1, contents(book))
    return (
        '<!DOCTYPE html>\n<html lang="en-GB" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
        f"<title>Unrolled</title>{max(heads, key=len)}<style>{STYLE}</style></head>\n"
        f'<body><main class="bd-main"><div class="bd-content"><div class="bd-article-container">{"".join(sheets)}'
        "</div></div></main></body></html>\n"
    )


def contents(book: list[Page]) -> str:
    """Return a page that lists the others by their parts."""
    rows = []
    for page in book[1:]:
        if page.part:
            rows.append(f'<p class="u-part">{page.part}</p>')
        title = page.soup.select_one("article h1")
        rows.append(f'<p><a href="#{page.name}">{title.get_text() if title else page.name}</a></p>')
    return f'<section class="u-sheet"><h1>Contents</h1>{"".join(rows)}</section>'


def print_pdf(text: str, html: Path, target: Path) -> None:
    """Print a document with Chromium, in one piece: a print that fails leaves the file that was there."""
    from playwright.sync_api import sync_playwright

    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    handle, source = tempfile.mkstemp(dir=html, prefix="print-", suffix=".html")
    printed = target.with_suffix(".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        with (
            sync_playwright() as play,
            play.chromium.launch(executable_path=browser, args=["--no-sandbox"]) as chromium,
        ):
            page = chromium.new_page()
            page.set_default_timeout(600_000)
            page.goto(Path(source).as_uri())
            page.evaluate(SETTLED)
            page.pdf(
                path=printed,
                format="A4",
                scale=0.9,
                margin=MARGIN,
                outline=True,
                tagged=True,
                print_background=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
            )
        printed.replace(target)
    finally:
        Path(source).unlink(missing_ok=True)
        printed.unlink(missing_ok=True)


def main(arguments: list[str]) -> int:
    """Print the book into the file named, or into `_build/unrolled.pdf`."""
    if not (HTML / FIRST).exists():
        print("The book is not built: call `make book` first.", file=sys.stderr)
        return 2
    target = Path(arguments[0]) if arguments else ROOT / "_build" / "unrolled.pdf"
    print_pdf(document(HTML), HTML, target)
    print(f"The book is printed ({target.stat().st_size / 2**20:.1f} MB):\n  {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
