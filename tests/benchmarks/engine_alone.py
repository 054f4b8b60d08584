"""The engine without Kafka, in order of time, in a process of its own: its cost, and the truth about the alerts.

  python -m benchmarks.engine_alone LOAD ALERTS RECORDS     (partitions and catalogue in CHURN_*)

Reads a load, writes the alerts (a line each) and the packed customers, prints the figures as JSON.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from time import process_time
from typing import IO, Final

import msgspec
from models.oracle import Oracle
from models.partition import Batch, Partition, Published
from models.partition_record import PARTITION_KEY
from msgspec import Struct

from benchmarks.load import DAY_MS, DAYS, START_MS, read_load
from benchmarks.measuring import resident_bytes
from benchmarks.outputs import is_alert
from models.customers.columns import NEVER
from models.engine import Engine
from schemas.codec import decode_event
from streams.catalogue_file import load_rules
from streams.memory import uncollected
from streams.settings import Settings, environment_settings

NOW_MS: Final = START_MS + (DAYS + 1) * DAY_MS
"""After the last event of any load."""


class EngineRun(Struct, frozen=True):
    """What one pass over the load cost. CPU time of one thread."""

    events: int
    customers: int
    event_us: float
    review_us: float
    reviews: int
    revisions: int
    record_bytes: float
    resident_bytes: int
    """Growth of the process, a customer: record, key, dictionaries and calendar."""

    @property
    def total_us(self) -> float:
        """CPU an event, reviews included."""
        return self.event_us + self.review_us * self.reviews / self.events


class TimedPartition(Partition):
    """A partition that knows what its reviews cost: their own time, and their share of the packing.

    The share is that of the records that were loaded for a review and no event had touched before in the frame.
    """

    review_s = 0.0
    _loaded = 0

    def go_on(self, most: int = NEVER) -> None:
        """Review, timed."""
        begun, before = process_time(), len(self._touched)
        super().go_on(most)
        self.review_s += process_time() - begun
        self._loaded += len(self._touched) - before

    def finish(self) -> Batch:
        begun = process_time()
        batch = super().finish()
        self.review_s += (process_time() - begun) * self._loaded / max(1, len(batch.writes) - 1)
        self._loaded = 0
        return batch


def run(load: Path, settings: Settings, alerts: IO[bytes]) -> tuple[EngineRun, Oracle]:
    """One pass over the load."""
    rules = load_rules(settings)
    oracle = Oracle(rules, settings.partitions)
    timed = [
        TimedPartition(Engine(rules), {}, number=number, limit_dead_letters=False)
        for number in range(settings.partitions)
    ]
    for partition in timed:
        partition.begin(0)
    oracle.partitions = list(timed)
    resident = resident_bytes(os.getpid())
    events, revisions, spent_s = 0, 0, 0.0
    for batch in read_load(load):
        published: list[Published] = []
        begun = process_time()
        for feed, key, value in batch:
            published += oracle.take(decode_event(feed, key, value, (), NOW_MS))[1]
        spent_s += process_time() - begun
        events += len(batch)
        revisions += _write(published, alerts)
    begun = process_time()
    published = oracle.finish()
    spent_s += process_time() - begun
    revisions += _write(published, alerts)
    review_s, reviews = sum(p.review_s for p in timed), sum(p.reviews for p in timed)
    _sweep(oracle)
    sizes = [len(packed) for p in timed for key, packed in p.records.items() if key != PARTITION_KEY]
    figures = EngineRun(
        events=events,
        customers=len(sizes),
        event_us=(spent_s - review_s) / events * 1e6,
        review_us=review_s / max(1, reviews) * 1e6,
        reviews=reviews,
        revisions=revisions,
        record_bytes=sum(sizes) / len(sizes),
        resident_bytes=(resident_bytes(os.getpid()) - resident) // len(sizes),
    )
    return figures, oracle


def _sweep(oracle: Oracle) -> None:
    """Empty frames, all committed, until every outbox has left its record."""
    for partition in oracle.partitions:
        writes = 2
        while writes > 1:
            writes = len(partition.finish().writes)
            partition.begin(partition.state.sequence)


def _write(published: list[Published], alerts: IO[bytes]) -> int:
    told = [output.payload + b"\n" for output in published if is_alert(output)]
    alerts.writelines(told)
    return len(told)


def main() -> int:
    """Run once; see the module."""
    load, alerts, records = map(Path, sys.argv[1:])
    with alerts.open("wb") as file, uncollected():  # as a worker while it takes a frame
        figures, oracle = run(load, environment_settings(), file)
    found = [dict(partition.records) for partition in oracle.partitions]
    records.write_bytes(msgspec.msgpack.encode(found))
    print(msgspec.json.encode(figures).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
