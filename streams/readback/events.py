"""The events of the input topics as a history: what a worker would take of them, in the order of time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from confluent_kafka import Message

from models.engine.ledger import MISPLACED
from schemas.codec import decode_event
from schemas.errors import RejectedError
from schemas.event import Event, Purchase
from schemas.partitioner import partition_of
from schemas.topics import Topics
from streams.clock import now_ms
from streams.files.packed_history import PackedHistory, Replayed, stored
from streams.kafka.log_reader import headers_of
from streams.kafka.topic_reader import read_messages
from streams.readback.decided import HiddenError, read_decided
from streams.settings import Settings
from streams.text.wording import counted


@dataclass(slots=True)
class LiveHistory:
    """Events that were read; of the others how many came at or after the time asked for, and were refused, by why."""

    history: PackedHistory = field(default_factory=lambda: PackedHistory((), [], []))
    later: int = 0
    refused: Counter[str] = field(default_factory=Counter)

    def replayed(self, excluded: set[str]) -> Replayed:
        """The events, without those of some ids."""
        self.history.runs.put_away()
        return Replayed(self.history, 0, excluded)

    def sentences(self) -> list[str]:
        """What was left out."""
        refused = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.refused.items()))
        told = [f"{counted(self.refused.total(), 'record')} refused, as a worker refuses them: {refused}"]
        return told if refused else []


def read_live(settings: Settings, before_ms: int | None = None) -> LiveHistory:
    """Every event on the input topics that happened before an instant, up to the topics' present ends.

    Raises SetupError when no broker answers or a topic is missing.
    """
    found, now = LiveHistory(), now_ms()
    for feed, topic in enumerate(Topics(settings.prefix).events):
        for message in read_messages(settings, topic, range(settings.partitions), purpose="history"):
            try:
                event = _event_of(message, feed, settings.partitions, now)
            except RejectedError as error:
                found.refused[error.reason] += 1
                continue
            if before_ms is not None and event.time_ms >= before_ms:
                found.later += 1
                continue
            _keep(found.history, event, int(message.offset() or 0))
    return found


def _event_of(message: Message, feed: int, partitions: int, now: int) -> Event:
    key = message.key()
    event = decode_event(feed, key, message.value(), headers_of(message), now)
    if partition_of(event.customer_id.encode(), partitions) != int(message.partition() or 0):
        raise RejectedError(MISPLACED, "it lies where its key does not belong")
    return event


def _keep(history: PackedHistory, event: Event, offset: int) -> None:
    """Those of a customer and instant keep the order of their log."""
    history.heard.add(event.feed)
    if isinstance(event.data, Purchase):
        history.currencies[event.data.currency] += 1
    history.runs.add(stored(event, offset))


def told_from_ms(settings: Settings) -> int | None:
    """Since when alerts are told to people: as the settings say, else as workers noted it; None before they did."""
    if settings.alerts_from_ms is not None:
        return settings.alerts_from_ms
    try:
        decided = read_decided(settings)
    except HiddenError:
        return None
    return min((one.alerts_from_ms for one in decided.values() if one.alerts_from_ms is not None), default=None)
