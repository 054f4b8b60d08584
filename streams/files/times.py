"""Event times as exports write them: formats of strptime, ISO 8601, seconds and milliseconds since 1970; zones."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.errors import RejectedError
from schemas.instant import to_ms
from streams.files.mapping import TimeRule, listed

ISO: Final = "iso"
_EPOCHS: Final = {"epoch_s": 1000, "epoch_ms": 1}
_EARLIEST_MS: Final = 10_000_000_000
"""April 1970. Seconds that were read as milliseconds lie before it, and no export is that old."""
_LATEST_MS: Final = 4_102_444_800_000
"""The year 2100. Milliseconds that were read as seconds lie behind it."""

_DIRECTIVES = re.compile(r"%(.)?")
_KNOWN: Final = frozenset("YymdHMSfzjbBpIaA%")
_NUMBER = re.compile(r"([0-9]{1,16})(?:\.([0-9]+))?")


class Moment(NamedTuple):
    """An instant, its date where it was written, and whether a clock change made it ambiguous (read as the first)."""

    time_ms: int
    local: datetime
    is_repeated: bool

    @property
    def day(self) -> date:
        """The date as it was written."""
        return self.local.date()


def format_fault(written: str) -> str | None:
    """Why a format cannot be trusted, with the remedy; None for one that can."""
    if written in _EPOCHS or written == ISO:
        return None
    found = {match[1] for match in _DIRECTIVES.finditer(written)}
    if not found:
        return f"is none of {ISO}, {', '.join(_EPOCHS)}, and has no %"
    if "Z" in found:
        return (
            "has %Z, and names of zones are ambiguous (is CST in China?): write the letters as they are, give `zone:`"
        )
    if ("I" in found) != ("p" in found):
        return "has one of %I and %p: twelve hours need both, 24 hours are %H"
    if unknown := sorted(f"%{one or ''}" for one in found - _KNOWN):
        return f"has {unknown[0]}, which is not read; use %Y %m %d %H %M %S %f %z %b %B %j %y %I %p"
    has_day = "j" in found or ("d" in found and found & {"m", "b", "B"})
    return None if found & {"Y", "y"} and has_day else "needs a year, a month and a day: %Y or %y, %m or %b, %d"


def time_reader(rule: TimeRule, zone: ZoneInfo) -> Callable[[str], Moment]:
    """How a mapping reads times, those that name no zone as of this one.

    They are remembered: dates repeat, and reading one costs more than the rest of a line. The function
    raises RejectedError (`bad_time`).
    """
    formats = listed(rule.format)

    @lru_cache(maxsize=10_000)
    def read(text: str) -> Moment:
        found = [moment for written in formats if (moment := _read(text.strip(), written, zone)) is not None]
        if not found:
            named = " or ".join(formats)
            raise RejectedError("bad_time", f"{text[:80]!r} is not written as {named}{_hint(text, formats)}")
        if len({moment.time_ms for moment in found}) > 1:
            raise RejectedError("bad_time", f"{text[:80]!r} fits several formats and means another time in each")
        return found[0]

    return read


def _read(text: str, written: str, zone: ZoneInfo) -> Moment | None:
    if written in _EPOCHS:
        return _epoch(text, _EPOCHS[written], zone)
    if written == ISO and text[4:5] != "-" and "T" not in text:
        return None  # digits alone: they are as likely seconds
    try:
        moment = datetime.fromisoformat(text) if written == ISO else datetime.strptime(text, written)  # noqa: DTZ007
    except ValueError:
        return None
    return _placed(text, moment, zone)


def _epoch(text: str, factor: int, zone: ZoneInfo) -> Moment | None:
    digits = _NUMBER.fullmatch(text)
    if digits is None:
        return None
    time_ms = int(digits[1]) * factor
    if factor > 1:
        time_ms += int((digits[2] or "0").ljust(3, "0")[:3])
    if not _EARLIEST_MS <= time_ms < _LATEST_MS:
        return None
    local = datetime.fromtimestamp(time_ms / 1000, zone)
    return Moment(time_ms, local.replace(tzinfo=None), is_repeated=False)


def _hint(text: str, formats: tuple[str, ...]) -> str:
    number = _NUMBER.fullmatch(text.strip())
    if number is None:
        return ""
    if not int(number[1]):
        return ": it stands for no time"
    fits = [name for name, factor in _EPOCHS.items() if _EARLIEST_MS <= int(number[1]) * factor < _LATEST_MS]
    return f"; `format: {fits[0]}` would read it" if fits and fits[0] not in formats else ""


def _placed(text: str, moment: datetime, zone: ZoneInfo) -> Moment:
    """A time that was read, in its zone. Raises RejectedError for one that a clock change left out."""
    local = moment.replace(tzinfo=None)
    try:
        if moment.tzinfo is not None:
            return Moment(to_ms(moment), local, is_repeated=False)
        first, second = moment.replace(tzinfo=zone, fold=0), moment.replace(tzinfo=zone, fold=1)
        if first.utcoffset() == second.utcoffset():
            return Moment(to_ms(first), local, is_repeated=False)
        is_missing = to_ms(first) > to_ms(second)  # before a gap the first offset is the smaller one
        if is_missing:
            remedy = "a clock change leaves it out; is `zone` right?"
            raise RejectedError("bad_time", f"{text[:80]!r} does not exist in {zone.key}: {remedy}")
        return Moment(to_ms(first), local, is_repeated=True)
    except OverflowError:
        raise RejectedError("bad_time", f"{text[:80]!r} is too far away") from None
