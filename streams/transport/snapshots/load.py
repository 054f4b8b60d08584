"""What a partition's changelog amounts to: the newest snapshot that is whole, what began since, and what is damaged."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import Message

from streams.kafka.log_reader import LogReader, reader
from streams.transport.snapshots.chunks import checksum, is_whole, unpack
from streams.transport.snapshots.records import (
    Begun,
    Claim,
    DamagedError,
    Key,
    Manifest,
    Passed,
    Pinned,
    from_key,
    from_value,
    refuse_other_format,
    to_key,
)
from streams.transport.snapshots.sender import epoch_in

MISSING: Final = "is missing"


@dataclass(frozen=True, slots=True)
class Problem:
    """A record that is damaged or missing (then it has no offset)."""

    topic: str
    partition: int
    offset: int | None
    key: str
    reason: str

    def __str__(self) -> str:
        where = "" if self.offset is None else f" offset {self.offset}"
        return f"{self.topic}/{self.partition}{where} key {self.key}: {self.reason}"


@dataclass(frozen=True, slots=True)
class PlacedClaim:
    """A claim and where it lies: of two, the first in the log was there first."""

    offset: int
    claim: Claim


@dataclass(frozen=True, slots=True)
class Loaded:
    """A partition as it stands. `pieces`: those of the payload; without a manifest there are none.

    `begun`: boundaries passed since the snapshot, in order; `models`: the versions of the model that lie
    there, by name; `rules`: the catalogues, by hash.
    `keys`: everything that lies there and was not deleted.
    `foreign`: records of other kinds, as earlier programs wrote them. `end`: the offset behind the last one read.
    """

    topic: str
    partition: int
    manifest: Manifest | None
    pieces: Sequence[bytes]
    begun: tuple[Passed, ...]
    models: Mapping[str, bytes]
    highest_epoch: int
    claims: tuple[PlacedClaim, ...]
    keys: frozenset[Key]
    foreign: int
    end: int
    problems: tuple[Problem, ...]
    rules: Mapping[str, str] = field(default_factory=dict)

    def payload(self) -> bytes | bytearray | None:
        """What the manifest names, unpacked anew at each call. Raises ValueError when that is impossible."""
        return None if self.manifest is None else unpack(self.pieces, self.manifest.size)


def load(
    connection: Mapping[str, object],
    topic: str,
    partitions: Iterable[int],
    *,
    stop: threading.Event,
) -> dict[int, Loaded]:
    """Read partitions of a changelog to their present end; changes nothing. Blocks: call it in a thread.

    Raises RestoreStoppedError once `stop` is set, OtherSnapshotError, KafkaException for what does not pass by itself.
    """
    piles = {partition: Pile(topic, partition) for partition in partitions}
    with reader(connection, stop=stop) as source:
        fill(source, piles)
    return {partition: pile.loaded() for partition, pile in piles.items()}


def fill(source: LogReader, piles: Mapping[int, Pile]) -> None:
    """Read on from where each pile ends."""
    if not piles:
        return

    def take(message: Message) -> None:
        pile, offset, key = piles[int(message.partition() or 0)], int(message.offset() or 0), message.key() or b""
        value = message.value()
        if value is None:
            pile.delete(offset, key, epoch_in(message))
        else:
            pile.add(offset, key, value)

    ends = source.read({(pile.topic, number): pile.end for number, pile in piles.items()}, take)
    for (_, number), end in ends.items():
        piles[number].end = end


class Pile:
    """The records of one partition, added in the order of the log.

    What was written under a lower epoch than that of a claim before it comes from a worker that was replaced and did
    not know yet: it counts for nothing, and is kept in mind only to be swept.
    """

    def __init__(self, topic: str, partition: int) -> None:
        self.topic, self.partition = topic, partition
        self.end = 0
        self.highest_epoch = 0
        self.claims: list[PlacedClaim] = []
        self._claimed = 0
        self._records: dict[Key, tuple[int, bytes]] = {}
        self._stale: set[Key] = set()
        self._begun: dict[int, Begun] = {}
        self._foreign: set[bytes] = set()
        self._problems: dict[Key, Problem] = {}

    def add(self, offset: int, name: bytes, value: bytes) -> None:
        """Take one record. Raises OtherSnapshotError."""
        self.end = offset + 1
        key = from_key(name)
        if key is None:
            self._foreign.add(name)
            return
        self.highest_epoch = max(self.highest_epoch, key.epoch)
        if key.epoch < self._claimed:
            if key not in self._records:
                self._stale.add(key)
            return
        self._records[key] = (offset, value)
        if key.kind == "claim":
            self._add_claim(key, offset, value)
        elif key.kind == "begun":
            self._add_begun(key, offset, value)
        elif key.kind == "manifest":
            refuse_other_format(value, f"{self.topic}/{self.partition} offset {offset}")

    def delete(self, offset: int, name: bytes, epoch: int | None) -> None:
        """Take a tombstone; `epoch`: under which it was written, None when somebody deleted by hand."""
        self.end = offset + 1
        key = from_key(name)
        if key is None:
            self._foreign.discard(name)
            return
        self.highest_epoch = max(self.highest_epoch, key.epoch)
        self._stale.discard(key)
        if epoch is not None and epoch < self._claimed:
            return  # what it would delete is the successor's to sweep
        self._records.pop(key, None)
        self._problems.pop(key, None)
        if key.kind == "begun":
            self._begun.pop(key.epoch, None)

    def _add_claim(self, key: Key, offset: int, value: bytes) -> None:
        try:
            self.claims.append(PlacedClaim(offset, from_value(Claim, value)))
        except DamagedError as error:
            self._note(key, offset, str(error))
        self._claimed = max(self._claimed, key.epoch)

    def _add_begun(self, key: Key, offset: int, value: bytes) -> None:
        try:
            self._begun[key.epoch] = from_value(Begun, value)
        except DamagedError as error:
            self._note(key, offset, str(error))

    def _note(self, key: Key, offset: int | None, reason: str) -> None:
        self._problems[key] = Problem(self.topic, self.partition, offset, to_key(key).decode(), reason)

    def keys(self) -> frozenset[Key]:
        """Everything that lies there and was not deleted, what counts for nothing included."""
        return frozenset(self._records) | self._stale

    # -- the sum of it

    def loaded(self) -> Loaded:
        """What all of it amounts to."""
        manifest, pieces = self._newest_whole()
        since = -1 if manifest is None else manifest.boundary
        passed = {one.boundary: one for _, begun in sorted(self._begun.items()) for one in begun.passed}
        return Loaded(
            self.topic,
            self.partition,
            manifest,
            pieces,
            tuple(one for boundary, one in sorted(passed.items()) if boundary > since),
            self._models(),
            self.highest_epoch,
            tuple(self.claims),
            self.keys(),
            len(self._foreign),
            self.end,
            tuple(self._problems.values()),
            self._rules(manifest),
        )

    def _rules(self, manifest: Manifest | None) -> dict[str, str]:
        found = {} if manifest is None else {manifest.catalogue: manifest.rules}
        for begun in self._begun.values():
            found |= begun.rules
        return {name: text for name, text in found.items() if text}

    def _models(self) -> dict[str, bytes]:
        found = {}
        for key, (offset, value) in self._records.items():
            if key.kind == "model":
                try:
                    pinned = from_value(Pinned, value)
                except DamagedError as error:
                    self._note(key, offset, str(error))
                else:
                    found[pinned.model] = pinned.content
        return found

    def _newest_whole(self) -> tuple[Manifest | None, Sequence[bytes]]:
        for key in sorted((key for key in self._records if key.kind == "manifest"), reverse=True):
            offset, value = self._records[key]
            try:
                manifest = from_value(Manifest, value)
            except DamagedError as error:
                self._note(key, offset, str(error))
                continue
            pieces = self._pieces(manifest)
            if pieces is not None and checksum(pieces) == manifest.checksum:
                return manifest, pieces
            if pieces is not None:
                self._note(key, offset, "its chunks are whole but make another payload")
        return None, ()

    def _pieces(self, manifest: Manifest) -> Sequence[bytes] | None:
        keys = [Key("chunk", *manifest.place, number) for number in range(manifest.chunks)]
        found = [self._records.get(key) for key in keys]
        for key, record in zip(keys, found, strict=True):
            if record is None:
                self._note(key, None, MISSING)
            elif not is_whole(record[1]):
                self._note(key, record[0], "its checksum is another one")
        is_complete = not any(key in self._problems for key in keys)
        return [record[1] for record in found if record is not None] if is_complete else None
