"""Write the files of `book/` that are made from this package: `python -m companion.figures [book]`."""

import sys
from pathlib import Path

import numpy as np

from companion.figures import (
    bptt,
    gru_diagrams,
    long_term_dependencies,
    lstm,
    lstm_diagrams,
    overview_diagrams,
    palette,
    peephole,
    recurrent_neuron,
    style,
    unfolding,
    vanishing_exploding,
)
from companion.reference import LSTM, RNN
from companion.reference.jacobians import ACTIVATIONS, slope, spectral_radius


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


def stored_and_shown(T: int = 16, store: int = 2, show: int = 12) -> dict[str, np.ndarray]:
    """Return what the interactive cell shows at first: g, the gates, c, h, and what is left of a change of c, (T,).

    The cell's pre-activations are its inputs: four of them, one for each block, and nothing comes back from h.
    """
    heard = [0.3, -0.8, 1.5, -0.4, 0.9, -1.2, 0.2, -0.6, 1.1, -1.5, 0.5, -0.3, 0.8, -1.0, 0.4, -0.7]
    a = np.full((T, 4), -6.0)
    a[:, 2], a[:, 1], a[store, 0], a[show, 3] = heard[:T], 6.0, 6.0, 6.0
    cell = LSTM(4, 1, bias=False)
    cell.load_state_dict({"weight_ih_l0": np.eye(4), "weight_hh_l0": np.zeros((4, 1))})
    tape = cell.unroll(a)
    found = {name: tape[name][:, 0] for name in ("g", "i", "f", "o", "c", "h")}
    return found | {"left": np.append(np.cumprod(found["f"][:0:-1])[::-1], 1.0)}


def gradient_data(H: int = 6, T: int = 60) -> dict:
    """Return what the gradient explorer starts from: an input (T, H), and three matrices of spectral radius 1.

    All numbers are rounded, as they stand in the script; eigenvalues and largest singular values are those of the
    rounded matrices. The third matrix is far from normal: a chain in which each unit hears the next one loudly.
    """
    rng = np.random.default_rng(0)
    gaussian = rng.standard_normal((H, H))
    orthogonal = np.linalg.qr(rng.standard_normal((H, H)))[0]
    shear = np.diag(np.linspace(1.0, 0.5, H)) + np.diag(np.full(H - 1, 1.5), 1)
    named = {"Gaussian": gaussian / spectral_radius(gaussian), "Orthogonal": orthogonal, "Not normal": shear}
    matrices = {}
    for name, U in named.items():
        rounded = np.round(U, 4)
        values = np.linalg.eigvals(rounded)
        matrices[name] = {
            "U": rounded.tolist(),
            "eigenvalues": [[round(float(v.real), 9), round(float(v.imag), 9)] for v in values],
            "sigma": round(float(np.linalg.norm(rounded, 2)), 9),
        }
    return {"x": np.round(0.5 * rng.standard_normal((T, H)), 2).tolist(), "matrices": matrices}


def gradient_walks(
    gains: tuple[float, ...] = (0.5, 1.0, 1.5), T: int = 40, kind: str = "tanh"
) -> dict[float, np.ndarray]:
    """Return the norms (T + 1,) of a unit gradient after 0 to T steps back, Gaussian matrix, for each gain."""
    data, found = gradient_data(), {}
    U, x = np.array(data["matrices"]["Gaussian"]["U"]), np.array(data["x"])[:T]
    for gain in gains:
        h, dh = np.zeros(len(U)), np.full(len(U), len(U) ** -0.5)
        states = [h := ACTIVATIONS[kind](gain * U @ h + x_t) for x_t in x]
        walk = [dh] + [dh := gain * U.T @ (slope(ACTIVATIONS[kind], y) * dh) for y in reversed(states)]
        found[gain] = np.linalg.norm(walk, axis=1)
    return found


def generated() -> dict[str, str]:
    """Return the text of every generated file by its path inside `book/`."""
    return {
        "_assets/palette.css": palette.css(),
        "_assets/diagrams/by-hand.svg": long_term_dependencies.diagram(),
        "_assets/diagrams/growth.svg": overview_diagrams.growth(),
        "_assets/diagrams/gru-after.svg": gru_diagrams.cell("after"),
        "_assets/diagrams/gru-before.svg": gru_diagrams.cell("before"),
        "_assets/diagrams/lstm-carousel.svg": lstm_diagrams.cell("carousel"),
        "_assets/diagrams/lstm-1997.svg": lstm_diagrams.cell("1997"),
        "_assets/diagrams/lstm-forget.svg": lstm_diagrams.cell("forget"),
        "_assets/diagrams/peephole.svg": peephole.diagram(),
        "_assets/diagrams/shapes.svg": overview_diagrams.shapes(),
        "_assets/diagrams/sights.svg": overview_diagrams.sights(),
        "_assets/interactive/bptt.svg": bptt.way_back(*walked_back()),
        "_assets/interactive/cell.svg": lstm.still(stored_and_shown()),
        "_assets/interactive/gradient.svg": vanishing_exploding.still(gradient_walks(), gradient_data()),
        "_assets/interactive/neuron.svg": recurrent_neuron.still(*impulse_answers()),
        "_assets/interactive/unroll.svg": unfolding.chain(*unrolled_impulse()),
        "matplotlibrc": style.matplotlibrc(),
    }


def main(book: Path) -> None:
    """Write every generated file under `book`."""
    for path, text in generated().items():
        (book / path).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "book"))
