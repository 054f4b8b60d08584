"""Partitions of customers as they were kept: the newest snapshot, what began since and was published, or nothing."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from confluent_kafka import KafkaException, Message, TopicCollection
from confluent_kafka.admin import AdminClient

from models.catalogue.rules import Rules
from models.engine.arrivals import Passed as Boundary
from models.engine.frozen import SnapshotError
from models.engine.ledger import MOVED
from models.engine.partition import Partition
from models.engine.snapshot import load as load_partition
from schemas.erasure import decode_erasure, erased_name
from schemas.topics import Topics
from streams.agents.owned import OwnedPartition
from streams.agents.succession import catalogues_of, plan_recorded, succeed
from streams.errors import EXIT_SETUP, SetupError
from streams.kafka.connection import Config, answered
from streams.kafka.groups import earlier_groups
from streams.kafka.log_reader import reader
from streams.kafka.positions import ANSWERS_WITHIN_S, committed_offsets, latest_offsets
from streams.transport.errors import StopWorkerError
from streams.transport.open_alerts import read_open
from streams.transport.published import read_published
from streams.transport.snapshots.load import Loaded
from streams.transport.snapshots.origin import ask_beginnings, check_origin
from streams.transport.snapshots.ownership import Owned, take_over
from streams.transport.snapshots.records import Manifest, OtherSnapshotError, Passed, refuse_other_count
from streams.transport.snapshots.sender import Sender

log = logging.getLogger("churn")


@dataclass(frozen=True, slots=True)
class RestoreSource:
    """All a restore needs to know of the deployment. `group`: of the workers; `partitions`: of a topic of customers."""

    connection: Config
    topics: Topics
    group: str
    rules: Rules
    new_partition: Callable[[int], Partition]
    partitions: int

    @property
    def inputs(self) -> tuple[str, ...]:
        """The input topics: by feed, then the clock, commands and what other partitions sent."""
        return self.topics.inputs


@dataclass(frozen=True, slots=True)
class RestoredPartition:
    """A partition ready to be adopted; `is_rebuilt`: from the first offset of its inputs."""

    owned: Owned
    own: OwnedPartition
    is_rebuilt: bool


def restore_partitions(
    source: RestoreSource,
    sender: Sender,
    partitions: Sequence[int],
    *,
    owner: str,
    stop: threading.Event,
    on_progress: Callable[[int], None],
) -> dict[int, RestoredPartition]:
    """Take partitions over. Blocks. Raises StopWorkerError when one cannot be gone on with."""
    try:
        taken = take_over(source.connection, sender, partitions, owner=owner, stop=stop, on_progress=on_progress)
    except OtherSnapshotError as error:
        raise StopWorkerError(str(error), EXIT_SETUP) from error
    manifests = {number: one.loaded.manifest for number, one in taken.items()}
    _check_topic_ids(source, manifests)
    rebuilt = _rebuilt(source, sender.topic, taken)
    starts = {n: ({} if m is None else m.outputs) for n, m in manifests.items() if m is not None or n in rebuilt}
    epochs = {number: manifest.epoch for number, manifest in manifests.items() if manifest is not None}
    published = read_published(
        source.connection, source.topics, starts, epochs=epochs, stop=stop, on_progress=on_progress
    )
    open_topic = source.topics.alerts_open
    lying = read_open(source.connection, open_topic, {n: of.get(open_topic, 0) for n, of in starts.items()}, stop=stop)
    until = input_ends(source, starts)
    passed = passed_before(source, taken, is_anew=any(manifest is None for manifest in manifests.values()))
    erased = _erased_before(source, [number for number, manifest in manifests.items() if manifest is None], stop)
    restored = {}
    for number, one in taken.items():
        own = as_loaded(source, one.loaded)
        own.epoch, own.published, own.lying = one.epoch, published.get(number), lying.get(number)
        own.until, own.outputs = until.get(number, ()), starts.get(number, {})
        own.partition.ledger.was_passed(passed[number])
        own.partition.customers.erased.since |= erased.get(number, {})
        succeed(own, source.rules)
        manifest = one.loaded.manifest
        if manifest is not None:
            own.open_end, own.open_newest = manifest.outputs.get(open_topic, 0), manifest.epoch
        restored[number] = RestoredPartition(one, own, number in rebuilt)
    return restored


def _erased_before(source: RestoreSource, numbers: Sequence[int], stop: threading.Event) -> dict[int, dict[str, int]]:
    """By partition that begins anew who was erased in earlier lives: events that still lie there bring nobody back.

    Raises StopWorkerError where they were hashed with another salt.
    """
    found: dict[int, dict[str, int]] = {number: {} for number in numbers}
    topic, calendar = source.topics.erased, source.rules.basis.calendar

    def take(message: Message) -> None:
        erasure = decode_erasure(message.value() or b"")
        if erasure.salt != erased_name(source.rules.basis.erasure_salt, ""):
            raise StopWorkerError(
                f"CHURN_ERASURE_SALT: another than the customers on {topic} were erased with: they would come back. "
                "Set it back to what it was",
                EXIT_SETUP,
            )
        found[int(message.partition() or 0)][erasure.customer] = calendar.day_of_text(erasure.at)

    if numbers:
        with reader(source.connection, stop=stop) as records:
            records.read({(topic, number): 0 for number in numbers}, take)
    return found


def as_loaded(source: RestoreSource, loaded: Loaded) -> OwnedPartition:
    """A partition as its changelog has it, a blank one without a snapshot. Raises StopWorkerError."""
    catalogues = catalogues_of(loaded, source.rules)
    own = OwnedPartition(loaded.partition, _partition(source, loaded, catalogues), catalogues=catalogues)
    own.expected = [_boundary(source, passed) for passed in loaded.begun]
    plan_recorded(own)
    own.pinned = dict(loaded.models)
    own.begun = {passed.boundary for passed in own.expected}
    own.saved_boundary, erased = own.partition.boundary, own.partition.customers.erased
    own.forgotten = 0 if erased.unswept else len(erased.since)  # an older snapshot may know them still
    return own


def _partition(source: RestoreSource, loaded: Loaded, catalogues: Mapping[str, Rules]) -> Partition:
    blank = source.new_partition(loaded.partition)
    try:
        if loaded.manifest is not None:
            refuse_other_count(loaded.manifest.partitions, source.partitions, loaded.topic)
        payload = loaded.payload()
        if payload is None or loaded.manifest is None:
            return blank
        return load_partition(
            payload,
            catalogues.get(loaded.manifest.catalogue, source.rules),
            number=loaded.partition,
            partitions=source.partitions,
            limit_dead_letters=blank.limit_dead_letters,
        )
    except (SetupError, SnapshotError, ValueError) as error:
        raise StopWorkerError(f"{loaded.topic}/{loaded.partition}: {error}", EXIT_SETUP) from error


def input_ends(source: RestoreSource, partitions: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """Where the inputs of partitions end now, by feed: what was published came of what lies before. Blocks."""
    numbers = list(partitions)
    admin = AdminClient(source.connection)  # kept by name: one that is collected cancels its calls
    ends = latest_offsets(admin, [(topic, number) for topic in source.inputs for number in numbers])
    return {number: tuple(ends[topic, number] for topic in source.inputs) for number in numbers}


def passed_before(source: RestoreSource, partitions: Iterable[int], *, is_anew: bool) -> dict[int, list[int]]:
    """By partition and feed the offset below which the workers took everything in once. Blocks.

    `is_anew`: workers of earlier versions of the application count, too. Their offsets may have been forgotten by the
    broker or be kept from this user: then a dead-letter limit that was passed stops the workers once more.
    """
    numbers, groups = list(partitions), [source.group]
    places = [(topic, number) for topic in source.topics.events for number in numbers]
    try:
        groups += earlier_groups(source.connection, source.group) if is_anew else []
        found = [committed_offsets(source.connection, group, places) for group in groups]
    except KafkaException as error:
        log.warning("what %s had taken in before is not known: %s", " and ".join(groups), error)
        found = []
    offset_of = {place: max((one.get(place, 0) for one in found), default=0) for place in places}
    return {number: [offset_of[topic, number] for topic in source.topics.events] for number in numbers}


def _rebuilt(source: RestoreSource, changelog: str, taken: Mapping[int, Owned]) -> set[int]:
    """Partitions without a snapshot that had a life before; said in the log. Raises StopWorkerError."""
    without = [number for number, one in taken.items() if one.loaded.manifest is None]
    if not without:
        return set()
    beginnings = ask_beginnings(source.connection, source.group, changelog, source.inputs, without)
    rebuilt = set()
    for number in without:
        said = check_origin(taken[number].loaded, beginnings[number])
        if said is not None:
            log.warning("%s", said)
            rebuilt.add(number)
    return rebuilt


# -- boundaries, as the engine and as the changelog have them


def noted(source: RestoreSource, boundary: Boundary) -> Passed:
    """A boundary for the changelog: next offsets by topic."""
    offsets = {topic: covered + 1 for topic, covered in zip(source.inputs, boundary.covered, strict=True)}
    return Passed(boundary.boundary, boundary.version, offsets, boundary.catalogue)


def _boundary(source: RestoreSource, passed: Passed) -> Boundary:
    covered = tuple(passed.offsets.get(topic, 0) - 1 for topic in source.inputs)
    assert len(covered) == MOVED + 1
    return Boundary(passed.boundary, covered, passed.model, passed.catalogue)


# -- topics made anew


def topic_ids(admin: AdminClient, topics: Collection[str]) -> dict[str, str]:
    """The id of each topic: another one under the same name is another topic. Blocks. Raises KafkaException."""
    admin.poll(0)  # what the client has to say to the log waits for that
    asked = admin.describe_topics(TopicCollection(list(topics)), request_timeout=ANSWERS_WITHIN_S)
    return {name: str(answered(future, ANSWERS_WITHIN_S).topic_id) for name, future in asked.items()}


def made_anew(known: Mapping[str, str], now: Mapping[str, str], where: str) -> StopWorkerError | None:
    """Why the worker must stop when a topic is not the one that was read, however long it has become since."""
    for topic, told in known.items():
        if topic in now and now[topic] != told:
            return StopWorkerError(
                f"{topic}: its id is {now[topic]}, {where} read the one of id {told}: the topic was deleted and made "
                "anew. Offsets and state no longer agree: raise CHURN_APP_VERSION and begin with a new changelog"
            )
    return None


def _check_topic_ids(source: RestoreSource, manifests: Mapping[int, Manifest | None]) -> None:
    known = {topic: told for one in manifests.values() if one is not None for topic, told in one.topic_ids.items()}
    if known:
        reason = made_anew(known, topic_ids(AdminClient(source.connection), source.inputs), "the last snapshot")
        if reason is not None:
            raise reason
