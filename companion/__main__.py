"""The command line: `python -m companion experiment NAME`, and `python -m companion claims`.

companion experiment --list             the experiments there are
companion experiment sunspots           run one with its own number of seeds
companion experiment sunspots --seeds 3 --folder try
companion experiment sunspots --cluster tcp://10.0.0.1:8786      on the workers of a Dask cluster
companion claims                        every claim with its verdict
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence

import companion


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0, or 2 with a sentence on standard error."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except (LookupError, ValueError, OSError) as error:
        print(f"companion: {error.args[0] if isinstance(error, LookupError) else error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="companion", description=companion.__doc__.splitlines()[0])
    parser.add_argument("--version", action="version", version=f"companion {companion.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    experiment = commands.add_parser("experiment", help="measure what the book claims, and save the evidence")
    experiment.add_argument("name", nargs="?", help="the experiment; see --list")
    experiment.add_argument("--list", action="store_true", help="list the experiments")
    experiment.add_argument("--seeds", type=int, help="how many seeds, from 0 on")
    experiment.add_argument("--jobs", type=int, default=1, help="how many processes; -1: one a core")
    experiment.add_argument("--cluster", metavar="ADDRESS", help="run on the workers of this Dask scheduler instead")
    experiment.add_argument("--folder", help="where the evidence goes, instead of book/evidence")
    experiment.set_defaults(command=_experiment)
    claims = commands.add_parser("claims", help="print every claim with its verdict")
    claims.add_argument("--folder", help="where the evidence lies, instead of book/evidence")
    claims.set_defaults(command=_claims)
    return parser


def _experiment(options: argparse.Namespace) -> int:
    from companion.experiments.experiment import EXPERIMENTS, find, run

    if options.list or options.name is None:
        width = max(map(len, EXPERIMENTS)) + 2
        for name in EXPERIMENTS:
            entry = find(name)
            seeds = "no chance" if entry.seeds is None else f"{entry.seeds} seeds"
            print(f"{name:<{width}}{seeds:<12}{', '.join(entry.claims) or '-':<8}{entry.title}")
        return 0
    evidence = run(
        find(options.name), seeds=options.seeds, folder=options.folder, jobs=options.jobs, cluster=options.cluster
    )
    count = "" if evidence.seeds is None else f"{len(evidence.seeds)} seeds, "
    print(f"{evidence.experiment}: {count}{len(evidence.results)} results, {evidence.seconds:.1f} s")
    return 0


def _claims(options: argparse.Namespace) -> int:
    from companion.experiments.claims import CLAIMS, verdicts

    for name, verdict in verdicts(options.folder).items():
        print(f"{name}  {verdict.label or 'not yet measured':<24}{textwrap.shorten(CLAIMS[name].statement, 84)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
