"""Terms: values that expressions compile to. A term reads columns, for all customers at once.

It also answers for one customer from the buckets of one feed (`value`): so early alerts are found before the day is
over.
"""

from abc import ABC, abstractmethod
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from models.config import KEEP_DAYS, Number
from models.customers.arrays import Bools, Ints, Rows, Selection
from models.customers.columns import STAGE_NAMES
from models.measures.as_of import UNKNOWN, AsOf, Reading
from models.measures.daily import DAILY
from models.measures.scalars import EITHER, FIRST_ACTIVITY, SCALARS
from models.measures.windows import Window
from schemas.event import TICKET

USUAL_DAYS: Final = 56
"""'Usual' is the level of the 56 days before the window: two months of weekdays, in whole weeks."""
USUAL_HISTORY: Final = 42
"""Days of history before the window without which 'usual' is unknown: a newcomer is never compared with nothing."""
Value = float | int | str | None
"""As published: None stands for unknown."""


class Evening(Protocol):
    """One customer at the end of a day, open or closed, as far as one feed tells."""

    def total(self, measure: str, length: int, skip: int) -> Number:
        """The sum of a daily measure over a window; from the episode's first day on with a length of -1."""

    def channels(self, length: int) -> int:
        """Distinct channels of tickets opened."""

    def days_since_first_ticket(self) -> int | None:
        """None before it."""


class Term(ABC):
    """A compiled value. `feeds`: what it reads; `windows`: which sums must be kept for it."""

    feeds: frozenset[int] = frozenset()
    windows: tuple[Window, ...] = ()
    reach = 0
    """How many days back it looks beside its windows."""
    is_stage = False
    is_dear = False
    """Whether it costs far more a customer than a look into a column."""
    direction = 0
    """1 where it rises with what the customer does from now on, -1 where it falls; 0 for what stays; or EITHER."""
    is_clock = False
    """Whether it grows with every day of silence."""

    @abstractmethod
    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:
        """The values of some customers; `starts`: first day of the episode under judgement, by row."""

    def value(self, evening: Evening) -> Number | None:  # noqa: ARG002 - unless it says otherwise
        """The value of one customer by one feed alone; None where that does not tell."""
        return None

    def listed(self, as_of: AsOf, rows: Rows, starts: Ints) -> list[Value]:
        """The values as they are published: rounded, None for unknown, stages by name."""
        values, known = self.read(as_of, rows, starts)
        count = len(rows)
        found: list[Any]
        if isinstance(values, np.ndarray) and values.shape == (count,):
            found = values.tolist()
        else:  # one for all
            found = [values.item() if isinstance(values, np.ndarray | np.generic) else values] * count
        if self.is_stage:
            found = [STAGE_NAMES[number] for number in found]
        elif found and isinstance(found[0], float):
            found = [round(value, 4) + 0.0 for value in found]  # a zero has no sign
        if known is None or bool(known.all()):
            return found
        told = known.tolist() if len(known) == count else known.tolist() * count
        return [value if is_known else None for value, is_known in zip(found, told, strict=True)]


class Constant(Term):
    """A number, or a stage by its name."""

    def __init__(self, value: Number | str) -> None:
        self.is_stage = isinstance(value, str)
        self.number: Number = STAGE_NAMES.index(value) if isinstance(value, str) else value

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:  # noqa: ARG002 - the same for everybody
        """Itself."""
        return Reading(self.number, None)

    def value(self, evening: Evening) -> Number | None:  # noqa: ARG002 - as above
        """Itself."""
        return self.number


class RunningConstant(Term):
    """A constant of the catalogue as of the boundary: see `models.customers.distributions`.

    Early signals cannot read it: a day that is still open has none yet.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:  # noqa: ARG002 - the same for everybody
        """Its value."""
        return Reading(as_of.running[self.name], None)


class Unknown(Term):
    """What nobody knows."""

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:  # noqa: ARG002 - whatever is looked at
        """Unknown."""
        return UNKNOWN


UNKNOWN_TERM: Final = Unknown()


class Arithmetic(Term):
    """The sum, difference, product or quotient of two terms; unknown when one is, or when dividing by zero."""

    def __init__(self, op: str, left: Term, right: Term) -> None:
        self.op, self.left, self.right = op, left, right
        self.feeds = left.feeds | right.feeds
        self.windows = left.windows + right.windows
        self.reach = max(left.reach, right.reach)
        self.is_dear = left.is_dear or right.is_dear
        direction = joined(left.direction, right.direction if op in "+*" else turned(right.direction))
        is_turned = op in "*/" and any(isinstance(of, Constant) and of.number < 0 for of in (left, right))
        self.direction = turned(direction) if is_turned else direction
        self.is_clock = left.is_clock or right.is_clock

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:
        """Both sides, computed with."""
        (a, a_known), (b, b_known) = self.left.read(as_of, chosen, starts), self.right.read(as_of, chosen, starts)
        a, b, known = _wide(a), _wide(b), both_known(a_known, b_known)
        if self.op != "/":
            return Reading(a * b if self.op == "*" else a + b if self.op == "+" else a - b, known)
        is_defined = np.not_equal(b, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return Reading(np.true_divide(a, b), both_known(known, np.atleast_1d(is_defined)))

    def value(self, evening: Evening) -> Number | None:
        """The same of one customer."""
        a, b = self.left.value(evening), self.right.value(evening)
        if a is None or b is None:
            return None
        if self.op == "*":
            return a * b
        if self.op == "/":
            return a / b if b else None
        return a + b if self.op == "+" else a - b


class ScalarTerm(Term):
    """A measure without a window."""

    def __init__(self, name: str) -> None:
        self.measure = SCALARS[name]
        self.feeds = frozenset((self.measure.reads,))
        self.is_stage = name == "stage"
        self.is_dear = name.startswith("slope")
        self.direction = self.measure.direction
        self.is_clock = self.direction < 0

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:  # noqa: ARG002 - the same in any episode
        """The measure."""
        return self.measure.read(as_of, chosen)

    def value(self, evening: Evening) -> Number | None:
        """The one clock that tickets alone set."""
        return evening.days_since_first_ticket() if self.measure.name == "days_since_first_ticket" else None


class WindowTerm(Term):
    """A daily measure over `length` days that end `skip` days before the boundary."""

    def __init__(self, name: str, length: int, skip: int) -> None:
        self.window = Window(name, length, skip)
        self.windows = (self.window,)
        self.feeds = frozenset((DAILY[name].feed,))
        self.direction = 0 if skip else _direction(name)

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:  # noqa: ARG002 - as above
        """The sum."""
        return as_of.window(self.window, chosen)

    def value(self, evening: Evening) -> Number | None:
        """The sum, today included."""
        return evening.total(self.window.measure, self.window.length, self.window.skip)


class SinceStart(Term):
    """A daily measure from the first day of the episode on."""

    is_dear = True
    reach = KEEP_DAYS

    def __init__(self, name: str) -> None:
        self.name = name
        self.feeds = frozenset((DAILY[name].feed,))
        self.direction = _direction(name)

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:
        """The sum."""
        return as_of.since(self.name, chosen, starts)

    def value(self, evening: Evening) -> Number | None:
        """The sum, today included."""
        return evening.total(self.name, -1, 0)


class Usual(Term):
    """What is usual of a daily measure in so many days, by the USUAL_DAYS before them."""

    def __init__(self, name: str, length: int) -> None:
        self.window = Window(name, USUAL_DAYS, length)
        self.windows = (self.window,)
        self.feeds = frozenset((DAILY[name].feed, FIRST_ACTIVITY))

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:  # noqa: ARG002 - as above
        """The level; unknown with less than USUAL_HISTORY days of history before the window."""
        measure, length = DAILY[self.window.measure], self.window.skip
        if not as_of.has(measure.feed):
            return UNKNOWN
        sums = _wide(as_of.sums(self.window, chosen))
        known = as_of.boundary - length - as_of.columns.first_day[: as_of.size][chosen] >= USUAL_HISTORY
        return Reading(sums * length / (USUAL_DAYS * measure.scale_of(as_of.basis)), known)


class Channels(Term):
    """Distinct channels of tickets in so many days."""

    feeds = frozenset((TICKET,))
    direction = EITHER

    def __init__(self, length: int) -> None:
        self.length = self.reach = length

    def read(self, as_of: AsOf, chosen: Selection, starts: Ints) -> Reading:  # noqa: ARG002 - as above
        """Their number."""
        return as_of.channels(self.length, chosen)

    def value(self, evening: Evening) -> Number | None:
        """Their number, today included."""
        return evening.channels(self.length)


def _direction(measure: str) -> int:
    """Of a daily measure over days to come."""
    return EITHER if DAILY[measure].is_trouble else 1


def joined(one: int, other: int) -> int:
    """The direction of what two terms make together."""
    return EITHER if EITHER in (one, other) or one * other < 0 else one or other


def turned(direction: int) -> int:
    """The direction of the opposite."""
    return direction if direction == EITHER else -direction


def both_known(one: Bools | None, other: Bools | None) -> Bools | None:
    """Where both are known."""
    return other if one is None else one if other is None else one & other


def _wide(values: Any) -> Any:
    """Whole numbers as 64 bits: sums and products of them must not wrap."""
    if isinstance(values, np.ndarray) and values.dtype.kind == "i":
        wide: NDArray[np.int64] = values.astype(np.int64)
        return wide
    return values
