"""Records set aside (dead letters, late events) read back, judged again and posted again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from schemas.codec import decode_event
from schemas.dead_letter import DeadLetter, Origin, to_dead_letter
from schemas.errors import RejectedError
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.catalogue_file import load_rules
from streams.errors import SetupError
from streams.kafka import connect, librdkafka_config
from streams.settings import Settings
from streams.snapshot import partition_state, read_state
from streams.transport.restore import BULK_SETTINGS

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
    """Cut because they were too large, or not from an event topic of these settings: never posted again."""


def read_letters(settings: Settings, topic: str) -> Iterator[DeadLetter]:
    """Yield what lies on the dead-letter or late topic up to its present end; what a crash repeated comes once."""
    _, cluster = connect(settings)
    if topic not in cluster.topics:
        raise SetupError(f"topic {topic}", "missing", "Run: churn-signals topics create.")
    seen: set[Origin] = set()
    for message in _read_to_end(settings, topic, sorted(cluster.topics[topic].partitions)):
        pairs = cast("Sequence[tuple[str, bytes | None]]", message.headers() or ())  # the client's stub says also str
        headers = [(name, content or b"") for name, content in pairs]
        try:
            letter = to_dead_letter(message.key(), message.value(), headers)
        except (ValueError, KeyError) as error:
            where = f"{topic} partition {message.partition()} offset {message.offset()}"
            raise SetupError(where, f"was not written by this product: {error}", "Remove what writes there.") from error
        if letter.origin not in seen:
            seen.add(letter.origin)
            yield letter


def judge(
    letters: Iterable[DeadLetter], *, settings: Settings, late_before_ms: Mapping[int, int], now_ms: int
) -> Outlook:
    """Say what would become of letters; `late_before_ms`: by partition, the event time below which one is too late."""
    feeds = {name: feed for feed, name in enumerate(Topics(settings.prefix).events)}
    fit, refused, reasons, late, incomplete = [], [], Counter[str](), 0, 0
    for letter in letters:
        feed = feeds.get(letter.origin.topic)
        if feed is None or letter.truncated:
            incomplete += 1
            continue
        try:
            event = decode_event(feed, letter.key, letter.value, letter.headers, now_ms)
        except RejectedError as error:
            refused.append(letter)
            reasons[error.reason] += 1
            continue
        if letter.reason in JUDGED_BY_ENGINE:
            refused.append(letter)
            reasons[letter.reason] += 1
            continue
        fit.append(letter)
        partition = partition_of(event.customer_id.encode(), settings.partitions)
        late += event.time_ms < late_before_ms.get(partition, 0)
    return Outlook(fit, late, refused, reasons, incomplete)


def late_limits_ms(settings: Settings) -> dict[int, int]:
    """Return, by partition that has reviewed a day, the event time below which an event is now too late."""
    basis = load_rules(settings).basis
    states = {partition: partition_state(restored) for partition, restored in read_state(settings).items()}
    return {
        partition: basis.calendar.start_of(state.boundary) - basis.lateness_ms
        for partition, state in states.items()
        if state is not None and state.boundary >= 0
    }


def post_again(settings: Settings, letters: Iterable[DeadLetter]) -> int:
    """Post the originals to their topics, with their keys, values, headers and timestamps; return how many.

    The partition is the key's, as for any producer. Raises SetupError when the broker does not take all.
    """
    config = {"partitioner": "murmur2_random", "acks": "all", "enable.idempotence": True}
    producer = Producer({**librdkafka_config(settings), **config})
    failures: list[str] = []
    count = 0
    for letter in letters:
        _send(producer, letter, failures)
        count += 1
    left = producer.flush(WITHIN_S)
    if left or failures:
        cause = failures[0] if failures else f"{left} records not acknowledged within {WITHIN_S:.0f} s"
        raise SetupError("dead-letters replay", cause, "Look at the broker, then repeat: repetitions are recognised.")
    return count


def _send(producer: Producer, letter: DeadLetter, failures: list[str]) -> None:
    def delivered(error: KafkaError | None, _: object) -> None:
        if error is not None:
            failures.append(error.str())

    timestamp = max(letter.origin.timestamp_ms, 0)  # 0: now
    headers: list[tuple[str, str | bytes | None]] = [*letter.headers]
    while True:
        try:
            producer.produce(
                letter.origin.topic,
                letter.value,
                letter.key,
                headers=headers,
                timestamp=timestamp,
                on_delivery=delivered,
            )
        except BufferError:  # the queue is full: let some of it go
            producer.poll(0.1)
        else:
            producer.poll(0)
            return


def _read_to_end(settings: Settings, topic: str, partitions: list[int]) -> Iterator[Message]:
    consumer = Consumer({**librdkafka_config(settings), **BULK_SETTINGS, "group.id": f"{settings.group}.set-aside"})
    left = set(partitions)
    try:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
        while left:
            for message in consumer.consume(1000, 0.2):
                error = message.error()
                if error is None:
                    yield message
                elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - the client's own name for it
                    left.discard(int(message.partition() or 0))
                elif not error.retriable():
                    raise KafkaException(error)
    finally:
        consumer.close()
