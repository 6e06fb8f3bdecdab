"""What every exercise of the book promises, whatever chapter it is from."""

import inspect
import time

import pytest

from companion.exercises import all_exercises, check
from companion.exercises.exercise import ENGINE

EXERCISES = all_exercises()
MISTAKES = [
    pytest.param(name, mistake, id=f"{name}-{number}")
    for name, exercise in EXERCISES.items()
    for number, mistake in enumerate(exercise.mistakes, start=1)
]


def endless(*args, **kwargs):
    while True:
        pass


def raising(*args, **kwargs):
    raise RuntimeError("this is not it")


def misled(*args, **kwargs):
    return "a string that no exercise asks for"


def stub(*args, **kwargs): ...


def test_there_are_exercises():
    assert len(EXERCISES) >= 4


@pytest.mark.parametrize("name", EXERCISES)
def test_its_solution_passes(name):
    exercise = EXERCISES[name]
    answer = exercise.solution() if exercise.kind == "value" else exercise.solution
    result = check(name, answer)
    assert result.ok, result
    assert result.hint == ""


@pytest.mark.parametrize("name", EXERCISES)
def test_its_solution_is_quick_enough_for_a_slow_machine(name):
    start = time.perf_counter()
    check(name, EXERCISES[name].solution)
    assert time.perf_counter() - start < EXERCISES[name].seconds / 4


@pytest.mark.parametrize(("name", "mistake"), MISTAKES)
def test_a_listed_mistake_fails_with_its_own_hint(name, mistake):
    result = check(name, mistake.wrong)
    assert not result.ok
    assert result.mistake is mistake
    assert result.hint == mistake.hint


@pytest.mark.parametrize("name", EXERCISES)
def test_its_hints_differ_and_say_something(name):
    exercise = EXERCISES[name]
    hints = [exercise.hint, *(mistake.hint for mistake in exercise.mistakes)]
    assert all(len(hint) > 20 for hint in hints)
    assert len(set(hints)) == len(hints)
    assert exercise.mistakes
    assert not any("!" in hint for hint in hints)


@pytest.mark.parametrize("name", EXERCISES)
@pytest.mark.parametrize("answer", [None, ..., stub])
def test_the_empty_stub_is_met_politely(name, answer):
    result = check(name, answer)
    assert result.kind == "empty"
    assert "nothing to check yet" in str(result)
    assert f'hint("{name}")' in str(result)
    assert EXERCISES[name].hint not in repr(result)  # who has not begun is not helped unasked


@pytest.mark.parametrize("name", EXERCISES)
def test_an_answer_that_raises_is_told_what_and_where(name):
    result = check(name, raising)
    line = inspect.getsourcelines(raising)[1] + 1
    assert result.kind == "error"
    assert "RuntimeError: this is not it" in str(result)
    assert f"in line {line}: raise RuntimeError" in str(result)


@pytest.mark.parametrize("name", EXERCISES)
def test_an_answer_of_the_wrong_type_is_told_so(name):
    result = check(name, misled)
    assert result.kind in ("type", "error")
    assert not result.ok


@pytest.mark.parametrize("name", EXERCISES)
def test_an_answer_that_never_ends_is_stopped(name):
    start = time.perf_counter()
    result = check(name, endless, seconds=0.1)
    assert time.perf_counter() - start < 5
    assert result.kind == "time"
    assert "had not ended after 0.1 s" in str(result)


def test_every_module_beside_the_engine_is_a_chapter():
    chapters = {name.partition("/")[0].replace("-", "_") for name in EXERCISES}
    assert not chapters & ENGINE
