"""The model of characters from the command line."""

import pytest
import torch

from companion.tasks import characters
from companion.training import language

SMALL = ["--hidden", "16", "--steps", "20", "--batch", "8", "--device", "cpu"]


@pytest.fixture(autouse=True)
def a_short_text(monkeypatch):
    text = characters.Characters(characters.load().text[:6000])
    monkeypatch.setattr(language, "load", lambda: text)
    return text


def test_it_learns_and_writes(capsys, a_short_text):
    few, more = (
        language.main([*SMALL, "--cell", "GRU", "--updates", n, "--k1", "5", "--k2", "10"]) for n in ("1", "60")
    )
    assert more < few - 0.5
    printed = capsys.readouterr().out
    assert f"{more:.3f} bits per character; guessing takes {a_short_text.chance_bits:.3f}" in printed
    assert "The " in printed


@pytest.mark.parametrize("cell", language.CELLS)
def test_every_cell_goes_on_from_its_checkpoint(tmp_path, cell):
    options = [*SMALL, "--cell", cell, "--checkpoint", str(tmp_path / "run"), "--every", "2", "--updates"]
    language.main([*options, "3"])
    assert language.main([*options, "3"]) == language.main([*options, "3"])


def test_a_sample_is_the_generator_s(a_short_text):
    torch.manual_seed(0)
    model = language.network("LSTM", 8, len(a_short_text.symbols))
    one, same, other = (
        language.sample(model, a_short_text, "The", 30, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)
    )
    assert one == same != other
    assert one.startswith("The")
    assert len(one) == 33
