"""``python -m benchmarks NAME …`` runs one benchmark; every module named here has a ``main(arguments)``."""

import importlib
import sys

BENCHMARKS = {
    "gpu": "recurrent layers on an NVIDIA GPU, beside torch.nn, the eager loop and FlashRNN",
}


def main(arguments: list[str]) -> int:
    """Run the benchmark that the first argument names; without one, say which there are."""
    if not arguments or arguments[0] not in BENCHMARKS:
        for name, about in BENCHMARKS.items():
            print(f"python -m benchmarks {name:<6} {about}")
        return 0 if not arguments else 2
    return importlib.import_module(f"benchmarks.{arguments[0]}").main(arguments[1:]) or 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
