"""Made-up exports as shops, help desks and mailing tools write them, each with its mapping and what must come of it."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file, how it is read, and what each of its records comes to."""

    name: str
    file: str
    content: bytes
    mapping: str
    """YAML, or the name of a mapping in the product."""
    events: dict[str, int]
    """By feed; returns are among the tickets."""
    returns: int = 0
    left_out: int = 0
    bad: dict[str, int] = field(default_factory=dict)
    blank: int = 0


def table(*rows: str, end: str = "\n", encoding: str = "utf-8", mark: bytes = b"") -> bytes:
    """Rows of a table as a file."""
    return mark + "".join(f"{row}{end}" for row in rows).encode(encoding)


def lines(*objects: object) -> bytes:
    """Objects as JSON Lines."""
    return b"".join(msgspec.json.encode(one) + b"\n" for one in objects)


def packed(content: bytes) -> bytes:
    """The same with gzip, without a time in it."""
    return gzip.compress(content, mtime=0)


HEAD = "order,customer,time,total,items"
"""The head of the plainest table."""


def shop(*changes: str, time: str = '{column: time, format: "%Y-%m-%d %H:%M"}', amount: str = "{number: total}") -> str:
    """The mapping of the plainest table, with further lines."""
    return "\n".join(
        [
            "source: shop",
            *changes,
            *([] if any(one.startswith("customer_id") for one in changes) else ['customer_id: "{customer}"']),
            f"time: {time}",
            "events:",
            "  - type: purchase",
            '    id: "shop-{order}"',
            f'    data: {{order_id: "{{order}}", amount: {amount}, currency: EUR, items: {{whole: items}}}}',
        ]
    )
