"""`churn-signals simulate`: synthetic customers of known kinds, or the missing feeds of real ones."""

from __future__ import annotations

import gzip
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import click
import msgspec

from schemas.codec import encode_event
from schemas.event import FEEDS, Event
from schemas.instant import from_rfc3339
from streams.errors import EXIT_DONE
from streams.history import read_history
from streams.simulation import simulate as simulate_customers
from streams.simulation_around import simulate_around
from streams.tables import load_mapping

EXAMPLES: Final = """\b
Examples:
  churn-signals simulate --customers 5000 --days 180 --seed 1 --out events.jsonl.gz --truth truth.jsonl
  churn-signals simulate --for CDNOW_master.txt --out others.jsonl.gz
"""


@click.command(epilog=EXAMPLES)
@click.option("--customers", type=click.IntRange(1), default=1000, show_default=True)
@click.option("--days", type=click.IntRange(1), default=180, show_default=True)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same events.")
@click.option("--start", metavar="DATE", default="2026-01-01", show_default=True, help="The first day (UTC).")
@click.option(
    "--for",
    "around",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Add logins, tickets and e-mails to the customers of this event file instead (only these are written).",
)
@click.option("--mapping", "mapping_name", help="How the table given with --for becomes events.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Where to write; standard output without.")
@click.option("--truth", type=click.Path(dir_okay=False, path_type=Path), help="Where to write each customer's kind.")
def simulate(
    *,
    customers: int,
    days: int,
    seed: int,
    start: str,
    around: Path | None,
    mapping_name: str | None,
    out: Path | None,
    truth: Path | None,
) -> int:
    """Write the events of synthetic customers as JSON Lines, in order of time."""
    if around is not None:
        if truth is not None:
            raise click.UsageError("--truth is known of synthetic customers only, not with --for")
        events = simulate_around(
            read_history([around], load_mapping(mapping_name) if mapping_name else None), seed=seed
        )
    else:
        events, truths = simulate_customers(customers=customers, days=days, seed=seed, start_ms=_start(start))
        if truth is not None:
            _write(truth, (msgspec.json.encode(one) for one in truths))
    _write(out, map(encode_event, events))
    _report(events)
    return EXIT_DONE


def _start(text: str) -> int:
    try:
        return from_rfc3339(f"{text}T00:00:00Z")
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no date such as 2026-01-01", param_hint="--start") from error


def _write(path: Path | None, lines: Iterable[bytes]) -> None:
    with _opened(path) as file:
        for line in lines:
            file.write(line + b"\n")


@contextmanager
def _opened(path: Path | None) -> Iterator[IO[bytes] | gzip.GzipFile]:
    """Open a file to write; gzip without a time in it, so that equal events are equal bytes."""
    if path is None:
        yield sys.stdout.buffer
    elif path.suffix == ".gz":
        with (
            path.open("wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", compresslevel=6, mtime=0) as packed,
        ):
            yield packed
    else:
        with path.open("wb") as plain:
            yield plain


def _report(events: list[Event]) -> None:
    counts = Counter(FEEDS[event.feed] for event in events)
    customers = len({event.customer_id for event in events})
    parts = ", ".join(f"{counts[feed]:,} {feed}" for feed in FEEDS)
    click.echo(f"{len(events):,} events of {customers:,} customers ({parts})", err=True)
