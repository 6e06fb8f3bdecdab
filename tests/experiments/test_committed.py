"""Data and code still agree: what is cheap is measured again and compared with the committed evidence.

Chance comes from NumPy's generators, which give the same numbers everywhere; arithmetic does not. Another processor
or another BLAS adds in another order and rounds otherwise, 1e-16 relative at a time, and a training run magnifies
that. How much is measured below, by a second run whose initial weights are disturbed: RTOL stands far above it, and far
below every change of the code that means anything.
"""

import json

import numpy as np
import pytest
from numpy.testing import assert_allclose

from companion.experiments import Evidence, sunspots, sunspots_choice
from companion.experiments.evidence import plain
from companion.experiments.experiment import EXPERIMENTS, find
from companion.tasks import sunspots as task

RTOL = 1e-6


@pytest.fixture(scope="module", params=EXPERIMENTS)
def committed(request):
    return Evidence.load(request.param)


def test_the_settings_are_those_of_the_code(committed):
    assert committed.config == json.loads(json.dumps(plain(find(committed.experiment).config)))
    assert committed.claims == find(committed.experiment).claims


def test_the_seeds_are_all_there(committed):
    seeds = find(committed.experiment).seeds
    assert committed.seeds == (None if seeds is None else tuple(range(seeds)))
    if seeds:
        assert [result["seed"] for result in committed.results] == list(range(seeds))
        assert seeds >= 20


def test_the_summary_follows_from_the_results(committed):
    again = plain(find(committed.experiment).summarise(committed.results))
    assert_same(again, committed.summary, 1e-9)


def test_the_circumstances_are_told_and_name_no_machine(committed):
    assert {"python", "companion", "numpy"} <= set(committed.versions)
    assert "not installed" not in committed.versions.values()
    assert "GiB" in committed.hardware
    assert committed.seconds >= 0
    assert len(committed.date) == 10


def test_impulse_responses_are_measured_again():
    evidence = Evidence.load("impulse")
    again = find("impulse").measure([None], evidence.config)
    for now, then in zip(again, evidence.results, strict=True):
        assert {key: now[key] for key in ("activation", "u", "steps", "after_cut")} == {
            key: then[key] for key in ("activation", "u", "steps", "after_cut")
        }
        assert_allclose(now["tail"], then["tail"], rtol=1e-9)
        assert now.get("error", 0) < 1e-12


@pytest.mark.parametrize("model", sunspots.MODELS)
def test_the_first_seed_of_the_sunspots_is_measured_again(model):
    evidence = Evidence.load("sunspots")
    network = sunspots.networks(model, [0, 0], evidence.config["hidden"])
    rng = np.random.default_rng(0)
    for param in network.params.values():
        param[1] *= 1 + 1e-12 * rng.choice([-1, 1], size=param[1].shape)  # ten thousand times a rounding error
    exact, disturbed = sunspots.measure_model(model, network, evidence.config)
    assert_same(exact, evidence.results[0][model], RTOL)
    assert_same(disturbed, exact, RTOL / 10)  # so little is made of it, and RTOL is safe


def test_a_part_of_the_choice_is_measured_again():
    evidence = Evidence.load("sunspots_choice")
    first = evidence.config["checks"][0]
    small = {"models": ["memoryless"], "decays": [0.1], "checks": [first], "orders": [1, 9], "blocks": [[1816, 1868]]}
    again = sunspots_choice.measure([None], {**evidence.config, **small})
    assert len(again) == 3
    for now in again:
        same = {key: now.get(key) for key in ("model", "order", "decay", "block")}
        (then,) = (run for run in evidence.results if {key: run.get(key) for key in same} == same)
        if "error" in now:
            assert_allclose(now["error"], then["error"], rtol=RTOL)
        else:
            assert_allclose(now["errors"], then["errors"][:1], rtol=RTOL)


# ---- the sunspots: how they were measured --------------------------------------------------------------------------


def test_the_settings_of_the_forecasts_are_the_ones_chosen_without_the_test_years():
    chosen = Evidence.load("sunspots_choice").summary
    for model in sunspots.MODELS:
        assert sunspots.CONFIG[model] == {key: chosen[model][key] for key in ("decay", "updates")}
    assert sunspots.CONFIG["yule"] == {"order": chosen["autoregression"]["order"]}
    for key in ("hidden", "rate", "clip"):
        assert sunspots.CONFIG[key] == sunspots_choice.CONFIG[key]


def test_nine_years_are_what_akaikes_criterion_takes_and_two_what_schwarzs_does():
    ar_model = pytest.importorskip("statsmodels.tsa.ar_model")
    data = task.load()
    known = data.number[data.period("train")]
    taken = {name: len(ar_model.ar_select_order(known, 17, ic=name).ar_lags) for name in ("aic", "bic")}
    assert taken == {"aic": sunspots.CONFIG["autoregression"]["order"], "bic": sunspots.CONFIG["yule"]["order"]}


def test_the_choice_never_sees_a_test_year():
    assert max(last for _, last in sunspots_choice.CONFIG["blocks"]) == 1920
    assert not set(sunspots_choice.CONFIG["seeds"]) & set(range(sunspots.EXPERIMENT.seeds))


def test_the_blocks_cover_the_years_to_learn_from_once():
    years = [year for first, last in sunspots_choice.CONFIG["blocks"] for year in range(first, last + 1)]
    assert years == list(range(1712, 1921))


def test_a_forecast_of_a_year_does_not_know_that_year():
    data = task.load()
    changed = task.Sunspots(data.year, np.where(data.year == 1950, 500.0, data.number))
    for model in sunspots.MODELS:
        network = sunspots.networks(model, [0, 1], 4)
        before, after = (sunspots.predictions(network, model, series) for series in (data, changed))
        until = data.year <= 1950
        np.testing.assert_array_equal(before[:, until], after[:, until])
        assert (before[:, data.year == 1951] != after[:, data.year == 1951]).all()


def test_a_network_without_memory_forgets_last_year_and_a_recurrent_one_does_not():
    data = task.load()
    changed = task.Sunspots(data.year, np.where(data.year == 1950, 500.0, data.number))
    differs = {}
    for model in sunspots.MODELS:
        network = sunspots.networks(model, [0], 4)
        before, after = (sunspots.predictions(network, model, series)[0] for series in (data, changed))
        differs[model] = [int(year) for year in data.year[(before != after) & np.isfinite(before)]]
    assert differs["memoryless"] == [1951]
    assert differs["window"] == list(range(1951, 1963))
    assert differs["recurrent"][:13] == list(range(1951, 1964))


def test_the_loop_of_the_memoryless_network_is_never_trained():
    data = task.load()
    network = sunspots.networks("memoryless", [0], 4)
    before = network.params["layer.weight_hh_l0"].copy()
    batch = sunspots.examples("memoryless", data, data.period("train"))
    sunspots.train(network, batch, {"rate": 0.01, "clip": 1.0, "decay": 0.0, "updates": 5})
    np.testing.assert_array_equal(network.params["layer.weight_hh_l0"], before)


def assert_same(now, then, rtol):
    """Assert that two nested mappings agree, numbers within a relative tolerance."""
    if isinstance(then, dict):
        assert list(now) == list(then)
        for key in then:
            assert_same(now[key], then[key], rtol)
    elif isinstance(then, float):
        assert_allclose(now, then, rtol=rtol)
    else:
        assert now == then
