"""The pictures of the chapter on a basic network hold the numbers they were given and have axes with names."""

import numpy as np
import pytest
from matplotlib.colors import to_hex

from companion.figures import basic_network as draw
from companion.figures.palette import LIGHT
from tests.figures.reading import texts


def spread(mean):
    return {"mean": mean, "low": mean - 0.01, "high": mean + 0.01, "min": mean - 0.05, "max": mean + 0.05}


def test_shades_go_from_white_to_the_colour_of_the_palette():
    shades = draw.shades("output")
    assert to_hex(shades(0.0)) == "#ffffff"
    assert to_hex(shades(1.0)) == LIGHT["output"]


def test_what_is_not_yet_read_is_covered(rng):
    pictures = rng.uniform(size=(2, 8, 8))
    panels = draw.unveiled(pictures, [1, 3, 8])
    assert panels.shape == (2, 3)
    for line, picture in zip(panels, pictures, strict=True):
        for axes, count in zip(line, (1, 3, 8), strict=True):
            np.testing.assert_array_equal(axes.images[0].get_array(), picture)
            assert axes.patches[0].get_y() == count - 0.5
            assert axes.patches[0].get_height() == 8 - count
    assert [axes.get_title(loc="center") for axes in panels[0]] == ["1 row", "3 rows", "8 rows"]


def test_each_picture_stands_beside_its_probabilities_with_the_largest_in_percent(rng):
    p = rng.dirichlet(np.ones(10), size=(2, 8))
    panels = draw.probabilities(rng.uniform(size=(2, 8, 8)), p, list("0123456789"))
    assert len(panels) == 4
    for own, axes in zip(p, panels[1::2], strict=True):
        np.testing.assert_array_equal(axes.images[0].get_array(), own)
        assert texts(axes) == [f"{100 * row.max():.0f}" for row in own]
        assert [int(text.get_position()[0]) for text in axes.texts] == own.argmax(axis=1).tolist()
        assert axes.get_xlabel()
    assert panels[0].get_ylabel()


def test_accuracies_after_rows_have_bands_and_names_in_their_colours():
    curves = {"one": [spread(0.3), spread(0.5)], "two": [spread(0.2), spread(0.9)]}
    axes = draw.after_rows(curves, {"one": "hidden", "two": "muted"}, {"one": 2, "two": 1}, low=0.0)
    assert [
        line.get_ydata().tolist() if hasattr(line.get_ydata(), "tolist") else line.get_ydata() for line in axes.lines
    ] == [
        [0.3, 0.5],
        [0.2, 0.9],
    ]
    assert len(axes.collections) == 2
    assert texts(axes) == ["one", "two"]
    assert [text.get_color() for text in axes.texts] == [LIGHT["hidden"], LIGHT["muted"]]
    assert axes.texts[0].xy == (2, 0.5)
    assert axes.get_xlabel()
    assert axes.get_ylabel()


@pytest.mark.parametrize("size", [3, 11])
def test_a_confusion_matrix_shows_every_count_and_colours_the_mistakes_only(size, rng):
    counts = rng.integers(1, 9, size=(size, size))
    axes = draw.confusion(counts, [f"c{k}" for k in range(size)])
    shown = np.array(axes.images[0].get_array())
    assert not shown[np.eye(size, dtype=bool)].any()
    np.testing.assert_array_equal(shown[~np.eye(size, dtype=bool)], counts[~np.eye(size, dtype=bool)])
    assert texts(axes) == [str(count) for count in counts.ravel()]
    assert axes.get_xlabel()
    assert axes.get_ylabel()


def test_a_count_of_zero_is_left_blank():
    axes = draw.confusion(np.array([[2, 0], [1, 3]]), ["a", "b"])
    assert texts(axes) == ["2", "1", "3"]


def test_mistakes_are_named_and_empty_places_stay_empty(rng):
    panels = draw.mistakes(rng.uniform(size=(10, 8, 8)), list(range(10)), list(range(9, -1, -1)))
    titles = [axes.get_title(loc="center") for axes in panels.flat]
    assert titles[:2] == ["a 0: “9”", "a 1: “8”"]
    assert titles[10:] == [""] * 6
    assert not any(axes.axison for axes in panels.flat[10:])


def test_accuracies_show_mean_interval_and_extremes_and_ours_in_the_colour_of_the_state():
    axes = draw.accuracies({"theirs": spread(0.4), "ours": spread(0.6)}, ["ours"])
    thin, band, mean = axes.lines[3:]
    np.testing.assert_allclose(thin.get_xdata(), [0.55, 0.65])
    np.testing.assert_allclose(band.get_xdata(), [0.59, 0.61])
    assert mean.get_color() == LIGHT["hidden"]
    assert axes.lines[0].get_color() == LIGHT["muted"]
    assert texts(axes) == ["0.400", "0.600"]
    assert axes.get_xlabel()


def test_losses_stand_over_their_floor():
    axes = draw.floors({"twice": np.array([2.0, 1.5])}, 1.4, {"twice": "gradient"})
    assert axes.lines[0].get_ydata().tolist() == [2.0, 1.5]
    assert set(axes.lines[1].get_ydata()) == {1.4}
    assert texts(axes) == ["twice", "floor"]
    assert axes.get_xlabel()
    assert axes.get_ylabel()
