"""`python -m tests.mutation`: make every mistake once, and say which ones the tests did not notice."""

import argparse
import sys

from tests.mutation.mutants import BY_HAND, generated
from tests.mutation.run import survivors

parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
parser.add_argument("--every", type=int, default=1, help="take every n-th mutant only")
parser.add_argument("--jobs", type=int, default=2, help="mutants tried at the same time")
options = parser.parse_args()

mutants = (BY_HAND + generated())[:: options.every]
print(f"{len(mutants)} mutants, {options.jobs} at a time")
alive = survivors(mutants, options.jobs, say=print)
print(f"{len(mutants) - len(alive)} of {len(mutants)} killed")
for mutant in alive:
    print(f"SURVIVED {mutant}")
sys.exit(bool(alive))
