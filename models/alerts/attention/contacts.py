"""When it was suggested last that a customer be contacted, and what has to wait because of that.

A suggestion is the first sending of a negative alert whose intervention contacts the customer; what was held, by
whatever rule, was none. Nobody is asked to act on what is historical, so that is none either.
"""

from models.alerts.episode import Revision, SignalAlerts
from models.alerts.escalation import CRITICAL
from models.calendar import Calendar
from models.catalogue.rules import Rules, Signal


def contacts(signal: Signal) -> bool:
    """Whether it is suggested to contact customers because of its alerts."""
    return signal.polarity == "negative" and signal.contacts_customer


def can_wait(signal: Signal) -> bool:
    """Whether its alerts wait while a customer was contacted lately: what is announced at once does not."""
    return contacts(signal) and signal.announced_feed is None


class Contacts:
    """The suggestions to contact customers of a partition that still keep others back."""

    def __init__(self, rules: Rules, alerts_from_ms: int) -> None:
        self.days = rules.contact_days
        """For how many days a suggestion keeps others back, 0 for not at all."""
        self.at: dict[int, int] = {}
        """By row, the boundary of the last suggestion, as long as it matters."""
        self._calendar: Calendar = rules.basis.calendar
        self._alerts_from_ms = alerts_from_ms
        self._chosen: set[tuple[int, str]] = set()

    def begin(self, boundary: int) -> None:
        """Forget what keeps nothing back as of a boundary."""
        self._chosen.clear()
        self.at = {row: at for row, at in self.at.items() if boundary < at + self.days}

    def note(self, row: int, boundary: int, signal: str | None) -> None:
        """A customer is contacted because of a signal, None: of alerts that never wait."""
        self.at[row] = boundary
        if signal is not None:
            self._chosen.add((row, signal))

    def is_suggestion(self, one: Revision) -> bool:
        """Whether a revision of a signal that contacts customers asks to contact this one, and is nobody's history."""
        return not one.refused and one.observed_ms >= self._alerts_from_ms

    def passes_ms(self, of: SignalAlerts, one: Revision) -> int | None:
        """The instant at which the customer may be contacted again, where a revision has to wait for it."""
        at = self.at.get(one.row)
        if at is None or not self.days or one.was_sent or one.ends_ms is not None or not can_wait(of.signal):
            return None
        if one.severity == CRITICAL or not self.is_suggestion(one) or (one.row, of.signal.id) in self._chosen:
            return None
        return self._calendar.start_of(at + self.days)
