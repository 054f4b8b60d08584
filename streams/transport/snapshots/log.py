"""Writes snapshots of the partitions we own: chunks, then the manifest, then tombstones for what is not needed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import msgspec

from streams.kafka.log_reader import reader
from streams.transport.snapshots.chunks import pack
from streams.transport.snapshots.load import Pile, PlacedClaim, fill
from streams.transport.snapshots.ownership import Owned, pins_of, rival_of
from streams.transport.snapshots.records import (
    MANIFEST_FORMAT,
    Begun,
    Covered,
    Key,
    Manifest,
    Passed,
    Pinned,
    to_key,
    to_value,
)
from streams.transport.snapshots.sender import Sender

KEPT_SNAPSHOTS: Final = 2
"""Of a partition: the newest, and the one before it."""

NOTHING: Final[Mapping[str, str]] = {}

Payload = Callable[[], Iterable[bytes | memoryview]]
"""Gives what is to be written, part by part."""


class OwnershipLostError(Exception):
    """Another worker has taken a partition over: nothing further of it may be written here."""

    def __init__(self, topic: str, partition: int, epoch: int, rival: PlacedClaim) -> None:
        super().__init__(
            f"{topic}/{partition}: held under epoch {epoch}, claimed under {rival.claim.epoch} by worker "
            f"{rival.claim.owner} at offset {rival.offset}"
        )
        self.topic, self.partition, self.epoch, self.rival = topic, partition, epoch, rival

    def __reduce__(self) -> tuple[type[OwnershipLostError], tuple[str, int, int, PlacedClaim]]:
        return type(self), (self.topic, self.partition, self.epoch, self.rival)


@dataclass(slots=True)
class _Held:
    """A partition we own. `newest` and `older`: the manifests that stand; `passed`: what was begun since `older`.

    `pinned`: the keys of the versions of the model that judged that, by name; `rules`: the catalogues, by hash. `keys`:
    all that lies in its changelog, as far as that was read: up to `end`.
    """

    epoch: int
    keys: set[Key]
    end: int
    newest: Manifest | None
    older: Manifest | None = None
    generation: int = 0
    passed: list[Passed] = field(default_factory=list)
    pinned: dict[str, Key] = field(default_factory=dict)
    rules: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class SnapshotLog:
    """The log of the partitions owned by this process. Its methods are called on the event loop and wait in threads.

    Snapshots are written one after another, as they take a whole core. What was begun has a thread of its own: outputs
    wait for it.
    """

    def __init__(self, connection: Mapping[str, object], sender: Sender, owner: str) -> None:
        self._connection, self._sender, self._owner = connection, sender, owner
        self._held: dict[int, _Held] = {}
        self._stop = threading.Event()
        self._writing = ThreadPoolExecutor(1, "snapshots")
        self._beginning = ThreadPoolExecutor(1, "boundaries")

    @property
    def topic(self) -> str:
        """The changelog."""
        return self._sender.topic

    def begin(self, owned: Owned) -> None:
        """A partition was taken over."""
        loaded = owned.loaded
        self._held[loaded.partition] = _Held(
            owned.epoch,
            set(loaded.keys),
            loaded.end,
            loaded.manifest,
            passed=list(loaded.begun),
            pinned=pins_of(owned),
            rules=dict(loaded.rules),
        )

    def forget(self, partition: int) -> None:
        """A partition is another worker's now; what is being written of it comes to its end, or finds out."""
        self._held.pop(partition, None)

    def close(self) -> None:
        """Give up what is being written; nothing of it counts without its manifest."""
        self._stop.set()
        self._writing.shutdown(wait=False, cancel_futures=True)
        self._beginning.shutdown(wait=False, cancel_futures=True)

    async def write(self, partition: int, covered: Covered, payload: Payload) -> Manifest:
        """Write a snapshot; `payload` is called in a thread. Everything it covers must have been acknowledged before.

        Raises OwnershipLostError, DeliveryError, RestoreStoppedError after `close`.
        """
        held = self._held[partition]
        return await asyncio.get_running_loop().run_in_executor(
            self._writing, self._write, partition, held, covered, payload
        )

    async def begun(
        self, partition: int, passed: Sequence[Passed], models: Mapping[str, bytes], rules: Mapping[str, str] = NOTHING
    ) -> None:
        """Boundaries were passed; once this returns, outputs of theirs may be sent.

        Raises DeliveryError, RestoreStoppedError after `close`; does not look whose the partition is.
        `models`: the versions they name, as they were published; `rules`: the catalogues, by hash.
        """
        held = self._held[partition]
        held.rules |= rules
        loop, models = asyncio.get_running_loop(), dict(models)
        await loop.run_in_executor(self._beginning, self._note_begun, partition, held, passed, models)

    async def look(self, partitions: Iterable[int] | None = None) -> None:
        """Look for claims of others, to all that is ours or to some of it. Raises OwnershipLostError."""
        held = dict(self._held) if partitions is None else {n: self._held[n] for n in partitions if n in self._held}
        await asyncio.get_running_loop().run_in_executor(self._writing, self._look, held)

    # -- in threads

    def _write(self, partition: int, held: _Held, covered: Covered, payload: Payload) -> Manifest:
        self._look({partition: held})
        held.generation += 1
        place = held.epoch, held.generation
        packed = pack(payload())
        manifest = Manifest(
            **msgspec.structs.asdict(covered),
            format=MANIFEST_FORMAT,
            epoch=held.epoch,
            owner=self._owner,
            generation=held.generation,
            chunks=len(packed.pieces),
            checksum=packed.checksum,
            size=packed.size,
        )
        chunks = {Key("chunk", *place, number): piece for number, piece in enumerate(packed.pieces)}
        held.keys |= chunks.keys()
        self._send(partition, held.epoch, chunks)
        manifest_key = Key("manifest", *place)
        held.keys.add(manifest_key)
        self._send(partition, held.epoch, {manifest_key: to_value(manifest)})
        held.older, held.newest = held.newest, manifest
        self._sweep(partition, held)
        return manifest

    def _look(self, partitions: Mapping[int, _Held]) -> None:
        """Read what came since the last look: whether we are still the owner, and what others left to be swept."""
        piles = {number: Pile(self.topic, number) for number in partitions}
        for number, pile in piles.items():
            pile.end = partitions[number].end
        with reader(self._connection, stop=self._stop) as source:
            fill(source, piles)
        for number, pile in piles.items():
            held = partitions[number]
            rival = rival_of(pile.claims, held.epoch, self._owner)
            if rival is not None:
                raise OwnershipLostError(self.topic, number, held.epoch, rival)
            held.keys |= pile.keys()
            held.end = pile.end

    def _sweep(self, partition: int, held: _Held) -> None:
        """Delete all but our claim, the two snapshots that are kept, and what was begun since the older one."""
        with held.lock:
            since = -1 if held.older is None else held.older.boundary
            held.passed = [one for one in held.passed if one.boundary > since]
            named = {one.model for one in held.passed}
            held.pinned = {name: key for name, key in held.pinned.items() if name in named}
            kept = {Key("claim", held.epoch), *held.pinned.values()}
            for manifest in (held.newest, held.older):
                if manifest is not None:
                    kept |= keys_of(manifest)
            writes: dict[Key, bytes | None] = {}
            if held.passed:
                begun_key = Key("begun", held.epoch)
                kept.add(begun_key)
                held.keys.add(begun_key)
                writes[begun_key] = to_value(self._begun_of(held))
            writes |= dict.fromkeys(sorted(held.keys - kept))
            self._send(partition, held.epoch, writes)
            held.keys &= kept

    def _note_begun(self, partition: int, held: _Held, passed: Sequence[Passed], models: Mapping[str, bytes]) -> None:
        with held.lock:
            held.passed += [one for one in passed if one not in held.passed]  # one may come again, interrupted
            writes: dict[Key, bytes | None] = {}
            for one in passed:
                if one.model is not None and one.model in models and one.model not in held.pinned:
                    held.pinned[one.model] = Key("model", held.epoch, one.boundary)
                    writes[held.pinned[one.model]] = to_value(Pinned(one.model, models[one.model]))
            writes[Key("begun", held.epoch)] = to_value(self._begun_of(held))
            held.keys |= writes.keys()
            self._send(partition, held.epoch, writes)

    def _begun_of(self, held: _Held) -> Begun:
        """What was begun, with the catalogues of it that no snapshot has."""
        judged = {one.catalogue for one in held.passed}
        saved = {one.catalogue: one.rules for one in (held.newest, held.older) if one is not None}
        held.rules = {name: text for name, text in {**held.rules, **saved}.items() if name in judged | saved.keys()}
        rules = {name: text for name, text in held.rules.items() if name not in saved}
        return Begun(held.epoch, self._owner, tuple(held.passed), rules)

    def _send(self, partition: int, epoch: int, writes: Mapping[Key, bytes | None]) -> None:
        records = [(to_key(key), value) for key, value in writes.items()]
        self._sender.send({partition: records}, epoch=epoch, stop=self._stop)


def keys_of(manifest: Manifest) -> set[Key]:
    """The keys of a snapshot."""
    chunks = {Key("chunk", *manifest.place, number) for number in range(manifest.chunks)}
    return chunks | {Key("manifest", *manifest.place)}
