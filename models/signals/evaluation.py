"""What conditions compile to: each answers for a view, and until when the answer stays as it is.

Bounds may be early but never late. Windows against a constant and clocks against a constant, which is most of a
catalogue, are followed to the very boundary at which they flip.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from math import ceil, floor
from typing import Final

from models.config import Number
from models.customer import NEVER
from models.signals.band import GREATEST, RELATIONS, Band
from models.signals.measures import EVERY_FEED, MOST_A_DAY, SCALES, Reading, Value, View
from models.signals.terms import Constant, Term, Window, bits_of

Truth = tuple[bool | None, int, int, int]
"""(truth, until, deaf, feeds): the first boundary at which silence can change the answer; and, where it is not true,
the feeds whose news can make it true before, a bit each, and the first boundary at which they can.

News are events on days from the view's boundary on. Of an answer that is true, only `until` means anything.
"""

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
LONG_ENOUGH: Final = 28
"""Days for which a part that is not true may settle a conjunction without a look at those behind it: few customers are
left alone for longer anyway."""
LOOK_AHEAD: Final = 16
"""Edges followed before a review is the cheaper way to go on: beyond them news is likely anyway."""


class Condition(ABC):
    """A compiled condition. A simple one compares one measure with a number: cheap to ask again."""

    is_simple = False

    @abstractmethod
    def holds(self, view: View) -> Truth:
        """Whether it holds as of the view's boundary, and until when that stays so."""


def comparison(op: str, left: Term, right: Term) -> Condition:
    """Compile `left op right` in the form that knows best until when it stays as it is."""
    if isinstance(left, Constant) or (right.is_clock and not left.is_clock):
        left, right, op = right, left, _FLIPPED[op]
    if isinstance(right, Constant):
        limit = right.value
        if isinstance(limit, int | float) and abs(limit) <= GREATEST:
            if isinstance(left, Window):
                return _WindowAgainst(op, left, limit)
            if left.is_clock:
                return _ClockAgainst(op, left, limit)
    whole = _Comparison(op, left, right)
    return _LookingAhead(whole) if left.only_windows and right.only_windows else whole


def compare(op: str, left: Reading, right: Reading, boundary: int, *, left_is_clock: bool) -> tuple[bool | None, int]:
    """Compare two readings; a clock against a steady value flips on a day that is known in advance."""
    a, left_until = left
    b, right_until = right
    if a is None or b is None:
        left_until = NEVER if left_is_clock else left_until
        return None, max(left_until if a is None else 0, right_until if b is None else 0)
    if isinstance(a, str) or isinstance(b, str):
        if not (isinstance(a, str) and isinstance(b, str)):
            return None, NEVER
        return RELATIONS[op](a, b), min(left_until, right_until)
    truth = RELATIONS[op](a, b)
    if not left_is_clock:
        return truth, min(left_until, right_until)
    return truth, min(boundary + _days_to_flip(op, a, b), right_until)


def _days_to_flip(op: str, clock: Number, limit: Number) -> int:
    """Silent days after which `clock op limit` first changes; the clock is whole and grows by one a day."""
    days: Number
    if op in ("<", ">="):
        days = ceil(limit) - clock
    elif op in ("<=", ">"):
        days = floor(limit) + 1 - clock
    else:
        days = 1 if clock == limit else limit - clock
    return int(days) if days > 0 and days == int(days) else NEVER


class _Hopes:
    """The feeds whose news can make true a comparison that is not."""

    def __init__(self, op: str, left: Term, right: Term) -> None:
        self.unknown = bits_of(left.feeds | right.feeds)
        closer = left.moved_by(up=True) | right.moved_by(up=False)
        apart = left.moved_by(up=False) | right.moved_by(up=True)
        self.below = self.unknown if op == "!=" else closer if op in (">", ">=", "==") else apart
        self.above = self.unknown if op == "!=" else closer if op in (">", ">=") else apart

    def feeds(self, a: Value, b: Value) -> int:
        """Those of a comparison of these two."""
        if a is None or b is None or isinstance(a, str) or isinstance(b, str):
            return self.unknown
        return self.below if a < b else self.above


class Never(Condition):
    """The condition that does not come true."""

    is_simple = True

    def holds(self, view: View) -> Truth:  # noqa: ARG002 - the same whatever is looked at
        """It does not."""
        return False, NEVER, NEVER, 0


class _Comparison(Condition):
    """Any two terms."""

    def __init__(self, op: str, left: Term, right: Term) -> None:
        self.op, self.left, self.right = op, left, right
        self.is_steady_clock = left.is_clock and not right.is_clock
        self.hopes = _Hopes(op, left, right)

    def holds(self, view: View) -> Truth:
        boundary, left, right = view.boundary, self.left.read(view), self.right.read(view)
        truth, until = compare(self.op, left, right, boundary, left_is_clock=self.is_steady_clock)
        return truth, until, boundary + 1, 0 if truth else self.hopes.feeds(left[0], right[0])


class _WindowAgainst(Condition):
    """A window against a number."""

    is_simple = True

    def __init__(self, op: str, term: Window, limit: Number) -> None:
        self.name, self.length, self.skip = term.name, term.length, term.skip
        self.band = Band(op, limit, SCALES.get(term.name, 1))
        self.feeds = term.moved_by(up=False) if op in ("<", "<=") else bits_of(term.feeds)
        self.most_a_day = MOST_A_DAY.get(term.name, 0) if op in (">", ">=") else 0

    def holds(self, view: View) -> Truth:
        if not view.knows(self.name):
            return None, NEVER, NEVER, 0
        boundary, length, skip = view.boundary, self.length, self.skip
        series = view.series(self.name)
        truth, until = series.judged(boundary, length, skip, self.band)
        days = 1  # of news that the window must reach
        if self.most_a_day and not truth:
            days = max(1, -((series.since(boundary - skip - length) - self.band.least) // self.most_a_day))
        return truth, until, boundary + skip + days, self.feeds


class _ClockAgainst(Condition):
    """A clock against a number."""

    is_simple = True

    def __init__(self, op: str, clock: Term, limit: Number) -> None:
        self.clock, self.band = clock, Band(op, limit)
        self.limit = limit
        self.hopes = _Hopes(op, clock, Constant(limit))

    def holds(self, view: View) -> Truth:
        boundary, band = view.boundary, self.band
        value, _ = self.clock.read(view)
        if not isinstance(value, int):
            return None, NEVER, boundary + 1, self.hopes.unknown
        truth = (band.least <= value <= band.most) is band.is_inside
        feeds = 0 if truth else self.hopes.below if value < self.limit else self.hopes.above
        return truth, min(NEVER, boundary + band.days_to_flip(value)), boundary + 1, feeds


class AllOf(Condition):
    """True when all parts are; one that is not decides.

    By silence the whole stays untrue as long as any part does; whatever news comes, as long as the part that is sure of
    it for longest. Each day more may save a review: so simple parts are asked on once one is untrue, up to the first
    that is not simple. The language has no negation: unknown counts as not true everywhere, and need not be told from
    false.
    """

    def __init__(self, parts: Sequence[Condition]) -> None:
        self.parts = list(parts)
        self.is_simple = all(part.is_simple for part in parts)

    def holds(self, view: View) -> Truth:
        """Whether all do."""
        until, silent, lasts = NEVER, -1, -1
        decisive: Truth = (True, NEVER, 0, 0)
        for part in self.parts:
            if lasts >= 0 and not part.is_simple:
                break
            truth, stays, deaf, feeds = part.holds(view)
            if truth is True:
                until = min(until, stays)
                continue
            silent = max(silent, stays)
            days = min(stays, deaf) if feeds else stays
            if days > lasts:
                decisive, lasts = (truth, stays, deaf, feeds), days
                if days > view.boundary + LONG_ENOUGH:
                    break
        if lasts < 0:
            return True, until, 0, 0
        return decisive if decisive[1] == silent else (False, silent, lasts, EVERY_FEED)


class AnyOf(Condition):
    """True when one part is. It decides, and it stays decided as long as that part does."""

    def __init__(self, parts: Sequence[Condition]) -> None:
        self.parts = list(parts)
        self.is_simple = all(part.is_simple for part in parts)

    def holds(self, view: View) -> Truth:
        """Whether one does."""
        until = deaf = NEVER
        feeds = 0
        for part in self.parts:
            answer = part.holds(view)
            if answer[0] is True:
                return answer
            until = min(until, answer[1])
            if answer[3]:
                deaf, feeds = min(deaf, answer[2]), feeds | answer[3]
        return False, until, deaf, feeds


class _LookingAhead(Condition):
    """Follow a comparison of windows over the coming edges, by silence, until it really flips.

    A window's sum changes with each day that leaves it, the comparison seldom: every edge passed here saves a review.
    """

    def __init__(self, whole: _Comparison) -> None:
        self.whole = whole

    def holds(self, view: View) -> Truth:
        truth, until, deaf, feeds = self.whole.holds(view)
        if truth is None or until == NEVER:
            return truth, until, deaf, feeds
        present = view.boundary
        for _ in range(LOOK_AHEAD):
            view.boundary = until
            later, further, _, _ = self.whole.holds(view)
            if later != truth:
                break
            until = further
            if until == NEVER:
                break
        view.boundary = present
        return truth, until, deaf, feeds
