"""Record which releases of TensorFlow offer the cells of the sources: `python record_names.py WHEELS OUT.json`.

WHEELS is a folder with the wheels to look into, such as `pip download --no-deps keras==2.8.0` puts there. Nothing is
installed or run: the modules behind `tf.keras.layers` and `tf.keras.experimental` are read inside the wheel.

Up to 2.5 these modules are part of TensorFlow's own wheel. From 2.6 to 2.15, `tf.keras` is the package `keras` of the
same number; from 2.16 on it is Keras 3.
"""

import json
import re
import sys
import zipfile
from pathlib import Path

NAMES = ("tf.keras.layers.LSTM", "tf.keras.experimental.PeepholeLSTMCell")
HOMES = (
    "tensorflow_core/python/keras/api/_v2/keras",  # 2.0 and 2.1
    "tensorflow/python/keras/api/_v2/keras",
    "tensorflow/keras",
    "keras/api/_v2/keras",  # 2.6 to 2.15
    "keras/_tf_keras/keras",  # Keras 3
)


def release_of(wheel: Path) -> str:
    """The release that a wheel belongs to: "2.8", or "Keras 3.0"."""
    package, version = wheel.name.split("-")[:2]
    number = ".".join(version.split(".")[:2])
    return f"Keras {number}" if package == "keras" and number.startswith("3.") else number


def offered(wheel: Path) -> dict[str, bool]:
    """Whether each of `NAMES` is imported by the public module that it names."""
    with zipfile.ZipFile(wheel) as archive:
        files = set(archive.namelist())
        home = next(home for home in HOMES if f"{home}/layers/__init__.py" in files)
        found = {}
        for name in NAMES:
            _, _, module, cell = name.split(".")
            path = f"{home}/{module}/__init__.py"
            text = archive.read(path).decode() if path in files else ""
            found[name] = re.search(rf"\bimport (\w+ as )?{cell}\b", text) is not None
    return found


def order(wheel: Path) -> tuple[int, ...]:
    return tuple(map(int, wheel.name.split("-")[1].split(".")))


def main(folder, path):
    wheels = sorted(Path(folder).glob("*.whl"), key=order)
    releases = [{"release": release_of(wheel), "wheel": wheel.name, "offers": offered(wheel)} for wheel in wheels]
    Path(path).write_text(json.dumps(releases, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
