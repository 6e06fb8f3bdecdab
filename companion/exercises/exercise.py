"""What an exercise is, and where the exercises of a chapter are found.

How to write one
----------------
The exercises of the page `book/recurrent-neuron.ipynb` stand in `companion/exercises/recurrent_neuron.py`, which holds
a tuple `EXERCISES`. An exercise is made of functions of that module, so that the page can show the solution out of
the package (`literalinclude` with `:pyobject:`)::

    def leaky_average(x, w):
        h, y = 0.0, []
        for x_t in x:
            h = w * h + (1 - w) * x_t
            y.append(h)
        return np.array(y)

    def _no_input_scaling(x, w): ...       # what a learner may write by mistake

    EXERCISES = (
        Exercise(
            name="recurrent-neuron/1",
            title="A leaky average",
            solution=leaky_average,
            cases=(case(np.ones(5), 0.5), case(np.array([1.0, -2.0, 3.0]), 0.9)),
            mistakes=(Mistake(_no_input_scaling, "The input is to be scaled by 1 - w, so that ..."),),
            hint="Start with the state 0 and write one line for one step.",
        ),
    )

- The first case should be small enough to work out with a pencil; later ones should tell the listed mistakes apart.
- The expected outcome of a case is what the solution gives, so nothing is typed twice.
- An answer that is a value (numbers, a tuple of weights, a string) has `kind="value"`; `solution` is then a function
  without arguments that returns it.
- Where many answers are right, such as weights that must behave in a certain way, give `observe`: a function
  `observe(answer, *case arguments)` whose outcome is compared instead of the answer. With `kind="function"` the
  answer is the learner's function, with `kind="value"` the learner's value. An observed value must have the form of
  the solution's: the same type and shape.
- `Mistake.wrong` is of the same sort as the solution: a wrong function, or a wrong value (or a function without
  arguments that gives it). The checker runs it on the case that failed; if the outcomes agree, its hint is shown.
- An answer must not change its arguments, return another type, shape or dtype, or take longer than `seconds` for one
  case. The checker says so without any help from the exercise.

`tests/exercises` runs every registered exercise: the solution passes, each mistake fails with its own hint, the empty
stub is met politely.
"""

from __future__ import annotations

import difflib
import importlib.util
import pkgutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import companion.exercises

__all__ = ["Case", "Exercise", "Mistake", "UnknownExercise", "all_exercises", "case", "find"]

ENGINE = frozenset({"checker", "compare", "exercise", "limit"})


@dataclass(frozen=True, eq=False)
class Case:
    """Arguments for one call of the answer. Write `case(1.0, w=0.5)`."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


def case(*args: Any, **kwargs: Any) -> Case:
    """Return the `Case` that calls the answer with these arguments."""
    return Case(args, kwargs)


@dataclass(frozen=True, eq=False)
class Mistake:
    """A wrong answer that learners give, and the hint that helps those who gave it."""

    wrong: Any
    hint: str


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise with its cases, its solution and what goes wrong. The module's docstring says how to write one.

    Attributes:
        name: chapter and number, such as "recurrent-neuron/1".
        title: a few words.
        solution: the right function, or a function without arguments that returns the right value.
        cases: what the answer is tried with, the simplest first.
        mistakes: wrong answers with their hints, the more special first.
        hint: what to say to a mistake that is not listed.
        kind: whether the answer is a function or a value.
        observe: what to compare instead of the outcome itself, called with the answer and the arguments of the case.
        rtol, atol: tolerances of numbers, as in `numpy.isclose`.
        seconds: the time limit of one case.
    """

    name: str
    title: str
    solution: Callable[..., Any]
    cases: Sequence[Case] = (Case(),)
    mistakes: Sequence[Mistake] = ()
    hint: str = ""
    kind: Literal["function", "value"] = "function"
    observe: Callable[..., Any] | None = None
    rtol: float = 1e-9
    atol: float = 1e-12
    seconds: float = 5.0


class UnknownExercise(LookupError):
    """Raised for a name that no exercise has; the message lists close ones."""


def all_exercises() -> dict[str, Exercise]:
    """Return every exercise of every chapter by name."""
    chapters = [module.name for module in pkgutil.iter_modules(companion.exercises.__path__)]
    found = [exercise for chapter in chapters for exercise in _of_chapter(chapter)]
    return {exercise.name: exercise for exercise in found}


def find(name: str) -> Exercise:
    """Return the exercise called `name`. Raises `UnknownExercise`, with close matches, where there is none."""
    if not isinstance(name, str):
        raise TypeError(f'name: expected a string such as "recurrent-neuron/1", got {type(name).__name__}')
    chapter = name.partition("/")[0].replace("-", "_")
    for exercise in _of_chapter(chapter):
        if exercise.name == name:
            return exercise
    known = all_exercises()
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or sorted(known)[:6]
    ask = f" Did you mean {' or '.join(repr(other) for other in close)}?" if close else ""
    raise UnknownExercise(f"there is no exercise {name!r}.{ask}")


def _of_chapter(chapter: str) -> tuple[Exercise, ...]:
    """Import a chapter's module only when it is asked for; a chapter without one has no exercises."""
    if chapter in ENGINE or not chapter.isidentifier():
        return ()
    module_name = f"{companion.exercises.__name__}.{chapter}"
    if importlib.util.find_spec(module_name) is None:
        return ()
    return tuple(getattr(importlib.import_module(module_name), "EXERCISES", ()))
