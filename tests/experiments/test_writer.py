"""The network that writes is kept with its alphabet, reads as PyTorch does, and is what the evidence says."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from companion import reference as ref
from companion.experiments import writer
from companion.experiments.evidence import Evidence
from companion.tasks import characters
from companion.training import checkpoints, language


@pytest.fixture(scope="module")
def kept():
    return writer.load()


@pytest.fixture
def small():
    return writer.Writer(ref.GRU(3, 5, rng=0), ref.Linear(5, 3, rng=1), "abc")


def test_a_run_of_the_command_line_is_kept_and_read_again(tmp_path):
    text = characters.load()
    torch.manual_seed(0)
    model = language.network("GRU", 6, len(text.symbols))
    checkpoints.save(tmp_path / "run", {"model": model.state_dict(), "update": 3})
    found = writer.load(writer.keep(tmp_path / "run", tmp_path / "kept"))
    words = "The name"
    x = torch.nn.functional.one_hot(torch.tensor([text.symbols.index(s) for s in words]), len(text.symbols)).float()
    expected, _ = model(x[:, None])
    assert found.symbols == text.symbols
    assert_allclose(found.read(words)[1], expected[:, 0].detach(), rtol=0.01, atol=0.002)  # half precision: 11 bits


def test_without_a_file_it_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"companion\.experiments\.writer"):
        writer.load(tmp_path / "none")


def test_what_is_written_is_read_as_it_goes(small):
    text = small.write("ab", 6, 1.0, np.random.default_rng(0))
    rng = np.random.default_rng(0)
    for end in range(6):
        _, logits = small.read("ab" + text[:end])  # the whole beginning again, and no state carried
        assert text[end] == "abc"[rng.choice(3, p=writer.chances(logits[-1]))]


def test_cold_writing_takes_the_likeliest(small):
    text = small.write("a", 5, 1e-4, np.random.default_rng(0))
    for end in range(5):
        assert text[end] == "abc"[small.read("a" + text[:end])[1][-1].argmax()]


def test_the_bits_are_those_of_the_cross_entropy(small):
    words = "abcab"
    _, logits = small.read(words)
    loss, _ = ref.softmax_cross_entropy(logits[:-1, None], np.array([[1], [2], [0], [1]]))
    assert_allclose(small.bits(words).mean(), loss / np.log(2))


def test_the_file_is_small_and_half_precise():
    path = writer.evidence_folder() / writer.NAME
    assert path.stat().st_size < 300_000


def test_the_network_is_the_one_the_evidence_speaks_of(kept):
    data, text = Evidence.load("writer"), characters.load()
    if Evidence.load("characters_counted").results[0]["characters"] != len(text.text):
        pytest.skip("another version of Python has another documentation")
    assert kept.layer.hidden_size == data.config["hidden"]
    (result,) = data.results
    assert_allclose(kept.bits(text.written("test")).mean(), result["test"], rtol=1e-6)
    parts = {part: text.written(part) for part in ("validation", "test")}
    for name, (unit, score) in writer.followed(kept, parts).items():
        assert unit == result["units"][name]["unit"]
        assert_allclose(score, result["units"][name]["score"], rtol=1e-4)
