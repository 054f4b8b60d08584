"""Of whom nothing is fired early: who has opted out, and who was snoozed, by what was said alone.

Early firing runs ahead of the reviews, so it may not ask what they decided: it asks for what was said before the day
began. Whoever is quiet is told of by the day's review, or held there.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from models.calendar import Calendar, date_of
from models.config import KEEP_DAYS
from schemas.alert import alert_id
from schemas.command import Command

ASKED_DAYS: Final = KEEP_DAYS
"""How far back an alert may have begun that is found by its id."""


class Word(Struct, frozen=True, array_like=True):
    """Something that was said of a customer, the boundary at which it takes effect, and since when.

    `signal` and `until_ms` are of a snooze; without them it is an opt-out or, with `is_out` false, an opt-in.
    """

    boundary: int
    at_ms: int
    id: str
    is_out: bool = False
    signal: str = ""
    until_ms: int = 0

    @property
    def order(self) -> tuple[int, int, str]:
        """The last word counts."""
        return self.boundary, self.at_ms, self.id


class Heard(NamedTuple):
    """What was said of a customer, and of one signal."""

    words: Sequence[Word]
    signal: str
    calendar: Calendar

    def is_out(self, boundary: int) -> bool:
        """Whether the customer has opted out as of a boundary."""
        last = _last(self.words, "", boundary)
        return last is not None and last.is_out

    def is_held(self, boundary: int) -> bool:
        """Whether nothing of the signal is sent at a boundary."""
        last = _last(self.words, self.signal, boundary)
        return self.is_out(boundary) or (last is not None and self.calendar.start_of(boundary) < last.until_ms)


class Quiet:
    """What was said of each customer that is still of interest."""

    def __init__(self, calendar: Calendar, announced: Iterable[str]) -> None:
        """`announced`: the signals that are fired early."""
        self._calendar, self._announced = calendar, tuple(announced)
        self.words: dict[str, list[Word]] = {}

    def __bool__(self) -> bool:
        return bool(self.words)

    def note(self, command: Command, boundary: int, reviewed: int) -> None:
        """Note a command that takes effect at a boundary; everybody is judged as of `reviewed`."""
        if command.action in ("opt_out", "opt_in"):
            word = Word(boundary, command.at_ms, command.id, is_out=command.action == "opt_out")
        elif command.action == "snooze" and (signal := self._signal_of(command, boundary)) is not None:
            word = Word(boundary, command.at_ms, command.id, signal=signal, until_ms=command.until_ms or 0)
        else:
            return
        self.add(command.customer_id, word, reviewed)

    def add(self, customer_id: str, word: Word, reviewed: int) -> None:
        """Note a word; everybody is judged as of `reviewed`."""
        known = sorted([*self.words.get(customer_id, ()), word], key=lambda one: one.order)
        self.words[customer_id] = self._kept(known, reviewed)

    def _kept(self, known: list[Word], reviewed: int) -> list[Word]:
        """Of words in their order, those that can still be the last one as of a boundary to come."""
        last = {(one.signal, max(one.boundary, reviewed)): one for one in known}
        now_ms = self._calendar.start_of(max(reviewed, 0))
        return [one for one in last.values() if not one.signal or one.until_ms > now_ms]

    def _signal_of(self, command: Command, boundary: int) -> str | None:
        """The announced signal whose alert has this id, by trying the days on which it may have begun."""
        for start in range(boundary - 1, max(boundary - 1 - ASKED_DAYS, -1), -1):
            day = date_of(start)
            for signal in self._announced:
                if alert_id(command.customer_id, signal, day) == command.alert_id:
                    return signal
        return None

    def has_opted_out(self, customer_id: str, boundary: int) -> bool:
        """Whether a customer has opted out as of a boundary."""
        return self.heard(customer_id).is_out(boundary)

    def heard(self, customer_id: str, signal: str = "") -> Heard:
        """What was said of a customer, maybe of a signal, that is still of interest."""
        return Heard(self.words.get(customer_id, ()), signal, self._calendar)

    def opted_out(self, boundary: int) -> list[str]:
        """Everybody who has, as of a boundary that is judged now; what is of no interest any more is forgotten."""
        kept = {customer_id: self._kept(words, boundary) for customer_id, words in self.words.items()}
        self.words = {
            customer_id: words
            for customer_id, words in kept.items()
            if any(one.signal or one.is_out or one.boundary > boundary for one in words)
        }
        return [customer_id for customer_id in self.words if self.has_opted_out(customer_id, boundary)]

    def keeps(self, customer_id: str, signal: str, day: int) -> bool:
        """Whether nothing of a signal is fired early on a day of this customer."""
        if customer_id not in self.words:
            return False
        last = _last(self.words[customer_id], signal, day)
        is_snoozed = last is not None and self._calendar.start_of(day + 1) < last.until_ms
        return is_snoozed or self.has_opted_out(customer_id, day)


def _last(words: Sequence[Word], signal: str, boundary: int) -> Word | None:
    found = [one for one in words if one.signal == signal and one.boundary <= boundary]
    return max(found, key=lambda one: one.order, default=None)
