"""A company of many customers as its changelog: snapshots made of what the engine made of the load."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import msgspec
from msgspec import Struct

from benchmarks.midnight import snapshot_of
from benchmarks.tiling import names_of, tiled
from models.catalogue.rules import Rules
from models.engine.frozen import SNAPSHOT_FORMAT
from models.engine.snapshot import load
from streams.transport.snapshots.chunks import pack
from streams.transport.snapshots.records import Covered
from support.snapshots import SnapshotOwner
from support.workers import Deployment


class Company(Struct, frozen=True):
    """`folder` has a snapshot of each partition; bytes are of all of them, `packed_bytes` as they lie in Kafka."""

    folder: Path
    customers: int
    boundary: int
    snapshot_bytes: int
    packed_bytes: int


def make_company(templates: Path, rules: Rules, customers: int, folder: Path) -> Company:
    """So many customers out of the partitions in `templates`."""
    folder.mkdir(exist_ok=True)
    snapshots: Sequence[bytes] = msgspec.msgpack.decode(templates.read_bytes(), type=list[bytes])
    size = packed = boundary = 0
    for number, (snapshot, names) in enumerate(zip(snapshots, names_of(customers, len(snapshots)), strict=True)):
        partition = load(snapshot, rules, number=number)
        payload = tiled(partition, names).to_bytes()
        snapshot_of(folder, number).write_bytes(payload)
        boundary = partition.boundary
        size += len(payload)
        packed += sum(map(len, pack([payload]).pieces))
    return Company(folder, customers, boundary, size, packed)


def fill(deployment: Deployment, company: Company, rules: Rules) -> None:
    """Write the changelog as a worker would have that had read nothing of the topics of events as they are now."""
    topics = deployment.topics
    owner = SnapshotOwner(deployment.broker.bootstrap, topics.changelog, "bench")
    owner.take_over(range(deployment.partitions))
    covered = Covered(
        boundary=company.boundary,
        zone=rules.basis.calendar.zone,
        catalogue=rules.hash,
        alerts_from_ms=0,
        sources=dict.fromkeys((*topics.events, topics.ticks), 0),
        state_format=SNAPSHOT_FORMAT,
    )
    for number in range(deployment.partitions):
        payload = snapshot_of(company.folder, number).read_bytes()
        asyncio.run(owner.log.write(number, covered, partial(list[bytes], [payload])))
    owner.log.close()
