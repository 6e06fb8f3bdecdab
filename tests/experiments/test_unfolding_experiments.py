"""The experiments of the chapter on unfolding: claim C03 follows its data, and weight sharing is compared fairly."""

import dataclasses

import numpy as np
import pytest
from numpy.testing import assert_allclose

from companion import reference as ref
from companion.experiments import sharing, unfolding
from companion.experiments.claims import CLAIMS, CONDITIONAL, FALSE, HOLDS
from companion.experiments.evidence import Evidence


@pytest.fixture(scope="module")
def measured():
    return Evidence.load("unfolding")


def judged(evidence, **changes):
    results = tuple({**run, **changes} for run in evidence.results)
    return CLAIMS["C03"].judge(dataclasses.replace(evidence, results=results)).label


def test_the_networks_of_the_claim_are_measured_again(measured):
    for now, then in zip(unfolding.measure(range(8), measured.config), measured.results, strict=False):
        for key in ("cell", "T", "B", "I", "H", "layers"):
            assert now[key] == then[key]
        assert max(now["output"], now["gradient"]) < 1e-12
        assert_allclose(now["apart"], then["apart"], rtol=1e-9)


def test_steps_and_sequences_are_never_as_many_and_every_cell_is_there(measured):
    assert all(run["B"] != run["T"] for run in measured.results)
    assert len({run["cell"] for run in measured.results}) == 4
    assert len(measured.results) >= 20


def test_the_verdict_follows_the_data(measured):
    assert judged(measured) == CONDITIONAL
    assert judged(measured, output=2e-12) == FALSE
    assert judged(measured, gradient=2e-12) == FALSE
    assert judged(measured, layers=0) == FALSE
    as_sequences = tuple({**run, "layers": run["B"], "apart": 0.0} for run in measured.results)
    assert unfolding.judge(dataclasses.replace(measured, results=as_sequences)).label == HOLDS
    still_apart = tuple({**run, "layers": run["B"]} for run in measured.results)
    assert unfolding.judge(dataclasses.replace(measured, results=still_apart)).label == CONDITIONAL


def test_a_wrong_gradient_would_be_seen():
    kind, layer, arrays = unfolding.drawn(0, unfolding.CONFIG)
    _, shares, _ = unfolding.explicit(kind, layer, arrays)
    whole = layer.bptt(layer.unroll(arrays["x"], arrays["h"]), arrays["dy"], arrays["dh"]).params
    for name in whole:
        assert unfolding.apart(sum(share[name] for share in shares), whole[name]) < 1e-12
        assert unfolding.apart(sum(share[name] for share in shares[1:]), whole[name]) > 1e-6


# ---- sharing -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(5))
def test_the_target_is_the_last_pulse_and_there_is_always_one(seed):
    x, target = sharing.last_pulse(12, 200, np.random.default_rng(seed))
    for sequence, last in zip(x[:, :, 0].T, target[0, :, 0], strict=True):
        assert [value for value in sequence if value][-1] == last
    assert set(np.unique(x)) == {-1, 0, 1}


def test_a_silent_step_has_no_pulse_and_the_last_one_is_where_it_is_asked_for():
    x, _ = sharing.last_pulse(12, 500, np.random.default_rng(0), silent=5)
    assert not x[5].any()
    assert x.any(axis=0).all()
    x, target = sharing.last_pulse(12, 500, np.random.default_rng(0), last=5)
    assert not x[6:].any()
    np.testing.assert_array_equal(x[5], target[0])


def test_both_networks_begin_as_the_same_function():
    networks = sharing.pair(range(3), 12, 8, 0.01)
    x, _ = sharing.data(range(3), 0, 12, 7)
    shared, unshared = (networks[name](x) for name in sharing.NETWORKS)
    assert_allclose(shared, unshared, rtol=1e-12)


def test_the_shared_network_is_a_recurrent_layer_trained_by_bptt():
    network = sharing.pair([0], 12, 8, 0.01)["shared"]
    rng = np.random.default_rng(0)
    layer, head = ref.RNN(1, 8, rng=rng), ref.Linear(8, 1, rng=rng)
    adam = ref.Adam(layer.params | {f"head.{name}": value for name, value in head.params.items()}, lr=0.01)
    x, target = sharing.data([0], 2, 12, 30)
    for _ in range(5):
        network.update(x, target)
        tape = layer.unroll(x[0])
        said = head(tape.y[-1:])
        back = head.backward(tape.y[-1:], ref.mse(said, target[0])[1])
        dy = np.zeros_like(tape.y)
        dy[-1:] = back.x
        adam.step(layer.bptt(tape, dy).params | {f"head.{name}": value for name, value in back.params.items()})
    assert_allclose(network(x)[0], head(layer(x[0])[0][-1:]), rtol=1e-8)


def test_the_input_weights_of_a_silent_layer_stay_where_they_began():
    network = sharing.pair([0, 1], 12, 8, 0.01)["unshared"]
    before = [layer.params["weight_ih_l0"].copy() for layer in network.layers]
    for _ in range(3):
        network.update(*sharing.data([0, 1], 4, 12, 50, silent=5))
    moved = [
        np.abs(layer.params["weight_ih_l0"] - old).max() for layer, old in zip(network.layers, before, strict=True)
    ]
    assert moved[5] == 0
    assert min(moved[:5] + moved[6:]) > 0


def test_the_first_seed_with_the_fewest_lessons_is_measured_again():
    evidence = Evidence.load("sharing")
    networks = sharing.trained([0], evidence.config, *sharing.data([0], 2, 12, 16, share=evidence.config["pulses"]))
    test = sharing.data([0], 1, 12, evidence.config["trials"], share=evidence.config["pulses"])
    for name, network in networks.items():
        assert_allclose(sharing.accuracy(network, *test)[0], evidence.results[0][name]["new_16"], atol=0.0021)
