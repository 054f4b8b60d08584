"""Values that expressions compile to: each term reads a view, and says what it reads and how news can move it."""

from abc import ABC, abstractmethod
from typing import Final

from models.config import Number
from models.customer import NEVER
from models.signals.measures import (
    ALL_FEEDS,
    CLOCKS,
    EVERY_FEED,
    FEED_OF,
    FEED_OF_SCALAR,
    FIRST_ACTIVITY,
    FIRSTS,
    RISING,
    SCALARS,
    SIGNED,
    Reading,
    View,
)
from schemas.event import TICKET

NOTHING: Final = frozenset[int]()


class Term(ABC):
    """A compiled value and what it reads (`feeds`, as FEED_OF has it).

    A clock grows by one with every silent day. `only_windows`: built from windows and constants alone, so it can be
    read as of a later boundary too. `rises`, `falls`: what news can do.
    """

    is_clock = False
    is_stage = False
    only_windows = False
    rises = True
    falls = True

    def __init__(self, feeds: frozenset[int]) -> None:
        self.feeds = feeds

    @abstractmethod
    def read(self, view: View) -> Reading:
        """The value as of the view's boundary."""

    def moved_by(self, *, up: bool) -> int:
        """The feeds whose news can raise a known value, or lower it."""
        return bits_of(self.feeds) if (self.rises if up else self.falls) else 0


def bits_of(feeds: frozenset[int]) -> int:
    """A bit for each feed that an expression reads; what is no feed (the stage, the first activity) makes no news."""
    return EVERY_FEED if ALL_FEEDS in feeds else sum([1 << feed for feed in feeds if feed >= 0])


class Constant(Term):
    """A number or a stage."""

    only_windows = True

    def __init__(self, value: Number | str) -> None:
        super().__init__(NOTHING)
        self.value = value
        self.is_stage = isinstance(value, str)

    def read(self, view: View) -> Reading:  # noqa: ARG002 - the same whatever is looked at
        """Itself."""
        return self.value, NEVER


class Arithmetic(Term):
    """The sum, difference, product or quotient of two terms; unknown when one is, or when dividing by zero."""

    def __init__(self, op: str, left: Term, right: Term) -> None:
        super().__init__(left.feeds | right.feeds)
        self.op, self.left, self.right = op, left, right
        self.only_windows = left.only_windows and right.only_windows

    def read(self, view: View) -> Reading:
        """Both sides, computed with."""
        a, until_a = self.left.read(view)
        b, until_b = self.right.read(view)
        until, op = min(until_a, until_b), self.op
        if a is None or b is None or isinstance(a, str) or isinstance(b, str):
            return None, until
        if op == "*":
            return a * b, until
        if op == "/":
            return a / b if b else None, until
        return a + b if op == "+" else a - b, until


class Scalar(Term):
    """A measure without a window, computed once a view."""

    def __init__(self, name: str) -> None:
        super().__init__(frozenset((FEED_OF_SCALAR[name],)))
        self.name = name
        self.is_clock, self.is_stage = name in CLOCKS, name == "stage"
        self.rises, self.falls = not self.is_clock, name not in RISING and name not in FIRSTS

    def read(self, view: View) -> Reading:
        """The measure."""
        return view.scalar(self.name)


class Trend(Scalar):
    """A slope is computed anew each time: so it can be followed through silence."""

    only_windows = True

    def read(self, view: View) -> Reading:
        """The slope."""
        return SCALARS[self.name](view)


class Window(Term):
    """A daily measure over `length` days that end `skip` days before the boundary."""

    only_windows = True

    def __init__(self, name: str, length: int, skip: int) -> None:
        super().__init__(frozenset((FEED_OF[name],)))
        self.name, self.length, self.skip = name, length, skip
        self.falls = name in SIGNED

    def read(self, view: View) -> Reading:
        """The sum."""
        return view.count(self.name, self.length, self.skip)


class SinceStart(Term):
    """A daily measure from the first day of the episode on."""

    only_windows = True

    def __init__(self, name: str) -> None:
        super().__init__(frozenset((FEED_OF[name],)))
        self.name = name
        self.falls = name in SIGNED

    def read(self, view: View) -> Reading:
        """The sum."""
        return view.count_since_start(self.name)


class Usual(Term):
    """What is usual of a daily measure in so many days."""

    only_windows = True

    def __init__(self, name: str, length: int) -> None:
        super().__init__(frozenset((FEED_OF[name], FIRST_ACTIVITY)))
        self.name, self.length = name, length

    def read(self, view: View) -> Reading:
        """The level before the window."""
        return view.usual(self.name, self.length)


class Channels(Term):
    """Distinct channels of tickets in so many days."""

    def __init__(self, length: int) -> None:
        super().__init__(frozenset((TICKET,)))
        self.length = length

    def read(self, view: View) -> Reading:
        """Their number."""
        return view.channels(self.length)
