"""Running a chapter again changes what changed and nothing else."""

from base64 import b64decode, b64encode
from io import BytesIO

import nbformat
import numpy as np
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from tools import notebooks


@pytest.fixture
def chapter(tmp_path):
    path = tmp_path / "chapter.ipynb"

    def write(*cells):
        nbformat.write(new_notebook(cells=list(cells)), path)
        return path

    return write


def test_a_second_run_leaves_the_file_as_it_is(chapter):
    path = chapter(
        new_markdown_cell("# A title"),
        new_code_cell("import time; print(1, flush=True); time.sleep(0.3); print(2)"),
        new_code_cell("import time; time.perf_counter()", metadata={"tags": [notebooks.VARIES]}),
    )
    notebooks.rerun(path)
    first = path.read_bytes()
    notebooks.rerun(path)
    assert path.read_bytes() == first
    cells = nbformat.read(path, 4).cells
    assert [cell.execution_count for cell in cells[1:]] == [1, 2]
    assert [output.text for output in cells[1].outputs] == ["1\n2\n"]


def test_asked_for_all_it_renews_what_varies_too(chapter):
    path = chapter(new_code_cell("import time; time.perf_counter()", metadata={"tags": [notebooks.VARIES]}))
    notebooks.rerun(path)
    first = nbformat.read(path, 4).cells[0].outputs
    notebooks.rerun(path, everything=True)
    assert nbformat.read(path, 4).cells[0].outputs != first


def test_a_chapter_that_fails_is_not_written(chapter):
    path = chapter(new_code_cell("print('so far')"), new_code_cell("1 / 0"))
    before = path.read_bytes()
    with pytest.raises(CellExecutionError):
        notebooks.rerun(path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_an_unknown_chapter_is_named():
    with pytest.raises(SystemExit, match="no chapter nowhere"):
        notebooks.chosen(["nowhere"])


def png(pixels):
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return b64encode(file.getvalue()).decode("ascii")


def opened(text):
    return np.asarray(Image.open(BytesIO(b64decode(text))).convert("RGBA"))


def test_a_picture_gets_smaller_and_keeps_the_colours_of_its_areas(rng):
    pixels = np.full((300, 400, 4), 255, np.uint8)
    pixels[100:200, :, :3] = 201, 56, 130
    pixels[50:60, :, :3] = rng.integers(0, 256, (10, 400, 3))
    picture = png(pixels)
    small = notebooks.in_few_colours(picture)
    assert len(small) < len(picture)
    np.testing.assert_array_equal(opened(small)[[0, 150, 299]], pixels[[0, 150, 299]])


def test_a_picture_that_is_seen_through_stays_as_it_is(rng):
    picture = png(rng.integers(0, 256, (20, 20, 4), np.uint8))
    assert notebooks.in_few_colours(picture) == picture
