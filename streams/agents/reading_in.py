"""From records to what became of them: decode a frame, let the partition observe it, note what must be set aside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from models.alerts.partitions import place_of_command
from models.customers.erased import Erased
from models.engine.arrivals import APPLIED, Arrival, Fate, Unheard
from models.engine.ledger import COMMANDS, MISPLACED, MOVED, TICKS, DeadLetterLimitError
from models.engine.partition import Partition
from schemas.codec import MAX_AHEAD_MS, check_ahead, decode_event
from schemas.command import Command, decode_command
from schemas.dead_letter import Origin, dead_letter_headers, late_headers
from schemas.envelope import OF_FEED
from schemas.errors import RejectedError
from schemas.event import Event
from schemas.moved import decode_moved
from schemas.partitioner import partition_of
from schemas.tick import Tick, decode_tick
from schemas.topics import Topics
from streams.agents.owned import Aside, OwnedPartition
from streams.agents.publishing import life_header
from streams.agents.sweeping import named_in
from streams.agents.tally import Tally
from streams.errors import EXIT_DEAD_LETTER_LIMIT
from streams.transport.errors import StopWorkerError
from streams.transport.records import Record

JUDGED_BY_ENGINE: Final = (MISPLACED, "id_conflict")
"""Reasons that are not the codec's."""

CONFLICT: Final = RejectedError("id_conflict", "a record with this id and other content was applied before", "id")


class Intake:
    """Takes the records of frames in."""

    def __init__(
        self,
        topics: Topics,
        partitions: int,
        tally: Tally,
        now_ms: Callable[[], int],
        block_lists: Callable[[], Iterable[Erased]] = tuple,
    ) -> None:
        """`block_lists`: of all partitions here, as a record may lie on a wrong one."""
        self._block_lists = block_lists
        self._feeds = {topic: feed for feed, topic in enumerate(topics.inputs)}
        self._life = life_header(topics)
        self._partitions, self._tally, self._now_ms = partitions, tally, now_ms

    def take(self, own: OwnedPartition, records: Sequence[Record]) -> None:
        """Apply records in order. Raises StopWorkerError at the dead-letter limit.

        After a restart a boundary must be passed where it was passed before: what was read behind it then waits until
        it is, whatever comes first now.
        """
        left: Sequence[Record] = [*own.held, *records] if own.held else records
        own.held, own.is_stirred = [], False
        while own.expected and (left or own.ended):
            left, was_stuck = self._take_up_to(own, left)
            if was_stuck:
                own.held = list(left)
                return
        if left:
            self._observe(own, left)

    def _take_up_to(self, own: OwnedPartition, records: Sequence[Record]) -> tuple[Sequence[Record], bool]:
        """Apply what lies before the next boundary that is expected; what is left, and whether it must wait."""
        partition, covered = own.partition, own.expected[0].covered
        places = [(self._feeds[record.topic], record) for record in records]
        self._observe(own, [record for feed, record in places if record.offset <= covered[feed]])
        beyond = [(feed, record) for feed, record in places if record.offset > covered[feed]]
        firsts = {**{feed: covered[feed] + 1 for feed in own.ended}, **{at: one.offset for at, one in reversed(beyond)}}
        for feed in sorted(firsts):
            partition.is_beyond(feed, firsts[feed])
        before = len(own.expected)
        own.expected = [one for one in own.expected if one.boundary > partition.boundary]
        return [record for _, record in beyond], len(own.expected) == before

    def _observe(self, own: OwnedPartition, records: Sequence[Record]) -> None:
        if not records:
            return
        partition, now_ms = own.partition, self._now_ms()
        arrivals = [self._arrival(record, now_ms) for record in records]
        self._check_places(partition, arrivals, records)
        try:
            fates = partition.observe(arrivals)
        except DeadLetterLimitError as error:
            raise StopWorkerError(
                _limit_message(error, partition, records, self._feeds), EXIT_DEAD_LETTER_LIMIT
            ) from error
        events = self._tally.events
        for record, arrival, fate in zip(records, arrivals, fates, strict=True):
            if arrival.feed == TICKS:
                self._note_tick(own, record, arrival, fate)
            elif fate is APPLIED:
                events[record.topic, "applied"] += 1
            else:
                self._note(own, record, arrival, fate)

    # -- decoding

    def _arrival(self, record: Record, now_ms: int) -> Arrival:
        feed = self._feeds[record.topic]
        try:
            if feed == TICKS:
                return Arrival(feed, record.offset, _checked_tick(record, now_ms))
            if feed == COMMANDS:
                return Arrival(feed, record.offset, _checked_command(record, now_ms))
            if feed == MOVED:
                is_ours = self._life in record.headers
                return Arrival(feed, record.offset, (decode_moved(record.value) if is_ours else None) or Unheard())
            return Arrival(feed, record.offset, decode_event(feed, record.key, record.value, record.headers, now_ms))
        except RejectedError as error:
            return Arrival(feed, record.offset, Unheard() if self._is_of_erased(record) else error)

    def _is_of_erased(self, record: Record) -> bool:
        """Whether a record that is refused may be about somebody who is erased: then no dead letter holds it."""
        lists = [one for one in self._block_lists() if one.since]
        return bool(lists) and any(one.is_erased(name) for name in named_in(record.key, record.value) for one in lists)

    def _check_places(self, partition: Partition, arrivals: list[Arrival], records: Sequence[Record]) -> None:
        """Refuse what is of another partition: a new customer's is computed; one we know is where it belongs."""
        events = [(at, one.content) for at, one in enumerate(arrivals) if isinstance(one.content, Event | Command)]
        strangers = partition.customers.strangers([event.customer_id for _, event in events])
        places = {one: partition_of(one.encode(), self._partitions) for one in strangers}
        misplaced = {one: place for one, place in places.items() if place != partition.number}
        of_feeds = any(one.startswith(OF_FEED) for one in strangers)
        for at, event in events if misplaced or of_feeds else ():
            if isinstance(event, Command) and event.is_of_feed:
                place = place_of_command(event, self._partitions, partition.basis.calendar)
                if place != partition.number:
                    arrivals[at] = arrivals[at]._replace(content=_wrong_for_feed(partition.number, place))
            elif event.customer_id in misplaced:
                wrong = _wrong(partition.number, misplaced[event.customer_id])
                arrivals[at] = arrivals[at]._replace(content=Unheard() if self._is_of_erased(records[at]) else wrong)

    # -- what became of them

    def _note(self, own: OwnedPartition, record: Record, arrival: Arrival, fate: Fate) -> None:
        tally, content = self._tally, arrival.content
        tally.events[record.topic, "redelivered" if fate.is_again else fate.outcome] += 1
        if fate.is_again:
            return
        if fate.outcome == "late" and isinstance(content, Event):
            boundary_ms = own.partition.basis.calendar.start_of(fate.boundary)
            origin = _origin(own, record)
            headers = late_headers(
                origin, event_time_ms=content.time_ms, boundary_ms=boundary_ms, key=record.key, headers=record.headers
            )
            own.asides.append(Aside(record, headers, is_late=True))
        elif fate.outcome == "dead_lettered":
            self._refuse(own, record, content if isinstance(content, RejectedError) else CONFLICT)

    def _note_tick(self, own: OwnedPartition, record: Record, arrival: Arrival, fate: Fate) -> None:
        if isinstance(arrival.content, RejectedError) and not fate.is_again:
            self._refuse(own, record, arrival.content)

    def _refuse(self, own: OwnedPartition, record: Record, error: RejectedError) -> None:
        self._tally.dead_letters[record.topic, error.reason] += 1
        headers = dead_letter_headers(
            _origin(own, record),
            stage="engine" if error.reason in JUDGED_BY_ENGINE else "codec",
            reason=error.reason,
            error=error.detail,
            field=error.field,
            key=record.key,
            value=record.value,
            headers=record.headers,
        )
        own.asides.append(Aside(record, headers, is_late=False))


def _origin(own: OwnedPartition, record: Record) -> Origin:
    return Origin(record.topic, own.number, record.offset, record.timestamp_ms)


def _wrong(number: int, expected: int) -> RejectedError:
    detail = f"partition {number}, but murmur2 of the key says {expected}: set partitioner=murmur2_random"
    return RejectedError(MISPLACED, detail)


def _wrong_for_feed(number: int, expected: int) -> RejectedError:
    detail = f"partition {number}, but this feed's alert is of {expected}: post it where the alert's own records lie"
    return RejectedError(MISPLACED, detail)


def _checked_tick(record: Record, now_ms: int) -> Tick:
    """The tick of a record; one from the future would make everything after it late."""
    tick = decode_tick(record.value)
    if tick.now_ms > now_ms + MAX_AHEAD_MS:
        raise RejectedError("future", "a tick more than 300 s ahead of the clock", "now")
    return tick


def _checked_command(record: Record, now_ms: int) -> Command:
    command = decode_command(record.key, record.value)
    check_ahead(command.at_ms, now_ms, "at")
    return command


def _limit_message(
    error: DeadLetterLimitError, partition: Partition, records: Sequence[Record], feeds: dict[str, int]
) -> str:
    covered, reasons = partition.ledger.covered, partition.ledger.reasons
    last = next(record for record in reversed(records) if record.offset <= covered[feeds[record.topic]])
    counts = ", ".join(f"{count:,} {reason}" for reason, count in sorted(reasons.items(), key=lambda item: -item[1]))
    mend, after = "mend the producer", "dead-letters list"
    if error.is_misplaced:
        mend = "look at CHURN_PARTITIONS, and have all producers use murmur2 (librdkafka: partitioner=murmur2_random)"
        after = f"dead-letters replay --reason {MISPLACED} posts it to the right partitions"
    return (
        f"dead-letter limit reached at {last.topic} partition {partition.number} offset {last.offset}: {error}. "
        f"Refused in this partition since the first start: {counts}. The source is broken, not a record; nothing of "
        f"this frame was committed, and a restart stops here again. Next: {mend}, then start with "
        "CHURN_DEAD_LETTER_LIMIT=off until this offset is passed; what is refused then goes to the dead letters "
        f"(churn-signals {after})"
    )
