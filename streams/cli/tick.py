"""`churn-signals tick [--at T]`: post the time, as data, to every partition."""

from __future__ import annotations

import click

from schemas.codec import MAX_AHEAD_MS
from schemas.instant import to_rfc3339
from streams.cli.instant import INSTANT
from streams.clock import now_ms
from streams.errors import SetupError
from streams.kafka.ticks import post_ticks
from streams.settings import environment_settings
from streams.text.terminal import say
from streams.text.wording import counted


@click.command(epilog="\b\nExample:\n  churn-signals tick --at 2026-03-01T00:00:00Z")
@click.option("--at", "at_ms", type=INSTANT, metavar="T", help="The time to post (RFC 3339); now without it.")
def tick(*, at_ms: int | None) -> None:
    """Post the time to every partition, with every feed declared idle up to its present end.

    A partition takes the time from a tick only for feeds it has read up to the stated end: no backlog is cut short.
    """
    settings = environment_settings()
    present_ms = now_ms()
    posted_ms = present_ms if at_ms is None else at_ms
    if posted_ms > present_ms + MAX_AHEAD_MS:
        value = f"{to_rfc3339(posted_ms)} has not come yet, by this machine's clock it is {to_rfc3339(present_ms)}"
        raise SetupError("--at", value, "Workers refuse such a tick; `replay --until` shows what time would bring.")
    count = post_ticks(settings, posted_ms)
    say(f"posted {to_rfc3339(posted_ms)} to {counted(count, 'partition')}")
