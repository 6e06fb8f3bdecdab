"""``python -m benchmarks NAME …`` runs one benchmark; every module named here has a ``main(arguments)``.

Without a name: those that need nothing but a CPU. Two threads unless OMP_NUM_THREADS says otherwise, as on the
machines that check this project; the number must stand before NumPy is imported.
"""

import importlib
import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "2")

BENCHMARKS = {
    "cpu": "the next two",
    "reference": "companion.reference on the CPU, beside the matrix products alone and torch.nn",
    "nn": "companion.nn on the CPU, beside torch.nn",
    "gpu": "recurrent layers on an NVIDIA GPU, beside torch.nn, the eager loop and FlashRNN",
}


def main(arguments: list[str]) -> int:
    """Run the benchmark that the first argument names; without one, say which there are and run the first."""
    if not arguments or arguments[0] not in BENCHMARKS:
        for name, about in BENCHMARKS.items():
            print(f"python -m benchmarks {name:<9} {about}")
        if arguments:
            return 2
        arguments = ["cpu"]
    return importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:]) or 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
