"""The experiment of 1997: its words, its first weights, its criterion, and one trial again."""

import dataclasses

import numpy as np
import pytest

from companion import reference as ref
from companion.experiments import Evidence, reber
from companion.reference.activations import sigmoid


def test_the_words_that_are_tried_were_not_learnt():
    learnt, tried = reber.two_sets(np.random.default_rng(0), 40)

    def spelt(batch):
        return ["".join(map(str, batch.x[:n, b].argmax(axis=-1))) for b, n in enumerate(batch.lengths)]

    assert len(set(spelt(tried)) & set(spelt(learnt))) == 0
    assert len(spelt(tried)) == len(spelt(learnt)) == 40


def test_the_output_gates_begin_shut_by_one_two_and_three():
    layer, _ = reber.networks("1997", 6, [0], 0.2)
    np.testing.assert_array_equal(layer.params["bias_ih_l0"][0, -6:], [-1, -1, -2, -2, -3, -3])
    assert not layer.params["bias_hh_l0"].any()
    assert np.abs(layer.params["weight_hh_l0"]).max() <= 0.2


def test_a_word_is_right_only_if_all_that_may_follow_is_above_all_that_may_not():
    learnt, _ = reber.words([0], 5)

    class Says:
        """Rates the letters that may follow 1 and the others 0; one step of the second word is spoilt."""

        def __call__(self, x):
            said = learnt.legal.astype(float)
            said[0, 1, 2] = 1 - said[0, 1, 2]
            return (said.swapaxes(1, 2),)

    right = reber.all_right(Says(), lambda outputs: outputs, learnt)
    assert right == pytest.approx([4 / 5])


def test_an_update_is_a_step_down_half_the_squared_error_of_a_word():
    learnt, _ = reber.words([0], 3)
    layer, head = reber.networks("1997", 4, [0], 0.2)
    for part in (layer, head):
        part.params, part.dtype = {name: value.astype(float) for name, value in part.params.items()}, np.dtype(float)
    word = learnt.pick(np.array([1]))
    word = dataclasses.replace(word, x=word.x.astype(float))

    def error(weights):
        head.params["weight"][...] = weights
        said = sigmoid(head(layer(word.x.swapaxes(1, 2))[0]))[0, :, 0]
        wanted = np.eye(7)[word.y[0, 0]]
        return ((said - wanted) ** 2)[word.asked[0, 0]].sum() / 2

    before = head.params["weight"].copy()
    slope = np.zeros_like(before)
    for place in np.ndindex(before.shape):
        for sign in (1, -1):
            moved = before.copy()
            moved[place] += sign * 1e-6
            slope[place] += sign * error(moved) / 2e-6
    head.params["weight"][...] = before
    reber.update(
        layer,
        head,
        word,
        ref.SGD({"weight": head.params["weight"], "bias": head.params["bias"]} | layer_of(layer), 1.0),
    )
    np.testing.assert_allclose(before - head.params["weight"], slope, rtol=1e-5, atol=1e-8)


def layer_of(layer):
    return {name: value for name, value in layer.params.items() if not name.startswith("bias_hh")}


def test_the_first_words_of_a_trial_are_the_same_whoever_learns_beside_it():
    small = reber.CONFIG | {"updates": 40, "every": 20, "words": 20, "settings": [["1997", 4, 0.5], ["RNN", 12, 0.1]]}
    alone = reber.measure([3], small)
    beside = reber.measure([0, 3], small)
    assert alone[0] == beside[1]


def test_the_committed_trials_are_those_of_the_settings():
    evidence = Evidence.load("reber")
    keys = {f"{kind}/{hidden}/{rate}" for kind, hidden, rate in reber.CONFIG["settings"]}
    assert all(keys == set(result) - {"seed"} for result in evidence.results)
