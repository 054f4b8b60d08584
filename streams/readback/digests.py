"""The digests that were sent: of each owner the newest, or the newest up to a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from schemas.digest import DigestV1, decode_digest
from schemas.instant import from_rfc3339
from schemas.topics import Topics
from streams.errors import SetupError
from streams.files.opening import filled_lines, opened_bytes
from streams.kafka.topic_reader import read_messages
from streams.settings import Settings


def newest_digests(digests: Iterable[DigestV1], until_ms: int | None = None) -> dict[str, DigestV1]:
    """By owner, in the order of names, the newest as of an instant: in a crash an earlier one may lie behind it."""
    found: dict[str, tuple[int, DigestV1]] = {}
    for one in digests:
        at_ms = from_rfc3339(one.at)
        if (until_ms is None or at_ms <= until_ms) and at_ms >= found.get(one.owner, (at_ms, one))[0]:
            found[one.owner] = at_ms, one
    return {owner: one for owner, (_, one) in sorted(found.items())}


def digests_on_topic(settings: Settings) -> Iterator[DigestV1]:
    """Every digest that the topic still has. Raises SetupError."""
    topic = Topics(settings.prefix).digests
    for message in read_messages(settings, topic, [0], purpose="digests"):
        value = message.value()
        if value is not None:
            try:
                yield decode_digest(value)
            except msgspec.MsgspecError as error:
                raise SetupError(f"topic {topic}", f"a record is not ours: {error}", "Check CHURN_PREFIX.") from error


def digests_in_file(path: Path) -> Iterator[DigestV1]:
    """Every digest of a file that `replay --digests` wrote, packed with gzip or not. Raises SetupError."""
    with opened_bytes(path, "file of digests") as lines:
        for number, line in filled_lines(lines):
            try:
                yield decode_digest(line)
            except msgspec.MsgspecError as error:
                raise SetupError(
                    f"line {number} of {path}", f"no digest: {error}", "Give a file that `replay --digests` wrote."
                ) from error
