"""The catalogue's language: named measures with windows, arithmetic, comparisons, and/or with brackets; no code.

    purchases(30d) <= 0.7 * purchases(30d before 30d) and days_since_login > 15

Windows: `(30d)` the last 30 closed days, `(30d before 14d)` the 30 days that end 14 days ago, `(since start)` from the
first day of the episode. `usual(engagement, 14d)` is what 14 days usually hold. Comparisons with something unknown are
unknown; unknown never fires. Expressions compile to operations on columns, see `models.catalogue.conditions`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from models.catalogue.conditions import AllOf, AnyOf, Comparison, Condition, Never
from models.catalogue.suggestion import did_you_mean
from models.catalogue.terms import (
    USUAL_DAYS,
    Arithmetic,
    Channels,
    Constant,
    RunningConstant,
    ScalarTerm,
    SinceStart,
    Term,
    Usual,
    WindowTerm,
)
from models.catalogue.tokens import LanguageError, tokens_of
from models.config import KEEP_DAYS, Number, Running
from models.customers.columns import STAGES
from models.measures.daily import DAILY
from models.measures.scalars import SCALARS

_COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
_CONTINUES_A_SUM = (*_COMPARISONS, "+", "-", "*", "/")


@dataclass(frozen=True, slots=True)
class CompiledCondition:
    """A condition, its text, and what it reads: feeds, or ALL_FEEDS, FIRST_ACTIVITY and STAGE; constants that run."""

    text: str
    condition: Condition
    feeds: frozenset[int]
    running: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CompiledTerm:
    """A numeric expression, its text and what it reads."""

    text: str
    term: Term
    feeds: frozenset[int]
    running: frozenset[str] = frozenset()


Constants = Mapping[str, Number | Running]
"""The names that a catalogue defines."""


def compile_condition(text: str, constants: Constants) -> CompiledCondition:
    """Compile a condition; raises LanguageError."""
    parser = _Parser(text, constants)
    condition = parser.either()
    parser.end()
    return CompiledCondition(text, condition, frozenset(parser.feeds), frozenset(parser.running))


def compile_term(text: str, constants: Constants) -> CompiledTerm:
    """Compile a numeric expression; raises LanguageError."""
    parser = _Parser(text, constants)
    term = parser.sum()
    parser.end()
    return CompiledTerm(text, term, frozenset(parser.feeds), frozenset(parser.running))


def is_taken(name: str) -> bool:
    """Whether a name means something in the language already, so that no constant can have it."""
    words = ("and", "or", "never", "since", "start", "before", "usual", "ticket_channels")
    return name in words or name in STAGES or name in SCALARS or name in DAILY


class _Parser:
    """Recursive descent over the tokens; `feeds` and `running` collect what the expression reads."""

    def __init__(self, text: str, constants: Constants) -> None:
        self.text, self.constants = text, constants
        self.feeds: set[int] = set()
        self.running: set[str] = set()
        self.tokens = tokens_of(text)
        self.place = 0

    # -- conditions

    def either(self) -> Condition:
        """Either := both ('or' both)*."""
        parts = [self.both()]
        while self.accept("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else AnyOf(parts)

    def both(self) -> Condition:
        """Both := unit ('and' unit)*."""
        parts = [self.unit()]
        while self.accept("and"):
            parts.append(self.unit())
        return parts[0] if len(parts) == 1 else AllOf(parts)

    def unit(self) -> Condition:
        """Unit := 'never' | '(' either ')' | comparison."""
        if self.accept("never"):
            return Never()
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
            if self.peek() not in _CONTINUES_A_SUM:
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
        """Comparison := sum op sum."""
        left = self.sum()
        op = self.peek()
        if op not in _COMPARISONS:
            self.fail("a comparison (<=, >=, ==, !=, <, >) is missing here")
        self.place += 1
        right = self.sum()
        if left.is_stage != right.is_stage or (left.is_stage and op not in ("==", "!=")):
            self.fail("a stage is compared with a stage, by == or !=, and with nothing else")
        return Comparison(op, left, right)

    # -- terms

    def sum(self) -> Term:
        """Sum := product (('+' | '-') product)*."""
        return self.chain(("+", "-"), self.product)

    def product(self) -> Term:
        """Product := atom (('*' | '/') atom)*."""
        return self.chain(("*", "/"), self.atom)

    def chain(self, signs: tuple[str, str], part: Callable[[], Term]) -> Term:
        """Parts joined by signs of one rank, from left to right."""
        term = part()
        while (op := self.peek()) in signs:
            self.place += 1
            other = part()
            if term.is_stage or other.is_stage:
                self.fail("a stage is not a number")
            term = Arithmetic(op, term, other)
        return term

    def atom(self) -> Term:
        """Atom := NUMBER | '-' NUMBER | constant | stage name | scalar | measure '(' window ')' | '(' sum ')'."""
        if self.accept("("):
            inner = self.sum()
            self.expect(")")
            return inner
        negative = self.accept("-")
        kind, word, position = self.next("a number or a measure")
        if kind == "number":
            return Constant(-float(word) if negative else float(word))
        if negative or kind != "name":
            raise LanguageError(self.text, position, f"expected a number or a measure, found {word!r}")
        if word in self.constants:
            return self.constant(word)
        if word in STAGES:
            return Constant(word)
        if word in SCALARS:
            return self.note(ScalarTerm(word))
        if self.peek() == "(":
            return self.note(self.windowed(word, position))
        raise LanguageError(self.text, position, self.unknown(word))

    def constant(self, word: str) -> Term:
        """A name that the catalogue defines."""
        found = self.constants[word]
        if not isinstance(found, Running):
            return Constant(found)
        self.running.add(word)
        return RunningConstant(word)

    def windowed(self, word: str, position: int) -> Term:
        """A measure with a window in brackets."""
        self.expect("(")
        if word == "usual":
            _, measure, where = self.next("a measure")
            self.check(measure, where)
            self.expect(",")
            length = self.days(KEEP_DAYS - USUAL_DAYS)
            self.expect(")")
            return Usual(measure, length)
        if word == "ticket_channels":
            length = self.days()
            self.expect(")")
            return Channels(length)
        self.check(word, position)
        if self.accept("since"):
            self.expect("start")
            self.expect(")")
            return SinceStart(word)
        length = self.days()
        skip = self.days(KEEP_DAYS - length) if self.accept("before") else 0
        self.expect(")")
        return WindowTerm(word, length, skip)

    def check(self, measure: str, position: int) -> None:
        """Raise LanguageError when there is no such daily measure."""
        if measure not in DAILY:
            raise LanguageError(self.text, position, self.unknown(measure))

    def note(self, term: Term) -> Term:
        """Record what the expression reads."""
        self.feeds |= term.feeds
        return term

    def unknown(self, word: str) -> str:
        """The explanation for a name that means nothing here."""
        if word in DAILY or word in ("usual", "ticket_channels"):
            return f"{word} needs a window, for example {word}(30d)"
        known = sorted([*SCALARS, *DAILY, "ticket_channels", "usual", *self.constants])
        return f"there is no measure or constant {word!r}. {did_you_mean(word, known)}Known are {', '.join(known)}"

    def days(self, most: int = KEEP_DAYS) -> int:
        """A window's length, for example 30d; nothing older than the days that are kept can be asked for."""
        kind, word, position = self.next("a number of days such as 30d")
        if kind != "days" or "." in word or not 0 < int(word) <= most:
            room = (
                f"expected 1d to {most}d" if most > 0 else f"the window ends before the {KEEP_DAYS} days that are kept"
            )
            raise LanguageError(self.text, position, f"{room}, found {word!r}")
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
