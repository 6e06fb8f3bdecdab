"""The same weights in every engine: the committed errors are measured again and stay within the promised tolerances."""

import pytest

from companion.experiments import Evidence, rosetta

pytest.importorskip("torch", reason="torch is not installed")
TOLERANCE = {"float64": 1e-9, "float32": 1e-5}


@pytest.fixture(scope="module")
def committed():
    return Evidence.load("rosetta").results


@pytest.fixture(scope="module")
def again(tmp_path_factory):
    for name in ("onnx", "onnxruntime"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        pytest.importorskip("keras", reason="Keras is not installed")
    return rosetta.measure([None], rosetta.CONFIG)


def test_the_same_cells_are_held_and_refused_for_the_same_reasons(committed, again):
    def said(results):
        return [(r["cell"], r["engine"], r.get("why"), sorted(r)) for r in results]

    assert said(again) == said(committed)


@pytest.mark.parametrize("results", ["committed", "again"])
def test_every_engine_is_within_the_tolerance_of_its_precision(results, request):
    measured = [r for r in request.getfixturevalue(results) if r.get("error") is not None]
    assert len(measured) >= 37
    for result in measured:
        assert result["error"] < TOLERANCE[result["engine"].split()[-1]], result


@pytest.mark.parametrize("results", ["committed", "again"])
def test_every_peephole_cell_reads_the_new_cell_state_in_its_output_gate(results, request):
    peepholes = [r for r in request.getfixturevalue(results) if "new" in r]
    assert len(peepholes) == 5
    for result in peepholes:
        usual = "hard_sigmoid" not in result["engine"]
        assert (result["new"] < 1e-5) == usual, result
        assert result["old"] > 0.05, result


def test_a_wrong_engine_would_be_seen():
    layer, x, state = rosetta.draw(rosetta.CONFIG, "GRU", {"reset": "after"})
    expected = rosetta.run_reference(layer, x, state)
    layer.load_state_dict(layer.state_dict() | {"bias_hh_l0": 0 * layer.params["bias_hh_l0"]})
    assert rosetta.error(rosetta.run_reference(layer, x, state), expected) > 0.01


@pytest.mark.parametrize("results", ["committed", "again"])
def test_the_names_of_the_sources_are_looked_up_in_every_release_from_2_0_on(results, request):
    names = {r["engine"]: r["releases"] for r in request.getfixturevalue(results) if "releases" in r}
    lstm, peephole = (names[name] for name in rosetta.NAMES)
    assert list(lstm)[:16] == [f"2.{minor}" for minor in range(16)]
    assert list(lstm)[16:] == ["Keras 3.0", "Keras 3.15"]
    assert all(lstm.values())
    assert [release for release, there in peephole.items() if there] == [f"2.{minor}" for minor in range(9)]
