"""Open days as plain values, for a snapshot, and back."""

from typing import Any

from models.customers.open_day import OpenDay, bucket_of, part_of
from schemas.moved import BucketPart


def day_values(opened: OpenDay) -> list[Any]:
    """An open day as plain values."""
    return [
        *opened.to_lists(),
        *({row: part_of(b) for row, b in of.items()} for of in (opened.tickets, opened.emails.buckets())),
    ]


def day_of(values: list[Any]) -> OpenDay:
    """The open day of such values."""
    *lists, tickets, emails = values
    opened = OpenDay()
    opened.set_lists(lists)
    opened.tickets = {row: bucket_of(BucketPart(*one)) for row, one in tickets.items()}
    opened.emails.set_buckets({row: bucket_of(BucketPart(*one)) for row, one in emails.items()})
    return opened
