"""Agreement at a distance: "she grew up in Spain ... and speaks fluent Spanish", with n words in between.

The example of the sources, made into a task: the second word of a sentence is a country, the last word asks for a
language, and the words in between do not matter. Nothing is hard about it but the distance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.tasks.batching import Batch, at_least, one_hot

__all__ = ["Agreement"]

LANGUAGES = {
    "Spain": "Spanish",
    "France": "French",
    "Japan": "Japanese",
    "Greece": "Greek",
    "Finland": "Finnish",
    "Hungary": "Hungarian",
    "Poland": "Polish",
    "Turkey": "Turkish",
}
FILLERS = """
with a small garden near the old river and later moved to another town where rain fell on many quiet streets while
trains went by
"""


@dataclass(frozen=True)
class Agreement:
    """Sentences in which the answer lies `distance` words before the question.

    Attributes:
        distance: how many steps the question comes after the country, at least 1.
        countries: how many countries there are, 2 to 8.
    """

    distance: int = 10
    countries: int = 4

    def __post_init__(self) -> None:
        at_least(1, distance=self.distance)
        at_least(2, countries=self.countries)
        if self.countries > len(LANGUAGES):
            raise ValueError(f"countries: expected at most {len(LANGUAGES)}, got {self.countries}")

    @property
    def words(self) -> tuple[str, ...]:
        """The vocabulary, that is the countries, the words that do not matter, and the two that frame a sentence."""
        fillers = tuple(dict.fromkeys(FILLERS.split()))
        return (*list(LANGUAGES)[: self.countries], *fillers, "from", "speaks")

    @property
    def answers(self) -> tuple[str, ...]:
        """The languages, in the order of the classes."""
        return tuple(LANGUAGES.values())[: self.countries]

    @property
    def T(self) -> int:
        """Number of words of a sentence."""
        return self.distance + 2

    def batch(self, B: int, rng: np.random.Generator) -> Batch:
        """Draw `B` sentences: `x` is `(T, B, words)`, `y` `(T, B)` with the language at the last step."""
        at_least(1, B=B)
        words = self.words
        sentence = rng.integers(self.countries, words.index("from"), size=(self.T, B))
        country = rng.integers(self.countries, size=B)
        sentence[0], sentence[1], sentence[-1] = words.index("from"), country, words.index("speaks")
        y = np.full((self.T, B), -1)
        y[-1] = country
        return Batch(one_hot(sentence, len(words)), y)

    def text(self, batch: Batch, b: int = 0) -> str:
        """Return sentence `b` of a batch as text, with its answer."""
        said = [self.words[number] for number in batch.x[:, b].argmax(axis=-1)]
        return f"{' '.join(said)} {self.answers[batch.y[-1, b]]}"

    @property
    def chance(self) -> float:
        """Expected accuracy of guessing."""
        return 1 / self.countries

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of the best constant prediction, in nats."""
        return float(np.log(self.countries))

    @property
    def best(self) -> float:
        """Accuracy of the best possible predictor."""
        return 1.0
