"""Instants, and how long something takes, as options of commands."""

from __future__ import annotations

import re
from math import nan
from typing import Final

import click

from schemas.event_time import FIRST_MS, LAST_MS
from schemas.instant import from_rfc3339
from streams.clock import now_ms


class _Instant(click.ParamType):
    name = "instant"
    wanted = "is no RFC 3339 time with an offset, such as 2026-03-01T00:00:00Z"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds."""
        if isinstance(value, int):
            return value
        try:
            time_ms = from_rfc3339(value)
        except ValueError:
            self.fail(f"{value!r} {self.wanted}", param, ctx)
        if not FIRST_MS <= time_ms <= LAST_MS:
            self.fail(f"{value!r} is not from 1970 to 2099, as the time of every event is", param, ctx)
        return time_ms


INSTANT: Final = _Instant()
"""RFC 3339 text, as epoch milliseconds."""


class _Since(_Instant):
    """An instant, or how long ago."""

    name = "since"
    wanted = (
        "is neither how long ago (30min, 12h, 7d) nor an RFC 3339 time with an offset, such as 2026-03-01T00:00:00Z"
    )

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds."""
        if (ago_ms := _span_ms(value)) is not None:
            if ago_ms > now_ms():
                self.fail(f"{value!r} is before 1970; name a shorter time", param, ctx)
            return now_ms() - ago_ms
        return super().convert(value, param, ctx)


class _Until(_Instant):
    """An instant, or in how long."""

    name = "until"
    wanted = "is neither in how long (30min, 12h, 7d) nor an RFC 3339 time with an offset, such as 2026-03-01T00:00:00Z"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds."""
        if (ahead_ms := _span_ms(value)) is not None:
            if now_ms() + ahead_ms > LAST_MS:
                self.fail(f"{value!r} is beyond 2099; name a shorter time", param, ctx)
            return now_ms() + ahead_ms
        return super().convert(value, param, ctx)


class _Seconds(click.ParamType):
    """How long, as seconds or with a unit."""

    name = "seconds"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Seconds."""
        if (span_ms := _span_ms(value)) is not None:
            seconds = span_ms / 1000
        else:
            try:
                seconds = float(value)
            except ValueError:
                seconds = nan
        if not 0 <= seconds <= MOST_S:
            wanted = f"{MOST_S // 86_400} days: seconds (30, 0.5), or with a unit (30s, 5min, 12h, 2d)"
            self.fail(f"{value!r} is no time from 0 to {wanted}", param, ctx)
        return seconds


MOST_S: Final = 31 * 86_400
"""A receipt comes at the next midnight, or once a feed that is silent is back: nobody waits a month for it."""
_SPAN: Final = re.compile(r"(\d{1,12})(s|min|h|d)", re.ASCII)


def _span_ms(value: object) -> int | None:
    """How long a text says, None where it says no span."""
    found = _SPAN.fullmatch(value.strip()) if isinstance(value, str) else None
    return None if found is None else int(found[1]) * _UNITS_MS[found[2]]


_UNITS_MS: Final = {"s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}

SINCE: Final = _Since()
"""`12h`, `7d` ago or RFC 3339 text, as epoch milliseconds."""

UNTIL: Final = _Until()
"""The same ahead."""

SECONDS: Final = _Seconds()
"""`30`, `5min` or `12h`, as seconds."""
