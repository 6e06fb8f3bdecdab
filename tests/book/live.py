"""What the tests of the interactive figures share: a figure in two settings, its controls, and what is read off it."""

import pytest

MINUS = "\u2212"
CELLS = "body => [...body.rows].map(row => [...row.cells].map(cell => cell.textContent))"

settings = pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide", "narrow"])


def opened(open_page, request, page, name):
    """Open the page in the setting that is asked for, and return the figure, in view."""
    width, theme = request.param
    found = open_page(page, width, theme).locator(f'figure[data-interactive="{name}"]')
    found.locator("svg.u-chart").scroll_into_view_if_needed()
    return found


def without_scripts(open_page, page, name):
    """Open the page without scripts, and return the words of the picture that stands in for the figure."""
    figure = open_page(page, scripts=False).locator(f'figure[data-interactive="{name}"]')
    assert figure.locator(".u-still svg").is_visible()
    assert not figure.locator(".u-stage").is_visible()
    return figure.locator(".u-still text").all_text_contents()


def control(figure, name):
    """Return a slider by its name."""
    return figure.locator(f'[data-control="{name}"]')


def press(figure, name, times=1):
    """Press a button by the keyboard, and return it."""
    button = figure.get_by_role("button", name=name, exact=True)
    for _ in range(times):
        button.focus()
        figure.page.keyboard.press("Enter")
    return button


def says_name_and_value(slider):
    """Do a slider's label and its value reach a screen reader?"""
    return bool(slider.evaluate("input => input.labels[0].textContent") and slider.get_attribute("aria-valuetext"))


def number(text):
    """Return a number as it stands on the page, with its true minus sign."""
    return float(text.replace(MINUS, "-"))


def table(figure):
    """Return the texts of the folded table, row by row."""
    return figure.locator("tbody").evaluate(CELLS)
