"""The readers of the documentation learn what they would learn alone, and units and counts are scored as they say."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose, assert_array_equal

from companion import reference as ref
from companion.experiments import characters, characters_counted, characters_times, units
from companion.experiments.evidence import Evidence
from companion.tasks import characters as task
from companion.tasks.characters import Characters, NGram

SMALL = {**characters.CONFIG, "B": 2, "T": 10, "readings": 2, "checks": [3, 9], "parameters": 1500}


@pytest.fixture(scope="module")
def documentation():
    return task.load()


@pytest.fixture(scope="module")
def short():
    rng = np.random.default_rng(0)
    return Characters("".join(rng.choice(list('ab ("")\n'), size=2000)))


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_the_loss_of_many_is_that_of_each(rng):
    logits, asked = rng.normal(size=(3, 5, 2, 7)).astype(np.float32), rng.integers(7, size=(5, 2))
    loss, grad = characters.loss_of(logits.copy(), asked)
    for s in range(3):
        expected, expected_grad = ref.softmax_cross_entropy(logits[s].astype(float), asked)
        assert_allclose(loss[s], expected, rtol=1e-5)
        assert_allclose(grad[s], expected_grad, rtol=1e-4, atol=1e-8)


@pytest.mark.parametrize("cell", characters.CELLS)
def test_a_network_learns_beside_others_what_it_learns_alone(cell, short):
    def read(seeds):
        many = characters.networks(cell, 6, len(short.symbols), seeds, SMALL)
        return many, characters.trained(many, short, SMALL)

    together, curve = read([0, 3])
    alone, own = read([3])
    assert_allclose(np.array(curve)[:, 1:], own, rtol=1e-4)
    for name, value in alone.network.params.items():
        assert_allclose(together.network.params[name][1], value[0], rtol=1e-3, atol=1e-5)


def test_the_state_is_carried_from_chunk_to_chunk(short):
    many = characters.networks("GRU", 6, len(short.symbols), [0], {**SMALL, "rates": {"GRU": 0.0}})
    chunks = list(short.chunks("train", 10, 2))
    state = None
    for chunk in chunks:
        state = characters.update(many, chunk.x.astype(np.float32), chunk.y, state)
    whole = many.network.layer.unroll(np.concatenate([chunk.x for chunk in chunks]).astype(np.float32))
    assert_allclose(state, whole.state, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("cell", "name"), [("GRU", "h"), ("LSTM", "c")])
def test_a_part_is_read_as_one_sequence_by_torch_too(cell, name, short):
    many = characters.networks(cell, 6, len(short.symbols), [0, 1], SMALL)
    numbers = torch.from_numpy(short.part("train"))
    states, surprises = characters.read(many, short, "train", T=17)
    x = torch.nn.functional.one_hot(numbers, len(short.symbols)).float()
    for s, (layer, head) in enumerate(
        zip(ref.unstack(many.network.layer), ref.unstack(many.network.head), strict=True)
    ):
        own = getattr(torch.nn, cell)(len(short.symbols), 6)
        own.load_state_dict({key: torch.from_numpy(value) for key, value in layer.params.items()})
        y, last = own(x)
        logits = y @ torch.from_numpy(head.params["weight"]).T + torch.from_numpy(head.params["bias"])
        nats = torch.nn.functional.cross_entropy(logits[:-1], numbers[1:], reduction="none")
        assert_allclose(surprises[s], (nats / np.log(2)).detach(), rtol=1e-4, atol=1e-5)
        assert_allclose(states[s][-1], (last[1] if name == "c" else last)[0].detach(), rtol=1e-4, atol=1e-6)


def test_the_cells_have_equally_many_parameters(documentation):
    symbols = len(documentation.symbols)
    for cell, hidden in characters.sizes(characters.CONFIG, symbols).items():
        own = getattr(torch.nn, cell, torch.nn.LSTM)(symbols, hidden)
        count = sum(p.numel() for p in own.parameters()) + (hidden + 1) * symbols + 3 * hidden * (cell[0] == "P")
        assert count == pytest.approx(characters.CONFIG["parameters"], rel=0.005)


def test_new_is_what_the_training_part_does_not_hold():
    text = Characters("abcdefgh" * 10 + "xyzabcde" + "qrstabc")
    test = text.written("test")
    for length in (1, 2, 3):
        for i, new in enumerate(characters.fresh(text, "test", length)):
            piece = test[max(0, i + 1 - length) : i + 1]
            assert new == (piece not in text.written("train") or len(piece) < length)


# ---- units -----------------------------------------------------------------------------------------------------------


def test_a_mark_opens_what_the_next_one_shuts():
    assert_array_equal(units.quoted('a "b" c'), [0, 0, np.nan, 1, np.nan, 0, 0])
    assert_array_equal(units.quoted('"a\n\nb'), [np.nan, 1, 1, 0, 0])
    assert_array_equal(units.bracketed("(a(b)c)d)e"), [np.nan, 1, np.nan, 1, np.nan, 1, np.nan, 0, np.nan, 0])


def test_a_line_is_deep_by_its_first_spaces():
    lines = "   plain words here\n      deep words here\n\n"
    found = units.indented(lines)
    asked = [(lines[i], value) for i, value in enumerate(found) if np.isfinite(value)]
    assert {value for _, value in asked} == {0.0, 1.0}
    assert " " not in {symbol for symbol, _ in asked}
    assert np.isnan(found[: 3 + units.PAST]).all()
    assert_array_equal(units.place("ab\nc"), [0, 1, 2, 0])


def test_the_score_is_the_share_of_pairs_in_the_right_order(rng):
    states, truth = rng.normal(size=(40, 3)), rng.integers(2, size=40).astype(float)
    truth[5] = np.nan
    for unit, score in enumerate(units.scores(states, truth)):
        ones, zeros = states[truth == 1, unit], states[truth == 0, unit]
        assert_allclose((1 + score) / 2, (ones[:, None] > zeros).mean())


def test_the_score_of_a_place_is_spearmans(rng):
    from scipy.stats import spearmanr

    states, truth = rng.normal(size=(30, 2)), rng.integers(9, size=30).astype(float)
    for unit, score in enumerate(units.scores(states, truth)):
        assert_allclose(score, spearmanr(states[:, unit], truth).statistic)


def test_a_unit_is_chosen_on_one_part_and_scored_on_the_other():
    truth = np.array([0.0, 0.0, 1.0, 1.0])
    chosen_on = np.array([[0.1, 9], [0.4, 1], [0.2, -3], [0.3, -4]])  # the second unit tells them apart, turned
    scored_on = np.array([[0.0, 4], [0.0, 2], [1.0, 3], [1.0, 1]])
    assert units.best(chosen_on, truth, scored_on, truth) == (1, 0.75)


# ---- counting and time -----------------------------------------------------------------------------------------------


def test_what_each_character_was_worth_adds_up_to_the_bits(rng):
    numbers = rng.integers(4, size=300).tolist()
    model = NGram(np.array(numbers[:200]), 3, 4)
    assert_allclose(characters_counted.surprises(model, numbers[200:]).mean(), model.bits(np.array(numbers[200:])))


def test_both_programs_make_the_same_updates(documentation):
    (batch, *_) = documentation.chunks("validation", 10, 2)
    x = batch.x.astype(np.float32)
    for cell in characters.CELLS:
        losses = []
        for make in (characters_times.numpy_update, characters_times.torch_update):
            update = make(characters_times.network(cell, 5, x.shape[-1], 0, characters.CONFIG), x, batch.y, 0.01, 0.05)
            losses.append([update() for _ in range(4)])
        assert_allclose(losses[0], losses[1], rtol=1e-4)
        assert losses[0][-1] < losses[0][0]


def test_at_equal_time_the_slower_cell_has_read_less():
    curves = {"quick": np.array([[4.0, 3.0, 2.0]]), "slow": np.array([[5.0, 3.0, 1.0]])}
    level = characters_times.at_equal_time(curves, [10, 100, 1000], {"quick": 1.0, "slow": 10.0})
    assert level["seconds"] == pytest.approx(1e-3)
    assert level["reached"]["quick"] == pytest.approx(2.0)
    assert level["reached"]["slow"] == pytest.approx(3.0)  # 100 characters


# ---- what is committed -----------------------------------------------------------------------------------------------


def test_a_count_is_made_again(documentation):
    data = Evidence.load("characters_counted")
    if data.results[0]["characters"] != len(documentation.text):
        pytest.skip("another version of Python has another documentation")
    (now,) = characters_counted.measure([None], {**data.config, "orders": [3]})
    (then,) = (run for run in data.results if run["order"] == 3)
    for name in ("validation", "test", "new", "counted", "share_new"):
        assert_allclose(now[name], then[name], rtol=1e-9)


def test_the_beginning_of_a_seed_is_measured_again(documentation):
    data = Evidence.load("characters")
    if Evidence.load("characters_counted").results[0]["characters"] != len(documentation.text):
        pytest.skip("another version of Python has another documentation")
    sizes = characters.sizes(data.config, len(documentation.symbols))
    many = characters.networks("GRU", sizes["GRU"], len(documentation.symbols), [0], data.config)
    (untrained,) = characters.followed(many, documentation, data.config)
    for name, score in untrained.items():
        assert data.results[0]["GRU"]["untrained"][name] == pytest.approx(score, abs=1e-3)
    first = data.config["checks"][0]
    (bits,) = characters.trained(many, documentation, {**data.config, "readings": 1, "checks": [first]})[0]
    assert data.results[0]["GRU"]["validation"][0] == pytest.approx(bits, rel=1e-3)
