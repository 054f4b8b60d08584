"""Instants as options of commands."""

from __future__ import annotations

import re
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
        if isinstance(value, str) and (ago := _SPAN.fullmatch(value.strip())):
            return now_ms() - int(ago[1]) * _UNITS_MS[ago[2]]
        return super().convert(value, param, ctx)


class _Until(_Instant):
    """An instant, or in how long."""

    name = "until"
    wanted = "is neither in how long (12h, 7d) nor an RFC 3339 time with an offset, such as 2026-03-01T00:00:00Z"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds."""
        if isinstance(value, str) and (ahead := _SPAN.fullmatch(value.strip())):
            time_ms = now_ms() + int(ahead[1]) * _UNITS_MS[ahead[2]]
            if time_ms > LAST_MS:
                self.fail(f"{value!r} is beyond 2099", param, ctx)
            return time_ms
        return super().convert(value, param, ctx)


_SPAN: Final = re.compile(r"([1-9]\d{0,6})(s|min|h|d)")
_UNITS_MS: Final = {"s": 1_000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}

SINCE: Final = _Since()
"""`12h`, `7d` ago or RFC 3339 text, as epoch milliseconds."""

UNTIL: Final = _Until()
"""The same ahead."""
