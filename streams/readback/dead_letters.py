"""Records set aside (dead letters, late events) read back, judged again and posted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from models.alerts.partitions import place_of_command
from models.calendar import Calendar
from schemas.codec import check_ahead, decode_event
from schemas.command import decode_command
from schemas.dead_letter import DeadLetter, Origin, is_buried, to_dead_letter
from schemas.errors import RejectedError
from schemas.partitioner import partition_of
from schemas.topics import DAY_MS, Topics
from streams.errors import SetupError
from streams.kafka.commands import partition_to_post
from streams.kafka.connection import connect
from streams.kafka.poster import BY_KEY, Poster
from streams.kafka.topic_reader import must_be_there, read_messages
from streams.readback.decided import read_decided, until_ms
from streams.settings import Settings

WITHIN_S: Final = 60.0
"""How long the brokers may take to acknowledge what was posted again."""

JUDGED_BY_ENGINE: Final = frozenset({"id_conflict"})
"""Reasons that a second decode cannot see: the record would be refused again for the same one."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would become of letters if they were posted again now."""

    fit: list[DeadLetter] = field(default_factory=list)
    """Would be accepted; `late` counts those of them that would be set aside as too late."""
    late: int = 0
    refused: list[DeadLetter] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)
    """Why the refused ones would be refused again."""
    incomplete: int = 0
    """Cut because they were too large, or not from an input topic of these settings: never posted again."""


def late_events_of(settings: Settings, customer_id: str) -> int:
    """How many events of a customer came too late, as far back as their topic keeps them."""
    return sum(1 for _ in read_letters(settings, Topics(settings.prefix).late, key=customer_id.encode()))


def read_letters(settings: Settings, topic: str, *, key: bytes | None = None) -> Iterator[DeadLetter]:
    """Yield what lies on the dead-letter or late topic up to its present end; what a crash repeated comes once.

    With a key that of one customer, who was on the right partition.
    """
    _, cluster = connect(settings)
    must_be_there(cluster, [topic])
    seen: set[Origin] = set()
    numbers = cluster.topics[topic].partitions if key is None else [partition_of(key, settings.partitions)]
    for message in read_messages(settings, topic, numbers, purpose="set-aside"):
        pairs = cast("Sequence[tuple[str, bytes | None]]", message.headers() or ())  # the client's stub says also str
        headers = [(name, content or b"") for name, content in pairs]
        if is_buried(message.value(), headers):
            continue
        try:
            letter = to_dead_letter(message.key(), message.value(), headers)
        except (ValueError, KeyError) as error:
            where = f"{topic} partition {message.partition()} offset {message.offset()}"
            raise SetupError(where, f"was not written by this product: {error}", "Remove what writes there.") from error
        if letter.origin not in seen and key in (None, letter.key):
            seen.add(letter.origin)
            yield letter


def judge(
    letters: Iterable[DeadLetter], *, settings: Settings, late_before_ms: Mapping[int, int], now_ms: int
) -> Outlook:
    """Say what would become of letters; `late_before_ms`: by partition, the event time below which one is too late."""
    topics = Topics(settings.prefix)
    feeds = {name: feed for feed, name in enumerate(topics.events)}
    fit, refused, reasons, late, incomplete = [], [], Counter[str](), 0, 0
    for letter in letters:
        topic = letter.origin.topic
        if (topic not in feeds and topic != topics.commands) or letter.truncated:
            incomplete += 1
            continue
        try:
            partition, at_ms = _said_in(letter, feeds.get(topic), settings, now_ms)
        except RejectedError as error:
            refused.append(letter)
            reasons[error.reason] += 1
            continue
        if letter.reason in JUDGED_BY_ENGINE:
            refused.append(letter)
            reasons[letter.reason] += 1
            continue
        fit.append(letter)
        late += at_ms < late_before_ms.get(partition, 0)
    return Outlook(fit, late, refused, reasons, incomplete)


def _said_in(letter: DeadLetter, feed: int | None, settings: Settings, now_ms: int) -> tuple[int, int]:
    """The partition of an event, or without a feed of a command, and when it was. Raises RejectedError."""
    if feed is None:
        command = decode_command(letter.key, letter.value)
        check_ahead(command.at_ms, now_ms, "at")
        return place_of_command(command, settings.partitions, Calendar(settings.zone)), command.at_ms
    event = decode_event(feed, letter.key, letter.value, letter.headers, now_ms)
    return partition_of(event.customer_id.encode(), settings.partitions), event.time_ms


def late_limits_ms(settings: Settings) -> dict[int, int]:
    """Return, by partition that has reviewed a day, the event time below which an event is now too late."""
    lateness_ms = settings.lateness_days * DAY_MS
    return {number: until - lateness_ms for number, until in until_ms(read_decided(settings)).items()}


def post_again(settings: Settings, letters: Iterable[DeadLetter]) -> int:
    """Post the originals to their topics, with their keys, values, headers and timestamps; return how many.

    The partition is the key's, as for any producer; that of a command about a feed's alert is the alert's. Raises
    SetupError when the broker does not take all.
    """
    poster = Poster(settings)
    count = 0
    for letter in letters:
        poster.send(
            letter.origin.topic,
            letter.key,
            letter.value,
            partition=_partition_of(settings, letter),
            timestamp_ms=max(letter.origin.timestamp_ms, 0),  # 0: now
            headers=letter.headers,
        )
        count += 1
    remedy = "Look at the broker, then repeat: repetitions are recognised."
    poster.finish("dead-letters replay", within_s=WITHIN_S, remedy=remedy)
    return count


def _partition_of(settings: Settings, letter: DeadLetter) -> int:
    if letter.origin.topic != Topics(settings.prefix).commands:
        return BY_KEY
    try:
        return partition_to_post(settings, decode_command(letter.key, letter.value))
    except RejectedError:  # it is refused again, wherever it lies
        return BY_KEY
