"""The book's own Sphinx extension, on small books of its own: what it shows, and what it complains about."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXTENSIONS = ROOT / "book" / "_ext"
sys.path.append(str(EXTENSIONS))

pytest.importorskip("sphinx")
pytest.importorskip("sphinx_codeautolink")

from coursebook import claims, equations, interactive, offline, repository, status  # noqa: E402
from coursebook import map as chapter_map  # noqa: E402

PLAN = """
- part: The idea
  number: I
  chapters: [{page: first, title: The first one}, {page: second, title: A second one with a long name}]
- {part: Beside, number: "", chapters: [{page: third, title: Third}]}
"""
RECORD = {
    "function": "companion.reference.cells.RNNCell.step",
    "test": "tests/a/test_b.py::test_it_is_so",
    "error": 2.5e-16,
    "tolerance": 1e-9,
}


@pytest.fixture
def book(tmp_path):
    """A function that builds a small book out of its files and returns its pages' HTML and the warnings."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    def build(files: dict[str, str], extra: tuple[str, ...] = (), **more) -> tuple[dict[str, str], str]:
        source, out = tmp_path / "source", tmp_path / "out"
        for name, text in {"book/chapters.yml": PLAN, **files}.items():
            path = source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        warnings = io.StringIO()
        settings = {
            "extensions": ["myst_parser", "sphinx.ext.mathjax", "sphinx.ext.intersphinx", "coursebook", *extra],
            "root_doc": "book/index",
            "source_suffix": {".md": "markdown"},
            "myst_enable_extensions": ["dollarmath"],
            "numfig": True,
            "html_theme": "basic",
            "html_title": "Small",
            "suppress_warnings": ["myst.header", "toc.not_included", "config.cache"],
            **more,
        }
        with patch_docutils(), docutils_namespace():
            app = Sphinx(
                source, None, out, tmp_path / "doctrees", "html", confoverrides=settings, status=None, warning=warnings
            )
            app.build()
        pages = {path.relative_to(out).as_posix(): path.read_text(encoding="utf-8") for path in out.rglob("*.html")}
        return pages, re.sub(r"\x1b\[[\d;]*m", "", warnings.getvalue())

    return build


def text_of(html: str) -> str:
    """The words of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


# ---- the address of the repository ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("https://github.com/someone/unrolled", "https://github.com/someone/unrolled"),
        ("https://github.com/someone/unrolled.git", "https://github.com/someone/unrolled"),
        ("git@github.com:someone/unrolled.git", "https://github.com/someone/unrolled"),
        ("ssh://git@gitlab.com/group/deep/unrolled.git", "https://gitlab.com/group/deep/unrolled"),
        ("https://user:secret@github.com/someone/unrolled/", "https://github.com/someone/unrolled"),
        ("https://example.org/someone/unrolled", None),
        ("/home/someone/unrolled", None),
        ("", None),
    ],
)
def test_an_address_is_cleaned_or_refused(given, expected):
    assert repository.clean(given) == expected


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def test_the_address_is_the_variable_then_the_origin_then_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv(repository.VARIABLE, raising=False)
    assert repository.address(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert repository.address(tmp_path) is None
    git(tmp_path, "remote", "add", "origin", "git@github.com:someone/unrolled.git")
    assert repository.address(tmp_path) == "https://github.com/someone/unrolled"
    below = tmp_path / "copy"
    below.mkdir()
    assert repository.address(below) is None, "a folder inside of another repository is not that repository"
    monkeypatch.setenv(repository.VARIABLE, "https://gitlab.com/other/unrolled")
    assert repository.address(tmp_path) == "https://gitlab.com/other/unrolled"
    monkeypatch.setenv(repository.VARIABLE, "")
    assert repository.address(tmp_path) is None


class Settings:
    """Stands in for Sphinx's configuration."""

    def __init__(self):
        self.html_theme_options = {
            "launch_buttons": {"binderhub_url": "b", "colab_url": "c"},
            "repository_url": "the default's",
        }


@pytest.mark.parametrize(
    ("url", "buttons", "shown"),
    [
        ("", set(), False),
        ("https://github.com/someone/unrolled", {"binderhub_url", "colab_url"}, True),
        ("https://gitlab.com/someone/unrolled", {"binderhub_url"}, True),
    ],
)
def test_buttons_are_there_only_where_they_lead_somewhere(tmp_path, monkeypatch, url, buttons, shown):
    monkeypatch.setenv(repository.VARIABLE, url)
    app, settings = type("App", (), {"srcdir": tmp_path})(), Settings()
    repository.choose_buttons(app, settings)
    assert set(settings.html_theme_options["launch_buttons"]) == buttons
    assert settings.html_theme_options.get("repository_url") == (url or None)
    assert bool(settings.html_theme_options.get("use_repository_button")) is shown


THEME = {
    "html_theme": "sphinx_book_theme",
    "html_theme_options": {
        "launch_buttons": {
            "notebook_interface": "jupyterlab",
            "binderhub_url": "https://mybinder.org",
            "colab_url": "https://colab.research.google.com",
        },
        "repository_url": "https://github.com/executablebooks/jupyter-book",
        "repository_branch": "main",
        "path_to_docs": "",
    },
    "nb_execution_mode": "off",
    "source_suffix": {".md": "myst-nb", ".ipynb": "myst-nb"},
}
NOTEBOOK = {
    "cells": [{"cell_type": "markdown", "id": "a", "metadata": {}, "source": "# A chapter"}],
    "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    "nbformat": 4,
    "nbformat_minor": 5,
}
CHAPTERS = {"book/index.md": "# Small\n\n```{toctree}\nfirst\n```\n", "book/first.ipynb": json.dumps(NOTEBOOK)}


def themed(book, url, monkeypatch):
    monkeypatch.setenv(repository.VARIABLE, url)
    pytest.importorskip("myst_nb")
    settings = json.loads(json.dumps(THEME))  # the extension changes the options
    parts = ["myst_nb", "sphinx.ext.mathjax", "sphinx.ext.intersphinx", "sphinx_book_theme", "coursebook"]
    return book(CHAPTERS, extensions=parts, **settings)[0]


def test_a_chapter_can_be_launched_where_the_address_is_known(book, monkeypatch):
    pages = themed(book, "https://github.com/someone/unrolled", monkeypatch)
    chapter = pages["book/first.html"]
    assert "https://mybinder.org/v2/gh/someone/unrolled/main?urlpath=lab/tree/book/first.ipynb" in chapter
    assert "https://colab.research.google.com/github/someone/unrolled/blob/main/book/first.ipynb" in chapter
    words = text_of(chapter)
    assert "git clone -q --depth 1 https://github.com/someone/unrolled" in words
    assert "cd unrolled" in words
    assert "make lab" in words
    assert "mybinder" not in pages["book/index.html"], "only notebooks can be launched"
    assert "Colab" not in text_of(pages["book/index.html"])


def test_a_repository_that_colab_cannot_open_is_run_at_home_or_in_binder(book, monkeypatch):
    chapter = themed(book, "https://gitlab.com/someone/unrolled", monkeypatch)["book/first.html"]
    assert "https://mybinder.org/v2/gl/someone%2Funrolled/main" in chapter
    assert "git clone https://gitlab.com/someone/unrolled" in text_of(chapter)
    assert "colab" not in chapter.lower()


def test_no_page_leads_to_a_repository_that_is_not_known(book, monkeypatch):
    every = "".join(themed(book, "", monkeypatch).values())
    for word in ("mybinder", "colab", "executablebooks/jupyter-book", "github.com/someone"):
        assert word not in every


# ---- offline --------------------------------------------------------------------------------------------------------


def test_an_inventory_is_made_of_a_text_file(tmp_path):
    source = tmp_path / "numpy.txt"
    source.write_text("# https://numpy.org/doc/stable/\nnumpy.tanh py:function 1 reference/$.html#$ -\n\n# a remark\n")
    assert offline.write_inventory(source, tmp_path / "numpy.inv") == "https://numpy.org/doc/stable/"
    head, _, body = (tmp_path / "numpy.inv").read_bytes().partition(b"using zlib.\n")
    assert b"# Project: numpy\n" in head
    assert zlib.decompress(body) == b"numpy.tanh py:function 1 reference/$.html#$ -\n"


@pytest.mark.parametrize("path", sorted((ROOT / "book" / "_inv").glob("*.txt")), ids=lambda path: path.stem)
def test_the_books_inventories_are_well_formed(path):
    first, *entries = path.read_text(encoding="utf-8").splitlines()
    assert re.fullmatch(r"# https://[\w./-]+/", first)
    assert entries
    assert len(entries) == len(set(entries))
    for entry in entries:
        assert re.fullmatch(r"[\w.]+ py:\w+ [01] \S+ -", entry), entry


@pytest.mark.parametrize(
    ("base", "prefix"),
    [("", "/"), ("https://someone.github.io/unrolled", "/unrolled/"), ("https://unrolled.example/", "/")],
)
def test_the_page_for_lost_readers_finds_its_style_below_any_address(monkeypatch, base, prefix):
    monkeypatch.setenv("BOOK_BASE_URL", base)
    settings = Settings()
    offline.place_lost_page(None, settings)
    assert settings.notfound_urls_prefix == prefix
    assert getattr(settings, "html_baseurl", "").rstrip("/") == base.rstrip("/")


def test_code_is_linked_without_importing_what_has_no_documentation(book, monkeypatch):
    monkeypatch.delitem(sys.modules, "wave", raising=False)
    code = "# Small\n\n```python\nimport json\nimport wave\n\njson.dumps(wave.open)\n```\n"
    listed = "# https://docs.python.org/3/\njson py:module 0 library/json.html#module-$ -\n"
    files = {"book/index.md": code, "book/_inv/python.txt": listed}
    pages, _ = book(files, ("sphinx_codeautolink",), codeautolink_warn_on_missing_inventory=False)
    assert 'href="https://docs.python.org/3/library/json.html#module-json"' in pages["book/index.html"]
    assert "wave" not in sys.modules


def test_a_small_book_has_a_start_page_and_its_own_mathjax(book, tmp_path):
    pages, warnings = book({"book/index.md": "# Small\n\n$x$\n"})
    assert warnings == ""
    assert 'url=book/index.html"' in pages["index.html"]
    assert '<html lang="en-GB">' in pages["index.html"]
    assert "_static/mathjax/tex-chtml.js" in pages["book/index.html"]
    assert (tmp_path / "out" / "_static" / "mathjax" / "tex-chtml.js").stat().st_size > 10**5
    assert (tmp_path / "out" / "_static" / "mathjax" / "input" / "tex" / "extensions" / "html.js").exists()
    assert not re.search(r"(src|href)=\"https?://", "".join(pages.values()).replace("https://www.sphinx-doc.org", ""))


# ---- claims ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5", "0.5"),
        ("-0.5", "\u22120.5"),
        ("1.2e-16", "1.2\u202f×\u202f10\u221216"),
        ("-3e+04", "\u22123\u202f×\u202f104"),
        ("a-1", "a-1"),
    ],
)
def test_a_number_is_written_as_in_prose(text, expected):
    assert "".join(node.astext() for node in claims.written(text)) == expected


@pytest.fixture
def evidence(monkeypatch):
    """The evidence of the checkout, as files of a small book."""
    return {
        f"book/evidence/{path.name}": path.read_text(encoding="utf-8")
        for path in (ROOT / "book" / "evidence").glob("*.json")
    }


def test_a_claim_box_shows_statement_verdict_and_data(book, evidence):
    from companion.experiments import claim

    pages, warnings = book({**evidence, "book/index.md": "# Small\n\n```{claim} C01\n```\n\n```{claim-ledger}\n```\n"})
    assert warnings == ""
    box = pages["book/index.html"].partition('id="claim-box-c01"')[2].partition('<p class="u-tally')[0]
    verdict = claim("C01").verdict()
    assert f">{verdict.label}</span>" in box
    assert claim("C01").statement.split("`")[0] in text_of(box)
    assert f"{claim('C01').evidence}.json" in box
    assert 'href="#claim-c01"' in box


def test_the_ledger_lists_every_claim_once_and_counts_the_verdicts(book, evidence):
    from companion.experiments import CLAIMS, verdicts

    pages, _ = book({**evidence, "book/index.md": "# Small\n\n```{claim} C01\n```\n\n```{claim-ledger}\n```\n"})
    page = pages["book/index.html"]
    assert sorted(re.findall(r'id="claim-(c\d\d)"', page)) == sorted(name.lower() for name in CLAIMS)
    found = [verdict.label for verdict in verdicts().values()]
    tally = text_of(page.partition('class="u-tally')[2].partition("</p>")[0])
    assert f"{found.count('holds')} holds" in tally
    assert f"{found.count(None)} not yet measured" in tally
    assert 'href="#claim-box-c01"' in page, "the ledger leads to the box"


def test_a_claim_whose_evidence_is_missing_is_a_warning(book):
    pages, warnings = book({"book/index.md": "# Small\n\n```{claim} C01\n```\n"})
    assert "claim C01: its evidence impulse.json is missing" in warnings
    assert "not yet measured" in pages["book/index.html"]


def test_a_claim_that_does_not_exist_is_an_error(book):
    _, warnings = book({"book/index.md": "# Small\n\n```{claim} C99\n```\n"})
    assert "no claim 'C99'" in warnings


def test_a_number_comes_out_of_the_evidence_with_its_address(book, evidence):
    name, data = next((k, json.loads(v)) for k, v in evidence.items() if k.endswith("/impulse.json"))
    text = "{evidence}`impulse:results.0.steps`, {evidence}`impulse:seconds|.3f`"
    pages, warnings = book({name: evidence[name], "book/index.md": f"# Small\n\n{text}\n"})
    assert warnings == ""
    assert f'title="measured: impulse:results.0.steps">{data["results"][0]["steps"]}</span>' in pages["book/index.html"]
    assert f"{data['seconds']:.3f}" in pages["book/index.html"]


@pytest.mark.parametrize(
    ("address", "complaint"),
    [
        ("impulse:results.0.nothing", "no 'nothing' on the way"),
        ("nowhere:number", "there is no nowhere.json"),
        ("C38:number", "not yet measured"),
        ("impulse", "is no address of a number"),
        ("impulse:results.0.steps|.3q", "format"),
    ],
)
def test_a_number_that_is_not_there_is_a_warning(book, evidence, address, complaint):
    pages, warnings = book({**evidence, "book/index.md": f"# Small\n\n{{evidence}}`{address}`\n"})
    assert complaint.lower() in warnings.lower()
    assert str(ROOT) not in warnings.replace(str(EXTENSIONS), "")
    assert "(not measured)" in pages["book/index.html"]


# ---- equations ------------------------------------------------------------------------------------------------------

CHAPTER = r"""
# Chapter

```{math}
:label: eq-x-step
h = \tanh a
```

```{math}
:label: eq-x-two
a &= x \\ b &= y
```
"""
LEDGER = {
    "book/index.md": "# Small\n\n```{equation-ledger}\n```\n\n```{toctree}\nfirst\n```\n",
    "book/first.md": CHAPTER,
}


def rows(page: str) -> list[str]:
    return [text_of(row) for row in re.findall(r"<tr class=\"row[^>]*id=\"ledger-.*?</tr>", page, re.S)]


def test_the_ledger_shows_the_last_run_before_the_snapshot(book):
    snapshot = {"eq-x-step": RECORD, "eq-x-two": RECORD | {"error": 0.0}}
    report = {"eq-x-step": RECORD | {"error": 7.1e-13}}
    files = {"book/evidence/equations.json": json.dumps(snapshot), "_build/reports/equations.json": json.dumps(report)}
    pages, warnings = book(LEDGER | files)
    assert warnings == ""
    first, second = rows(pages["book/index.html"])
    assert "7.1 × 10 −13" in first
    assert "RNNCell.step" in first
    assert "It is so ( test_b.py )" in first
    assert "1 × 10 −9" in first
    assert " 0 " in second
    assert r"\begin{aligned}" in second
    assert "2 numbered equations: 1 measured by the last run" in text_of(pages["book/index.html"])


def test_an_error_that_is_too_large_stands_out(book):
    report = {"eq-x-step": RECORD | {"error": 1e-3}, "eq-x-two": RECORD}
    pages, _ = book({**LEDGER, "_build/reports/equations.json": json.dumps(report)})
    assert pages["book/index.html"].count('class="u-bad"') == 1
    assert pages["book/index.html"].count('class="u-good"') == 1


def test_an_equation_without_a_record_is_a_warning(book):
    pages, warnings = book({**LEDGER, "book/evidence/equations.json": json.dumps({"eq-x-step": RECORD})})
    assert "no test has recorded an error for the equation eq-x-two" in warnings
    assert "eq-x-step" not in warnings
    assert "no test recorded" in rows(pages["book/index.html"])[1]


def test_an_empty_ledger_says_so(book):
    pages, warnings = book({"book/index.md": "# Small\n\n```{equation-ledger}\n```\n"})
    assert warnings == ""
    assert "No chapter has a numbered equation yet." in pages["book/index.html"]


def test_a_function_is_linked_to_its_own_documentation_and_to_no_namesake(book):
    from companion.tasks import one_hot

    record = RECORD | {"function": f"{one_hot.__module__}.one_hot"}
    namesake = RECORD | {"function": "companion.reference.unroll.one_hot"}
    report = json.dumps({"eq-x-step": record, "eq-x-two": namesake})
    files = {
        **LEDGER,
        "_build/reports/equations.json": report,
        "book/second.md": "# A\n\n```{companion-api}\ncompanion.tasks\n```\n",
    }
    extensions = ("sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon")
    page = book(files, extensions, default_role="name")[0]["book/index.html"]
    first, second = re.findall(r"<tr class=\"row[^>]*id=\"ledger-.*?</tr>", page, re.S)
    assert 'href="second.html#companion.tasks.one_hot"' in first
    assert "second.html" not in second
    assert "unroll.one_hot" in second


def test_the_name_of_a_test_becomes_a_sentence():
    sentence = equations.test_sentence("tests/a/test_b.py::TestGroup::test_the_neuron_holds").astext()
    assert sentence == "The neuron holds (test_b.py)"


# ---- interactive figures --------------------------------------------------------------------------------------------

FIGURE = '# Small\n\n```{interactive} toy\n:alt: a "line" & a dot\n\nMove the **dot**.\n```\n'
SVG = """<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" role="presentation"><title>t</title></svg>"""
TOY = {"book/_assets/interactive/toy.svg": SVG, "book/_assets/interactive/toy.js": ""}


def test_a_figure_brings_its_picture_its_caption_and_its_script_to_its_page_alone(book):
    pages, warnings = book({"book/index.md": "# Small\n\n```{toctree}\nother\n```\n", "book/other.md": FIGURE, **TOY})
    assert warnings == ""
    other = pages["book/other.html"]
    assert 'data-interactive="toy"' in other
    assert '<svg role="img" aria-label="a &quot;line&quot; &amp; a dot" focusable="false" xmlns=' in other
    assert "<?xml" not in other
    assert "presentation" not in other
    assert "Move the <strong>dot</strong>." in other
    assert "Fig. 1" in other
    assert other.index("interactive/common.js") < other.index("interactive/toy.js")
    assert "interactive/" not in pages["book/index.html"]


def test_a_figure_without_alternative_text_is_an_error(book):
    _, warnings = book({"book/index.md": "# Small\n\n```{interactive} toy\n\nA caption.\n```\n", **TOY})
    assert "the option alt is missing" in warnings


def test_a_figure_without_its_files_is_a_warning(book):
    _, warnings = book({"book/index.md": FIGURE})
    assert "there is no toy.svg" in warnings
    assert "there is no toy.js" in warnings


def test_every_still_picture_of_the_book_follows_the_theme():
    for picture in (ROOT / "book" / "_assets" / "interactive").glob("*.svg"):
        svg = interactive.inline_svg(picture, "words")
        assert svg.startswith('<svg role="img" aria-label="words"')
        assert not re.search(r"#[0-9a-fA-F]{3,6}\b|rgb\(", svg), f"{picture.name} has a colour of its own"


# ---- the map --------------------------------------------------------------------------------------------------------


def test_the_map_links_what_is_there_and_calls_the_rest_planned(book):
    files = {
        "book/index.md": "# Small\n\n```{chapter-map}\n```\n\n```{toctree}\nfirst\n```\n",
        "book/first.md": "# First\n",
    }
    pages, warnings = book(files)
    assert warnings == ""
    for drawing in re.findall(r'<svg class="u-map .*?</svg>', pages["book/index.html"], re.S):
        assert re.findall(r'<a class="u-map-here" href="([^"]+)"', drawing) == ["first.html"]
        assert re.findall(r'aria-label="([^"]+), planned"', drawing) == ["A second one with a long name", "Third"]
    pages, _ = book(
        {"book/index.md": files["book/index.md"].replace("first\n", "first\nsecond\n"), "book/second.md": "# Second\n"}
    )
    assert 'href="second.html"' in pages["book/index.html"], "the map is drawn anew when a chapter comes"


def test_the_books_own_plan_names_the_chapters_of_all_claims():
    from companion.experiments import CLAIMS

    env = type("Env", (), {"srcdir": ROOT})()
    assert {claim.chapter for claim in CLAIMS.values()} <= set(chapter_map.titles(env))


# ---- the status -----------------------------------------------------------------------------------------------------

REPORT = {
    "date": "2026-11-20 09:17 UTC",
    "seconds": 306.7,
    "hardware": "2 × a processor",
    "versions": {"python": "3.11.7", "numpy": "2.4.6"},
    "parts": [
        {"name": "unit", "outcome": "passed", "seconds": 112.3, "detail": "1532 passed", "date": "2026-11-20 09:17 UTC"}
    ],
    "notebooks": {"recurrent-neuron": 6.2},
}


def test_the_status_shows_what_was_run(book):
    pages, warnings = book({"book/index.md": "# Small\n\n```{run-status}\n```\n", status.REPORT: json.dumps(REPORT)})
    assert warnings == ""
    words = text_of(pages["book/index.html"])
    assert (
        "Last run of the checks: 2026-11-20 09:17 UTC, in this folder, 5 min 07 s in all. Machine: 2 × a processor."
        in words
    )
    assert "unit passed 1 min 52 s 1532 passed 2026-11-20 09:17 UTC" in words
    assert "recurrent-neuron 6.2 s" in words
    assert "numpy 2.4.6" in words


def test_the_status_shows_what_running_the_chapters_alone_leaves(book):
    left = {name: REPORT[name] for name in ("date", "hardware", "versions", "notebooks")}
    pages, warnings = book({"book/index.md": "# Small\n\n```{run-status}\n```\n", status.SNAPSHOT: json.dumps(left)})
    assert warnings == ""
    assert f"The chapters were last run on {left['date']}" in text_of(pages["book/index.html"])


def test_the_status_says_when_nothing_was_run(book):
    pages, warnings = book({"book/index.md": "# Small\n\n```{run-status}\n```\n"})
    assert warnings == ""
    assert "The checks have not been run in this folder yet" in pages["book/index.html"]


@pytest.mark.parametrize(
    ("seconds", "words"), [(0.2, "200 ms"), (6.24, "6.2 s"), (99.4, "99.4 s"), (306.7, "5 min 07 s")]
)
def test_a_time_is_said_in_words(seconds, words):
    assert status.duration(seconds) == words


# ---- the package's page ---------------------------------------------------------------------------------------------


def test_a_reference_that_was_written_out_has_to_lead_somewhere(book):
    text = "# Small\n\n{py:func}`companion.tasks.nothing`\n\n```{eval-rst}\n`companion.tasks.nobody`\n```\n"
    extensions = ("sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon")
    _, warnings = book({"book/index.md": text}, extensions, nitpicky=True, default_role="name")
    assert "reference target not found: companion.tasks.nothing" in warnings
    assert "nobody" not in warnings


def test_the_package_is_documented_and_what_is_not_there_is_left_out(book):
    page = "# Small\n\n```{companion-api}\ncompanion.tasks\ncompanion.not_there\n```\n"
    pages, warnings = book(
        {"book/index.md": page}, ("sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon")
    )
    assert "not_there" not in warnings
    import companion.tasks

    for name in companion.tasks.__all__:
        assert callable(getattr(companion.tasks, name)) is (f'id="companion.tasks.{name}"' in pages["book/index.html"])
    assert "not_there" not in pages["book/index.html"]
