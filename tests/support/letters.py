"""What the dead-letter and late topics hold, held against the ledger of what was posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import cast

from schemas.dead_letter import kept_part, to_dead_letter
from support.ledger import Draft, Origin
from support.reading import read_topic
from support.workers import Deployment

Written = tuple[bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]
"""Key, value and headers of a record that was set aside."""


def letters_of(deployment: Deployment, topic: str) -> dict[Origin, list[Written]]:
    """Everything set aside, by origin: after a crash a record may be there more than once."""
    found: dict[Origin, list[Written]] = {}
    for message in read_topic(deployment.broker.bootstrap, topic):
        pairs = cast("Sequence[tuple[str, bytes]]", message.headers() or ())  # the client's stub says also str
        origin = to_dead_letter(message.key(), message.value(), pairs).origin
        place = origin.topic, origin.partition, origin.offset
        found.setdefault(place, []).append((message.key(), message.value(), tuple(pairs)))
    return found


def check_letters(deployment: Deployment, topic: str, wanted: Mapping[Origin, Draft]) -> int:
    """The topic holds exactly these records, byte for byte; returns how many repeats there are, each the same."""
    found = letters_of(deployment, topic)
    assert found.keys() == wanted.keys()
    wrong = [text for origin, posted in wanted.items() if (text := _difference(found[origin], origin, posted))]
    assert not wrong, wrong[:5]
    return sum(map(len, found.values())) - len(found)


def _difference(written: list[Written], origin: Origin, posted: Draft) -> str | None:
    """What is wrong with what was set aside for a record; None when nothing is."""
    if len(set(written)) != 1:
        return f"{origin} was written in {len(set(written))} versions: {set(written)}"
    letter = to_dead_letter(*written[0])
    size = len(posted.value or b"")
    content = (posted.key, kept_part(posted.value), posted.headers)
    wanted = (*content, posted.refused_for, origin, posted.at_ms, size)
    place = (letter.origin.topic, letter.origin.partition, letter.origin.offset)
    stamp = letter.origin.timestamp_ms
    found = (letter.key, letter.value, letter.headers, letter.reason, place, stamp, letter.size)
    if found != wanted:
        return f"{found} is not {wanted}"
    is_cut = posted.value is not None and kept_part(posted.value) != posted.value
    digest = sha256(posted.value).hexdigest() if posted.value is not None and is_cut else None
    if (letter.truncated, letter.sha256) != (is_cut, digest):
        return f"{origin}: truncated {letter.truncated}, sha256 {letter.sha256}"
    return None if letter.error and letter.stage in ("codec", "engine") else f"{origin} does not say what and where"
