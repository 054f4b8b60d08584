"""Open days as plain values, for a snapshot, and back."""

from typing import Any

from models.customers.buckets import Bucket, Note
from models.customers.open_day import OpenDay


def day_values(opened: OpenDay) -> list[Any]:
    """An open day as plain values."""
    return [
        *opened.to_lists(),
        *({row: _bucket_values(b) for row, b in of.items()} for of in (opened.tickets, opened.emails.buckets())),
    ]


def day_of(values: list[Any]) -> OpenDay:
    """The open day of such values."""
    *lists, tickets, emails = values
    opened = OpenDay()
    opened.set_lists(lists)
    opened.tickets = {row: _bucket_of(one) for row, one in tickets.items()}
    opened.emails.set_buckets({row: _bucket_of(one) for row, one in emails.items()})
    return opened


def _bucket_values(bucket: Bucket) -> tuple[Any, ...]:
    return bucket.counts.copy(), bucket.channels.copy(), bucket.notes.copy(), bucket.first_ms


def _bucket_of(values: list[Any]) -> Bucket:
    counts, channels, notes, first_ms = values
    bucket = Bucket(len(counts))
    bucket.counts, bucket.channels, bucket.first_ms = counts, channels, first_ms
    bucket.notes = [Note(*note) for note in notes]
    return bucket
