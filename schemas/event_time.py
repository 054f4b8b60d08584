"""When an event may have happened: the bounds of the contract, for the decoder and as a JSON Schema that says the same.

A schema sees a text and no instant. So that both bounds can be said exactly, they are instants for times written in
UTC, and a day inside of these, by the date that is written, for times with another offset.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from schemas.errors import RejectedError
from schemas.instant import to_ms

FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Kafka has no timestamp for anything earlier."""

LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)
"""A mistake in the producer beyond any doubt. A clock is stricter, but a file is read without one: each midnight until
the newest event is decided, and in no run are there to be millions of them."""

FIRST_MS: Final = to_ms(FIRST)
LAST_MS: Final = to_ms(LAST)

_DAY = timedelta(days=1)
SURE_FIRST_MS: Final = to_ms(FIRST + 2 * _DAY)
SURE_LAST_MS: Final = to_ms(LAST - 2 * _DAY)
"""Between these two no offset matters."""


def check_bounds(moment: datetime, field: str = "event_time") -> None:
    """Raise RejectedError (`bad_time`, `future`) for a time beyond the bounds; `moment` has the offset as written."""
    inside = _DAY if moment.utcoffset() else timedelta(0)
    written = moment.replace(tzinfo=UTC) if inside else moment
    if written < FIRST + inside:
        raise RejectedError("bad_time", "before 1970, or on its first day and not in UTC", field)
    if written > LAST - inside:
        raise RejectedError("future", "after 2099, or on its last day and not in UTC", field)


def check_instant(time_ms: int) -> None:
    """The same for an instant that is, or will be, written in UTC."""
    if time_ms < FIRST_MS:
        raise RejectedError("bad_time", "before 1970", "event_time")
    if time_ms > LAST_MS:
        raise RejectedError("future", "after 2099", "event_time")


# What the typed decoder takes: `T` may be a space or small, the colon of an offset may be left out, a fraction is
# rounded to microseconds. There are no leap seconds.
_DATE = (
    "(?:(?:19[7-9][0-9]|20[0-9]{2})-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    "|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
    "|(?:19(?:[79][26]|8[048])|20(?:[02468][048]|[13579][26]))-02-29)"
)
_TIME = r"[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_UTC = "(?:[Zz]|[+-]00:?00)$"
_OFFSET = "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])$"
_ROUNDED_TO_MIDNIGHT = r"[Tt ]00:00:00(?:\.(?:0{1,6}|0{6}[0-4][0-9]*))?"

EVENT_TIME_SCHEMA: Final[dict[str, Any]] = {
    "pattern": f"^(?:{_DATE}{_TIME}|2100-01-01{_ROUNDED_TO_MIDNIGHT}){_OFFSET}",
    "anyOf": [
        {"pattern": _UTC},
        {"not": {"pattern": "^(?:1970-01-01|2099-12-31|2100)"}},
        {"pattern": f"^2099-12-31{_ROUNDED_TO_MIDNIGHT}[+-]"},
    ],
    "examples": ["2026-11-22T09:30:00Z", "2026-11-22T10:30:00.250+01:00"],
}
"""What `event_time` may be, exactly: more than the format `date-time`, whose assertion is left to who validates."""
