"""Family names by language: words of unequal length, of which a few letters give the language away, or do not.

The reader meets them in the chapter on the basic network, where lengths and masks are needed for the first time. A
step is a letter, a vector with one 1; after the last letter the network names the language.

The lists are those of the Python package Faker (MIT licence), one locale a language; its authors took them from
statistical offices, Wiktionary and similar public lists, and name the sources in their files. What is kept:

- names of one word of the letters a to z, written small. A name with an accent or a space is left out: a single
  character would give too much away;
- each name once in a language, and only if no other of these languages has it. A name in two lists has no one right
  answer; `shared` keeps those names, 147 of them, for whoever wants to look.

The lists are of people of a country, so the Estonian one has Russian names in it and the Swedish one Arabic ones: no
predictor gets all of them right. Per language 70 % of the names are to learn from, 15 % to validate, 15 % to test, as a
seed draws them.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from companion.tasks.batching import Batch, at_least, mask, one_hot, pad

__all__ = ["LETTERS", "LOCALES", "SHARES", "Names", "encode", "load"]

LETTERS = "abcdefghijklmnopqrstuvwxyz"
LOCALES: Mapping[str, str] = {
    "Dutch": "nl_NL",
    "English": "en_GB",
    "Estonian": "et_EE",
    "Finnish": "fi_FI",
    "French": "fr_FR",
    "German": "de_DE",
    "Italian": "it_IT",
    "Slovak": "sk_SK",
    "Spanish": "es_ES",
    "Swedish": "sv_SE",
    "Zulu": "zu_ZA",
}
SHARES: Mapping[str, float] = {"train": 0.7, "validation": 0.15, "test": 0.15}


@dataclass(frozen=True, eq=False)
class Names:
    """The names, their languages, and who learns from which.

    Attributes:
        words: all names, language by language.
        labels: `(N,)`, the number of each name's language.
        languages: the languages, in the order of their numbers.
        parts: the numbers of the names of "train", "validation" and "test".
        shared: the names that were left out as several languages have them.
    """

    words: tuple[str, ...]
    labels: np.ndarray
    languages: tuple[str, ...]
    parts: Mapping[str, np.ndarray]
    shared: tuple[str, ...]

    def part(self, name: str) -> np.ndarray:
        """Return the numbers of the names of "train", "validation" or "test"."""
        if name not in self.parts:
            raise ValueError(f"name: expected one of {', '.join(map(repr, self.parts))}, got {name!r}")
        return self.parts[name]

    def batch(self, which: str | np.ndarray, every: bool = False) -> Batch:
        """Return names side by side: `x` is `(T, B, 26)`, `y` `(T, B)` with the language at each name's last letter.

        `which` is the name of a part, or the numbers of some names; `T` is the length of the longest. With `every` the
        language stands at every letter. Past the end of a name there is no letter and no target.
        """
        chosen = self.part(which) if isinstance(which, str) else np.asarray(which)
        x, lengths = pad([encode(self.words[n]) for n in chosen])
        step = np.arange(len(x))[:, None]
        asked = mask(lengths, len(x)) if every else step == lengths - 1
        return Batch(x, np.where(asked, self.labels[chosen], -1), lengths)

    @property
    def chance(self) -> float:
        """Expected accuracy of guessing evenly."""
        return 1 / len(self.languages)

    @property
    def chance_loss(self) -> float:
        """Cross-entropy of an even guess, in nats."""
        return float(np.log(len(self.languages)))

    @property
    def majority(self) -> float:
        """Accuracy, on the test part, of naming always the language that has most names in the training part."""
        known, asked = self.labels[self.part("train")], self.labels[self.part("test")]
        return float(np.mean(asked == np.bincount(known).argmax()))


def encode(word: str) -> np.ndarray:
    """Return a name as a sequence of letters, `(T, 26)`; capitals count as small letters.

    Raises ValueError for a character that is no letter from a to z, and for no letters at all.
    """
    small = word.lower()
    strange = sorted(set(small) - set(LETTERS))
    if strange or not small:
        raise ValueError(f"word: expected letters from a to z, got {strange[0] if strange else word!r}")
    return one_hot(np.array([LETTERS.index(letter) for letter in small]), len(LETTERS))


def load(seed: int = 0, size: int | None = None, languages: Sequence[str] = tuple(LOCALES)) -> Names:
    """Return the names.

    Args:
        seed: draws which names are learnt from.
        size: how many names a language has at most, all unless told; the seed draws which.
        languages: some of `LOCALES`.

    Raises:
        ValueError: a size below 3, fewer than two languages, one that is not there.
    """
    if size is not None:
        at_least(3, size=size)
    at_least(2, languages=len(languages))
    unknown = [language for language in languages if language not in LOCALES]
    if unknown:
        raise ValueError(f"languages: expected some of {', '.join(LOCALES)}, got {unknown[0]!r}")
    lists = [family_names(LOCALES[language]) for language in languages]
    seen = Counter(name for names in lists for name in names)
    rng = np.random.default_rng(seed)
    own = [sorted(name for name in names if seen[name] == 1) for names in lists]
    drawn = [[names[n] for n in rng.permutation(len(names))[:size]] for names in own]
    return Names(
        words=tuple(name for names in drawn for name in names),
        labels=np.repeat(np.arange(len(drawn)), [len(names) for names in drawn]),
        languages=tuple(languages),
        parts=split([len(names) for names in drawn]),
        shared=tuple(sorted(name for name, count in seen.items() if count > 1)),
    )


def split(counts: Sequence[int]) -> dict[str, np.ndarray]:
    """Return the numbers of each part's names, where `counts` names of each language stand in a drawn order."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in SHARES}
    start = 0
    for count in counts:
        ends = np.round(np.cumsum(list(SHARES.values()))[:-1] * count).astype(int)
        for name, numbers in zip(SHARES, np.split(np.arange(start, start + count), ends), strict=True):
            parts[name].append(numbers)
        start += count
    return {name: np.concatenate(numbers) for name, numbers in parts.items()}


@cache
def family_names(locale: str) -> frozenset[str]:
    """Return the family names of one of Faker's locales that are one word of the letters a to z."""
    provider = importlib.import_module(f"faker.providers.person.{locale}").Provider
    listed = [getattr(provider, kind, ()) for kind in ("last_names", "last_names_male", "last_names_female")]
    words = {str(name).lower() for names in listed for name in names}
    return frozenset(word for word in words if re.fullmatch("[a-z]+", word))
