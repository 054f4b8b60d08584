"""The catalogue's language: named measures with windows, arithmetic, comparisons, and/or with brackets; no code.

    purchases(30d) <= 0.7 * purchases(30d before 30d) and days_since_login > 15

Windows: `(30d)` the last 30 closed days, `(30d before 14d)` the 30 days that end 14 days ago, `(since start)` from the
first day of the episode. `usual(engagement, 14d)` is what 14 days usually hold. Comparisons with something unknown are
unknown; unknown never fires. Every expression compiles to a function of a `View` that also answers until which boundary
silence alone leaves the answer as it is.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, floor

from models.customer import NEVER
from models.lifecycle import STAGES
from models.signals.measures import CLOCKS, FEED_OF, FEED_OF_SCALAR, SCALARS, Reading, View

Truth = tuple[bool | None, int]
Term = Callable[[View], Reading]
Condition = Callable[[View], Truth]

_TOKEN = re.compile(r"\s*(?:(\d+(?:\.\d+)?)(d?)(?![\w.])|([A-Za-z_]\w*)|(<=|>=|==|!=|[<>()+\-*/,]))")
_COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
LOOK_AHEAD = 16
"""Edges followed before a review is the cheaper way to go on: beyond them news is likely anyway."""
SEVERAL = -1
"""Stands for 'more than one feed' among the feeds an expression reads."""


class LanguageError(Exception):
    """An expression that cannot be understood: where, and why."""

    def __init__(self, text: str, position: int, reason: str) -> None:
        super().__init__(f"{reason} (at character {position + 1} of {text!r})")
        self.text, self.position, self.reason = text, position, reason

    def __reduce__(self) -> tuple[type["LanguageError"], tuple[str, int, str]]:
        return type(self), (self.text, self.position, self.reason)


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A condition, its text, the feeds it reads (SEVERAL for measures of more than one)."""

    text: str
    holds: Condition
    feeds: frozenset[int]


@dataclass(frozen=True, slots=True)
class CompiledTerm:
    """A numeric expression, its text and the feeds it reads; a clock grows by one with every silent day."""

    text: str
    read: Term
    feeds: frozenset[int]
    is_clock: bool


def compile_condition(text: str, constants: Mapping[str, float]) -> CompiledCondition:
    """Compile a condition; raises LanguageError. `constants` are the names the catalogue defines."""
    parser = _Parser(text, constants)
    condition = parser.either()
    parser.end()
    return CompiledCondition(text, condition, frozenset(parser.feeds))


def compile_term(text: str, constants: Mapping[str, float]) -> CompiledTerm:
    """Compile a numeric expression; raises LanguageError."""
    parser = _Parser(text, constants)
    term, is_clock = parser.sum()
    parser.end()
    return CompiledTerm(text, term, frozenset(parser.feeds), is_clock)


def compare(op: str, left: Reading, right: Reading, boundary: int, *, left_is_clock: bool) -> Truth:
    """Compare two readings; a clock against a steady value flips on a day that is known in advance."""
    a, b = left.value, right.value
    if a is None or b is None:
        return None, min(NEVER if left_is_clock else left.until, right.until)
    truth = _apply(op, a, b)
    if not left_is_clock or isinstance(a, str) or isinstance(b, str):
        return truth, min(left.until, right.until)
    return truth, min(boundary + _days_to_flip(op, a, b), right.until)


def _apply(op: str, a: float | str, b: float | str) -> bool:
    if op == "==":
        return a == b
    if op == "!=":
        return a != b
    if isinstance(a, str) or isinstance(b, str):
        return False
    return a <= b if op == "<=" else a >= b if op == ">=" else a < b if op == "<" else a > b


def _days_to_flip(op: str, clock: float, limit: float) -> int:
    """Silent days after which `clock op limit` first changes; the clock is whole and grows by one a day."""
    if op in ("<", ">="):
        days = ceil(limit) - clock
    elif op in ("<=", ">"):
        days = floor(limit) + 1 - clock
    else:
        days = 1 if clock == limit else limit - clock
    return int(days) if days > 0 else NEVER


class _Parser:
    """Recursive descent over the tokens; `feeds` collects what the expression reads."""

    def __init__(self, text: str, constants: Mapping[str, float]) -> None:
        self.text, self.constants = text, constants
        self.feeds: set[int] = set()
        self.only_windows = True
        self.tokens: list[tuple[str, str, int]] = []
        self.place = 0
        position = 0
        while position < len(text.rstrip()):
            match = _TOKEN.match(text, position)
            if match is None:
                raise LanguageError(
                    text, position, f"{text[position:].split(maxsplit=1)[0]!r} is not part of the language"
                )
            number, unit, name, sign = match.groups()
            kind = "days" if unit else "number" if number else "name" if name else "sign"
            self.tokens.append((kind, number or name or sign, match.start(match.lastindex or 0)))
            position = match.end()

    # -- conditions

    def either(self) -> Condition:
        """Either := both ('or' both)*."""
        parts = [self.both()]
        while self.accept("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else _any_of(tuple(parts))

    def both(self) -> Condition:
        """Both := unit ('and' unit)*."""
        parts = [self.unit()]
        while self.accept("and"):
            parts.append(self.unit())
        return parts[0] if len(parts) == 1 else _all_of(tuple(parts))

    def unit(self) -> Condition:
        """Unit := 'never' | '(' either ')' | comparison."""
        if self.accept("never"):
            return lambda _view: (False, NEVER)
        if self.peek() == "(":
            return self.bracket()
        return self.comparison()

    def bracket(self) -> Condition:
        """A bracket holds a condition, or a sum that begins a comparison: tries both, tells the deeper mistake."""
        place, feeds = self.place, set(self.feeds)
        deeper: LanguageError | None = None
        try:
            self.place += 1
            inner = self.either()
            self.expect(")")
            if self.peek() not in (*_COMPARISONS, "+", "-", "*", "/"):
                return inner
        except LanguageError as error:
            deeper = error
        self.place, self.feeds = place, feeds
        try:
            return self.comparison()
        except LanguageError as error:
            if deeper is not None and deeper.position > error.position:
                raise deeper from None
            raise

    def comparison(self) -> Condition:
        """Comparison := sum op sum | 'stage' ('==' | '!=') STAGE."""
        self.only_windows = True
        left, left_clock = self.sum()
        op = self.peek()
        if op not in _COMPARISONS:
            self.fail("a comparison (<=, >=, ==, !=, <, >) is missing here")
        self.place += 1
        right, right_clock = self.sum()
        if right_clock and not left_clock:
            left, right, op = right, left, _FLIPPED[op]
            left_clock, right_clock = True, False
        steady_clock = left_clock and not right_clock

        def holds(view: View) -> Truth:
            return compare(op, left(view), right(view), view.boundary, left_is_clock=steady_clock)

        return _looking_ahead(holds) if self.only_windows else holds

    # -- terms

    def sum(self) -> tuple[Term, bool]:
        """Sum := product (('+' | '-') product)*."""
        term, is_clock = self.product()
        while (op := self.peek()) in ("+", "-"):
            self.place += 1
            other, _ = self.product()
            term, is_clock = _arithmetic(op, term, other), False
        return term, is_clock

    def product(self) -> tuple[Term, bool]:
        """Product := atom (('*' | '/') atom)*."""
        term, is_clock = self.atom()
        while (op := self.peek()) in ("*", "/"):
            self.place += 1
            other, _ = self.atom()
            term, is_clock = _arithmetic(op, term, other), False
        return term, is_clock

    def atom(self) -> tuple[Term, bool]:
        """Atom := NUMBER | '-' NUMBER | constant | stage name | scalar | measure '(' window ')' | '(' sum ')'."""
        if self.accept("("):
            inner = self.sum()
            self.expect(")")
            return inner
        negative = self.accept("-")
        kind, word, position = self.next("a number or a measure")
        if kind == "number":
            return _constant(-float(word) if negative else float(word)), False
        if negative or kind != "name":
            raise LanguageError(self.text, position, f"expected a number or a measure, found {word!r}")
        if word in self.constants:
            return _constant(self.constants[word]), False
        if word in STAGES:
            return _constant(word), False
        if word in SCALARS:
            return self.scalar(word)
        if self.peek() == "(":
            return self.windowed(word, position), False
        raise LanguageError(self.text, position, self.unknown(word))

    def scalar(self, word: str) -> tuple[Term, bool]:
        """A measure without a window."""
        self.only_windows = False
        feed = FEED_OF_SCALAR[word]
        self.feeds.add(SEVERAL if feed is None else feed)
        return (lambda view: view.scalar(word)), word in CLOCKS

    def windowed(self, word: str, position: int) -> Term:
        """A measure with a window in brackets."""
        self.expect("(")
        if word == "usual":
            _, measure, where = self.next("a measure")
            self.note(measure, where)
            self.feeds.add(SEVERAL)
            self.expect(",")
            length = self.days()
            self.expect(")")
            return lambda view: view.usual(measure, length)
        if word == "ticket_channels":
            self.only_windows = False
            self.feeds.add(FEED_OF["tickets"] or 0)
            length = self.days()
            self.expect(")")
            return lambda view: view.channels(length)
        self.note(word, position)
        if self.accept("since"):
            self.expect("start")
            self.expect(")")
            return lambda view: view.count_since_start(word)
        length = self.days()
        skip = self.days() if self.accept("before") else 0
        self.expect(")")
        return lambda view: view.count(word, length, skip)

    def note(self, measure: str, position: int) -> None:
        """Record the feed of a daily measure; raises LanguageError when there is no such measure."""
        if measure not in FEED_OF:
            raise LanguageError(self.text, position, self.unknown(measure))
        feed = FEED_OF[measure]
        self.feeds.add(SEVERAL if feed is None else feed)

    def unknown(self, word: str) -> str:
        """The explanation for a name that means nothing here."""
        if word in FEED_OF or word in ("usual", "ticket_channels"):
            return f"{word} needs a window, for example {word}(30d)"
        known = ", ".join(sorted([*SCALARS, *FEED_OF, "ticket_channels", "usual", *self.constants]))
        return f"there is no measure or constant {word!r}; known are {known}"

    def days(self) -> int:
        """A window's length, for example 30d."""
        kind, word, position = self.next("a number of days such as 30d")
        if kind != "days" or "." in word or not 0 < int(word) <= 400:
            raise LanguageError(self.text, position, f"expected 1d to 400d, found {word!r}")
        return int(word)

    # -- tokens

    def peek(self) -> str:
        """The next token's text, empty at the end."""
        return self.tokens[self.place][1] if self.place < len(self.tokens) else ""

    def accept(self, word: str) -> bool:
        """Take the next token if it is `word`."""
        if self.peek() != word:
            return False
        self.place += 1
        return True

    def expect(self, word: str) -> None:
        """Take `word` or fail."""
        if not self.accept(word):
            self.fail(f"expected {word!r}")

    def next(self, what: str) -> tuple[str, str, int]:
        """Take any token or fail at the end."""
        if self.place >= len(self.tokens):
            self.fail(f"expected {what}")
        self.place += 1
        return self.tokens[self.place - 1]

    def end(self) -> None:
        """Fail unless everything was taken."""
        if self.place < len(self.tokens):
            self.fail("expected 'and', 'or' or the end")

    def fail(self, reason: str) -> None:
        """Raise at the present place."""
        here = self.tokens[self.place] if self.place < len(self.tokens) else None
        found = f", found {here[1]!r}" if here else ", found the end"
        raise LanguageError(self.text, here[2] if here else len(self.text), reason + found)


def _constant(value: float | str) -> Term:
    reading = Reading(value, NEVER)
    return lambda _view: reading


def _arithmetic(op: str, left: Term, right: Term) -> Term:
    def read(view: View) -> Reading:
        a, b = left(view), right(view)
        until = min(a.until, b.until)
        if not isinstance(a.value, int | float) or not isinstance(b.value, int | float):
            return Reading(None, until)
        if op == "/":
            return Reading(a.value / b.value if b.value else None, until)
        value = a.value + b.value if op == "+" else a.value - b.value if op == "-" else a.value * b.value
        return Reading(value, until)

    return read


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
            if later != truth or further == NEVER:
                until = until if later != truth else NEVER
                break
            until = further
        view.boundary = present
        return truth, until

    return looks


def _all_of(parts: tuple[Condition, ...]) -> Condition:
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


def _any_of(parts: tuple[Condition, ...]) -> Condition:
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
