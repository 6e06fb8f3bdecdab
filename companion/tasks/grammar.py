"""Streams of symbols made by a grammar, where the network says what may come next.

At many steps more than one symbol may follow, so the score is not whether the next symbol was guessed: a step is right
when every symbol that may follow is rated above every symbol that may not. The loss is against the symbol that did
follow; the best predictor's loss is then not 0 but the entropy of the grammar.

embedded Reber grammar    B, then T or P, then a word of the Reber grammar, then the same T or P again, then E. To know
                          the last letter but one, the second has to be kept over the whole word. Cleeremans,
                          Servan-Schreiber and McClelland (1989); Hochreiter and Schmidhuber (1997), experiment 1.
continual                 the same words one after the other in a stream without end and without reset: Gers,
                          Schmidhuber and Cummins, "Learning to forget" (Neural Computation 12(10), 2000).
a^n b^n                   as many b as a: Gers and Schmidhuber, "LSTM recurrent networks learn simple context free and
                          context sensitive languages" (IEEE Transactions on Neural Networks 12(6), 2001).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from companion.tasks.batching import Batch, at_least, one_hot, pad

__all__ = ["AnBn", "EmbeddedReber", "GrammarBatch", "right_steps"]

REBER = "BTSXPVE"
# from each state: the letters that may follow, with the state that each leads to; None is the end
ARCS: Mapping[int, Mapping[str, int | None]] = {
    0: {"B": 1},
    1: {"T": 2, "P": 3},
    2: {"S": 2, "X": 4},
    3: {"T": 3, "V": 5},
    4: {"X": 3, "S": 6},
    5: {"P": 4, "V": 6},
    6: {"E": None},
}

Word = tuple[str, list[str]]  # the letters, and for each of them the letters that might have stood there


@dataclass(frozen=True, eq=False)
class GrammarBatch(Batch):
    """A batch with `legal` `(T, B, symbols)`, true for the symbols that may follow a step."""

    legal: np.ndarray = field(default_factory=lambda: np.zeros((0, 0, 0), bool))


def right_steps(outputs: np.ndarray, batch: GrammarBatch) -> np.ndarray:
    """Return `(T, B)`, true where every symbol that may follow is rated above every one that may not.

    `outputs` `(T, B, symbols)` are ratings of any kind: logits, probabilities. Steps without a target are false.
    """
    lowest = np.where(batch.legal, outputs, np.inf).min(axis=-1)
    highest = np.where(batch.legal, -np.inf, outputs).max(axis=-1)
    return (lowest > highest) & batch.asked


@dataclass(frozen=True)
class EmbeddedReber:
    """Words of the embedded Reber grammar over the letters B T S X P V E; every branch is as likely as the other."""

    symbols = REBER

    def word(self, rng: np.random.Generator) -> Word:
        """Draw one word: its letters, and for each the letters that the grammar allows there."""
        frame = str(rng.choice(list("TP")))
        inner = list(reber(rng))
        letters = ["B", frame, *(letter for letter, _ in inner), frame, "E"]
        allowed = ["B", "TP", *(legal for _, legal in inner), frame, "E"]
        return "".join(letters), allowed

    def batch(self, B: int, rng: np.random.Generator) -> GrammarBatch:
        """Draw `B` words side by side: each step's target is the next letter; lengths differ."""
        at_least(1, B=B)
        return self.together([self.word(rng) for _ in range(B)])

    def together(self, words: Sequence[Word]) -> GrammarBatch:
        """Put words that `word` has drawn side by side."""
        return _side_by_side(words, REBER)

    def stream(self, T: int, B: int, rng: np.random.Generator) -> GrammarBatch:
        """Draw `B` streams of `T` steps in which word follows word: nothing says where one ends but its E."""
        at_least(1, T=T, B=B)
        return _side_by_side([self._endless(T + 1, rng) for _ in range(B)], REBER)

    def _endless(self, length: int, rng: np.random.Generator) -> Word:
        letters, allowed = "", []
        while len(letters) < length:
            more, legal = self.word(rng)
            letters, allowed = letters + more, allowed + legal
        return letters[:length], allowed[:length]

    @property
    def chance(self) -> float:
        """Accuracy at the last letter but one, the only hard step, of every predictor that has forgotten the second."""
        return 0.5

    @property
    def best(self) -> float:
        """Share of right steps of the best possible predictor."""
        return 1.0

    def best_loss(self, batch: GrammarBatch) -> float:
        """Mean cross-entropy, in nats, of the predictor that knows the grammar: branches are equally likely."""
        return float(np.log(batch.legal.sum(axis=-1)[batch.asked]).mean())


@dataclass(frozen=True)
class AnBn:
    """Words S aⁿ bⁿ E with n drawn evenly from `shortest` to `longest`; the letters are S, a, b and E.

    While an a is read another a or the first b may follow; from then on the rest of the word is certain.
    """

    shortest: int = 1
    longest: int = 10
    symbols = "SabE"

    def __post_init__(self) -> None:
        at_least(1, shortest=self.shortest)
        at_least(self.shortest, longest=self.longest)

    def word(self, n: int) -> Word:
        """Return the word with `n` a and `n` b, and for each letter the letters allowed there."""
        at_least(1, n=n)
        return "S" + "a" * n + "b" * n + "E", ["S", "a", *["ab"] * n, *["b"] * (n - 1), "E"]

    def batch(self, B: int, rng: np.random.Generator) -> GrammarBatch:
        """Draw `B` words side by side: each step's target is the next letter; lengths differ."""
        at_least(1, B=B)
        sizes = rng.integers(self.shortest, self.longest + 1, size=B)
        return _side_by_side([self.word(int(n)) for n in sizes], self.symbols)

    @property
    def best(self) -> float:
        """Share of right steps of the best possible predictor."""
        return 1.0

    def best_loss(self, batch: GrammarBatch) -> float:
        """Mean cross-entropy, in nats, of the predictor that knows how n is drawn.

        After k a, another one follows with the odds of all larger n; the word of size n costs log(longest - shortest
        + 1) in all, however it is told. Words longer than `longest` have no place here.
        """
        words = batch.x.shape[1]
        return float(np.log(self.longest - self.shortest + 1) * words / batch.asked.sum())


def reber(rng: np.random.Generator) -> Iterator[tuple[str, str]]:
    """Draw a word of the Reber grammar: letter by letter, each with the letters that might have stood there."""
    state: int | None = 0
    while state is not None:
        arcs = ARCS[state]
        letter = str(rng.choice(list(arcs)))
        yield letter, "".join(arcs)
        state = arcs[letter]


def _side_by_side(words: Sequence[Word], symbols: str) -> GrammarBatch:
    """Put words side by side: what is read is all but the last letter, what is asked is all but the first."""
    numbers = [np.array([symbols.index(letter) for letter in letters]) for letters, _ in words]
    read, lengths = pad([number[:-1] for number in numbers])
    asked, _ = pad([number[1:] for number in numbers], value=-1)
    legal, _ = pad([np.array([[s in allowed for s in symbols] for allowed in legal[1:]]) for _, legal in words])
    x = one_hot(read, len(symbols))
    x[np.arange(len(x))[:, None] >= lengths] = 0
    return GrammarBatch(x, asked, lengths, legal.astype(bool))
