"""How far the partitions have been decided, read from the changelog without the snapshots themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from confluent_kafka import Message

from models.calendar import Calendar
from schemas.topics import Topics
from streams.errors import SetupError
from streams.kafka.connection import connect
from streams.kafka.topic_reader import read_messages
from streams.settings import Settings
from streams.transport.snapshots.records import (
    Begun,
    DamagedError,
    Key,
    Manifest,
    Passed,
    from_key,
    from_value,
    refuse_other_count,
    refuse_other_format,
)


class HiddenError(SetupError):
    """The changelog is not there, or not for this user."""


_TELLING: Final = {"manifest": Manifest, "begun": Begun}


@dataclass(frozen=True, slots=True)
class Decided:
    """A partition: the last boundary that was passed (-1: none), in which zone, and of how many partitions it is one.

    `partitions` is 0 where an earlier program wrote the snapshot. `catalogue`: the hash of the rules it was judged by
    last; empty where nothing was judged yet.
    """

    boundary: int
    zone: str
    partitions: int
    catalogue: str = ""
    alerts_from_ms: int | None = None
    """Since when its alerts are told to people, where a snapshot says so."""
    judged_by: tuple[tuple[int, str], ...] = ()
    """Since which boundary which catalogue judges it, by its hash; the newest last."""
    state_format: int | None = None
    """Of its newest snapshot, None without one; 0 where an earlier program wrote it."""
    currency: str = ""
    salt: str = ""
    """See `Covered`; empty where a snapshot does not say so."""

    @property
    def until_ms(self) -> int:
        """The instant before which everything was decided, epoch ms; -1 when nothing was."""
        return Calendar(self.zone).start_of(self.boundary) if self.boundary >= 0 else -1


def read_decided(settings: Settings) -> dict[int, Decided]:
    """The partitions that have a snapshot.

    Raises HiddenError, and SetupError when partitions were added or another program wrote what cannot be read.
    """
    _, cluster = connect(settings)
    topic = Topics(settings.prefix, settings.app_version).changelog
    if topic not in cluster.topics:
        raise HiddenError(f"topic {topic}", "missing, or not visible to this user", "Run: churn-signals topics create.")
    numbers = cluster.topics[topic].partitions
    found = decided_in(read_messages(settings, topic, numbers, purpose="decided"))
    for one in found.values():
        refuse_other_count(one.partitions, settings.partitions, topic)
    return found


def decided_in(changelog: Iterable[Message]) -> dict[int, Decided]:
    """By partition what the records of a changelog tell, those of each partition in order.

    What a worker wrote that had been replaced counts for nothing. Raises OtherSnapshotError.
    """
    claimed: dict[int, int] = {}
    newest: dict[int, tuple[int, Decided]] = {}
    for message in changelog:
        key, value, number = from_key(message.key() or b""), message.value(), int(message.partition() or 0)
        if key is None or value is None or key.epoch < claimed.get(number, 0):
            continue
        if key.kind == "claim":
            claimed[number] = key.epoch
            continue
        if key.kind == "manifest":
            refuse_other_format(value, f"partition {number} of the changelog")
        if key.kind in _TELLING:
            newest[number] = (key.epoch, _joined(newest.get(number), key, value))
    return {number: decided for number, (_, decided) in newest.items()}


def _joined(known: tuple[int, Decided] | None, key: Key, value: bytes) -> Decided:
    """What is known of a partition, and one record more; a damaged one tells nothing."""
    epoch, before = known or (key.epoch, Decided(-1, "UTC", 0))
    try:
        if key.kind == "begun":
            return _behind(before, from_value(Begun, value).passed)
        manifest = from_value(Manifest, value)
    except DamagedError:
        return before
    boundary = max(before.boundary, manifest.boundary) if epoch == key.epoch else manifest.boundary
    found = Decided(
        manifest.boundary, manifest.zone, manifest.partitions, manifest.catalogue, manifest.alerts_from_ms,
        manifest.judged_by, manifest.state_format, manifest.currency, manifest.salt,
    )  # fmt: skip
    if boundary == manifest.boundary:
        return found
    later = tuple(one for one in before.judged_by if one[0] > manifest.boundary)
    catalogue = later[-1][1] if later else found.catalogue
    return replace(found, boundary=boundary, judged_by=(*found.judged_by, *later), catalogue=catalogue)


def _behind(before: Decided, passed: Iterable[Passed]) -> Decided:
    """The same when boundaries were passed."""
    boundary, judged_by = before.boundary, before.judged_by
    for one in passed:
        if one.boundary > before.boundary:
            boundary = max(boundary, one.boundary)
            if one.catalogue and (not judged_by or judged_by[-1][1] != one.catalogue):
                judged_by = (*judged_by, (one.boundary, one.catalogue))
    return replace(
        before, boundary=boundary, judged_by=judged_by, catalogue=judged_by[-1][1] if judged_by else before.catalogue
    )


def until_ms(decided: Mapping[int, Decided]) -> dict[int, int]:
    """By partition that has decided anything the instant before which it has."""
    return {number: one.until_ms for number, one in decided.items() if one.boundary >= 0}
