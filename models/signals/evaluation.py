"""What expressions compile to: functions of a view that also answer until when silence leaves the answer as it is.

The second half of each answer is only ever a bound, so it may be early but never late. Windows against a constant and
clocks against a constant, which is most of a catalogue, are followed to the very boundary at which they flip.
"""

import operator
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

from models.customer import NEVER
from models.signals.measures import SCALES, Reading, View

Truth = tuple[bool | None, int]
Read = Callable[[View], Reading]
Condition = Callable[[View], Truth]
Relation = Callable[[Any, Any], bool]

RELATIONS: dict[str, Relation] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
LOOK_AHEAD = 16
"""Edges followed before a review is the cheaper way to go on: beyond them news is likely anyway."""


@dataclass(frozen=True, slots=True)
class Term:
    """A compiled value. A clock grows by one with every silent day; `window` = (measure, length, skip) of a bare one.

    `only_windows`: the value is built from windows and constants alone, so it can be read as of a later boundary too.
    """

    read: Read
    is_clock: bool = False
    window: tuple[str, int, int] | None = None
    constant: float | str | None = None
    only_windows: bool = False
    is_stage: bool = False


def constant(value: float | str) -> Term:
    """A number or a stage."""
    reading = Reading(value, NEVER)
    return Term(lambda _view: reading, constant=value, only_windows=True, is_stage=isinstance(value, str))


def arithmetic(op: str, left: Term, right: Term) -> Term:
    """The sum, difference, product or quotient of two terms; unknown when one is, or when dividing by zero."""
    read_left, read_right = left.read, right.read

    def read(view: View) -> Reading:
        a, b = read_left(view), read_right(view)
        until = min(a.until, b.until)
        if not isinstance(a.value, int | float) or not isinstance(b.value, int | float):
            return Reading(None, until)
        if op == "/":
            return Reading(a.value / b.value if b.value else None, until)
        value = a.value + b.value if op == "+" else a.value - b.value if op == "-" else a.value * b.value
        return Reading(value, until)

    return Term(read, only_windows=left.only_windows and right.only_windows)


def comparison(op: str, left: Term, right: Term) -> Condition:
    """Compile `left op right` in the form that knows best until when it stays as it is."""
    if left.constant is not None or (right.is_clock and not left.is_clock):
        left, right, op = right, left, _FLIPPED[op]
    limit = right.constant
    if isinstance(limit, int | float):
        if left.window is not None:
            return _window_against(op, left.window, limit)
        if left.is_clock:
            return _clock_against(op, left.read, limit)
    is_steady_clock = left.is_clock and not right.is_clock
    read_left, read_right = left.read, right.read

    def holds(view: View) -> Truth:
        return compare(op, read_left(view), read_right(view), view.boundary, left_is_clock=is_steady_clock)

    return _looking_ahead(holds) if left.only_windows and right.only_windows else holds


def compare(op: str, left: Reading, right: Reading, boundary: int, *, left_is_clock: bool) -> Truth:
    """Compare two readings; a clock against a steady value flips on a day that is known in advance."""
    a, b = left.value, right.value
    if a is None or b is None:
        return None, min(NEVER if left_is_clock else left.until, right.until)
    if isinstance(a, str) != isinstance(b, str):
        return None, NEVER
    truth = RELATIONS[op](a, b)
    if not left_is_clock or isinstance(a, str) or isinstance(b, str):
        return truth, min(left.until, right.until)
    return truth, min(boundary + _days_to_flip(op, a, b), right.until)


def all_of(parts: tuple[Condition, ...]) -> Condition:
    """True when all parts are. One that is not decides, and it stays decided as long as that part does.

    The language has no negation, so unknown counts as not true everywhere and need not be told from false.
    """

    def holds(view: View) -> Truth:
        until = NEVER
        for part in parts:
            truth, steady = part(view)
            if truth is not True:
                return truth, steady
            until = min(until, steady)
        return True, until

    return holds


def any_of(parts: tuple[Condition, ...]) -> Condition:
    """True when one part is. It decides, and it stays decided as long as that part does."""

    def holds(view: View) -> Truth:
        until = NEVER
        for part in parts:
            truth, steady = part(view)
            if truth is True:
                return True, steady
            until = min(until, steady)
        return False, until

    return holds


def never(_view: View) -> Truth:
    """The condition that does not come true."""
    return False, NEVER


def _window_against(op: str, window: tuple[str, int, int], limit: float) -> Condition:
    name, length, skip = window
    relation, scale = RELATIONS[op], SCALES.get(name, 1)

    def holds(view: View) -> Truth:
        if not view.knows(name):
            return None, NEVER
        return view.series(name).judged(view.boundary, length, skip, lambda total: relation(total / scale, limit))

    return holds


def _clock_against(op: str, read: Read, limit: float) -> Condition:
    relation = RELATIONS[op]

    def holds(view: View) -> Truth:
        value = read(view).value
        if not isinstance(value, int | float):
            return None, NEVER
        return relation(value, limit), view.boundary + _days_to_flip(op, value, limit)

    return holds


def _days_to_flip(op: str, clock: float, limit: float) -> int:
    """Silent days after which `clock op limit` first changes; the clock is whole and grows by one a day."""
    if op in ("<", ">="):
        days = ceil(limit) - clock
    elif op in ("<=", ">"):
        days = floor(limit) + 1 - clock
    else:
        days = 1 if clock == limit else limit - clock
    return int(days) if days > 0 and days == int(days) else NEVER


def _looking_ahead(holds: Condition) -> Condition:
    """Follow a comparison of windows over the coming edges, by silence, until it really flips.

    A window's sum changes with each day that leaves it, the comparison seldom: every edge passed here saves a review.
    """

    def looks(view: View) -> Truth:
        truth, until = holds(view)
        if truth is None or until == NEVER:
            return truth, until
        present = view.boundary
        for _ in range(LOOK_AHEAD):
            view.boundary = until
            later, further = holds(view)
            if later != truth:
                break
            until = further
            if until == NEVER:
                break
        view.boundary = present
        return truth, until

    return looks
