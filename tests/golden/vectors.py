"""Reading the golden vectors. NumPy alone, so that another project can copy this file beside the .npz files."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("*.npz"))
NOT_ARGUMENTS = ("name", "layer", "horizon")


@dataclass(frozen=True)
class Vector:
    """One file: what the layer is, what goes in, what comes out, and the gradients of sum(y dy) + sum(final dfinal)."""

    about: dict
    arrays: dict[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.arrays[name]

    def get(self, name: str):
        return self.arrays.get(name)

    def group(self, prefix: str) -> dict[str, np.ndarray]:
        """All arrays whose name begins with `prefix` and a dot, by the rest of the name, in the file's order."""
        return {k.removeprefix(f"{prefix}."): v for k, v in self.arrays.items() if k.startswith(f"{prefix}.")}

    @property
    def arguments(self) -> dict:
        """What the constructor of the layer takes."""
        return {k: v for k, v in self.about.items() if k not in NOT_ARGUMENTS}


def load(name: str) -> Vector:
    """The vector of that name, `"lstm-stack"` say."""
    with np.load(HERE / f"{name}.npz", allow_pickle=False) as file:
        arrays = {key: file[key] for key in file.files}
    return Vector(json.loads(str(arrays.pop("about"))), arrays)
