"""The judges of C13 to C16: each condition, asked of evidence made up to meet it or to miss it."""

import copy

import pytest

from companion.experiments import Evidence
from companion.experiments.claims import CLAIMS
from companion.experiments.claims.keeping_gradients import more
from companion.experiments.verdict import CONDITIONAL, FALSE, HOLDS

NONE, HALF, ALL = (
    {"share": share, "low": low, "high": high} for share, low, high in ((0, 0, 0.16), (0.5, 0.3, 0.7), (1, 0.84, 1))
)


def judged(name, config, summary, **changes):
    """The label after some numbers of the summary were changed, each by its dotted path."""
    summary = copy.deepcopy(summary)
    for path, value in changes.items():
        *way, last = path.split("__")
        spot = summary
        for step in way:
            spot = spot[int(step) if step.isdigit() and isinstance(spot, list) else step]
        spot[int(last) if isinstance(spot, list) else last] = value
    return CLAIMS[name].judge(Evidence(name, (name,), config, None, (), summary)).label


def test_more_means_that_the_intervals_are_apart():
    assert more(ALL, HALF)
    assert not more(HALF, ALL)
    assert not more({"share": 0.6, "low": 0.4, "high": 0.8}, HALF)


CLIP_CONFIG = {"norm": [0.1, 1.0], "lag": {"lengths": [20, 40]}}
CLIP = {
    "none": NONE,
    "norm": [ALL, ALL],
    "value": [HALF],
    "lag": {kind: {"20": [NONE, ALL], "40": [NONE, NONE]} for kind in ("default", "orthogonal")},
}


def test_clipping_solves_it_only_where_every_threshold_does_and_vanishing_stays():
    assert judged("C13", CLIP_CONFIG, CLIP) == HOLDS
    assert judged("C13", CLIP_CONFIG, CLIP, norm__0=HALF) == CONDITIONAL
    assert judged("C13", CLIP_CONFIG, CLIP, lag__default__40=[NONE, ALL]) == CONDITIONAL
    assert judged("C13", CLIP_CONFIG, CLIP, lag__default__40=[NONE, HALF]) == CONDITIONAL
    assert judged("C13", CLIP_CONFIG, CLIP, norm=[HALF, HALF]) == FALSE
    assert judged("C13", CLIP_CONFIG, CLIP, none=HALF) == FALSE


RELU = {
    "recurrent": {
        name: {"30": share, "60": share}
        for name, share in (("tanh, usual", NONE), ("relu, usual", ALL), ("relu, identity", ALL))
    },
    "deep": {
        name: {"3": ALL, "20": share}
        for name, share in (("sigmoid", NONE), ("tanh", HALF), ("relu", ALL), ("relu, usual", NONE))
    },
}


def test_relu_eases_it_only_where_it_is_ahead_over_lags_and_through_layers():
    assert judged("C14", {}, RELU) == HOLDS
    assert judged("C14", {}, RELU, deep__tanh__20=ALL) == CONDITIONAL
    assert judged("C14", {}, RELU, deep__relu__20=HALF) == CONDITIONAL
    plain = "recurrent__relu, usual"
    assert judged("C14", {}, RELU, **{f"{plain}__30": NONE}) == CONDITIONAL
    nowhere = {f"recurrent__relu, {start}__{T}": NONE for start in ("usual", "identity") for T in (30, 60)}
    assert judged("C14", {}, RELU, **nowhere) == FALSE
    assert judged("C14", {}, RELU, deep__sigmoid__20=ALL) == FALSE


def normalised(closer, *solved):
    return {"growth": [0.9, 0.9], "closer": [0.0, closer], "solved": solved}


NORM_CONFIG = {"gains": [0.5, 1.0]}
NORM = {kind: normalised(1.0, NONE, ALL) for kind in ("input", "recurrent", "unit", "layer")}
NORM |= {"none": normalised(0.0, NONE, NONE)}


def test_a_kind_eases_it_only_where_gradients_reach_farther_and_more_is_learnt():
    assert judged("C15", NORM_CONFIG, NORM) == HOLDS
    assert judged("C15", NORM_CONFIG, NORM, input__closer=[1.0, 0.85]) == CONDITIONAL
    assert judged("C15", NORM_CONFIG, NORM, unit__solved=[ALL, NONE]) == CONDITIONAL
    assert judged("C15", NORM_CONFIG, NORM, none=normalised(0.0, NONE, ALL)) == FALSE
    assert judged("C15", NORM_CONFIG, NORM, layer=normalised(0.0, NONE, NONE)) == HOLDS


GAIN_CONFIG = {"gains": [0.1, 1.0, 9.0], "lengths": [10, 20], "ways": {"a": {}, "b": {}}}
GAIN = {way: {T: {"solved": [NONE, ALL, NONE], "window": 1} for T in ("10", "20")} for way in "ab"}


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, HOLDS),
        ({"a__20__solved": [NONE, HALF, NONE]}, HOLDS),
        ({"a__20__solved": [NONE, NONE, NONE]}, HOLDS),
        ({"a__20__solved": [ALL, ALL, NONE]}, CONDITIONAL),
        ({"a__10__solved": [NONE] * 3, "a__20__solved": [NONE] * 3}, CONDITIONAL),
        ({f"{way}__{T}__solved": [ALL, ALL, NONE] for way in "ab" for T in (10, 20)}, FALSE),
        ({f"{way}__{T}__solved": [NONE] * 3 for way in "ab" for T in (10, 20)}, FALSE),
    ],
)
def test_gains_have_to_be_just_right_only_where_both_ends_are_worse(changes, label):
    assert judged("C16", GAIN_CONFIG, GAIN, **changes) == label
