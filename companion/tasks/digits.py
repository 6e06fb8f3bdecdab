"""Handwritten digits, read row by row: a picture as a sequence of eight steps.

The reader meets them in the chapter on the basic network. A step hands the network one row of a picture, eight pixels
from left to right, and after the last row it has to name the digit; what it says before then can be looked at too.

The 1797 pictures of 8 by 8 pixels come with scikit-learn (`sklearn.datasets.load_digits`), so nothing is downloaded.
They are the test part of Alpaydin and Kaynak's "Optical Recognition of Handwritten Digits" (UCI Machine Learning
Repository, 1998, licence CC BY 4.0), and a pixel counts the inked ones of 4 by 4 in the original scan, 0 to 16; here it
is divided by 16.

Whose hand
----------
The pictures are in the order in which they were written, and the labels give the writers away: fourteen times over they
run through one and the same form, which begins with 0123456789. (The description speaks of 13 people; one may have
filled in two forms.) Pictures of one form look alike, so a split at random tests on hands that are known already. These
splits cut between forms: nine to learn from, two to validate, three to test, in the order of the data set, or in an
order that a seed draws. Where the forms begin was read off the labels; a test reads it off again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from companion.tasks.batching import Batch, at_least

__all__ = ["FORMS", "SHARES", "Digits", "load"]

FORMS = (0, 130, 256, 386, 516, 646, 776, 915, 1029, 1157, 1287, 1415, 1545, 1667, 1797)  # where each begins
SHARES: Mapping[str, int] = {"train": 9, "validation": 2, "test": 3}  # how many forms


@dataclass(frozen=True, eq=False)
class Digits:
    """The pictures and who learns from which.

    Attributes:
        pictures: `(1797, 8, 8)`, rows from top to bottom, 0 for paper and 1 for ink.
        labels: `(1797,)`, the digits.
        form: `(1797,)`, the number of the form that a picture stands on, 0 to 13.
        parts: the numbers of the pictures of "train", "validation" and "test".
    """

    pictures: np.ndarray
    labels: np.ndarray
    form: np.ndarray
    parts: Mapping[str, np.ndarray]

    def part(self, name: str) -> np.ndarray:
        """Return the numbers of the pictures of "train", "validation" or "test"."""
        if name not in self.parts:
            raise ValueError(f"name: expected one of {', '.join(map(repr, self.parts))}, got {name!r}")
        return self.parts[name]

    def batch(self, which: str | np.ndarray, every: bool = False) -> Batch:
        """Return pictures as sequences of rows: `x` is `(8, B, 8)`, `y` `(8, B)` with the digit at the last step.

        `which` is the name of a part, or the numbers of some pictures. With `every` the digit stands at every step:
        the network is asked after every row, and not only after the last.
        """
        chosen = self.part(which) if isinstance(which, str) else np.asarray(which)
        y = np.full((8, len(chosen)), -1)
        y[0 if every else -1 :] = self.labels[chosen]
        return Batch(np.ascontiguousarray(self.pictures[chosen].swapaxes(0, 1)), y)

    @property
    def chance(self) -> float:
        """Expected accuracy of guessing."""
        return 0.1

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of an even guess, in nats."""
        return float(np.log(10))

    @property
    def majority(self) -> float:
        """Accuracy, on the test part, of naming always the digit that is most frequent in the training part."""
        return majority(self.labels[self.part("train")], self.labels[self.part("test")])


def load(seed: int | None = None, size: int | None = None) -> Digits:
    """Return the digits.

    Args:
        seed: draws which forms are learnt from; None takes them in the order of the data set.
        size: how many pictures a part has at most, the first ones of it; all unless told.
    """
    if size is not None:
        at_least(1, size=size)
    from sklearn.datasets import load_digits

    data = load_digits()
    form = np.repeat(np.arange(len(FORMS) - 1), [end - start for start, end in pairwise(FORMS)])
    order = np.arange(len(FORMS) - 1) if seed is None else np.random.default_rng(seed).permutation(len(FORMS) - 1)
    ends = np.cumsum(list(SHARES.values()))[:-1]
    split = dict(zip(SHARES, np.split(order, ends), strict=True))
    parts = {name: np.flatnonzero(np.isin(form, forms))[:size] for name, forms in split.items()}
    return Digits(data.images / 16, data.target, form, parts)


def majority(known: np.ndarray, asked: np.ndarray) -> float:
    """Return the accuracy of naming always the label that is most frequent among those known."""
    return float(np.mean(asked == np.bincount(known).argmax()))
