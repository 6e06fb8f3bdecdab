"""A model of characters, trained from the command line: the loop with all that it can do, on real text.

    python -m companion.training.language --updates 500 --checkpoint run.safetensors

Kill it and give the same command again: it goes on, to the same weights. On two GPUs, or as two processes on one
machine, the same updates are shared out:

    torchrun --nproc-per-node 2 -m companion.training.language --updates 500

The text is Python's own documentation (`companion.tasks.characters`); the score is bits per character of the part kept
for validation.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import nn

from companion import nn as layers
from companion.tasks.characters import Characters, bits, load
from companion.training import Batches, Checkpoint, TorchNetwork, device, distributed, evaluate, train

CELLS = ("RNN", "LSTM", "PeepholeLSTM", "GRU")


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what the command line asks for."""
    parser = argparse.ArgumentParser("companion.training.language", description="Train a model of characters.")
    parser.add_argument("--cell", choices=CELLS, default="LSTM")
    parser.add_argument("--hidden", type=int, default=128, help="size of the hidden state")
    parser.add_argument("--updates", type=int, default=500)
    parser.add_argument("--batch", type=int, default=32, help="places of the text that are read side by side")
    parser.add_argument("--steps", type=int, default=100, help="characters in a batch")
    parser.add_argument("--k1", type=int, help="characters between two updates (default: those of a batch)")
    parser.add_argument("--k2", type=int, help="characters that the gradient goes back over (default: k1)")
    parser.add_argument("--rate", type=float, default=3e-3, help="largest learning rate; it falls to 0 as a cosine")
    parser.add_argument("--clip", type=float, default=1.0, help="largest norm of the gradient")
    parser.add_argument("--precision", choices=("float32", "bfloat16", "float16"), default="float32")
    parser.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps or auto")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", help="file to keep the run in, and to go on from")
    parser.add_argument("--every", type=int, default=100, help="updates between two writings of the checkpoint")
    return parser.parse_args(given)


def network(cell: str, hidden: int, symbols: int) -> TorchNetwork:
    """Return a network that reads characters, one-hot, and says for each which may come next."""
    return TorchNetwork(getattr(layers, cell)(symbols, hidden), nn.Linear(hidden, symbols))


@torch.no_grad()
def sample(model: nn.Module, text: Characters, beginning: str, length: int, generator: torch.Generator) -> str:
    """Return a beginning and `length` characters that a model writes after it."""
    where, size = next(model.parameters()).device, len(text.symbols)
    written, state = beginning, None
    new = beginning
    for _ in range(length):
        numbers = torch.tensor([text.symbols.index(symbol) for symbol in new], device=where)
        outputs, state = model(F.one_hot(numbers, size).to(next(model.parameters()).dtype)[:, None], state)
        chances = outputs[-1, 0].float().softmax(dim=-1).cpu()
        new = text.symbols[int(torch.multinomial(chances, 1, generator=generator))]
        written += new
    return written


def main(given: Sequence[str] | None = None) -> float:
    """Train, and return bits per character of the validation part."""
    asked = arguments(given)
    with distributed() as processes:
        text, where = load(), device(asked.device)
        torch.manual_seed(asked.seed)
        model = network(asked.cell, asked.hidden, len(text.symbols)).to(where)
        optimiser = torch.optim.Adam(model.parameters(), lr=asked.rate)
        train(
            model,
            Batches(lambda rng: text.chunks("train", asked.steps, asked.batch), rng=asked.seed),
            F.cross_entropy,
            optimiser,
            asked.updates,
            k1=asked.k1,
            k2=asked.k2,
            carry=True,
            clip=asked.clip,
            schedule=torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, asked.updates),
            precision=asked.precision,
            checkpoint=None if asked.checkpoint is None else Checkpoint(asked.checkpoint, asked.every),
            label=asked.cell,
        )
        score = bits(evaluate(model, text.chunks("validation", asked.steps, asked.batch), F.cross_entropy, carry=True))
        if processes.first:
            print(f"{score:.3f} bits per character; guessing takes {text.chance_bits:.3f}")
            print(sample(model, text, "The ", 200, torch.Generator().manual_seed(asked.seed)))
    return score


if __name__ == "__main__":
    main()
