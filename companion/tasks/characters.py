"""The characters of Python's own documentation: real text that every CPython carries.

`pydoc_data.topics` of the standard library holds what `help()` prints about the language, some 465,000 characters in
all; its length differs a little between versions of Python, so a number measured here belongs to a version. The first
nine tenths are to learn from, the next twentieth to validate, the last to test.

The score is bits per character. `NGram` is the rival without a network: it counts what followed the last characters.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from companion.tasks.batching import Batch, at_least, one_hot

__all__ = ["Characters", "NGram", "bits", "load"]

SHARES = {"train": (0.0, 0.9), "validation": (0.9, 0.95), "test": (0.95, 1.0)}


@dataclass(frozen=True)
class Characters:
    """A text as numbers.

    Attributes:
        text: the text.
    """

    text: str

    @cached_property
    def symbols(self) -> str:
        """Every character that occurs, in order; its place is its number."""
        return "".join(sorted(set(self.text)))

    @cached_property
    def numbers(self) -> np.ndarray:
        """The whole text as numbers, `(characters,)`."""
        place = {symbol: number for number, symbol in enumerate(self.symbols)}
        return np.array([place[symbol] for symbol in self.text])

    def part(self, name: str) -> np.ndarray:
        """Return the numbers of "train", "validation" or "test"."""
        if name not in SHARES:
            raise ValueError(f"name: expected one of {', '.join(map(repr, SHARES))}, got {name!r}")
        first, last = (round(share * len(self.numbers)) for share in SHARES[name])
        return self.numbers[first:last]

    def written(self, name: str) -> str:
        """Return "train", "validation" or "test" as text."""
        return "".join(self.symbols[number] for number in self.part(name))

    def chunks(self, name: str, T: int, B: int) -> Iterator[Batch]:
        """Yield batches of `T` steps from `B` places of a part of the text, in the order of the text.

        Row `b` of a batch goes on where row `b` of the batch before it ended, so a network may carry its state; to
        shuffle the batches would break that. What does not fill a last batch is left out.
        """
        at_least(1, T=T, B=B)
        numbers = self.part(name)
        steps = (len(numbers) - 1) // B
        read = numbers[: B * steps].reshape(B, steps).T
        asked = numbers[1 : B * steps + 1].reshape(B, steps).T
        for start in range(0, steps - T + 1, T):
            yield Batch(one_hot(read[start : start + T], len(self.symbols)), asked[start : start + T])

    @property
    def chance_bits(self) -> float:
        """Bits per character of guessing evenly."""
        return float(np.log2(len(self.symbols)))


def load() -> Characters:
    """Return Python's documentation of its own language, topic by topic in alphabetical order."""
    from pydoc_data.topics import topics

    return Characters("\n\n".join(topics[name] for name in sorted(topics)))


def bits(loss: float) -> float:
    """Return bits for a cross-entropy in nats."""
    return float(loss / np.log(2))


class NGram:
    """Predict a character from the `order - 1` before it, by counting (interpolation after Witten and Bell, 1991).

    A context that was seen often is trusted, one that was seen seldom is mixed with the next shorter one, down to an
    even guess. `symbols` is the size of the alphabet.
    """

    def __init__(self, numbers: np.ndarray, order: int, symbols: int):
        at_least(1, order=order, symbols=symbols)
        self.order, self.symbols = order, symbols
        self._counts: list[dict[tuple[int, ...], Counter[int]]] = [defaultdict(Counter) for _ in range(order)]
        text = [int(number) for number in numbers]
        for length, counts in enumerate(self._counts):
            for i in range(length, len(text)):
                counts[tuple(text[i - length : i])][text[i]] += 1

    @property
    def counted(self) -> int:
        """How many counts it keeps: pairs of a context and a character that followed it."""
        return sum(len(followers) for counts in self._counts for followers in counts.values())

    def probability(self, number: int, context: tuple[int, ...]) -> float:
        """Return the probability of a character after a context, of which the last `order - 1` are looked at."""
        p = 1 / self.symbols
        for length in range(min(self.order - 1, len(context)) + 1):
            followers = self._counts[length].get(tuple(context[len(context) - length :]))
            if followers is None:
                break
            seen, kinds = followers.total(), len(followers)
            p = (followers[number] + kinds * p) / (seen + kinds)
        return p

    def bits(self, numbers: np.ndarray) -> float:
        """Return the mean bits per character of a text."""
        text = [int(number) for number in numbers]
        at_least(1, numbers=len(text))
        back = self.order - 1
        p = [self.probability(text[i], tuple(text[max(0, i - back) : i])) for i in range(len(text))]
        return float(-np.log2(p).mean())
