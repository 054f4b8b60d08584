"""What expressions compile to: functions of a view that also answer until when the answer stays as it is.

Bounds may be early but never late. Windows against a constant and clocks against a constant, which is most of a
catalogue, are followed to the very boundary at which they flip.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import NamedTuple

from models.customer import NEVER
from models.signals.measures import ALL_FEEDS, EVERY_FEED, MOST_A_DAY, Reading, Relation, Value, View

Truth = tuple[bool | None, int, int, int]
"""(truth, until, deaf, feeds): the first boundary at which silence can change the answer; and, where it is not true,
the feeds whose news can make it true before, a bit each, and the first boundary at which they can.

News are events on days from the view's boundary on. Of an answer that is true, only `until` means anything.
"""
Read = Callable[[View], Reading]
Condition = Callable[[View], Truth]

_TRUE: Truth = (True, NEVER, 0, 0)
_FALSE: Truth = (False, NEVER, NEVER, 0)
RELATIONS: dict[str, Relation] = {
    "<=": operator.le, ">=": operator.ge, "==": operator.eq, "!=": operator.ne, "<": operator.lt, ">": operator.gt,
}  # fmt: skip
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
LONG_ENOUGH = 28
"""Days for which a part that is not true may settle a conjunction without a look at those behind it: few customers are
left alone for longer anyway."""
LOOK_AHEAD = 16
"""Edges followed before a review is the cheaper way to go on: beyond them news is likely anyway."""


class Part(NamedTuple):
    """A compiled condition. A simple one compares one measure with a number: cheap to ask again."""

    holds: Condition
    is_simple: bool = False


@dataclass(frozen=True, slots=True)
class Term:
    """A compiled value and what it reads (`feeds`, as FEED_OF has it).

    A clock grows by one with every silent day; `window` = (measure, length, skip) of a bare one. `only_windows`: built
    from windows and constants alone, so it can be read as of a later boundary too. `rises`, `falls`: what news can do.
    """

    read: Read
    feeds: frozenset[int] = frozenset()
    is_clock: bool = False
    window: tuple[str, int, int] | None = None
    constant: float | str | None = None
    only_windows: bool = False
    is_stage: bool = False
    rises: bool = True
    falls: bool = True

    def moved_by(self, *, up: bool) -> int:
        """The feeds whose news can raise a known value, or lower it."""
        return bits_of(self.feeds) if (self.rises if up else self.falls) else 0


def bits_of(feeds: frozenset[int]) -> int:
    """A bit for each feed that an expression reads; what is no feed (the stage, the first activity) makes no news."""
    return EVERY_FEED if ALL_FEEDS in feeds else sum(1 << feed for feed in feeds if feed >= 0)


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

    return Term(read, left.feeds | right.feeds, only_windows=left.only_windows and right.only_windows)


def comparison(op: str, left: Term, right: Term) -> Part:
    """Compile `left op right` in the form that knows best until when it stays as it is."""
    if left.constant is not None or (right.is_clock and not left.is_clock):
        left, right, op = right, left, _FLIPPED[op]
    limit = right.constant
    if isinstance(limit, int | float):
        if left.window is not None:
            return Part(_window_against(op, left, left.window, limit), is_simple=True)
        if left.is_clock:
            return Part(_clock_against(op, left, limit), is_simple=True)
    is_steady_clock = left.is_clock and not right.is_clock
    read_left, read_right, hopes = left.read, right.read, _hopes(op, left, right)

    def holds(view: View) -> Truth:
        boundary, a, b = view.boundary, read_left(view), read_right(view)
        truth, until = compare(op, a, b, boundary, left_is_clock=is_steady_clock)
        return truth, until, boundary + 1, hopes(a.value, b.value)

    return Part(_looking_ahead(holds) if left.only_windows and right.only_windows else holds)


def _hopes(op: str, left: Term, right: Term) -> Callable[[Value, Value], int]:
    """The feeds whose news can make true a comparison that is not."""
    unknown = bits_of(left.feeds | right.feeds)
    closer = left.moved_by(up=True) | right.moved_by(up=False)
    apart = left.moved_by(up=False) | right.moved_by(up=True)

    def hopes(a: Value, b: Value) -> int:
        if not isinstance(a, int | float) or not isinstance(b, int | float) or op == "!=":
            return unknown
        return closer if op in (">", ">=") or (op == "==" and a < b) else apart

    return hopes


def compare(op: str, left: Reading, right: Reading, boundary: int, *, left_is_clock: bool) -> tuple[bool | None, int]:
    """Compare two readings; a clock against a steady value flips on a day that is known in advance."""
    a, b = left.value, right.value
    if a is None or b is None:
        left_until = NEVER if left_is_clock else left.until
        return None, max(left_until if a is None else 0, right.until if b is None else 0)
    if isinstance(a, str) != isinstance(b, str):
        return None, NEVER
    truth = RELATIONS[op](a, b)
    if not left_is_clock or isinstance(a, str) or isinstance(b, str):
        return truth, min(left.until, right.until)
    return truth, min(boundary + _days_to_flip(op, a, b), right.until)


def all_of(parts: Sequence[Part]) -> Part:
    """True when all parts are; one that is not decides.

    By silence the whole stays untrue as long as any part does; whatever news comes, as long as the part that is sure of
    it for longest. Each day more may save a review: so what is simple is asked of every part, the rest not once one is
    untrue. The language has no negation: unknown counts as not true everywhere and need not be told from false.
    """

    def holds(view: View) -> Truth:
        until, silent, lasts = NEVER, -1, -1
        decisive = _TRUE
        for part, is_simple in parts:
            if lasts >= 0 and not is_simple:
                break
            answer = part(view)
            if answer[0] is True:
                until = min(until, answer[1])
                continue
            silent = max(silent, answer[1])
            days = min(answer[1], answer[2]) if answer[3] else answer[1]
            if days > lasts:
                decisive, lasts = answer, days
                if days > view.boundary + LONG_ENOUGH:
                    break
        if lasts < 0:
            return True, until, 0, 0
        return decisive if decisive[1] == silent else (False, silent, lasts, EVERY_FEED)

    return Part(holds, all(part.is_simple for part in parts))


def any_of(parts: Sequence[Part]) -> Part:
    """True when one part is. It decides, and it stays decided as long as that part does."""

    def holds(view: View) -> Truth:
        until = deaf = NEVER
        feeds = 0
        for part, _ in parts:
            answer = part(view)
            if answer[0] is True:
                return answer
            until = min(until, answer[1])
            if answer[3]:
                deaf, feeds = min(deaf, answer[2]), feeds | answer[3]
        return False, until, deaf, feeds

    return Part(holds, all(part.is_simple for part in parts))


def never() -> Part:
    """The condition that does not come true."""
    return Part(lambda _view: _FALSE, is_simple=True)


def _window_against(op: str, term: Term, window: tuple[str, int, int], limit: float) -> Condition:
    name, length, skip = window
    relation = RELATIONS[op]
    feeds = term.moved_by(up=False) if op in ("<", "<=") else bits_of(term.feeds)
    most = MOST_A_DAY.get(name) if op in (">", ">=") else None

    def holds(view: View) -> Truth:
        boundary = view.boundary
        if not view.knows(name):
            return None, NEVER, NEVER, 0
        series = view.series(name)
        truth, until = series.judged(boundary, length, skip, relation, limit)
        days = 1  # of news that the window must reach
        if most is not None and not truth:
            days = max(1, ceil((limit - series.since(boundary - skip - length)) / most))
        return truth, until, boundary + skip + days, feeds

    return holds


def _clock_against(op: str, clock: Term, limit: float) -> Condition:
    relation, read, hopes = RELATIONS[op], clock.read, _hopes(op, clock, constant(limit))

    def holds(view: View) -> Truth:
        boundary, value = view.boundary, read(view).value
        if not isinstance(value, int | float):
            return None, NEVER, boundary + 1, hopes(None, limit)
        return relation(value, limit), boundary + _days_to_flip(op, value, limit), boundary + 1, hopes(value, limit)

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
        truth, until, deaf, feeds = holds(view)
        if truth is None or until == NEVER:
            return truth, until, deaf, feeds
        present = view.boundary
        for _ in range(LOOK_AHEAD):
            view.boundary = until
            later, further, _, _ = holds(view)
            if later != truth:
                break
            until = further
            if until == NEVER:
                break
        view.boundary = present
        return truth, until, deaf, feeds

    return looks
