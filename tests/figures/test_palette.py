"""The palette is readable, stays distinct for every colour vision, and every file made from it agrees with it."""

from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from companion.figures import palette, style
from companion.figures.__main__ import generated, main

BOOK = Path(__file__).parents[2] / "book"

# Machado, Oliveira and Fernandes (2009), severity 1.0, acting on linear RGB
VISION = {
    "usual": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
# Ottosson (2020): linear sRGB to LMS, cube root, LMS to OKLab
TO_LMS = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
]
TO_LAB = [
    [0.2104542553, 0.7936177850, -0.0040720468],
    [1.9779984951, -2.4285922050, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.8086757660],
]


def oklab(colour, vision):
    encoded = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.asarray(VISION[vision]) @ linear, 0, 1)
    return np.asarray(TO_LAB) @ np.cbrt(np.asarray(TO_LMS) @ seen)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("colour", palette.COLOURS + palette.GREYS[:2], ids=lambda c: c.name)
def test_every_colour_is_readable_as_text_on_its_page(colour, theme):
    assert palette.contrast(getattr(colour, theme), palette.PAGE[theme]) >= 4.5


def test_contrast_runs_from_one_to_twenty_one():
    assert palette.contrast("#ffffff", "#000000") == pytest.approx(21)
    assert palette.contrast("#777777", "#777777") == 1
    assert palette.contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)  # the lightest grey that passes AA


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_any_two_colours_are_told_apart_under_every_colour_vision(theme, vision):
    for one, other in combinations(palette.COLOURS, 2):
        distance = np.linalg.norm(oklab(getattr(one, theme), vision) - oklab(getattr(other, theme), vision))
        assert distance > 0.07, (one.name, other.name)  # 0.02 is about the smallest difference one sees side by side


def test_the_filter_turns_white_into_the_dark_page_and_keeps_a_grey_grey():
    assert palette.turned_over("#ffffff") == palette.PAGE["dark"]
    assert palette.turned_over("#000000") == "#ffffff"
    assert palette.turned_over("#404040", page="#000000") == "#bfbfbf"


@pytest.mark.parametrize("path", generated())
def test_generated_files_agree_with_the_package(path):
    assert (BOOK / path).read_text(encoding="utf-8") == generated()[path], "run `python -m companion.figures`"


def test_writing_the_generated_files_writes_them_all(tmp_path):
    for path in generated():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    main(tmp_path)
    assert {path: (tmp_path / path).read_text(encoding="utf-8") for path in generated()} == generated()


def test_matplotlib_takes_every_setting_of_the_book():
    read = matplotlib.rc_params_from_file(BOOK / "matplotlibrc", fail_on_error=True, use_default_template=False)
    assert set(read) == set(style.RC)
    assert read["figure.dpi"] == 120
    assert read["axes.prop_cycle"].by_key()["color"] == [c.light for c in palette.COLOURS]
