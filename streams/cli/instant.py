"""Instants as options of commands."""

from __future__ import annotations

from typing import Final

import click

from schemas.event_time import FIRST_MS, LAST_MS
from schemas.instant import from_rfc3339


class _Instant(click.ParamType):
    name = "instant"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Epoch milliseconds."""
        if isinstance(value, int):
            return value
        try:
            time_ms = from_rfc3339(value)
        except ValueError:
            self.fail(f"{value!r} is no RFC 3339 time with an offset, such as 2026-03-01T00:00:00Z", param, ctx)
        if not FIRST_MS <= time_ms <= LAST_MS:
            self.fail(f"{value!r} is not from 1970 to 2099, as the time of every event is", param, ctx)
        return time_ms


INSTANT: Final = _Instant()
"""RFC 3339 text, as epoch milliseconds."""
