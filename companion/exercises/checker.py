"""The checker behind the exercises: it runs an answer on the cases of an exercise and says what came of it.

A wrong answer is told which case failed, with what it was called, what was expected and what came, and gets a hint.
The hint fits the mistake: every exercise lists wrong answers that learners give, and the checker runs those on the
case that failed. Where one of them makes of it what the learner's answer made, its hint is shown.
"""

from __future__ import annotations

import copy
import inspect
import linecache
import textwrap
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from companion.exercises.compare import Difference, describe, difference, show
from companion.exercises.exercise import Case, Exercise, Mistake, find
from companion.exercises.limit import TimeIsUp, call_within

__all__ = ["Result", "check", "hint", "solution"]

HERE = Path(__file__).parent
NOTHING = (None, Ellipsis, NotImplemented)
DATA = (np.ndarray, list, dict)  # what a call can change; a random generator or a layer is meant to be used


@dataclass(frozen=True)
class Result:
    """What the checker found. It prints itself as a few lines of text and is true when the answer is right.

    Attributes:
        name: the exercise.
        kind: "right", or what is wrong: "value", "shape", "dtype", "type", "empty", "error", "time", "changed".
        text: the finding in a few lines, without the hint.
        hint: the hint that fits, or "".
        case: number of the case that failed, from 1; None where no case was run or none failed.
        mistake: the listed mistake that was recognised, or None.
    """

    name: str
    kind: str
    text: str
    hint: str = ""
    case: int | None = None
    mistake: Mistake | None = None

    @property
    def ok(self) -> bool:
        """Whether the answer is right."""
        return self.kind == "right"

    def __bool__(self) -> bool:
        return self.ok

    def __repr__(self) -> str:
        return f"{self.name}: {self.text}" + (f"\nhint: {self.hint}" if self.hint else "")


class Text(str):
    """A string that a notebook shows as it is printed, without quotes."""

    def __repr__(self) -> str:
        return str(self)


@dataclass(frozen=True)
class Outcome:
    """What a call came to: `kind` is "value", "form", "error" or "time"; `value` what was returned or raised.

    A "form" is a value that cannot be observed, because its type or shape is not that of the solution.
    """

    kind: str
    value: Any = None
    changed: tuple[str, ...] = ()


def check(name: str, answer: Any, seconds: float | None = None) -> Result:
    """Check an answer to the exercise `name` and return a `Result`, which a notebook shows as text.

    Args:
        name: such as "recurrent-neuron/1". `UnknownExercise` names close ones where there is none of that name.
        answer: the function or the value that the exercise asks for.
        seconds: the time limit of one case, instead of the exercise's own.
    """
    exercise = find(name)
    if seconds is not None:
        exercise = replace(exercise, seconds=seconds)
    if any(answer is nothing for nothing in NOTHING):
        return Result(name, "empty", f"nothing to check yet. Replace the dots by your answer.{_offer(exercise)}")
    if exercise.kind == "function" and not callable(answer):
        text = f"not yet. A function is expected, got {describe(answer)}: pass the function itself, without calling it."
        return Result(name, "type", text)
    return _on_cases(exercise, answer)


def _offer(exercise: Exercise) -> str:
    """Where a first hint is found: shown unasked, it would spoil the exercise for who has not begun."""
    return f' Stuck? hint("{exercise.name}") helps.' if exercise.hint else ""


def hint(name: str) -> Text:
    """Return the general hint of an exercise."""
    return Text(find(name).hint or "There is no hint for this one: work the first case with a pencil.")


def solution(name: str) -> Text:
    """Return the source of an exercise's solution."""
    return Text(textwrap.dedent(inspect.getsource(find(name).solution)).rstrip())


# ---- running the cases ---------------------------------------------------------------------------------------------


def _on_cases(exercise: Exercise, answer: Any) -> Result:
    for number, case in enumerate(exercise.cases, start=1):
        expected = _outcome(exercise, exercise.solution, case).value
        if (result := _misfit(exercise, answer, case)) is not None:
            return replace(result, case=number)
        got = _outcome(exercise, answer, case)
        if found := _problem(exercise, got, expected):
            return _explain(exercise, answer, number, case, got, expected, found)
    count = len(exercise.cases)
    return Result(exercise.name, "right", "right." if count == 1 else f"right, in all {count} cases.")


def _outcome(exercise: Exercise, answer: Any, case: Case) -> Outcome:
    """Run an answer on fresh copies of the arguments, so that it can spoil only its own."""
    args, kwargs = copy.deepcopy((case.args, dict(case.kwargs)))
    try:
        kind, value = call_within(exercise.seconds, lambda: _apply(exercise, answer, args, kwargs))
    except TimeIsUp:
        return Outcome("time")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return Outcome("error", error)
    return Outcome(kind, value, tuple(_changed(exercise, case, args, kwargs)))


def _apply(exercise: Exercise, answer: Any, args: tuple, kwargs: dict) -> tuple[str, Any]:
    if exercise.kind == "function":
        return "value", exercise.observe(answer, *args, **kwargs) if exercise.observe else answer(*args, **kwargs)
    value = answer() if callable(answer) else answer
    if exercise.observe is None:
        return "value", value
    if difference(value, exercise.solution(), form_only=True):
        return "form", value
    return "value", exercise.observe(value, *args, **kwargs)


def _changed(exercise: Exercise, case: Case, args: tuple, kwargs: dict) -> Iterator[str]:
    """Name the arguments that are no longer what they were."""
    before = [*case.args, *case.kwargs.values()]
    after = [*args, *kwargs.values()]
    for name, old, new in zip(_argument_names(exercise, case), before, after, strict=True):
        if isinstance(old, DATA) and difference(new, old, rtol=0, atol=0):
            yield name


def _argument_names(exercise: Exercise, case: Case) -> list[str]:
    names = list(inspect.signature(exercise.observe or exercise.solution).parameters)
    if exercise.observe:
        names = names[1:]  # the first is the answer
    names += [f"argument {i + 1}" for i in range(len(names), len(case.args))]
    return [*names[: len(case.args)], *case.kwargs]


# ---- what is wrong, and the words for it ---------------------------------------------------------------------------


def _problem(exercise: Exercise, got: Outcome, expected: Any) -> Difference | None:
    if got.kind == "error" and isinstance(got.value, NotImplementedError):
        return Difference("empty", "")
    if got.kind in ("error", "time"):
        return Difference(got.kind, "")
    if got.value is None or got.value is Ellipsis:
        return Difference("empty", "")
    if got.kind == "form":
        return difference(got.value, exercise.solution(), form_only=True)
    if found := difference(got.value, expected, exercise.rtol, exercise.atol):
        return found
    if got.changed:
        return Difference("changed", "")
    return None


def _misfit(exercise: Exercise, answer: Any, case: Case) -> Result | None:
    """Say so where a function cannot be called with the arguments of the case."""
    if exercise.kind == "value" or exercise.observe:
        return None
    try:
        signature = inspect.signature(answer)
    except (ValueError, TypeError):
        return None
    try:
        signature.bind(*case.args, **case.kwargs)
    except TypeError as error:
        wanted = ", ".join(_argument_names(exercise, case))
        text = f"not yet. Your function takes {signature} and is called with ({wanted}): {error}."
        return Result(exercise.name, "type", text)
    return None


def _explain(
    exercise: Exercise, answer: Any, number: int, case: Case, got: Outcome, expected: Any, found: Difference
) -> Result:
    if found.kind == "empty":
        empty = "Your function returned nothing: write its lines, and end with return."
        text = f"nothing to check yet. {empty}{_offer(exercise)}"
        return Result(exercise.name, "empty", text, case=number)
    mistake = _recognise(exercise, number, case, answer, got)
    lines = [_headline(exercise, number, got, found, answer), *_details(exercise, case, got, expected, found)]
    text = "\n".join(lines)
    return Result(exercise.name, found.kind, text, mistake.hint if mistake else exercise.hint, number, mistake)


def _headline(exercise: Exercise, number: int, got: Outcome, found: Difference, answer: Any) -> str:
    where = "not yet. " if len(exercise.cases) == 1 else f"not yet, in case {number} of {len(exercise.cases)}. "
    yours = "Your function" if callable(answer) else "Your answer"
    match found.kind:
        case "error":
            raised = f"{type(got.value).__name__}: {got.value}".rstrip(": ")
            return f"{where}{yours} raised {raised}{_place(got.value, answer)}"
        case "time":
            limit = f"{exercise.seconds:g} s"
            return f"{where}{yours} had not ended after {limit} and was stopped: is there a loop without end?"
        case "changed":
            return f"{where}The result is right, but {' and '.join(got.changed)} was changed: work on a copy."
    return f"{where}The {found.kind} is wrong{_tail(found.text)}."


def _tail(text: str) -> str:
    return f": {text}" if text else ""


def _details(exercise: Exercise, case: Case, got: Outcome, expected: Any, found: Difference) -> list[str]:
    if exercise.kind == "value" and (exercise.observe is None or got.kind == "form"):
        return _labelled("got", show(got.value))  # what is expected would be the solution
    values = [*case.args, *case.kwargs.values()]
    given = [f"{name} = {show(value)}" for name, value in zip(_argument_names(exercise, case), values, strict=True)]
    lines = _labelled("with", "\n".join(given)) if given else []
    if found.kind in ("error", "time", "changed"):
        return lines
    return [*lines, *_labelled("expected", show(expected)), *_labelled("got", show(got.value))]


def _labelled(label: str, text: str) -> list[str]:
    """Put a label before a text of one or more lines, in a column."""
    first, *rest = text.splitlines()
    return [f"  {label:<10}{first}", *(f"  {'':<10}{line}" for line in rest)]


def _place(error: BaseException, answer: Any) -> str:
    """Say in which line of the learner's own code an exception began."""
    frames = traceback.extract_tb(error.__traceback__)
    home = _file_of(answer)
    own = [frame for frame in frames if frame.filename == home]
    own = own or [frame for frame in frames if Path(frame.filename).parent != HERE]
    if not own:
        return "."
    frame = own[-1]
    line = (frame.line or linecache.getline(frame.filename, frame.lineno or 0)).strip()
    return f", in line {frame.lineno}" + (f": {line}" if line else ".")


def _file_of(answer: Any) -> str | None:
    function = inspect.unwrap(getattr(answer, "func", answer))
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return code.co_filename if code else None


# ---- recognising a mistake -----------------------------------------------------------------------------------------


def _recognise(exercise: Exercise, number: int, case: Case, answer: Any, got: Outcome) -> Mistake | None:
    """Return the listed mistake that makes of this case what the answer made of it.

    Where several do, the other cases decide, as far as they can.
    """
    if got.kind == "time":
        return None
    alike = [entry for entry in exercise.mistakes if _same(exercise, _outcome(exercise, entry.wrong, case), got)]
    others = [other for i, other in enumerate(exercise.cases, start=1) if i != number] if len(alike) > 1 else []
    for other in others:
        theirs = _outcome(exercise, answer, other)
        alike = [entry for entry in alike if _same(exercise, _outcome(exercise, entry.wrong, other), theirs)] or alike
    return alike[0] if alike else None


def _same(exercise: Exercise, one: Outcome, other: Outcome) -> bool:
    if one.kind != other.kind:
        return False
    if one.kind == "value":
        return difference(one.value, other.value, exercise.rtol, exercise.atol) is None
    return type(one.value) is type(other.value)
