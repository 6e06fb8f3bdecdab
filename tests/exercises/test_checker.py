"""The checker itself, on exercises made for the purpose (`chapters/toy.py`)."""

import signal
import threading
import time

import numpy as np
import pytest

from companion.exercises import Result, UnknownExercise, check, find, hint, solution
from companion.exercises.checker import Text
from companion.exercises.compare import difference, show
from companion.exercises.limit import TimeIsUp, call_within

pytestmark = pytest.mark.usefixtures("toys")
needs_a_timer = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="Windows has no timer signal")


def leaky(x, w):
    return find("toy/1").solution(x, w)


# ---- verdicts ------------------------------------------------------------------------------------------------------


def test_a_right_function_is_right():
    result = check("toy/1", leaky)
    assert result
    assert repr(result) == "toy/1: right, in all 3 cases."
    assert (result.kind, result.case, result.hint) == ("right", None, "")


def test_one_case_alone_is_not_counted():
    assert repr(check("toy/3", 0.25)) == "toy/3: right."


@pytest.mark.parametrize("number", range(8))
def test_each_mistake_is_recognised(number):
    mistake = find("toy/1").mistakes[number]
    result = check("toy/1", mistake.wrong)
    assert not result
    assert result.mistake is mistake
    assert repr(result).endswith(f"hint: {mistake.hint}")


def test_a_wrong_value_shows_the_case_what_was_expected_and_what_came():
    text = str(check("toy/1", lambda x, w: leaky(x, w) + np.arange(len(x))))
    assert "in case 1 of 3" in text
    assert "The value is wrong: first wrong at [1], largest error 1 at [1]" in text
    assert "with      x = [1., 1.]\n            w = 0.5\n" in text
    assert "expected  [0.5 , 0.75]\n" in text
    assert "got       [0.5 , 1.75]\n" in text
    assert "hint: Write the line of one step first." in text


def test_a_later_case_is_named_by_its_number():
    assert check("toy/1", lambda x, w: leaky(x, w) if w == 0.5 else leaky(x, 0.5)).case == 2


def test_the_shape_is_looked_at_before_the_value():
    result = check("toy/1", lambda x, w: np.zeros(len(x) + 1))
    assert result.kind == "shape"
    assert "its shape is (3,), expected (2,)" in str(result)


def test_the_dtype_is_looked_at_before_the_value():
    result = check("toy/1", lambda x, w: leaky(x, w).astype(np.float32))
    assert result.kind == "dtype"
    assert "its dtype is float32, expected float64" in str(result)


def test_a_function_called_by_mistake_is_asked_for_unopened():
    result = check("toy/1", np.ones(2))
    assert result.kind == "type"
    assert "A function is expected, got an array of shape (2,)" in str(result)


def test_a_function_with_other_arguments_is_told_which():
    result = check("toy/1", lambda x: x)
    assert result.kind == "type"
    assert "takes (x) and is called with (x, w)" in str(result)


def test_arguments_given_by_name_are_known_by_name():
    result = check("toy/1", lambda x, u: leaky(x, u))
    assert result.case == 2
    assert "called with (x, w)" in str(result)


def test_a_function_without_a_signature_is_called_all_the_same():
    assert check("toy/5", max).kind in ("error", "type", "value")
    assert check("toy/5", dict.fromkeys).kind in ("error", "type", "value")


def test_a_changed_argument_is_noticed_though_the_value_is_right():
    def in_place(x, w):
        y = leaky(x, w)
        x[0] = 7.0
        return y

    result = check("toy/1", in_place)
    assert result.kind == "changed"
    assert "x was changed" in str(result)


def test_a_mistake_is_recognised_though_the_answer_also_changed_its_argument():
    def unscaled_in_place(x, w):
        y = find("toy/1").mistakes[0].wrong(x, w)
        x[:] = y
        return y

    assert check("toy/1", unscaled_in_place).hint == "Scale the input by 1 - w."


def test_where_two_mistakes_give_the_same_the_other_cases_decide():
    first, second = find("toy/7").mistakes
    assert check("toy/7", lambda x: x + 2).mistake is first
    assert check("toy/7", lambda x: x * x).mistake is second
    assert check("toy/7", lambda x: 4.0).mistake is first  # like both in one case, like neither in the other


def test_a_random_generator_is_there_to_be_used():
    assert check("toy/4", lambda rng, n: rng.integers(6, size=n))
    result = check("toy/4", lambda rng, n: rng.integers(5, size=n))
    assert "rng = Generator\n" in str(result)


def test_a_function_that_is_not_written_yet_is_empty():
    def later(x, w):
        raise NotImplementedError

    assert check("toy/1", later).kind == "empty"
    assert check("toy/1", lambda x, w: ...).kind == "empty"
    assert "returned nothing" in str(check("toy/1", lambda x, w: None))


def test_an_exception_is_shown_with_the_learners_own_line():
    def deep(x, w):
        return np.zeros(2) + np.zeros(3)

    result = check("toy/1", deep)
    assert result.kind == "error"
    assert "ValueError: operands could not be broadcast" in str(result)
    assert "return np.zeros(2) + np.zeros(3)" in str(result)


def test_an_exception_without_a_line_of_the_learners_has_none():
    result = check("toy/1", np.dot)
    assert result.kind in ("error", "type", "value", "shape")
    assert ", in line" not in str(check("toy/5", dict.fromkeys))


def test_a_callable_object_is_a_function_too():
    class Leaky:
        def __call__(self, x, w):
            raise IndexError("too far")

    assert "IndexError: too far, in line" in str(check("toy/1", Leaky()))


def test_leaving_python_is_an_exception_like_another():
    def leave(x, w):
        raise SystemExit(3)

    assert "SystemExit: 3" in str(check("toy/1", leave))


def test_the_stop_button_is_not_swallowed():
    def stopped(x, w):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check("toy/1", stopped)


def test_a_generator_is_told_to_return():
    def steps(x, w):
        yield 0.0

    assert "a generator (return, not yield, ends it)" in str(check("toy/1", steps))


# ---- values and observed answers -----------------------------------------------------------------------------------


def test_a_value_is_compared_without_giving_the_solution_away():
    result = check("toy/3", 3.0)
    assert result.kind == "value"
    assert "0.25" not in str(result)
    assert check("toy/3", 0.5).hint == "Square it."
    assert check("toy/3", 2.0).hint == "Invert it."
    assert check("toy/3", lambda: 0.25)
    assert check("toy/3", np.array(0.25))


def test_a_value_may_come_from_a_function_that_returns_nothing():
    assert check("toy/3", lambda: None).kind == "empty"
    assert check("toy/2", lambda: None).kind == "empty"


def test_every_answer_that_behaves_as_the_solution_is_right():
    assert check("toy/2", (1.0, -2.0))
    assert check("toy/2", (-3, 6))
    assert check("toy/2", [0.5, -1.0])


def test_an_observed_value_of_the_wrong_form_does_not_show_the_solution():
    for answer, kind in [(5, "type"), ((1, 2, 3), "shape"), (("a", 1), "type")]:
        result = check("toy/2", answer)
        assert result.kind == kind
        assert "-2" not in str(result)


def test_an_observed_value_shows_what_it_led_to():
    result = check("toy/2", (1.0, 2.0))
    assert result.hint == "Mind the sign."
    assert "with      x = [2., 1.]" in str(result)
    assert "got       4" in str(result)


def test_a_function_may_be_observed_too():
    assert check("toy/6", lambda h, x_t: 0.5 * h + x_t)
    assert check("toy/6", lambda h, x_t: h + x_t).hint == "Halve the state."
    assert "x = 1" in str(check("toy/6", lambda h, x_t: h))


# ---- time ----------------------------------------------------------------------------------------------------------


def endless(x, w):
    while True:
        try:
            time.sleep(0.001)
        except BaseException:
            pass
        else:
            continue
        break
    while True:
        pass


def in_thread(function):
    box = []
    thread = threading.Thread(target=lambda: box.append(function()))
    thread.start()
    thread.join()
    return box[0]


def test_an_endless_loop_is_stopped_even_if_it_swallows_the_first_attempt():
    assert check("toy/1", endless, seconds=0.1).kind == "time"


def test_an_endless_loop_is_stopped_in_any_thread():
    assert in_thread(lambda: check("toy/1", endless, seconds=0.1)).kind == "time"


def test_the_thread_of_an_endless_loop_ends():
    before = threading.active_count()
    in_thread(lambda: check("toy/1", endless, seconds=0.1))
    assert threading.active_count() == before


def test_where_there_is_no_timer_signal_a_thread_does_it(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    assert check("toy/1", endless, seconds=0.1).kind == "time"
    assert check("toy/1", leaky)
    assert "ZeroDivisionError" in str(check("toy/1", lambda x, w: 1 / 0))


def test_a_call_into_c_that_comes_back_too_late_is_given_up(monkeypatch):
    # short: CPython 3.11 waits for the sleeper while an exception is pending for it and a tracer (coverage) is at work
    monkeypatch.setattr("companion.exercises.limit.ATTEMPTS", 2)
    monkeypatch.delattr(signal, "setitimer", raising=False)
    with pytest.raises(TimeIsUp):
        call_within(0.02, lambda: time.sleep(0.5))


def test_the_stop_button_stops_the_helper_thread_too(monkeypatch):
    monkeypatch.delattr(signal, "setitimer", raising=False)
    join, joined = threading.Thread.join, []

    def interrupted(self, timeout=None):
        joined.append(timeout)
        if len(joined) == 1:
            raise KeyboardInterrupt
        join(self, timeout)

    before = threading.active_count()
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "join", interrupted)
        with pytest.raises(KeyboardInterrupt):
            call_within(60, lambda: endless(None, None))
    assert threading.active_count() == before


@needs_a_timer
def test_a_timer_that_ran_before_runs_on():
    rung = []
    handler = signal.signal(signal.SIGALRM, lambda *_: rung.append(True))
    signal.setitimer(signal.ITIMER_REAL, 30)
    try:
        assert call_within(1.0, lambda: 5) == 5
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30
        assert signal.getsignal(signal.SIGALRM) is not handler
        assert not rung
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


@needs_a_timer
def test_a_signal_that_comes_too_late_is_ignored():
    stops = []

    def keep():
        stops.append(signal.getsignal(signal.SIGALRM))

    call_within(1.0, keep)
    assert stops[0](signal.SIGALRM, None) is None


# ---- names ---------------------------------------------------------------------------------------------------------


def test_an_unknown_name_lists_close_ones():
    with pytest.raises(UnknownExercise, match=r"no exercise 'toi/1'. Did you mean 'toy/1'"):
        check("toi/1", leaky)


def test_a_name_unlike_any_other_lists_some():
    with pytest.raises(UnknownExercise, match="Did you mean"):
        find("zzzzzz")


@pytest.mark.parametrize("name", ["checker/1", "not an identifier/1", ""])
def test_the_engine_is_no_chapter(name):
    with pytest.raises(UnknownExercise):
        find(name)


def test_a_name_is_a_string():
    with pytest.raises(TypeError, match="expected a string"):
        check(1, leaky)


def test_where_there_are_no_exercises_none_is_suggested(monkeypatch):
    monkeypatch.setattr("companion.exercises.__path__", [])
    with pytest.raises(UnknownExercise, match=r"no exercise 'tox/1'.$"):
        find("tox/1")


def test_the_hint_and_the_solution_can_be_asked_for():
    assert repr(hint("toy/1")) == "Write the line of one step first."
    assert "pencil" in hint("toy/4")
    assert repr(solution("toy/1")).startswith("def leaky(x, w):")
    assert isinstance(solution("toy/1"), Text)


def test_a_result_without_a_hint_has_no_line_for_it():
    assert repr(Result("a/1", "value", "no.")) == "a/1: no."


# ---- comparing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (1, 1.0),
        (np.float64(2), 2),
        (np.array(3.0), 3.0),
        ((1, [2.0]), (1.0, (2.0,))),
        ({"h": np.ones(2)}, {"h": np.ones(2)}),
        (np.array([np.nan, np.inf]), np.array([np.nan, np.inf])),
        (np.array(["a", "b"]), np.array(["a", "b"])),
        (np.array([True, False]), np.array([True, False])),
        (1 + 2j, 1 + 2j),
        ("h", "h"),
        (True, np.True_),
        (np.zeros((0, 3)), np.zeros((0, 3))),
    ],
)
def test_equal_values_do_not_differ(got, expected):
    assert difference(got, expected) is None


@pytest.mark.parametrize(
    ("got", "expected", "kind", "text"),
    [
        ("1", 1, "type", "a str, expected a number"),
        (True, 1, "type", "a bool"),
        (1, True, "type", "a number, expected a bool"),
        (1, "one", "type", "expected a str"),
        (None, 1, "type", "None"),
        ([1.0], np.ones(1), "type", "a list, expected an array of shape (1,)"),
        (np.ones(1), 1.0, "type", "an array of shape (1,), expected a number"),
        (1j, 1.0, "dtype", "complex"),
        (1, (1,), "type", "expected a tuple"),
        ((1, 2), (1,), "shape", "it has 2 items, expected 1"),
        ((), (1,), "shape", "it has 0 items"),
        ((1, 3), (1, 2), "value", "at [1]"),
        ((1, np.ones(3)), (1, np.ones(2)), "shape", "at [1], its shape is (3,)"),
        (1, {"h": 1}, "type", "expected a dict"),
        ({"c": 1}, {"h": 1}, "shape", "its keys are ['c'], expected ['h']"),
        ({"h": 2}, {"h": 1}, "value", "at ['h']"),
        (np.nan, 1.0, "value", "not finite"),
        (1.0, np.nan, "value", ""),
        (np.array([1.0, np.nan]), np.ones(2), "value", "first wrong at [1], not finite at [1]"),
        (
            np.array([[1.0, 2], [3, 9]]),
            np.array([[1.0, 2], [4, 4]]),
            "value",
            "first wrong at [1, 0], largest error 5 at [1, 1]",
        ),
        (np.array(["a"]), np.array(["b"]), "value", "1 item of 1 wrong"),
        (np.array(True), np.array(False), "value", ""),
        ("x", "y", "value", ""),
        (1 + 1e-6, 1.0, "value", ""),
    ],
)
def test_a_difference_is_named_by_its_kind(got, expected, kind, text):
    found = difference(got, expected)
    assert found.kind == kind
    assert text in found.text


def test_the_form_can_be_compared_alone():
    assert difference((1.0, np.ones(2), "a"), (2.0, np.zeros(2), "b"), form_only=True) is None
    assert difference((1.0, np.ones(3)), (2.0, np.zeros(2)), form_only=True).kind == "shape"


def test_tensors_are_compared_as_arrays():
    torch = pytest.importorskip("torch")
    assert difference(torch.ones(2, requires_grad=True), torch.ones(2)) is None
    assert difference(torch.ones(2), np.ones(2, dtype=np.float32)).text == (
        "it is a tensor of shape (2,), expected an array of shape (2,)"
    )
    assert show(torch.ones(2)) == "[1., 1.]"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1 / 3, "0.333333"),
        (np.float32(2), "2"),
        (np.int64(3), "3"),
        ((1.0,), "(1,)"),
        ([1, "a"], "[1, 'a']"),
        ({"h": 1 / 3}, "{'h': 0.333333}"),
        (np.tanh, "tanh"),
        (object(), "object"),
        ("x" * 500, "'" + "x" * 395 + " ..."),
    ],
)
def test_values_are_shown_short(value, text):
    assert show(value) == text
