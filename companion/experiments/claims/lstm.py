"""The LSTM: the claims C20, C21, C22, C23, C24, C25 and C26, and their judges."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict

LONGEST = 1000
TENTH = 0.1
EXACT = 1e-12
ENOUGH = 0.75
GATES = {"i": "input", "f": "forget", "o": "output"}
ADDERS = {
    "1997": "no forget gate",
    "forget_gate": "a forget gate as it comes",
    "bias_1": "a forget bias of 1",
    "bias_3": "a forget bias of 3",
}


def kept(data: Evidence) -> Verdict:
    """C20, by its condition."""
    reach = {name: (cells["LSTM"]["reach"], cells["RNN"]["reach"]) for name, cells in data.summary.items()}
    further = [name for name, (gated, plain) in reach.items() if gated > plain]
    numbers = {"reach": {name: {"LSTM": a, "RNN": b} for name, (a, b) in reach.items()}, "further": len(further)}
    told = ", ".join(f"{name.replace('_', ' ')} {gated} to {plain}" for name, (gated, plain) in reach.items())
    sentence = f"The longest lag that at least half of the runs bridge, LSTM to tanh network: {told}."
    label = HOLDS if len(further) == len(reach) else CONDITIONAL if further else FALSE
    return Verdict(label, sentence, numbers)


def reset(data: Evidence) -> Verdict:
    """C22, by its condition."""
    gated, without = data.summary["with forget gates"], data.summary["without"]
    count, resets = len(data.results), data.summary["resets"]
    numbers = {"with": gated, "without": without, "resets": resets, "count": count}
    sentence = (
        f"At the end of the stream the LSTM with forget gates repeats {100 * gated['repeat']['mean']:.1f} % of the "
        f"letters that it should, and its cells stay within {gated['cell']:.0f}; without, it is "
        f"{100 * without['repeat']['mean']:.0f} % and {without['cell']:.0f}."
    )
    if gated["repeat"]["low"] <= without["repeat"]["high"] or gated["cell"] > without["cell"] / 10:
        return Verdict(FALSE, sentence, numbers)
    if resets < count / 2:
        return Verdict(CONDITIONAL, f"{sentence} But few cells are reset where a word ends.", numbers)
    return Verdict(HOLDS, f"{sentence} In {resets} of {count} networks some cell is reset where a word ends.", numbers)


def carried(data: Evidence) -> Verdict:
    """C21, by its condition."""
    summary = data.summary
    count, steady = summary["count"], summary["steady"]
    old, new = summary["1997"], summary["forget_gate"]
    numbers = {"count": count, "steady": steady, "old": old["whole"], "new": new["path"], "off": new["off"]}
    if not summary["exact"]:
        return Verdict(FALSE, "Along the cell's own path the derivative is not 1.", numbers)
    exact = (
        f"In the cell of 1997 a change of the cell state is worth exactly as much {LONGEST} steps later, along the "
        f"cell's own path, in {count} of {count} networks."
    )
    if steady < 0.9 * count:
        return Verdict(
            CONDITIONAL,
            f"{exact} But the whole derivative, through the gates too, is not constant: it stays between one half and "
            f"2 in {steady} of {count} networks. The carousel carries what does not go through the gates.",
            numbers,
        )
    return Verdict(HOLDS, f"{exact} So it is, within a factor of 2, for the whole derivative in {steady}.", numbers)


def added(data: Evidence) -> Verdict:
    """C24, by its condition."""
    summary = data.summary
    tanh = summary["tanh"]["k100"]["median"]
    left = {kind: summary[kind]["path"]["k100"]["median"] for kind in ADDERS}
    numbers = {"count": summary["count"], "tanh": tanh, **{kind.replace("1997", "old"): v for kind, v in left.items()}}
    if tanh >= TENTH or left["1997"] < TENTH:
        return Verdict(FALSE, "After 100 steps adding leaves no more than multiplying.", numbers)
    sentence = f"After 100 steps the cell that only adds has all of it left, a plain tanh network {tanh:.2g}."
    lost = {kind: value for kind, value in left.items() if value < TENTH}
    if lost:
        told = ", ".join(f"{value:.2g} with {ADDERS[kind]}" for kind, value in lost.items())
        return Verdict(
            CONDITIONAL,
            f"{sentence} But a cell that adds and has a forget gate multiplies as well, and may lose it: {told}. What "
            f"counts is the factor on the old value.",
            numbers,
        )
    return Verdict(HOLDS, f"{sentence} With a forget gate a tenth or more is left too.", numbers)


def in_columns(data: Evidence) -> Verdict:
    """C23, by its condition."""
    summary = data.summary
    count, learnt = summary["count"], summary["learnt"]
    if learnt < ENOUGH * count:
        return Verdict(None, f"Not yet measured: {learnt} of {count} networks learnt the task.", {})
    own = {}
    for (gate, name), fault in zip(GATES.items(), ("stored", "persists", "shown"), strict=True):
        ahead = [summary["ahead"][f"{fault}_{gate}_{other}"]["low"] > 0 for other in GATES if other != gate]
        own[name] = all(ahead)
    faults = {gate: summary[f"{gate}_mean"] for gate in GATES}
    numbers = {"count": count, "learnt": learnt, "own": sum(own.values()), "free": summary["free"], **faults}
    shares = [faults[gate][fault]["mean"] for gate, fault in zip(GATES, ("stored", "persists", "shown"), strict=True)]
    sentence = (
        f"Held at its mean in {learnt} trained networks, the input gate lets {100 * shares[0]:.0f} % of the answers "
        f"hang on symbols that were not to be stored, the forget gate {100 * shares[1]:.0f} % on symbols that were to "
        f"be dropped, and with the output gate {100 * shares[2]:.0f} % of the silent steps are not silent."
    )
    if all(own.values()):
        return Verdict(HOLDS, f"{sentence} Each does most harm to its own task.", numbers)
    if any(own.values()):
        yes = " and ".join(f"the {name} gate" for name, value in own.items() if value)
        no = " and ".join(f"the {name} gate" for name, value in own.items() if not value)
        return Verdict(CONDITIONAL, f"{sentence} To its own task most harm is done by {yes}, but not by {no}.", numbers)
    return Verdict(FALSE, f"{sentence} None of them does most harm to its own task.", numbers)


def dense(data: Evidence) -> Verdict:
    """C25, by its condition."""
    summary = data.summary
    error = max(summary["output"], summary["gradient"])
    numbers = {"count": summary["count"], "error": error, "mixed": summary["mixed"]}
    if not summary["same_count"] or error > EXACT:
        return Verdict(FALSE, "Four dense layers are not the LSTM.", numbers)
    sentence = (
        f"In {summary['count']} of {summary['count']} networks, four dense layers hold all weights of the LSTM and "
        f"give its outputs and gradients within {error:.0e}."
    )
    if summary["mixed"] > 1e-9:
        return Verdict(
            CONDITIONAL,
            f"{sentence} But what joins them, the products element by element, has no weights and is no dense layer.",
            numbers,
        )
    return Verdict(HOLDS, sentence, numbers)


def unfading(data: Evidence) -> Verdict:
    """C26, by its condition."""
    left = {kind: data.summary["left"][kind]["k50"]["median"] for kind in ("as_it_comes", "bias_1", "bias_3")}
    tanh = data.summary["left"]["tanh"]["k50"]["median"]
    numbers = {"count": data.summary["count"], "tanh": tanh, **left}
    sentence = (
        f"After 50 steps an LSTM as it comes has {left['as_it_comes']:.2g} of its gradient left, with a forget bias of "
        f"1 {left['bias_1']:.2g}, with one of 3 {left['bias_3']:.2g}."
    )
    if left["as_it_comes"] >= TENTH:
        return Verdict(HOLDS, sentence, numbers)
    if max(left.values()) >= TENTH:
        return Verdict(CONDITIONAL, f"{sentence} It does not suffer once its forget gates are open.", numbers)
    return Verdict(FALSE, sentence, numbers)


CLAIMS = (
    Claim(
        "C20",
        "An LSTM keeps over long lags what a plain recurrent network loses.",
        ("000", "003"),
        "lstm",
        "Adding, copying, temporal order and agreement at a distance: success against lag.",
        condition="Five cells with equal numbers of weights, equal updates and batches, twenty seeds; each has the "
        "better of two rates, and its reach on a task is the longest lag that at least half of its runs "
        "solve. Holds if the reach of the LSTM is longer than that of the tanh network on all four tasks, "
        "with a condition if it is on some of them, and is false if it is on none.",
        evidence="long_lags",
        expected=CONDITIONAL,
        judge=kept,
    ),
    Claim(
        "C21",
        "The constant error carousel carries the error back over any number of steps.",
        ("003",),
        "lstm",
        "The derivative of the last cell state by an earlier one along the cell's own path, without a forget gate and "
        "with one.",
        condition="Holds if in the cell of 1997 the derivative along the cell's own path, the gates held as they were, "
        "is exactly 1 at every lag up to 1000 in every network, and the whole derivative, through the gates too, has a "
        "norm between one half and 2 at every lag in nine of ten networks. Holds with a condition if the first is so, "
        "but not the second. False if the first is not so.",
        evidence="carousel",
        expected=CONDITIONAL,
        judge=carried,
    ),
    Claim(
        "C22",
        "Forget gates allow the cell to be reset.",
        ("003",),
        "lstm",
        "A stream without end, with forget gates and without: size of the cell state and accuracy.",
        condition="Holds if in the last tenth of the test stream (a) the LSTM with forget gates repeats the second "
        "letter of a word at its end more often, the 95 % intervals of the mean over the seeds apart, (b) its largest "
        "cell state is at most a tenth of that without, in the median over the seeds, and (c) in at least half of the "
        "networks some cell's forget gate is on average below 0.1 at one of the steps that read the end of a word and "
        "the first two letters of the next, and above 0.5 at the others. Holds with a condition if (a) and (b), but "
        "not (c). False otherwise.",
        evidence="continual",
        expected=HOLDS,
        judge=reset,
    ),
    Claim(
        "C23",
        "The input gate decides what is stored, the forget gate what persists, the output gate what is shown.",
        ("000", "001"),
        "lstm",
        "Clamp one gate at a time, and read the gates of a trained network where the right behaviour is known.",
        condition="A network learns when to store a symbol, when to say it and when to be silent. Then a gate is held "
        "at its mean. Holds if the input gate does most harm to what is stored, the forget gate to what persists and "
        "the output gate to what is shown: the 95 % intervals of the mean differences to both other gates lie above 0. "
        "Holds with a condition if that is so for one or two of them. False if for none. Nothing is said unless 15 of "
        "20 networks have learnt the task.",
        evidence="clamped_gates",
        expected=CONDITIONAL,
        judge=in_columns,
    ),
    Claim(
        "C24",
        "Adding to the cell state instead of multiplying it makes the difference.",
        ("003",),
        "lstm",
        "The gradient along the cell path against that of the plain recurrence.",
        condition="Of what is left after 100 steps, in the median over the networks: holds if along the cell's path a "
        "tenth or more is left in every kind of cell that adds (without a forget gate, with one as it comes, with a "
        "forget bias of 1 and of 3), and less in the tanh network. Holds with a condition if that is so in the cell "
        "without a forget gate, but not in every kind that has one. False otherwise.",
        evidence="carousel",
        expected=CONDITIONAL,
        judge=added,
    ),
    Claim(
        "C25",
        "The parts of an LSTM cell are all fully connected layers.",
        ("001",),
        "lstm",
        "Build the cell from four dense layers: count the parameters and compare the numbers.",
        condition="Holds if four dense layers have as many parameters as the LSTM, its two biases counted as one, give "
        "its outputs and gradients within 1e-12 in every network tried, and the products that join them have a mixed "
        "second difference of 0 within 1e-9, as a dense layer without activation has. Holds with a condition if all "
        "but the last is so. False otherwise.",
        evidence="dense_gates",
        expected=CONDITIONAL,
        judge=dense,
    ),
    Claim(
        "C26",
        "An LSTM does not suffer from vanishing gradients.",
        (),
        "lstm",
        "The gradient over many steps at the usual initialisation, and with a forget bias of 1 and of 3.",
        condition="Holds if in an LSTM as it comes a tenth or more of the gradient is left after 50 steps, in the "
        "median over the seeds. Holds with a condition if that is so only with a forget bias of 1 or of 3. False if "
        "with none of them.",
        evidence="forget_bias",
        expected=CONDITIONAL,
        judge=unfading,
    ),
)
