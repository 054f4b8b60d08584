"""The customers agent: decodes the records of a frame, lets the partition decide, writes and sends what changed.

Nothing of a frame is sent before the whole frame was processed. The order on the wire: dead letters, late events and
outputs, then the customers' records, and the partition's own record last.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import msgspec
from models.customer_record import UnknownRecordVersionError
from models.partition import Partition, Published
from models.partition_record import epoch_of

from models.catalogue.catalogue import Rules
from models.engine import Engine
from models.engine.ledger import DeadLetterLimitError
from models.scoring.version import Version
from schemas.codec import MAX_AHEAD_MS, decode_event
from schemas.dead_letter import Origin, dead_letter_headers, kept_part, late_headers
from schemas.errors import RejectedError
from schemas.event import Event
from schemas.partitioner import partition_of
from schemas.tick import Tick, decode_tick
from schemas.topics import Topics
from streams.agents.models import Shelf
from streams.agents.tally import Tally
from streams.errors import EXIT_DEAD_LETTER_LIMIT, EXIT_SETUP
from streams.memory import uncollected
from streams.settings import Settings
from streams.transport.changelog import Changelog
from streams.transport.errors import StopWorkerError
from streams.transport.producer import Outputs
from streams.transport.records import Record

REVIEWS_A_FRAME = 400
"""Reviews between two looks at what has arrived, a fifth of a second: so a midnight of many customers is spread."""

SENT_HEADER = "churn-sent-ms"
"""When a revision was sent: a header, so that its value is a function of the events alone."""


class Aside(NamedTuple):
    """A record to be set aside once its frame is through."""

    topic: str
    record: Record
    headers: list[tuple[str, bytes]]


class _AlertLabels(msgspec.Struct):
    signal: str
    severity: str
    status: str
    historical: bool


class _StageLabels(msgspec.Struct):
    to_stage: str


_alert_labels = msgspec.json.Decoder(_AlertLabels)
_stage_labels = msgspec.json.Decoder(_StageLabels)


class Customers:
    """Owns the customers of the partitions assigned to this worker. See `transport.owner.Owner`."""

    def __init__(
        self,
        settings: Settings,
        rules: Rules,
        outputs: Outputs,
        changelog: Changelog,
        now_ms: Callable[[], int],
        shelf: Shelf,
    ) -> None:
        self.partitions: dict[int, Partition] = {}
        self.progress: Callable[[], None] = lambda: None
        """Called while a boundary with many customers is gone through."""
        self.tally = Tally()
        self._settings, self._rules = settings, rules
        self._outputs, self._changelog = outputs, changelog
        self._now_ms = now_ms
        self._shelf = shelf
        self._versions: dict[int, Version | None] = {}
        self._topics = Topics(settings.prefix)
        self._feeds = {topic: feed for feed, topic in enumerate(self._topics.events)}
        self._base: dict[int, int] = {}
        self._committed: dict[int, int] = {}

    # -- the life of a partition

    def restored(self, partition: int, records: dict[bytes, bytes]) -> None:
        """Take a partition over under a new epoch, and send again what may not have been sent.

        Raises StopWorkerError when a newer program wrote its records.
        """
        try:
            owned = self._partition(partition, records)
        except UnknownRecordVersionError as error:
            raise StopWorkerError(_newer_message(partition, error), EXIT_SETUP) from error
        self.partitions[partition] = owned
        self._versions[partition] = self._version_to_go_on_with(owned)
        self._base[partition] = owned.state.sequence
        self._committed[partition] = owned.state.committed
        for key, packed in owned.claim().items():
            self._changelog.write(partition, key, packed)
        for output in owned.unsent():
            self._publish(partition, output)
            self.tally.sent_again += 1

    def _partition(self, number: int, records: dict[bytes, bytes]) -> Partition:
        settings = self._settings
        epoch = 1 + max((epoch_of(packed) for packed in records.values()), default=0)
        owned = Partition(
            Engine(self._rules),
            records,
            number=number,
            epoch=epoch,
            alerts_from_ms=self._now_ms() if settings.alerts_from_ms is None else settings.alerts_from_ms,
            limit_dead_letters=settings.dead_letter_limit == "on",
            versions=lambda _boundary: self._versions[number],
            progress=self.progress,
        )
        owned.spreads = True
        return owned

    def committed(self, partition: int, sequence: int) -> None:
        """Remember up to which frame outputs need not be kept any longer."""
        if partition in self._base:
            self._committed[partition] = self._base[partition] + sequence

    def is_behind(self, partition: int) -> bool:
        """Whether customers of the partition wait for their review."""
        owned = self.partitions.get(partition)
        return owned is not None and owned.is_behind

    def revoked(self, partition: int) -> None:
        """Forget the partition."""
        for known in (self.partitions, self._base, self._committed, self._versions):
            known.pop(partition, None)

    def rewrite(self, partition: int, key: bytes) -> None:
        """Put our record of a key behind one that an earlier owner wrote too late."""
        owned = self.partitions.get(partition)
        if owned is not None:
            self._changelog.write(partition, key, owned.records.get(key))

    # -- a frame

    @uncollected()
    def take(self, partition: int, sequence: int, records: Sequence[Record]) -> None:  # noqa: ARG002 - the port's
        """Process one frame, or review some who wait when it has no records.

        Raises StopWorkerError at the dead-letter limit.
        """
        started = time.perf_counter()
        owned = self.partitions[partition]
        reviews = owned.reviews
        if not owned.is_behind:  # else a boundary is ended with the version it was begun with
            self._versions[partition] = self._shelf.current
        owned.begin(self._committed[partition])
        asides = self._take_all(owned, partition, records)
        if not records:
            owned.go_on(REVIEWS_A_FRAME)
        batch = owned.finish()
        for aside in asides:
            self._set_aside(partition, aside)
        oldest_ms = min((record.timestamp_ms for record in records), default=None)
        for output in batch.outputs:
            self._publish(partition, output, oldest_ms)
        for key, packed in batch.writes.items():
            self._changelog.write(partition, key, packed)
        self.tally.reviews += owned.reviews - reviews
        if records:
            seconds = time.perf_counter() - started
            self.tally.count_frame(records, seconds, self._now_ms(), owned.state.alerts_from_ms)

    def _take_all(self, owned: Partition, partition: int, records: Sequence[Record]) -> list[Aside]:
        asides: list[Aside] = []
        now_ms = self._now_ms()
        try:
            for record in records:
                feed = self._feeds.get(record.topic)
                if feed is None:
                    self._take_tick(owned, record, asides, partition)
                else:
                    self._take_event(owned, partition, feed, record, now_ms, asides)
        except DeadLetterLimitError as error:
            message = _limit_message(error, record, partition, owned.state.reasons)
            raise StopWorkerError(message, EXIT_DEAD_LETTER_LIMIT) from error
        return asides

    def _version_to_go_on_with(self, owned: Partition) -> Version | None:
        """After a restore: the one that the boundary under way was begun with, if there is one under way."""
        shelf, begun_with = self._shelf, owned.state.model
        if not owned.is_behind:
            return shelf.current
        if begun_with is None:
            return None
        return shelf.named(begun_with) or shelf.current  # the topic may have it no more

    def _take_event(
        self, owned: Partition, partition: int, feed: int, record: Record, now_ms: int, asides: list[Aside]
    ) -> None:
        try:
            event = decode_event(feed, record.key, record.value, record.headers, now_ms)
            self._check_place(owned, partition, event)
        except RejectedError as error:
            taken = owned.take_rejected(feed, record.offset, error.reason)
            asides.append(self._dead_letter(partition, record, error))
        else:
            taken = owned.take_event(event, record.offset)
            if taken.outcome == "late":
                boundary_ms = owned.calendar.start_of(taken.boundary)
                asides.append(self._late(partition, record, event, boundary_ms))
            elif taken.outcome == "dead_lettered":
                conflict = RejectedError(
                    "id_conflict", "an event with this id and other content was applied before", "id"
                )
                asides.append(self._dead_letter(partition, record, conflict))
        self.tally.events[record.topic, "redelivered" if taken.is_again else taken.outcome] += 1
        if taken.reason is not None and not taken.is_again:
            self.tally.dead_letters[record.topic, taken.reason] += 1

    def _check_place(self, owned: Partition, partition: int, event: Event) -> None:
        """A new customer's partition is computed; one we know is where it belongs."""
        key = event.customer_id.encode()
        if key not in owned.records:
            expected = partition_of(key, self._settings.partitions)
            if expected != partition:
                detail = (
                    f"partition {partition}, but murmur2 of the key says {expected}: set partitioner=murmur2_random"
                )
                raise RejectedError("wrong_partition", detail)

    def _take_tick(self, owned: Partition, record: Record, asides: list[Aside], partition: int) -> None:
        try:
            owned.take_tick(self._checked_tick(record), record.offset)
        except RejectedError as error:
            owned.take_bad_tick(record.offset)
            asides.append(self._dead_letter(partition, record, error))
            self.tally.dead_letters[record.topic, error.reason] += 1

    def _checked_tick(self, record: Record) -> Tick:
        """The tick of a record; one from the future would make everything after it late."""
        tick = decode_tick(record.value)
        if tick.now_ms > self._now_ms() + MAX_AHEAD_MS:
            raise RejectedError("future", "a tick more than 300 s ahead of the clock", "now")
        return tick

    # -- what leaves

    def _dead_letter(self, partition: int, record: Record, error: RejectedError) -> Aside:
        origin = Origin(record.topic, partition, record.offset, record.timestamp_ms)
        headers = dead_letter_headers(
            origin,
            stage="codec" if error.reason not in ("wrong_partition", "id_conflict") else "engine",
            reason=error.reason,
            error=error.detail,
            field=error.field,
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
        return Aside(self._topics.dead_letters, record, headers)

    def _late(self, partition: int, record: Record, event: Event, boundary_ms: int) -> Aside:
        origin = Origin(record.topic, partition, record.offset, record.timestamp_ms)
        headers = late_headers(origin, event_time_ms=event.time_ms, boundary_ms=boundary_ms, headers=record.headers)
        return Aside(self._topics.late, record, headers)

    def _set_aside(self, partition: int, aside: Aside) -> None:
        record = aside.record
        self._outputs.send(aside.topic, partition, kept_part(record.key), kept_part(record.value), aside.headers)

    def _publish(self, partition: int, output: Published, caused_ms: int | None = None) -> None:
        """Send an output; `caused_ms`: Kafka time of what caused it, None when it is sent once more or none did."""
        now_ms = self._now_ms()
        sent = [(SENT_HEADER, str(now_ms).encode())]
        key = output.customer_id.encode()
        if output.kind in ("lesson", "progress"):
            self._outputs.send(self._topics.examples, 0, None, output.payload, sent)
            return
        if output.kind == "stage":
            self._outputs.send(self._topics.stages, partition, key, output.payload, sent)
            self.tally.stages[_stage_labels.decode(output.payload).to_stage] += 1
            return
        self._outputs.send(self._topics.alerts, partition, key, output.payload, sent)
        is_open = output.kind == "alert_open"
        self._outputs.send(
            self._topics.alerts_open, None, output.ref.encode(), output.payload if is_open else None, sent
        )
        labels = _alert_labels.decode(output.payload)
        self.tally.alerts[labels.signal, labels.severity, labels.status] += 1
        if caused_ms is not None and not labels.historical:
            self.tally.alert_ages.add(max(0, now_ms - caused_ms) / 1000)


def _newer_message(partition: int, error: UnknownRecordVersionError) -> str:
    return (
        f"partition {partition}: {error}: a newer program wrote it. Start that one again, or begin anew from the event "
        "topics beside it with another CHURN_APP_VERSION"
    )


def _limit_message(error: DeadLetterLimitError, record: Record, partition: int, reasons: Mapping[str, int]) -> str:
    told = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items(), key=lambda item: -item[1]))
    return (
        f"dead-letter limit reached at {record.topic} partition {partition} offset {record.offset}: {error}. "
        f"Refused in this partition since the first start: {told}. The source is broken, not a record; nothing of this "
        "frame was committed, and a restart stops here again. Next: mend the producer, then start with "
        "CHURN_DEAD_LETTER_LIMIT=off until this offset is passed; what is refused then goes to the dead letters "
        "(churn-signals dead-letters list)"
    )
