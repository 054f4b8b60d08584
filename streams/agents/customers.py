"""The customers agent: a frame is decoded, observed and published, in three straight passes.

When a boundary was passed, the changelog says so before the first output of that boundary leaves: whoever goes on from
an earlier snapshot passes it at the same place again, with the same version of the model.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from models.calendar import Calendar, date_of
from models.catalogue.rules import Rules
from models.customers.erased import Erased
from models.engine.arrivals import Passed as Boundary
from models.engine.partition import Partition
from models.engine.population import Population, population_of
from models.engine.standing import settle
from models.scoring.version import Version
from schemas.instant import to_rfc3339
from schemas.model import ModelStateError
from schemas.topics import Topics
from streams.agents.models import Shelf
from streams.agents.owned import OwnedPartition
from streams.agents.publishing import Publisher
from streams.agents.reading_in import Intake
from streams.agents.tally import Tally
from streams.errors import EXIT_SETUP
from streams.memory import uncollected
from streams.settings import Settings
from streams.transport.errors import StopWorkerError
from streams.transport.producer import Outputs
from streams.transport.records import Record

REVIEWS_A_FRAME = 60_000
"""Customers judged between two looks at what has arrived, some tens of milliseconds: so a midnight is spread."""

COUNT_SHARE = 20.0
"""Counting all customers for the metrics may take one of so many seconds."""

OWED_DAYS: Final = 14
"""At a first start alerts observed so lately are owed, though their events came before: time enough to act on most.
None at all would leave the open alerts of a posted history to nobody, all of them would bury the team."""

PAUSED_S: Final = 2.0
"""A worker that did nothing for longer may have been paused, and its partitions may be others' meanwhile."""

LOST_S: Final = 0.1
"""How long a frame of a partition that another worker claims takes, until the group says so too."""

log = logging.getLogger("churn")

IsOurs = Callable[[int], Awaitable[bool]]
"""Called with a partition: whether no other worker has claimed it."""

NoteBegun = Callable[[int, Sequence[Boundary]], Awaitable[None]]
"""Called with a partition and boundaries it passed; returns once that is on record."""


class Customers:
    """Owns the customers of the partitions assigned to this worker. See `transport.owner.Owner`."""

    def __init__(
        self, settings: Settings, rules: Rules, outputs: Outputs | None, now_ms: Callable[[], int], shelf: Shelf
    ) -> None:
        self.owned: dict[int, OwnedPartition] = {}
        self.partitions: dict[int, Partition] = {}
        self.populations: dict[int, Population] = {}
        self.tally = Tally()
        self.note_begun: NoteBegun = _nowhere
        self.is_ours: IsOurs = _surely
        self._breathed_at = time.perf_counter()
        self._has_said_what_is_owed = False
        self.rules = rules
        self._settings, self._now_ms, self._shelf = settings, now_ms, shelf
        topics = Topics(settings.prefix, settings.app_version)
        self._moved = topics.moved
        self._intake = Intake(topics, settings.partitions, self.tally, now_ms, self._block_lists)
        self._publisher = None if outputs is None else Publisher(outputs, topics, self.tally, now_ms)
        if self._publisher is not None:
            self._publisher.breathe = self.breathe

    @property
    def publisher(self) -> Publisher:
        """What sends; one who only reads has none."""
        assert self._publisher is not None
        return self._publisher

    # -- the life of a partition

    def new_partition(self, number: int) -> Partition:
        """A partition without customers."""
        settings, alerts_from_ms = self._settings, self._settings.alerts_from_ms
        if alerts_from_ms is None:
            alerts_from_ms = first_owed_ms(self._now_ms(), self.rules.basis.calendar)
        is_limited = settings.dead_letter_limit == "on"
        return Partition(
            self.rules,
            number=number,
            partitions=settings.partitions,
            alerts_from_ms=alerts_from_ms,
            limit_dead_letters=is_limited,
        )

    def adopt(self, own: OwnedPartition) -> None:
        """A partition is ours from here on."""
        recorded = {one.boundary: self._recorded(own, one) for one in own.expected}

        def version(boundary: int) -> Version | None:
            current = self._shelf.current if self._is_scored_alike(own.partition.rules) else None
            chosen = recorded.get(boundary, current)
            if chosen is not None:
                own.pinned[chosen.name] = chosen.content
            return chosen

        own.partition.spreads = True
        own.partition.versions = version
        own.partition.expect(own.expected)
        self.owned[own.number], self.partitions[own.number] = own, own.partition
        if not own.partition.customers.size:
            self._say_what_is_owed(own.partition)
        self.count(own)

    def _say_what_is_owed(self, partition: Partition) -> None:
        """Once, as all partitions that begin together begin alike."""
        if not self._has_said_what_is_owed:
            since = to_rfc3339(partition.review.writer.alerts_from_ms)
            log.info(
                "partitions without customers begin: alerts observed since %s are owed, earlier ones are historical "
                "and nobody's duty; `replay` decides alike with CHURN_ALERTS_FROM=%s", since, since,
            )  # fmt: skip
        self._has_said_what_is_owed = True

    def _recorded(self, own: OwnedPartition, passed: Boundary) -> Version | None:
        """The version that judged a boundary before the restart, and no other: what it decided is published."""
        name, rules = passed.version, own.catalogues.get(passed.catalogue, self.rules)
        if name is None or rules.basis.learning is None:
            return None
        is_alike = self._is_scored_alike(rules)
        found = self._shelf.named(name) if is_alike else None
        if found is not None:
            return found
        date = date_of(passed.boundary)
        if name not in own.pinned:
            raise StopWorkerError(
                f"partition {own.number}: the boundary {date} was judged by version {name} of the model, which is no "
                "longer in the changelog nor on the models topic: any other would decide otherwise than is published. "
                "Next: raise CHURN_APP_VERSION and begin anew from the event topics",
                EXIT_SETUP,
            )
        try:
            return (self._shelf if is_alike else Shelf(rules)).read(own.pinned[name])
        except ModelStateError as error:
            log.warning(
                "partition %d: the boundary %s was judged by version %s of the model, which this catalogue cannot use "
                "(%s): it is judged without one", own.number, date, name, error,
            )  # fmt: skip
            return None

    def _is_scored_alike(self, rules: Rules) -> bool:
        """Whether versions of the model for our catalogue are such for another one."""
        return (rules.basis.learning, rules.basis.feeds) == (self.rules.basis.learning, self.rules.basis.feeds)

    def revoked(self, partition: int) -> None:
        """Forget the partition."""
        for known in (self.owned, self.partitions, self.populations):
            known.pop(partition, None)

    def committed(self, partition: int, sequence: int) -> None:
        """Nothing is kept for it: what survives is the snapshot."""

    def _block_lists(self) -> list[Erased]:
        """Who is erased, by partition."""
        return [partition.customers.erased for partition in self.partitions.values()]

    def is_behind(self, partition: int) -> bool:
        """Whether customers of the partition wait to be judged, or outputs to be sent."""
        own = self.owned.get(partition)
        return own is not None and (own.partition.is_behind or own.is_stirred or bool(own.outbox or own.moving))

    def count(self, own: OwnedPartition) -> None:
        """Count the customers as they stand, in a small part of the time; not in the middle of a boundary."""
        started = time.perf_counter()
        if own.is_counted or own.partition.is_behind or started - own.counted_at < COUNT_SHARE * own.count_s:
            return
        self.populations[own.number] = population_of(own.partition)
        own.is_counted, own.counted_at = True, time.perf_counter()
        own.count_s = own.counted_at - started

    # -- a frame

    async def take(self, partition: int, sequence: int, records: Sequence[Record]) -> None:  # noqa: ARG002 - the port's
        """Process one frame, or judge some who wait when it has no records."""
        own = self.owned[partition]
        if own.is_lost:
            await asyncio.sleep(LOST_S)
            return
        own.is_busy = True
        try:
            started = time.perf_counter()
            self.process(own, records)
            seconds = time.perf_counter() - started
            if own.partition.passed:
                await self._write_down(own)
            if not await self.is_ours_still(own) or self.owned.get(partition) is not own:
                return  # it became another worker's meanwhile, who decides the same and sends it
            started = time.perf_counter()
            posted = (record.timestamp_ms for record in records if record.topic != self._moved)
            oldest_ms = min(posted, default=None)
            self.publisher.send(own, oldest_ms)
            while own.is_doubtful and await self.is_ours_still(own):
                self.publisher.send(own, oldest_ms)
            seconds += time.perf_counter() - started
        except Exception:
            own.is_broken = True  # the worker stops; what is left of the frame must not be sent or saved meanwhile
            raise
        finally:
            own.is_busy = False
        own.cost_s += seconds
        own.is_counted = False
        if records:
            alerts_from_ms = own.partition.review.writer.alerts_from_ms
            self.tally.count_frame(records, seconds, self._now_ms(), alerts_from_ms)

    def breathe(self) -> None:
        """Called often. After a pause others may have taken over: each partition is looked at before it sends."""
        now = time.perf_counter()
        if now - self._breathed_at > PAUSED_S:
            for own in self.owned.values():
                own.is_doubtful = True
        self._breathed_at = now

    async def is_ours_still(self, own: OwnedPartition) -> bool:
        """Whether nobody has claimed it; asked of the broker only after a pause."""
        self.breathe()
        if own.is_doubtful:
            own.is_lost, own.is_doubtful = not await self.is_ours(own.number), False
        return not own.is_lost

    async def finish(self, own: OwnedPartition) -> None:
        """Judge everybody who waits, a part at a time, and send what that decides."""
        if not own.may_send:
            return
        while own.partition.is_behind and not own.is_busy and self.owned.get(own.number) is own:
            self.process(own, ())
            self.publisher.send(own)
            if own.partition.is_behind:
                await asyncio.sleep(0)

    def settle(self, own: OwnedPartition) -> None:
        """Everything was read again: what an earlier life published and this one decides otherwise is put right."""
        if own.published is not None:
            own.outbox += settle(own.partition, own.published.alerts, own.published.alerts_left_open())
            self.publisher.send(own)
            self.publisher.settle_open(own)
        if not own.outbox:  # else it was interrupted by a pause, and what is left follows
            own.published = own.lying = None

    @uncollected()
    def process(self, own: OwnedPartition, records: Sequence[Record]) -> None:
        """Take records in, or judge some who wait where there are none; what that decides waits to be sent."""
        partition, judged = own.partition, own.partition.judged
        decided = partition.review.follow_up.decided
        if records or own.is_stirred:
            self._intake.take(own, records)
        else:
            partition.go_on(REVIEWS_A_FRAME)
        own.outbox += partition.drain()
        own.moving += partition.drain_moved()
        self.tally.reviews += partition.judged - judged
        self.tally.decided += partition.review.follow_up.decided - decided

    async def _write_down(self, own: OwnedPartition) -> None:
        new = [one for one in own.partition.passed if one.boundary not in own.begun]
        if new:
            await self.note_begun(own.number, new)
        own.begun.update(one.boundary for one in new)
        own.partition.passed = []  # not before: nothing of these leaves until they are on record
        own.pinned.clear()


def first_owed_ms(now_ms: int, calendar: Calendar) -> int:
    """Since when alerts are owed that nobody set a time for: a midnight, so that all partitions begin alike.

    >>> first_owed_ms(20 * 86_400_000 + 5, Calendar("UTC")) == 6 * 86_400_000
    True
    """
    return calendar.start_of(calendar.day_of(now_ms) - OWED_DAYS)


async def _surely(_partition: int) -> bool:
    """Nobody else is there: tests."""
    return True


async def _nowhere(_partition: int, _passed: Sequence[Boundary]) -> None:
    """Nobody writes it down: tests."""
