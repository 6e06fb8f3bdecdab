"""A GRU that writes Python's documentation: 128 units, kept in the book, so that a page can let it write.

It was trained by the first of these lines, stopped at the checkpoint of update 2700. The second keeps of the run the
weights alone, in half precision:

    python -m companion.training.language --cell GRU --hidden 128 --batch 16 --steps 100 --updates 4000 --device cpu \\
        --checkpoint run.safetensors
    python -m companion.experiments.writer run.safetensors

What is measured of it is what its text is worth, and which of its units follow what (`companion.experiments.units`),
beside a network of the same size as it is drawn.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from companion import reference as ref
from companion.experiments import units
from companion.experiments.characters import fresh
from companion.experiments.evidence import evidence_folder
from companion.experiments.experiment import Experiment
from companion.reference.scores import softmax
from companion.tasks import characters

CONFIG: dict[str, Any] = {"hidden": 128, "batch": 16, "steps": 100, "updates": 2700, "copied": 30, "untrained": 5}
NAME = "writer.safetensors"

Array = np.ndarray


@dataclass(frozen=True, eq=False)
class Writer:
    """A layer of `companion.reference`, the dense one on top, and the characters that they know, in their order."""

    layer: ref.GRU
    head: ref.Linear
    symbols: str

    def read(self, text: str, state: Array | None = None) -> tuple[Array, Array]:
        """Return the states after every character, (T, H), and the logits of what comes next, (T, symbols)."""
        numbers = [self.symbols.index(symbol) for symbol in text]
        states, _ = self.layer(np.eye(len(self.symbols))[numbers], state)
        return states, self.head(states)

    def write(self, beginning: str, length: int, temperature: float, rng: np.random.Generator) -> str:
        """Return `length` characters that go on from a beginning, drawn one after the other."""
        states, logits = self.read(beginning)
        written = ""
        for _ in range(length):
            written += self.symbols[rng.choice(len(self.symbols), p=chances(logits[-1], temperature))]
            states, logits = self.read(written[-1], states[-1:])
        return written

    def bits(self, text: str) -> Array:
        """Return the bits that every character but the first was worth, (T - 1,)."""
        _, logits = self.read(text)
        came = [self.symbols.index(symbol) for symbol in text[1:]]
        p = chances(logits[:-1])
        return -np.log2(p[np.arange(len(came)), came])


def chances(logits: Array, temperature: float = 1.0) -> Array:
    """Return the probabilities of what comes next; a temperature below 1 makes the likely likelier."""
    return softmax(logits / temperature)


def load(path: Path | str | None = None) -> Writer:
    """Return the network that was kept, in float64. Raises FileNotFoundError where there is none."""
    from safetensors import safe_open

    path = Path(path or evidence_folder() / NAME)
    if not path.is_file():
        raise FileNotFoundError(f"{path.name}: make it with python -m companion.experiments.writer run.safetensors")
    with safe_open(path, "numpy") as file:
        symbols = file.metadata()["symbols"]
        arrays = {name: file.get_tensor(name).astype(float) for name in file.keys()}  # noqa: SIM118
    own = {name.removeprefix("layer."): value for name, value in arrays.items() if name.startswith("layer.")}
    layer = ref.GRU(len(symbols), own["weight_hh_l0"].shape[1], rng=0)
    layer.load_state_dict(own)
    head = ref.Linear(layer.hidden_size, len(symbols), rng=0)
    head.params.update(weight=arrays["head.weight"], bias=arrays["head.bias"])
    return Writer(layer, head, symbols)


def keep(checkpoint: Path | str, path: Path | str | None = None) -> Path:
    """Write the weights of a run of `companion.training.language` in half precision, and return where."""
    from safetensors.numpy import save_file

    from companion.training import checkpoints

    path = Path(path or evidence_folder() / NAME)
    weights = {name: value.numpy().astype(np.float16) for name, value in checkpoints.load(checkpoint)["model"].items()}
    save_file(weights, path, {"symbols": characters.load().symbols})
    return path


def followed(writer: Writer, parts: Mapping[str, str]) -> dict[str, tuple[int, float]]:
    """Return, by what there is to follow, the best unit on the validation part and its score on the test part."""
    states = {part: writer.read(text)[0] for part, text in parts.items()}
    truth = {part: units.features(text) for part, text in parts.items()}
    return {
        name: units.best(states["validation"], truth["validation"][name], states["test"], truth["test"][name])
        for name in units.FEATURES
    }


def measure(seeds: Sequence[Any], config: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the bits of the parts, the units that follow something, and the scores of networks as they are drawn."""
    text, kept = characters.load(), load()
    parts = {part: text.written(part) for part in ("validation", "test")}
    worth = {part: kept.bits(own) for part, own in parts.items()}
    new = fresh(text, "test", config["copied"])[1:]
    drawn = [
        Writer(ref.GRU(len(kept.symbols), config["hidden"], rng=seed), kept.head, kept.symbols)
        for seed in range(config["untrained"])
    ]
    before = [followed(one, parts) for one in drawn]
    return [
        {
            "validation": float(worth["validation"].mean()),
            "test": float(worth["test"].mean()),
            "new": float(worth["test"][new].mean()),
            "read": len(text.part("train")),
            "parameters": sum(value.size for part in (kept.layer, kept.head) for value in part.params.values()),
            "units": {
                name: {
                    "unit": unit,
                    "score": score,
                    "untrained": sorted(round(own[name][1], 4) for own in before),
                }
                for name, (unit, score) in followed(kept, parts).items()
            },
        }
    ]


def summarise(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the one result, with the perplexity, and the best of the untrained networks."""
    (result,) = results
    numbers = {name: result[name] for name in ("validation", "test", "new", "parameters")}
    found = {
        name: {"unit": own["unit"], "score": own["score"], "untrained": max(own["untrained"])}
        for name, own in result["units"].items()
    }
    readings = CONFIG["batch"] * CONFIG["steps"] * CONFIG["updates"] / result["read"]
    return {**numbers, "perplexity": 2 ** result["validation"], "readings": readings, "units": found}


EXPERIMENT = Experiment(
    name="writer",
    title="a GRU that writes Python's documentation",
    claims=(),
    config=CONFIG,
    measure=measure,
    summarise=summarise,
)

if __name__ == "__main__":
    print(keep(sys.argv[1]).name)
