"""The 38 claims of the sources, each with its verdict computed from the evidence by a written condition.

The course rests on five texts (`SOURCES`). What they state is tried, not repeated: a `Claim` keeps the statement in
our words, how it is tried, the name of the evidence, the condition under which it holds, and the function that judges
the data by that condition. The claim boxes of the chapters and the ledger of claims read this registry; a test
computes every verdict again and compares it with `expected`, so that a verdict cannot flip unseen.

A statement that turns out loose is no reproach: the texts are short and friendly introductions, and every one of them
made somebody curious enough to measure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from companion.experiments import judges, judges_bptt, unfolding
from companion.experiments.evidence import Evidence, lookup
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, UNMEASURED, Verdict

__all__ = ["CLAIMS", "CONDITIONAL", "FALSE", "HOLDS", "SOURCES", "Claim", "Verdict", "claim", "number", "verdicts"]

SOURCES: Mapping[str, str] = {
    "000": "a textbook chapter on recurrent networks, its part on training",
    "001": "the author's web version of that chapter",
    "002": "the same chapter, its part on LSTM and peepholes",
    "003": "a wiki page on recurrent networks",
    "004": "a blog post on backpropagation through time",
}


@dataclass(frozen=True)
class Claim:
    """One statement of the sources and the way to its verdict.

    Attributes
    ----------
    id : "C01" to "C38".
    statement : the claim in our words.
    sources : keys of `SOURCES`; empty for what is said everywhere.
    chapter : the page that owns it, without its ending.
    trial : how it is tried.
    condition : when it holds, when with a condition, when not; empty while it is not measured.
    evidence : the experiment whose data decide; None while it is not measured.
    expected : the committed label of its verdict.
    judge : from the evidence to the verdict, by the condition; None while it is not measured.
    """

    id: str
    statement: str
    sources: tuple[str, ...]
    chapter: str
    trial: str
    condition: str = ""
    evidence: str | None = None
    expected: str | None = None
    judge: Callable[[Evidence], Verdict] | None = None

    def verdict(self, folder: Path | str | None = None) -> Verdict:
        """Judge the evidence in `folder` (the book's unless told).

        Raises FileNotFoundError where the claim should be measured and its evidence is missing.
        """
        if self.judge is None or self.evidence is None:
            return UNMEASURED
        return self.judge(Evidence.load(self.evidence, folder))


def claim(name: str) -> Claim:
    """Return the claim called `name`, such as `"C01"`."""
    try:
        return CLAIMS[name]
    except KeyError:
        raise LookupError(f"no claim {name!r}: the claims are C01 to C{len(CLAIMS):02d}") from None


def verdicts(folder: Path | str | None = None) -> dict[str, Verdict]:
    """Return every claim's verdict by id, in order."""
    return {name: entry.verdict(folder) for name, entry in CLAIMS.items()}


def number(key: str, folder: Path | str | None = None) -> Any:
    """Return a measured number by its address, as the pages write it.

    `"C01:linear.half"` is looked up in the numbers of the claim's verdict and, where they lack it, in the claim's
    evidence; `"sunspots:summary.rnn.test_1921_1955.mean"` in the evidence of that name.
    Raises LookupError, of which KeyError is a kind, where there is no such number.
    """
    owner, colon, path = key.partition(":")
    if not colon or not path:
        raise LookupError(f"{key!r} is no address of a number: write CLAIM:path or EXPERIMENT:path")
    if owner not in CLAIMS:
        return Evidence.load(owner, folder).number(path)
    entry = CLAIMS[owner]
    if entry.evidence is None:
        raise LookupError(f"{owner} is not yet measured, so it has no number {path!r}")
    try:
        return lookup(entry.verdict(folder).numbers, path)
    except KeyError:
        return Evidence.load(entry.evidence, folder).number(path)


_CLAIMS = (
    Claim(
        "C01",
        "A recurrent neuron remembers because its own last output is one of its inputs.",
        ("001",),
        "recurrent-neuron",
        "Give one impulse to a neuron, sweep its recurrent weight, and count the steps that feel it; then cut the loop "
        "in mid-sequence and see whether the memory goes with it. Compare with a neuron that has no loop.",
        condition="Holds if, for the linear and the tanh neuron, (a) with recurrent weight 0 the response is exactly 0 "
        "after the impulse's own step, (b) with every other weight tried it is above the threshold for more than one "
        "step, (c) when the loop is cut it is exactly 0 from the cut on, and (d) the linear response is the weight to "
        "the power t within 1e-9. Holds with a condition if only (b) fails. False otherwise.",
        evidence="impulse",
        expected=HOLDS,
        judge=judges.memory,
    ),
    Claim(
        "C02",
        "A task whose answer lies in the past cannot be done without a memory of that past.",
        ("001",),
        "overview",
        "Echo and running parity, learnt by a network that sees the present symbol, by one that sees a window of "
        "symbols, and by a recurrent one.",
    ),
    Claim(
        "C03",
        "A recurrent layer run over n sequences is a network of n layers. We read: run over n time steps, it is an "
        "n-layer network whose layers share one set of weights.",
        ("001",),
        "unfolding",
        "Build the layers one by one with copies of the weights: the outputs must agree, and the gradients of the "
        "copies must add up to the gradient of the shared weights.",
        condition="False if in any network tried the outputs, or the summed gradients of the copies, differ by more "
        "than 1e-12, or if the layers are as many neither as the steps nor as the sequences. Holds if they are always "
        "as many as the sequences and the copies need not be kept together, their shares being the same. Holds with a "
        "condition if they are as many as the steps, or if the shares differ.",
        evidence="unfolding",
        expected=CONDITIONAL,
        judge=unfolding.judge,
    ),
    Claim(
        "C04",
        "Feeding the hidden state back is better than feeding the output back, because the hidden state can carry more "
        "of the past.",
        ("001",),
        "connection-schemes",
        "A task whose outputs throw away what later answers need, over growing lags, for both schemes; then a task "
        "whose outputs keep it.",
    ),
    Claim(
        "C05",
        "Feeding the output back is cheaper to train, and its steps can be trained side by side.",
        ("001",),
        "connection-schemes",
        "Time a training step against the length of the sequence for both schemes under teacher forcing; then let the "
        "trained network feed itself and measure what is lost.",
    ),
    Claim(
        "C06",
        "Backpropagation cannot train a neuron that is connected to itself until the loop is unrolled in time.",
        ("000", "001"),
        "bptt",
        "Backpropagation over the unrolled steps against automatic differentiation and the complex step; then through "
        "the loop as it stands, which takes the last state for a constant.",
        condition="False if in any network tried the unrolled steps give another gradient than the complex step or "
        "automatic differentiation by more than 1e-9, or if the loop as it stands gives the gradient within 1e-3. "
        "Holds with a condition if what the loop as it stands gives points downhill in more than half of the networks "
        "all the same, as one can train with that. Holds otherwise.",
        evidence="bptt",
        expected=CONDITIONAL,
        judge=judges_bptt.unrolled,
    ),
    Claim(
        "C07",
        "The weights are the same at every step, so the gradients of the steps are combined into one.",
        ("003",),
        "bptt",
        "Compute each step's share of the gradient alone and compare the sum with the whole.",
        condition="Holds if in every network tried each share is the derivative by the weights of that step alone, and "
        "the sum of the shares is the gradient, both within 1e-9, while their mean is not. Holds with a condition if "
        "the mean is the gradient too. False otherwise.",
        evidence="bptt",
        expected=HOLDS,
        judge=judges_bptt.summed,
    ),
    Claim(
        "C08",
        "Going back in time multiplies by the same factor again and again, so the gradient shrinks or grows "
        "exponentially.",
        ("003", "004"),
        "vanishing-exploding",
        "The norm of the Jacobian over k steps against k, its slope against the largest singular value, and a matrix "
        "that is not normal, whose gradients grow before they shrink.",
    ),
    Claim(
        "C09",
        "The slope of the sigmoid is at most 0.25 and that of tanh at most 1, so tanh keeps a gradient longer.",
        ("003", "004"),
        "vanishing-exploding",
        "The bounds that follow for k steps, and the half-lives that are measured.",
    ),
    Claim(
        "C10",
        "Every sigmoid layer takes a quarter off the gradient, even at its best.",
        ("004",),
        "vanishing-exploding",
        "The largest slope of the sigmoid: what is left, and what is taken off.",
    ),
    Claim(
        "C11",
        "A sigmoid applied to itself many times becomes a flat line without slope.",
        ("003",),
        "vanishing-exploding",
        "The n-fold composition and its slope, computed for growing n.",
    ),
    Claim(
        "C12",
        "Gradients vanish when the repeated factor is smaller than 1 in size and explode when it is larger.",
        ("003",),
        "vanishing-exploding",
        "For matrices, tell the spectral radius from the largest singular value and ask of each whether it is "
        "sufficient, necessary or neither.",
    ),
    Claim(
        "C13",
        "Exploding gradients are the lesser trouble, for clipping solves it.",
        ("003", "004"),
        "vanishing-exploding",
        "Training with and without clipping over many seeds, the threshold swept: how many runs survive.",
    ),
    Claim(
        "C14",
        "An activation that does not saturate, such as ReLU, eases the trouble, and deep networks then train without "
        "being trained layer by layer first.",
        ("000", "004"),
        "vanishing-exploding",
        "ReLU with its usual and with identity initialisation against tanh.",
    ),
    Claim(
        "C15",
        "Batch normalisation eases the trouble.",
        ("000",),
        "vanishing-exploding",
        "Normalisation per step and layer normalisation inside the recurrence, against none.",
    ),
    Claim(
        "C16",
        "The initial weights have to be just right, neither too small nor too large.",
        ("004",),
        "vanishing-exploding",
        "Gain and spectral radius swept, orthogonal against Gaussian matrices.",
    ),
    Claim(
        "C17",
        "Cutting backpropagation off after some steps makes an update cheaper.",
        ("000", "003"),
        "truncated-bptt",
        "Time and memory of an update against the horizon and the length of the sequence.",
    ),
    Claim(
        "C18",
        "A dependency that lies beyond the cut cannot be learnt.",
        ("000", "003"),
        "truncated-bptt",
        "The echo task over lag and horizon, with the state carried across the cut: where is the frontier?",
    ),
    Claim(
        "C19",
        "Full backpropagation through time costs more per update the longer the sequence is.",
        ("003",),
        "truncated-bptt",
        "Time and memory against the length: linear, or worse?",
    ),
    Claim(
        "C20",
        "An LSTM keeps over long lags what a plain recurrent network loses.",
        ("000", "003"),
        "lstm",
        "Adding, copying, temporal order and agreement at a distance: success against lag.",
    ),
    Claim(
        "C21",
        "The constant error carousel carries the error back over any number of steps.",
        ("003",),
        "lstm",
        "The derivative of the last cell state by an earlier one along the cell's own path, without a forget gate and "
        "with one.",
    ),
    Claim(
        "C22",
        "Forget gates allow the cell to be reset.",
        ("003",),
        "lstm",
        "A stream without end, with forget gates and without: size of the cell state and accuracy.",
    ),
    Claim(
        "C23",
        "The input gate decides what is stored, the forget gate what persists, the output gate what is shown.",
        ("000", "001"),
        "lstm",
        "Clamp one gate at a time, and read the gates of a trained network where the right behaviour is known.",
    ),
    Claim(
        "C24",
        "Adding to the cell state instead of multiplying it makes the difference.",
        ("003",),
        "lstm",
        "The gradient along the cell path against that of the plain recurrence.",
    ),
    Claim(
        "C25",
        "The parts of an LSTM cell are all fully connected layers.",
        ("001",),
        "lstm",
        "Build the cell from four dense layers: count the parameters and compare the numbers.",
    ),
    Claim(
        "C26",
        "An LSTM does not suffer from vanishing gradients.",
        (),
        "lstm",
        "The gradient over many steps at the usual initialisation, and with a forget bias of 1 and of 3.",
    ),
    Claim(
        "C27",
        "Peepholes give the gates useful information out of the cell that they would not have otherwise.",
        ("000", "001"),
        "peephole",
        "Timing tasks with one cell and with two, over many seeds.",
    ),
    Claim(
        "C28",
        "Through its peepholes every gate reads the cell state of the step before.",
        ("002",),
        "peephole",
        "Build both readings of the output gate and compare them with the implementations in use.",
    ),
    Claim(
        "C29",
        "A GRU is in essence an LSTM without an output gate.",
        ("003",),
        "gru",
        "Algebra: which restrictions of an LSTM give a GRU, and what is left over.",
    ),
    Claim(
        "C30",
        "At long range the LSTM and the GRU come to the rescue.",
        ("004",),
        "long-term-dependencies",
        "Long-lag tasks with equal numbers of parameters and an equal budget of updates.",
    ),
    Claim(
        "C31",
        "A plain recurrent network manages short gaps and fails at long ones.",
        ("004",),
        "long-term-dependencies",
        "A small grammar whose answer lies n words back: accuracy against n for every cell.",
    ),
    Claim(
        "C32",
        "In theory a plain recurrent network could do it: a person could set its weights by hand.",
        ("004",),
        "long-term-dependencies",
        "Set them by hand on a task that no trained one solves.",
    ),
    Claim(
        "C33",
        "Many recurrent units make the computation slow.",
        ("004",),
        "speed",
        "Microseconds per time step against the number of units, and the share of the chain of steps in them.",
    ),
    Claim(
        "C34",
        "The state of a recurrent network cannot use inputs that are still to come.",
        ("004",),
        "connection-schemes",
        "A task that needs the next symbol, for one direction and for two.",
    ),
    Claim(
        "C35",
        "Recurrent networks suit language modelling, text classification, translation, image captions and stock "
        "prices.",
        ("000", "001", "002", "003", "004"),
        "applications",
        "One small real example of each, beside the naive baseline.",
    ),
    Claim(
        "C36",
        "TensorFlow offers these cells as `tf.keras.layers.LSTM` and `tf.keras.experimental.PeepholeLSTMCell`.",
        ("002",),
        "rosetta",
        "Look for both names in every release from 2.0 on, and compare the numbers of both cells with ours.",
        condition="Holds if every release from 2.0 on offers both, and both cells give our numbers within 1e-5 as they "
        "come. Holds with a condition if 2.0, which the source names, offers both, and both cells give our numbers "
        "once told to use the logistic sigmoid. False otherwise.",
        evidence="rosetta",
        expected=CONDITIONAL,
        judge=judges.names,
    ),
    Claim(
        "C37",
        "Backpropagation is another name for gradient descent.",
        ("004",),
        "bptt",
        "One gradient by backpropagation, two optimisers that do different things with it; then descent on a gradient "
        "that was found without going back.",
        condition="Holds if two optimisers make of one gradient the same step, in direction and in length, within "
        "1e-3. False if they do not, and at every point of the path of descent the gradient found by going forward is "
        "the one found by going back within 1e-9. Holds with a condition otherwise.",
        evidence="bptt",
        expected=FALSE,
        judge=judges_bptt.two_things,
    ),
    Claim(
        "C38",
        "Recurrent networks are the state of the art for sequences.",
        ("001",),
        "epilogue",
        "What was true when it was written, what came after, and what came back.",
    ),
)

CLAIMS: Mapping[str, Claim] = {entry.id: entry for entry in _CLAIMS}
