"""What single units of a language model follow: quotes, brackets, indentation, the place in the line.

After Karpathy, Johnson and Li (2016), who found such units by looking. Here each has a score. For what is true or false
of a character, it is the share of pairs, one of each kind, that the unit's value puts in the same order (the area under
the ROC curve, turned so that 0.5 is chance and 1 tells them all); for the place in the line it is the rank correlation
with it, in size. The marks themselves are left out: a network sees a quotation mark without remembering anything.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Array = np.ndarray
DEEP = 6  # spaces at the beginning of a line of an example; the text itself has at most 3
PAST = 8  # characters after the indentation that are left out


def between(text: str, begin: str, end: str) -> Array:
    """Say for every character whether a `begin` before it has not met its `end`: 1, 0, or nan at the marks themselves.

    At an empty line everything is closed.
    """
    inside, found = 0, []
    for symbol, previous in zip(text, "\n" + text, strict=False):
        if symbol == previous == "\n":
            inside = 0
        if symbol in (begin, end):
            closes = symbol == end and (inside or begin != end)
            inside = max(inside - 1, 0) if closes else inside + 1
            found.append(np.nan)
        else:
            found.append(float(inside > 0))
    return np.array(found)


def quoted(text: str) -> Array:
    """Say for every character whether it stands between double quotation marks."""
    return between(text, '"', '"')


def bracketed(text: str) -> Array:
    """Say for every character whether it stands in round brackets."""
    return between(text, "(", ")")


def indented(text: str) -> Array:
    """Say for every character whether its line began with at least six spaces; nan near its beginning, in spaces."""
    found = []
    for line in text.splitlines(keepends=True):
        spaces = len(line) - len(line.lstrip(" "))
        ahead = np.arange(len(line)) >= spaces + PAST
        seen = ahead & (np.array(list(line)) != " ")
        found.append(np.where(seen, float(spaces >= DEEP), np.nan))
    return np.concatenate(found)


def place(text: str) -> Array:
    """Return how many characters of its line each character has before it."""
    return np.concatenate([np.arange(len(line), dtype=float) for line in text.splitlines(keepends=True)])


FEATURES: dict[str, Callable[[str], Array]] = {
    "quotes": quoted,
    "brackets": bracketed,
    "indentation": indented,
    "place": place,
}


def features(text: str) -> dict[str, Array]:
    """Return everything there is to follow in a text, (characters,) each, nan where nothing is asked."""
    return {name: feature(text) for name, feature in FEATURES.items()}


def scores(states: Array, truth: Array) -> Array:
    """Return a signed score of every unit, -1 to 1: the rank correlation, or twice the area under the ROC curve less 1.

    states (characters, H); truth (characters,), nan where nothing is asked.
    """
    from scipy.stats import rankdata

    asked = np.isfinite(truth)
    ranks, truth = rankdata(states[asked], axis=0), truth[asked]
    if set(np.unique(truth)) <= {0.0, 1.0}:
        inside = truth > 0
        ones, zeros = inside.sum(), (~inside).sum()
        return 2 * (ranks[inside].sum(axis=0) - ones * (ones + 1) / 2) / (ones * zeros) - 1
    wanted = rankdata(truth)
    ranks, wanted = ranks - ranks.mean(axis=0), wanted - wanted.mean()
    return wanted @ ranks / (np.linalg.norm(wanted) * np.linalg.norm(ranks, axis=0))


def best(chosen_on: Array, truth: Array, scored_on: Array, asked: Array) -> tuple[int, float]:
    """Return the unit that is best on some states, and its score on others, turned as it was best there.

    The score is a rank correlation for the place in the line, and an area under the ROC curve for the rest.
    """
    first = scores(chosen_on, truth)
    unit = int(np.argmax(np.abs(first)))
    turned = float(np.sign(first[unit]) * scores(scored_on[:, [unit]], asked)[0])
    two = set(np.unique(asked[np.isfinite(asked)])) <= {0.0, 1.0}
    return unit, (1 + turned) / 2 if two else turned
