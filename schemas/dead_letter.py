"""Records set aside: refused ones (dead letters) and those too late, kept byte for byte with where they came from.

The original headers come first, ours after them, so that both can be told apart whatever the producer called its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

Headers = list[tuple[str, bytes]]

MAX_KEPT_BYTES: Final = 65_536
"""What is kept of an oversized value or key, and the most that original headers may weigh together: a record near the
broker's limit (1 MB) plus our headers would itself be refused."""

_HEADER_BYTES: Final = 8
"""What a header weighs beside its name and content, at least: a million empty ones are a large record, too."""

PREFIX: Final = "churn-origin-"
"""Begins every header that we add."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record lay; `timestamp_ms` is the record's own Kafka timestamp."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A record set aside, taken apart again: the original, and why it was refused.

    `size` is the original length of the value; when `truncated`, `value` is its beginning only and cannot be re-posted.
    """

    origin: Origin
    stage: str
    reason: str
    field: str | None
    error: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    truncated: bool
    size: int
    sha256: str | None


def origin_key(origin: Origin) -> bytes:
    """The key of the record that holds what was set aside: one each; the original key is in a header."""
    return f"{origin.topic}/{origin.partition}/{origin.offset}".encode()


def place_of(key: bytes) -> tuple[str, int]:
    """Topic and offset in such a key. Raises ValueError for another one.

    >>> place_of(origin_key(Origin("churn.events.login", 3, 17, 0)))
    ('churn.events.login', 17)
    """
    topic, _, offset = key.decode().rsplit("/", 2)
    return topic, int(offset)


def kept_part(content: bytes | None) -> bytes | None:
    """What a dead letter holds of a value or key: all of it, or the first 64 KiB."""
    return content if content is None or len(content) <= MAX_KEPT_BYTES else content[:MAX_KEPT_BYTES]


def kept_value(value: bytes | None) -> bytes:
    """The value of the record of a dead letter; empty where there was none, which compaction would take away."""
    return kept_part(value) or b""


def dead_letter_headers(
    origin: Origin,
    *,
    stage: str,
    reason: str,
    error: str,
    field: str | None = None,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[tuple[str, bytes]] | None,
) -> Headers:
    """Headers of the dead letter of a record: the original ones, then origin, stage, reason, error and sizes.

    Send with `origin_key(origin)` as key and `kept_value(value)` as value. `stage` is the step that refused.
    """
    original = list(headers or ())
    kept = _kept_headers(original)
    added = [
        *_of_origin(origin, key, kept),
        ("stage", stage.encode()),
        ("reason", reason.encode()),
        ("error", error.encode()[:1024]),
    ]
    if field is not None:
        added.append(("field", field.encode()[:1024]))
    if len(kept) != len(original):
        added.append(("headers-dropped", str(len(original)).encode()))
    if value is None:
        added.append(("no-value", b"true"))
    if value is not None and len(value) > MAX_KEPT_BYTES:
        added += [
            ("truncated", b"true"),
            ("size", str(len(value)).encode()),
            ("sha256", sha256(value).hexdigest().encode()),
        ]
    if key is not None and len(key) > MAX_KEPT_BYTES:
        added.append(("key-size", str(len(key)).encode()))
    return kept + [(PREFIX + name, content) for name, content in added]


def late_headers(
    origin: Origin,
    *,
    event_time_ms: int,
    boundary_ms: int,
    key: bytes | None,
    headers: Sequence[tuple[str, bytes]] | None,
) -> Headers:
    """Headers of an event set aside as too late: the original ones, then origin, event time and missed boundary."""
    original = list(headers or ())
    kept = _kept_headers(original)
    added = [
        *_of_origin(origin, key, kept),
        ("stage", b"engine"),
        ("reason", b"late"),
        ("error", f"event time {event_time_ms} is too far behind the reviewed boundary {boundary_ms}".encode()),
        ("event-time", str(event_time_ms).encode()),
        ("boundary", str(boundary_ms).encode()),
    ]
    if len(kept) != len(original):
        added.append(("headers-dropped", str(len(original)).encode()))
    return kept + [(PREFIX + name, content) for name, content in added]


def _of_origin(origin: Origin, key: bytes | None, kept: Headers) -> Headers:
    """What both kinds say first: how many headers are original, the key, and where the record lay."""
    return [
        ("headers", str(len(kept)).encode()),
        ("no-key", b"true") if key is None else ("key", kept_part(key) or b""),
        ("topic", origin.topic.encode()),
        ("partition", str(origin.partition).encode()),
        ("offset", str(origin.offset).encode()),
        ("timestamp", str(origin.timestamp_ms).encode()),
    ]


def _kept_headers(original: Headers) -> Headers:
    """The original headers, or none of them when they would make the copy too large for the broker."""
    weight = sum(len(name.encode(errors="replace")) + len(content or b"") + _HEADER_BYTES for name, content in original)
    return original if weight <= MAX_KEPT_BYTES else []


def is_buried(value: bytes | None, headers: Sequence[tuple[str, bytes]] | None) -> bool:
    """Whether a record of the dead-letter or late topic only says that another one is to vanish."""
    return value is None and not any(name.startswith(PREFIX) for name, _ in headers or ())


def to_dead_letter(key: bytes | None, value: bytes | None, headers: Sequence[tuple[str, bytes]] | None) -> DeadLetter:
    """Take a record of the dead-letter or late topic apart. Raises ValueError when this product did not write it."""
    everything = list(headers or ())
    start = next(
        (at for at in range(len(everything) - 1, -1, -1) if everything[at][0] == PREFIX + "headers"),
        None,
    )
    if start is None:
        message = f"no {PREFIX}headers header: not a dead letter of this product"
        raise ValueError(message)
    ours = {name.removeprefix(PREFIX): content for name, content in everything[start:]}
    if int(ours["headers"]) != start:
        message = f"{start} original headers where {PREFIX}headers says {int(ours['headers'])}"
        raise ValueError(message)
    origin = Origin(
        topic=ours["topic"].decode(),
        partition=int(ours["partition"]),
        offset=int(ours["offset"]),
        timestamp_ms=int(ours["timestamp"]),
    )
    digest = ours.get("sha256")
    field = ours.get("field")
    if "no-key" in ours or "key" in ours:  # else it is of an earlier program
        key = ours.get("key")
    return DeadLetter(
        origin=origin,
        stage=ours["stage"].decode(),
        reason=ours["reason"].decode(),
        field=None if field is None else field.decode(errors="replace"),
        error=ours["error"].decode(errors="replace"),
        key=key,
        value=None if "no-value" in ours else value,
        headers=everything[:start],
        truncated="truncated" in ours or "key-size" in ours or "headers-dropped" in ours,
        size=int(ours["size"]) if "size" in ours else len(value or b""),
        sha256=None if digest is None else digest.decode(),
    )
