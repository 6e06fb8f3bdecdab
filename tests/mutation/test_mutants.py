"""The tests notice mistakes: a few mutants here, all of them by `python -m tests.mutation`."""

import tempfile
from pathlib import Path

import pytest

from tests.mutation.mutants import BY_HAND, WHERE_TESTED, Mutant, by_hand, generated, place
from tests.mutation.run import copy_project, run_tests, survivors

A_FEW = [
    by_hand("cells/lstm.py", "dc = dc + dh * o", "dc = dh * o"),
    by_hand("cells/peephole.py", "o = sigmoid(a_o + w.p_o * c)", "o = sigmoid(a_o + w.p_o * state[1])"),
    by_hand("cells/gru.py", "v = u_n + w.b_v", "v = u_n"),
    by_hand("cells/rnn.py", "dh = w.U.mT @ da", "dh = w.U @ da"),
    by_hand("unroll.py", "dstate[0] + dy_t", "dy_t"),
    by_hand("horizon.py", "range(horizon)", "range(horizon + 1)"),
    by_hand("checks.py", "array.min() < 0 or", ""),
    by_hand("tasks/timing.py", "y[self.period - 1 :: self.period] = 1", "y[self.period :: self.period] = 1"),
    by_hand("experiments/race.py", "np.minimum(1, largest /", "(largest /"),
    generated()[0],
]


def test_there_are_more_than_forty_and_no_two_are_the_same():
    mutants = BY_HAND + generated()
    assert len(BY_HAND) >= 40
    assert len(mutants) >= 120
    assert all(mutant.old != mutant.new for mutant in mutants)
    assert len(set(mutants)) >= len(mutants) - 5
    assert {mutant.file for mutant in mutants} == set(WHERE_TESTED)


@pytest.mark.parametrize("file", ["cells/rnn.py", "training/batches.py", "tasks/timing.py", "experiments/race.py"])
def test_a_copy_without_a_mistake_passes(file):
    part = place(file).parts[1]
    with tempfile.TemporaryDirectory() as name:
        copy_project(Path(name), part)
        result = run_tests(Path(name), WHERE_TESTED[file], part)
    assert result.returncode == 0, result.stdout


def test_a_few_mistakes_are_noticed():
    assert survivors(A_FEW, jobs=2) == []


def test_a_mistake_that_changes_nothing_is_not_noticed():
    line = next(k for k, text in enumerate(by_hand_source(), 1) if text.startswith("def split"))
    text = by_hand_source()[line - 1]
    assert survivors([Mutant("activations.py", line, text, text + "  # nothing")], jobs=1)


def by_hand_source():
    from tests.mutation.mutants import source

    return source("activations.py")


def test_a_mutant_that_no_longer_fits_the_code_says_so():
    with pytest.raises(LookupError, match="needs to follow the code"):
        by_hand("cells/lstm.py", "no such line", "")
