"""How numbers and names are told to people."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas.envelope import OF_FEED
from schemas.instant import from_rfc3339

BEHIND_MS = 2 * 86_400_000 + 3 * 3_600_000
"""A boundary so old is not the last one: a day, an hour or more of disorder, and a zone's change of the clock."""


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural unless there is one.

    >>> counted(1, "alert"), counted(1200, "alert")
    ('1 alert', '1,200 alerts')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def whom(customer_id: str) -> str:
    """Whom an alert tells of: a customer, or a feed.

    >>> whom("c-42"), whom("feed:login")
    ('customer c-42', 'the login feed')
    """
    feed = customer_id.removeprefix(OF_FEED)
    return f"customer {customer_id}" if feed == customer_id else f"the {feed} feed"


def feed_down(feed: str, where: str, since: str | None, held: int) -> str:
    """That a feed is down: where, since which day (None: unknown), and of how many signals alerts are held.

    >>> feed_down("login", "2 partitions", "27 Nov 2026", 5)
    'login is down in 2 partitions since 27 Nov 2026: alerts of 5 signals are held'
    """
    began = "" if since is None else f" since {since}"
    what = f"alerts of {counted(held, 'signal')} are held" if held else "no alert is held for it"
    return f"{feed} is down in {where}{began}: {what}"


def sentence_of(parts: Sequence[str]) -> str:
    """One sentence of parts.

    >>> sentence_of(["none left", "two came back"])
    'None left; two came back.'
    """
    text = "; ".join(parts)
    return f"{text[:1].upper()}{text[1:]}."


def moment(instant: str | int, zone: str, *, now_ms: int | None = None) -> str:
    """An instant (RFC 3339 text or epoch ms) as people of a zone write it; given `now`, without what goes unsaid.

    That is the zone, and the year where it is this one.

    >>> moment("2026-11-24T00:00:00Z", "UTC"), moment("2026-11-24T00:00:00Z", "Europe/Berlin", now_ms=1795900000000)
    ('24 Nov 2026, 00:00 UTC', '24 Nov 01:00')
    """
    at = _local(instant, zone)
    if now_ms is None:
        return at.strftime("%d %b %Y, %H:%M %Z")
    return at.strftime("%d %b %H:%M" if at.year == _local(now_ms, zone).year else "%d %b %Y %H:%M")


def written_date(instant: str | int, zone: str) -> str:
    """The day of an instant, in a zone.

    >>> written_date("2026-11-23T23:30:00Z", "Europe/Berlin")
    '24 Nov 2026'
    """
    return _local(instant, zone).strftime("%d %b %Y")


def written_day(text: str) -> str:
    """A calendar day, or an instant's in UTC, as people write it.

    >>> written_day("2026-11-23"), written_day("2026-11-23T23:30:00Z")
    ('23 Nov 2026', '23 Nov 2026')
    """
    return written_date(f"{text[:10]}T00:00:00Z", "UTC")


def _local(instant: str | int, zone: str) -> datetime:
    time_ms = from_rfc3339(instant) if isinstance(instant, str) else instant
    return datetime.fromtimestamp(time_ms / 1000, ZoneInfo(zone))


def span(passed_ms: int) -> str:
    """How long something takes, in the largest unit of which there are two.

    >>> span(90_000), span(50 * 3_600_000), span(400)
    ('90 s', '2 days', '0 s')
    """
    seconds = passed_ms // 1000
    for size, unit in ((86_400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"


def as_of(boundary_ms: int, zone: str, now_ms: int) -> str:
    """Of when something speaks; what is days behind the clock says so, as a live deployment is a day behind at most.

    >>> as_of(0, "UTC", 86_400_000), as_of(0, "UTC", 5 * 86_400_000)[:52]
    ('as of 01 Jan 1970, 00:00 UTC', 'as of 01 Jan 1970, 00:00 UTC, 5 days behind the cloc')
    """
    text = f"as of {moment(boundary_ms, zone)}"
    if now_ms - boundary_ms <= BEHIND_MS:
        return text
    return f"{text}, {span(now_ms - boundary_ms)} behind the clock (`churn-signals doctor` says whether a worker runs)"
