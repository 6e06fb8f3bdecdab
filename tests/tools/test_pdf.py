"""The book on paper: every page once, in order, and links that stay inside the document."""

import re
import shutil

import pytest
from bs4 import BeautifulSoup

from tools import pdf

PAGE = """<html><head><link rel="stylesheet" href="../_static/book.css"><script src="../_static/menu.js"></script>
<script>window.MathJax = {{}}</script></head><body>
<nav><p class="caption">Part I</p><ul><li><a href="one.html">One</a></li></ul></nav>
<article><h1 id="title">{title}<a class="headerlink" href="#title">#</a></h1>{body}</article>{following}
</body></html>"""


@pytest.fixture
def html(tmp_path):
    """A built book of three pages."""
    bodies = {
        "index": '<a href="two.html#here">see</a><a href="missing.html">gone</a><a href="https://example.org/x">out</a>',
        "one": '<details>42</details><svg aria-labelledby="a b"><path clip-path="url(#a)"/></svg>',
        "two": '<p id="here"><img src="../_images/x.png"><script>alert(1)</script><a href="#title">top</a></p>',
    }
    order = [*bodies, None]
    (tmp_path / "book").mkdir()
    for place, (name, body) in enumerate(bodies.items()):
        following = f'<a class="right-next" href="{order[place + 1]}.html">next</a>' if order[place + 1] else ""
        text = PAGE.format(title=name.title(), body=body, following=following)
        (tmp_path / "book" / f"{name}.html").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def printed(html):
    return BeautifulSoup(pdf.document(html), "html.parser")


def test_every_page_is_there_once_and_in_order(printed):
    titles = [tag.get_text() for tag in printed.select("h1")]
    assert titles == ["Index", "Contents", "One", "Two"]
    assert [tag.get_text() for tag in printed.select("p.u-part")] == ["Part I", "Part I"]


def test_links_between_pages_lead_inside_the_document(printed):
    anchors = {tag["id"] for tag in printed.select("[id]")}
    inside = [tag["href"] for tag in printed.select('a[href^="#"]')]
    assert "#book-two--here" in inside
    assert "#book-two--title" in inside
    assert {link[1:] for link in inside} <= anchors


def test_a_link_out_stays_and_a_link_to_nothing_is_only_text(printed):
    links = {tag.get_text(): tag.get("href") for tag in printed.select("#book-index a")}
    assert links["out"] == "https://example.org/x"
    assert links["gone"] is None


def test_anchors_of_different_pages_do_not_meet(printed):
    anchors = [tag["id"] for tag in printed.select("[id]")]
    assert len(anchors) == len(set(anchors))
    assert printed.select_one("svg")["aria-labelledby"] == "book-one--a book-one--b"
    assert printed.select_one("path")["clip-path"] == "url(#book-one--a)"


def test_solutions_are_open_and_no_script_but_mathjax_is_left(printed):
    assert printed.select_one("details").has_attr("open")
    assert [tag.string for tag in printed.select("script")] == ["window.MathJax = {}"]


def test_files_are_found_from_the_root_of_the_book(printed):
    assert printed.select_one("img")["src"] == "_images/x.png"
    assert printed.select_one("link")["href"] == "_static/book.css"


def test_a_page_without_an_article_is_an_error(html):
    (html / "book" / "one.html").write_text("<p>nothing</p>", encoding="utf-8")
    with pytest.raises(ValueError, match=re.escape("book/one.html has no <article>")):
        pdf.document(html)


def test_a_book_that_is_not_built_is_an_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pdf, "HTML", tmp_path)
    assert pdf.main([]) == 2
    assert "make book" in capsys.readouterr().err


@pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="printing needs Chromium")
def test_the_document_is_printed_in_one_piece(html, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "SETTLED", "() => document.fonts.ready")
    target = tmp_path / "book.pdf"
    pdf.print_pdf(pdf.document(html), html, target)
    assert target.read_bytes().startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", target.read_bytes())) == 4
    assert sorted(path.name for path in html.iterdir()) == ["book", "book.pdf"]
