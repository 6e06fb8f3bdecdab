"""The recurrent neuron: the claim C01 and its judge."""

from __future__ import annotations

from companion.experiments.claims.claim import Claim
from companion.experiments.evidence import Evidence
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS, Verdict


def memory(data: Evidence) -> Verdict:
    """C01, by its condition, from the impulse responses of the experiment `impulse`."""
    runs = {(run["activation"], run["u"]): run for run in data.results}
    looped = [run for run in data.results if run["u"] != 0]
    without_loop = max(run["tail"] for run in data.results if run["u"] == 0)
    after_cut = max(run["after_cut"] for run in looped)
    error = max(run["error"] for run in data.results if run["activation"] == "linear")
    silent = sorted({run["u"] for run in looped if run["steps"] <= 1})
    kinds = {"half": 0.5, "nine_tenths": 0.9, "one": 1.0}
    steps = {kind: {name: runs[kind, u]["steps"] for name, u in kinds.items()} for kind in ("linear", "tanh")}
    numbers = {
        "threshold": data.config["threshold"],
        "length": data.config["length"],
        "weights": len({run["u"] for run in looped}),
        "without_loop": without_loop,
        "after_cut": after_cut,
        "error": error,
        "silent": len(silent),
        **steps,
    }
    percent = f"{100 * data.config['threshold']:.3g} %"
    if without_loop != 0 or after_cut != 0 or error > 1e-9:
        return Verdict(
            FALSE,
            f"Something other than the loop remembers: {without_loop:.2g} without it, {after_cut:.2g} after it is cut.",
            numbers,
        )
    lasting = (
        f"Without the loop the response to an impulse ends with its own step; with it, a linear neuron stays above "
        f"{percent} for {steps['linear']['half']} steps at weight 0.5 and for {steps['linear']['nine_tenths']} at 0.9; "
        f"when the loop is cut the response is zero from that step on."
    )
    if silent:
        return Verdict(CONDITIONAL, f"{lasting} Of the weights tried, {len(silent)} are too small to show it.", numbers)
    return Verdict(HOLDS, lasting, numbers)


CLAIMS = (
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
        judge=memory,
    ),
)
