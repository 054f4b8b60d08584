"""Instants on the wire: RFC 3339 text at the border, whole epoch milliseconds inside."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_IN_DAY = 86_400


def to_ms(moment: datetime) -> int:
    """Epoch milliseconds of an aware datetime, rounded down; exact, because no float is involved."""
    since = moment - _EPOCH
    return (since.days * _SECONDS_IN_DAY + since.seconds) * 1000 + since.microseconds // 1000


_LEAST_MS = to_ms(datetime.min.replace(tzinfo=UTC))
_MOST_MS = to_ms(datetime.max.replace(tzinfo=UTC))


@lru_cache(maxsize=4096)
def to_rfc3339(time_ms: int) -> str:
    """UTC text of an instant, with milliseconds only where there are any. Most are midnights: the same few again.

    An instant of no year from 1 to 9999, as a record's timestamp may be, is told as the nearest one of them.

    >>> to_rfc3339(1_700_000_000_000), to_rfc3339(1_700_000_000_250)
    ('2023-11-14T22:13:20Z', '2023-11-14T22:13:20.250Z')
    """
    within_ms = min(max(time_ms, _LEAST_MS), _MOST_MS)
    moment = _EPOCH + timedelta(milliseconds=within_ms)
    timespec = "milliseconds" if within_ms % 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=timespec) + "Z"


def from_rfc3339(text: str) -> int:
    """Epoch milliseconds of an RFC 3339 text. Raises ValueError when it is malformed or has no offset.

    >>> from_rfc3339("2023-11-14T23:13:20+01:00")
    1700000000000
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        message = f"{text!r} has no offset from UTC"
        raise ValueError(message)
    return to_ms(moment)
