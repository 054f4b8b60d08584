"""What one customer did on one day, as events arrive: tickets and e-mails, with the notes people want as evidence."""

from bisect import insort
from typing import Final, NamedTuple

from schemas.event import Ticket

TICKET_CATEGORIES: Final = ("complaint", "billing", "delivery", "return", "other")
TICKET_COUNTS: Final = (*TICKET_CATEGORIES, "reopened", "resolved")
"""What is counted of tickets: those opened by category, then the other actions."""
EMAIL_ACTIONS: Final = ("sent", "opened", "clicked", "unsubscribed", "complained", "bounced")
STRONG_ACTIONS: Final = ("clicked", "unsubscribed", "complained")
"""What a customer does with an e-mail that counts as activity."""
REFUSALS: Final = ("unsubscribed", "complained")
"""Answers to an e-mail that say: no more."""
MAX_NOTES: Final = 10
"""Notes kept of a day: the smallest by (time, id), so that the choice does not depend on arrival."""
MAX_CHANNELS: Final = 4
"""Distinct ticket channels kept of a day: signals ask for two, the rest is margin."""
NO_TIME: Final = 1 << 62
"""Later than any event: nothing of the kind happened yet."""

_TICKET_PLACE: Final = {name: place for place, name in enumerate(TICKET_CATEGORIES)}
_REOPENED, _RESOLVED = 5, 6
_EMAIL_PLACE: Final = {name: place for place, name in enumerate(EMAIL_ACTIONS)}


class Note(NamedTuple):
    """One event that a person may want to see as evidence: a ticket opened or reopened, an e-mail refused."""

    time_ms: int
    id: str
    action: str
    category: str
    channel: str


class Bucket:
    """One customer's tickets or e-mails of one day: counts, notes, channels, time of the first activity."""

    __slots__ = ("channels", "counts", "first_ms", "notes")

    def __init__(self, size: int) -> None:
        self.counts = [0] * size
        self.notes: list[Note] = []
        self.channels: list[str] = []
        self.first_ms = NO_TIME

    def add_ticket(self, data: Ticket, time_ms: int, event_id: str) -> bool:
        """Count a ticket's event; True when it is activity of the customer (opened or reopened)."""
        if data.action == "resolved":
            self.counts[_RESOLVED] += 1
            return False
        channel = data.channel or ""
        if data.action == "opened":
            self.counts[_TICKET_PLACE[data.category]] += 1
            if channel:
                self._add_channels((channel,))
        else:
            self.counts[_REOPENED] += 1
        self.add_notes((Note(time_ms, event_id, data.action, data.category, channel),))
        self.first_ms = min(self.first_ms, time_ms)
        return True

    def merge(self, other: "Bucket") -> None:
        """Add what another bucket of the same customer and day holds."""
        self.counts = [ours + theirs for ours, theirs in zip(self.counts, other.counts, strict=True)]
        self.add_notes(other.notes)
        self._add_channels(other.channels)
        self.first_ms = min(self.first_ms, other.first_ms)

    def add_notes(self, notes: "list[Note] | tuple[Note, ...]") -> None:
        """Keep the smallest of these and those known."""
        for note in notes:
            insort(self.notes, note)
        del self.notes[MAX_NOTES:]

    def _add_channels(self, channels: "list[str] | tuple[str, ...]") -> None:
        for channel in channels:
            if channel not in self.channels:
                insort(self.channels, channel)
        del self.channels[MAX_CHANNELS:]

    @property
    def is_activity(self) -> bool:
        """Whether the customer did something."""
        return self.first_ms < NO_TIME


def bucket_of_notes(notes: list[Note], *, is_email: bool) -> Bucket:
    """The bucket of a day that held only these events."""
    bucket = Bucket(len(EMAIL_ACTIONS) if is_email else len(TICKET_COUNTS))
    for note in notes:
        if is_email:
            bucket.counts[_EMAIL_PLACE[note.action]] += 1
        elif note.action == "opened":
            bucket.counts[_TICKET_PLACE[note.category]] += 1
            if note.channel:
                bucket._add_channels((note.channel,))  # noqa: SLF001 - the same class
        else:
            bucket.counts[_REOPENED] += 1
    bucket.notes = notes
    return bucket
