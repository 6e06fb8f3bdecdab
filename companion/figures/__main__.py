"""Write the files of `book/` that are made from this package: `python -m companion.figures [book]`."""

import sys
from pathlib import Path

import numpy as np

from companion.figures import bptt, palette, style, unfolding, vector
from companion.reference import RNN


def impulse_answers(weights: tuple[float, ...] = (0.0, 0.5, 0.9, 1.2), T: int = 20) -> tuple[np.ndarray, dict]:
    """Return an impulse at step 2, and what a tanh neuron with input weight 1 answers for each recurrent weight."""
    x = np.eye(1, T, 2)[0]
    neuron = RNN(1, 1, bias=False, dtype=np.float64)
    answers = {}
    for u in weights:
        neuron.load_state_dict({"weight_ih_l0": np.array([[1.0]]), "weight_hh_l0": np.array([[u]])})
        answers[u] = neuron(x[:, None])[0][:, 0]
    return x, answers


def unrolled_impulse(w: float = 1.0, u: float = 0.5, T: int = 5) -> tuple[np.ndarray, float, float, np.ndarray]:
    """Return an impulse at step 0, the two weights of a tanh neuron without bias, and its states."""
    x = np.eye(1, T)[0]
    neuron = RNN(1, 1, bias=False, dtype=np.float64)
    neuron.load_state_dict({"weight_ih_l0": np.array([[w]]), "weight_hh_l0": np.array([[u]])})
    return x, w, u, neuron(x[:, None])[0][:, 0]


def walked_back(w: float = 1.0, u: float = 0.8, T: int = 5) -> tuple[np.ndarray, ...]:
    """Return what the player of the way back shows at first: x, h, dh, da, and each step's share of dL/du.

    The neuron hears one impulse at step 0, and its last state should have been 1.
    """
    x = np.eye(1, T)[0]
    neuron = RNN(1, 1, bias=False, dtype=np.float64)
    neuron.load_state_dict({"weight_ih_l0": np.array([[w]]), "weight_hh_l0": np.array([[u]])})
    tape = neuron.unroll(x[:, None])
    h = tape.y[:, 0]
    dy = np.zeros((T, 1))
    dy[-1] = h[-1] - 1
    da = neuron.bptt(tape, dy).x[:, 0] / w
    return x, h, da / (1 - h**2), da, da * np.concatenate([[0.0], h[:-1]])


def generated() -> dict[str, str]:
    """Return the text of every generated file by its path inside `book/`."""
    return {
        "_assets/palette.css": palette.css(),
        "_assets/interactive/bptt.svg": bptt.way_back(*walked_back()),
        "_assets/interactive/neuron.svg": vector.neuron(*impulse_answers()),
        "_assets/interactive/unroll.svg": unfolding.chain(*unrolled_impulse()),
        "matplotlibrc": style.matplotlibrc(),
    }


def main(book: Path) -> None:
    """Write every generated file under `book`."""
    for path, text in generated().items():
        (book / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "book"))
