"""Exercises that check themselves: `check("recurrent-neuron/1", my_function)` says right, or what is wrong and why.

The pages use `check`, `hint` and `solution`. Each chapter has a module here, named as its page with underscores, that
holds its exercises in `EXERCISES`; `companion.exercises.exercise` says how one is written.
"""

from companion.exercises.checker import Result, check, hint, solution
from companion.exercises.exercise import Case, Exercise, Mistake, UnknownExercise, all_exercises, case, find

__all__ = [
    "Case",
    "Exercise",
    "Mistake",
    "Result",
    "UnknownExercise",
    "all_exercises",
    "case",
    "check",
    "find",
    "hint",
    "solution",
]
