"""Keeps the customers: restores partitions from their snapshots, and writes new ones while they work."""

from __future__ import annotations

import asyncio
import logging
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from confluent_kafka.admin import AdminClient
from faust.types import TP

from models.engine.arrivals import Passed as Boundary
from models.engine.frozen import SNAPSHOT_FORMAT
from models.engine.snapshot import freeze
from models.engine.standing import open_ids
from schemas.topics import Topics
from streams.agents.customers import Customers
from streams.agents.owned import OwnedPartition
from streams.agents.restoring import RestoredPartition, RestoreSource, noted, restore_partitions, topic_ids
from streams.agents.sweeping import graves_of
from streams.kafka.connection import librdkafka_config
from streams.kafka.positions import latest_offsets
from streams.settings import Settings
from streams.transport.offsets import Mark
from streams.transport.open_alerts import OpenAlerts, read_open
from streams.transport.producer import FLUSH_TIMEOUT_S, flushed
from streams.transport.published import SHARED_PARTITION, own_outputs, shared_outputs
from streams.transport.snapshots.log import KEPT_SNAPSHOTS, OwnershipLostError, SnapshotLog
from streams.transport.snapshots.ownership import Contest
from streams.transport.snapshots.records import Covered
from streams.transport.snapshots.sender import Sender

if TYPE_CHECKING:
    from streams.transport.frame_app import FrameApp

FIRST_AGAIN_S: Final = 1.0
"""Until the next attempt to write the first snapshot of a partition."""

log = logging.getLogger("churn")


class CustomerState:
    """See `transport.state.StateLog`."""

    keeps_positions = True

    def __init__(self, settings: Settings, customers: Customers, group: str) -> None:
        """`group`: the consumer group of the workers."""
        topics = Topics(settings.prefix, settings.app_version)
        self.topic = topics.changelog
        self.token = secrets.token_hex(8)
        """Tells this process from all others, whatever they are called."""
        self.snapshots = 0
        connection = librdkafka_config(settings)
        rules = customers.rules
        self.source = RestoreSource(connection, topics, group, rules, customers.new_partition, settings.partitions)
        self._customers = customers
        self._sender = Sender(connection, self.topic)
        self.log = SnapshotLog(connection, self._sender, self.token)
        self.admin = AdminClient(connection)
        self._starts: dict[TP, Mark] = {}
        self._first: set[int] = set()
        self.ids: dict[str, str] = {}
        """The id of each input topic."""
        self._stop = threading.Event()
        self._contest = Contest(self.token)
        customers.note_begun = self._note_begun
        customers.is_ours = self._is_ours

    def attach(self, app: FrameApp) -> None:
        """Work for this application."""
        self._app = app

    # -- restoring

    def restore(
        self, partitions: Sequence[int], *, stop: threading.Event, on_progress: Callable[[int], None]
    ) -> Mapping[int, RestoredPartition]:
        """Take partitions over, in a thread."""
        self.ids = self.ids or topic_ids(self.admin, self.source.inputs)
        found = restore_partitions(
            self.source, self._sender, partitions, owner=self.token, stop=stop, on_progress=on_progress
        )
        self._contest.check([one.owned for one in found.values()], time.monotonic())
        return found

    def hand_over(self, partition: int, found: RestoredPartition) -> None:
        """Adopt a partition, and read on where its snapshot was made."""
        self.log.begin(found.owned)
        self._customers.adopt(found.own)
        manifest = found.owned.loaded.manifest
        if manifest is None or (manifest.boundary < 0 and manifest.catalogue != found.own.partition.rules.hash):
            self._first.add(partition)  # by our catalogue, if nothing was decided by the one before
        for topic in self.source.inputs:
            if manifest is not None and topic in manifest.sources:
                self._starts[TP(topic, partition)] = Mark(manifest.sources[topic], manifest.clocks.get(topic))
            elif found.is_rebuilt:
                self._starts[TP(topic, partition)] = Mark(0, None)

    async def settle(self, owned: Collection[int]) -> None:
        """Nothing: the claims are with the broker."""

    def marks(self) -> Mapping[TP, Mark]:
        """Where the partitions in memory stand, restored or kept."""
        ledger = self._app.ledger
        wanted = [TP(topic, number) for number in self._customers.owned for topic in self.source.inputs]
        kept = {tp: mark for tp in wanted if tp.partition not in self._first and (mark := ledger.mark(tp)) is not None}
        return kept | {tp: mark for tp, mark in self._starts.items() if tp.partition in self._customers.owned}

    async def begin(self) -> None:
        """A partition without a snapshot gets one before its first frame: from then on there always is one."""
        self._starts.clear()
        for number in sorted(self._first & self._customers.owned.keys()):
            await self._save_first(number)
            self._first.discard(number)

    async def _save_first(self, number: int) -> None:
        """Try until it is there, or the partition is another's: a restart without one does not know what was told."""
        while not await self._saved_or_lost(number):
            own = self._customers.owned.get(number)
            if own is None or not await self._customers.is_ours_still(own):
                return  # nothing of it is taken in here
            log.warning("partition %d: no first snapshot could be written yet, the next attempt follows", number)
            await asyncio.sleep(FIRST_AGAIN_S)

    async def _saved_or_lost(self, number: int) -> bool:
        try:
            return await self.save(number)
        except OwnershipLostError as error:
            log.warning("%s, before its first snapshot: nothing of it is taken in", error)
            self._customers.owned[number].is_lost = True  # the minder sees to it that somebody has it
            return True

    def lost(self, partition: int) -> None:
        """A partition is another worker's."""
        self.log.forget(partition)
        self._first.discard(partition)
        self._starts = {tp: mark for tp, mark in self._starts.items() if tp.partition != partition}

    async def leave(self) -> None:
        """Save what is dear to read again, the dearest first, as long as there is time."""
        owned = sorted(self._customers.owned.values(), key=lambda own: -own.cost_s)
        for own in owned:
            while own.is_busy:  # noqa: ASYNC110 - for some milliseconds, once
                await asyncio.sleep(0.01)
            if own.cost_s > 0 and self._customers.owned.get(own.number) is own:
                await self.save(own.number)

    # -- keeping

    async def _note_begun(self, number: int, passed: Sequence[Boundary]) -> None:
        own = self._customers.owned[number]
        rules = {own.partition.rules.hash: own.partition.rules.text}
        await self.log.begun(number, [noted(self.source, boundary) for boundary in passed], own.pinned, rules)

    async def _is_ours(self, number: int) -> bool:
        try:
            await self.log.look([number])
        except OwnershipLostError as error:
            log.warning("%s, while we were paused: nothing more of it is sent", error)
            return False
        return True

    async def save(self, number: int) -> bool:
        """Write a snapshot of a partition as it stands; False when this is not the moment, or the broker is away.

        The outputs' ends are asked for before the partition is copied: what is sent between stands behind them, and is
        looked at in vain after a restart, which costs nothing. Raises OwnershipLostError.
        """
        own = self._customers.owned[number]
        started = time.monotonic()
        self._customers.publisher.settle_open(own)
        # What was published of events that are not read again yet is to be found after the next restart, too.
        is_reading_again = own.published is not None
        ends = {**own.outputs} if is_reading_again else await asyncio.to_thread(self._output_ends, number)
        await self.correct_open([number])
        ends[self.source.topics.alerts_open] = own.open_end
        await self._customers.finish(own)
        self._customers.publisher.settle_open(own)  # what was just finished may be what stood there before a crash
        if not own.is_calm or self._customers.owned.get(number) is not own:
            return False
        covered, frozen, cost_s = self._covered(own, ends), freeze(own.partition), own.cost_s
        if not await flushed(self._app.outputs, FLUSH_TIMEOUT_S) or self._customers.owned.get(number) is not own:
            return False
        manifest = await self.log.write(number, covered, frozen.parts)
        own.cost_s -= cost_s
        own.unforgotten = max(0, own.unforgotten - 1)
        own.saved_boundary, own.save_s = manifest.boundary, time.monotonic() - started
        self.snapshots += 1
        log.info(
            "partition %d saved as of epoch %d, generation %d: %d bytes in %.2f s",
            number, manifest.epoch, manifest.generation, manifest.size, own.save_s,
        )  # fmt: skip
        return True

    async def sweep(self, number: int) -> None:
        """Let what lies on the output topics of erased customers vanish, and soon the snapshots that know them.

        Raises KafkaException, and RestoreStoppedError once told to stop.
        """
        own, source = self._customers.owned[number], self.source
        erased, boundary = own.partition.customers.erased, own.partition.boundary
        names = frozenset(erased.unswept)
        if not await flushed(self._app.outputs, FLUSH_TIMEOUT_S):
            return
        found = await asyncio.to_thread(
            graves_of, source.connection, source.topics, number, source.partitions,
            names=names, salt=erased.salt, stop=self._stop,
        )  # fmt: skip
        if self._customers.owned.get(number) is not own or not await self._customers.is_ours_still(own):
            return
        for grave in sorted(found.records):
            self._customers.publisher.bury(own, *grave)
        if await flushed(self._app.outputs, FLUSH_TIMEOUT_S):
            erased.unswept -= names - found.names
            own.swept_boundary = boundary
            if own.forgotten < len(erased.since):
                own.unforgotten, own.forgotten = KEPT_SNAPSHOTS, len(erased.since)
            log.info("partition %d: %d records of erased customers vanish", number, len(found.records))

    def _covered(self, own: OwnedPartition, ends: dict[str, int]) -> Covered:
        partition, ledger, erased = own.partition, self._app.ledger, own.partition.customers.erased
        marks = {topic: ledger.mark(TP(topic, own.number)) for topic in self.source.inputs}
        return Covered(
            boundary=partition.boundary,
            zone=partition.basis.calendar.zone,
            catalogue=partition.rules.hash,
            alerts_from_ms=partition.review.writer.alerts_from_ms,
            sources={topic: mark.offset for topic, mark in marks.items() if mark is not None},
            clocks={t: mark.order_ms for t, mark in marks.items() if mark is not None and mark.order_ms is not None},
            topic_ids=self.ids,
            outputs=ends,
            partitions=self.source.partitions,
            rules=partition.rules.text,
            judged_by=tuple(partition.judged_by),
            state_format=SNAPSHOT_FORMAT,
            currency=partition.basis.currency,
            salt=erased.name_of("") if erased.since else "",
        )

    def _output_ends(self, number: int) -> dict[str, int]:
        topics = self.source.topics
        places = [(topic, number) for topic in own_outputs(topics)]
        places += [(topic, SHARED_PARTITION) for topic in shared_outputs(topics)]
        return {topic: end for (topic, _), end in latest_offsets(self.admin, places).items()}

    async def correct_open(self, numbers: Collection[int]) -> None:
        """Look among the open alerts for what a worker of an earlier epoch wrote behind us, and put it right.

        Not before everything was read again: until then what is open by our memory is of an earlier time.
        """
        owned = [own for own in self._customers.owned.values() if own.number in numbers and own.published is None]
        for own in owned:
            own.told_open.clear()  # what is sent from now on is newer than what is read
        if not await flushed(self._app.outputs, FLUSH_TIMEOUT_S):
            return  # what was sent before must lie there: it would be taken for missing
        # The first time all is read: what came since our claim cannot be told from what came before it.
        first = {own.number for own in owned if own.open_newest < own.epoch}
        found = await self._lying({own.number: 0 if own.number in first else own.open_end for own in owned})
        doubtful = {number for number, tail in found.items() if tail.is_doubtful} - first
        whole = {n: found[n] for n in first} | await self._lying(dict.fromkeys(doubtful, 0))
        for own in owned:
            is_ours = self._customers.owned.get(own.number) is own and found[own.number].newest <= own.epoch
            if is_ours:
                own.open_end, own.open_newest = found[own.number].end, own.epoch
                if own.number in whole:
                    self._put_right(own, whole[own.number])

    async def _lying(self, starts: dict[int, int]) -> dict[int, OpenAlerts]:
        if not starts:
            return {}
        newest = {own.number: own.open_newest for own in self._customers.owned.values()}
        connection, topic = self.source.connection, self.source.topics.alerts_open
        return await asyncio.to_thread(read_open, connection, topic, starts, newest=newest, stop=self._stop)

    def _put_right(self, own: OwnedPartition, whole: OpenAlerts) -> None:
        for key, value in whole.corrections(open_ids(own.partition).__contains__).items():
            if key not in own.told_open:
                log.warning("open alert %s was left by an earlier owner and is put right", key.decode(errors="replace"))
                self._customers.publisher.send_open(own, key, value)
