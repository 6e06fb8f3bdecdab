"""A small language model as public PyTorch examples write it: with one line changed it has peepholes, and it trains."""

import inspect

import pytest
import torch
from torch import nn

from companion import nn as layers

TEXT = "the recurrent layer reads one letter after another and guesses the next one. " * 4


class LanguageModel(nn.Module):
    """Embedding, recurrent layer, decoder; the state goes from one piece of text to the next."""

    def __init__(self, tokens: int, size: int, num_layers: int, dropout: float = 0.1):
        super().__init__()
        self.drop = nn.Dropout(dropout)
        self.encoder = nn.Embedding(tokens, size)
        self.rnn = nn.LSTM(size, size, num_layers, dropout=dropout)
        self.decoder = nn.Linear(size, tokens)
        self.size, self.num_layers = size, num_layers

    def forward(self, text, hidden):
        self.rnn.flatten_parameters()
        output, hidden = self.rnn(self.drop(self.encoder(text)), hidden)
        return self.decoder(self.drop(output)), hidden

    def init_hidden(self, batch: int):
        weight = next(self.parameters())
        return tuple(weight.new_zeros(self.num_layers, batch, self.size) for _ in "hc")


def rewritten(old: str, new: str):
    """The class above with one line of its text changed."""
    source = inspect.getsource(LanguageModel)
    lines = [line for line in source.splitlines() if old in line]
    assert len(lines) == 1
    scope = {"nn": nn, "layers": layers}
    exec(source.replace(old, new), scope)
    return scope["LanguageModel"]


def batches(text: str, batch: int = 4, steps: int = 15):
    letters = sorted(set(text))
    data = torch.tensor([letters.index(letter) for letter in text])
    data = data[: len(data) // batch * batch].view(batch, -1).t()
    return [(data[t : t + steps], data[t + 1 : t + 1 + steps]) for t in range(0, len(data) - steps, steps)], len(
        letters
    )


def train(model, pieces, epochs: int) -> list[float]:
    optimiser = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(epochs):
        hidden = model.init_hidden(4)
        for text, following in pieces:
            hidden = tuple(h.detach() for h in hidden)
            optimiser.zero_grad()
            output, hidden = model(text, hidden)
            loss = nn.functional.cross_entropy(output.flatten(0, 1), following.flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.25)
            optimiser.step()
        losses.append(loss.item())
    return losses


@pytest.mark.parametrize("engine", ["auto", "eager"])
def test_one_changed_line_gives_a_model_with_peepholes_that_learns(engine):
    torch.manual_seed(0)
    pieces, tokens = batches(TEXT)
    new = f"layers.PeepholeLSTM(size, size, num_layers, dropout=dropout, engine={engine!r})"
    model = rewritten("nn.LSTM(size, size, num_layers, dropout=dropout)", new)(tokens, 24, 2)
    before = [p.detach().clone() for p in model.parameters()]
    first, *_, last = train(model, pieces, epochs=8 if engine == "auto" else 4)
    assert last < first - 0.2  # nats a letter
    assert all(not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("name", ["LSTM", "PeepholeLSTM"])
def test_a_checkpoint_of_the_torch_model_loads(name):
    _, tokens = batches(TEXT)
    theirs = LanguageModel(tokens, 8, 2).eval()
    ours = rewritten("nn.LSTM(", f"layers.{name}(")(tokens, 8, 2).eval()
    missing, unexpected = ours.load_state_dict(theirs.state_dict(), strict=False)
    assert unexpected == []
    assert all("weight_ch" in key for key in missing)
    with torch.no_grad():
        for key in missing:
            ours.get_parameter(key).zero_()
    text = torch.randint(tokens, (7, 4))
    right, got = (model(text, model.init_hidden(4)) for model in (theirs, ours))
    torch.testing.assert_close(got, right)
