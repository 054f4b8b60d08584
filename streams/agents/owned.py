"""A partition that is ours: the state machine, and what the worker keeps beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from models.catalogue.rules import Rules
from models.engine.arrivals import Passed
from models.engine.partition import Partition
from models.engine.review import Message
from schemas.moved import Moved
from streams.transport.open_alerts import OpenAlerts
from streams.transport.published import Published
from streams.transport.records import Record


class Aside(NamedTuple):
    """A record to be set aside once its frame is through; `is_late` or refused."""

    record: Record
    headers: list[tuple[str, bytes]]
    is_late: bool


@dataclass(slots=True)
class OwnedPartition:
    """What is known of a partition that only its owner needs.

    `catalogues`: those that judged it before the restart, by hash; `recorded`: at which of the boundaries that are
    passed again another takes over. `expected`: these boundaries, until they were passed; `held`: records that wait
    for that. `ended`: feeds that were read to where they ended at the restart, so that what lay before a boundary and
    did not come was deleted meanwhile; `is_stirred`: that is news, and what waits is to be looked at. `pinned`:
    versions of the model by name, as they were published, that judged them or judge what was just passed. `asides`,
    `outbox` and, to other partitions, `moving`: what is still to be sent. `published` and `lying`: what stood on
    the output topics at the restart, from `outputs` on; `reopened`: open alerts, as they are by what is read again.
    `open_end`: up to where the topic of open alerts was looked at, `open_newest`: the highest epoch there; `told_open`:
    ids of those of which it was said since then how they stand.
    `cost_s`: what it would cost to read again what came since the last snapshot. `is_busy`: in the middle of a
    frame; `is_broken`: a frame failed. `is_lost`: another worker has claimed it; `is_doubtful`: one may have.
    `is_counted`: the metrics' counts are of now; they took `count_s`. `swept_boundary`: when the topics were last
    swept after erased customers. `forgotten`: for how many of these that was begun; `unforgotten`: snapshots that
    are kept and may still hold one of them.
    """

    number: int
    partition: Partition
    epoch: int = 0
    published: Published | None = None
    lying: OpenAlerts | None = None
    expected: list[Passed] = field(default_factory=list)
    ended: set[int] = field(default_factory=set)
    is_stirred: bool = False
    begun: set[int] = field(default_factory=set)
    pinned: dict[str, bytes] = field(default_factory=dict)
    catalogues: Mapping[str, Rules] = field(default_factory=dict)
    recorded: list[tuple[int, Rules]] = field(default_factory=list)
    until: tuple[int, ...] = ()
    outputs: Mapping[str, int] = field(default_factory=dict)
    held: list[Record] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    outbox: list[Message] = field(default_factory=list)
    moving: list[Moved] = field(default_factory=list)
    reopened: dict[str, bytes | None] = field(default_factory=dict)
    told_open: set[bytes] = field(default_factory=set)
    open_end: int = 0
    open_newest: int = 0
    cost_s: float = 0.0
    save_s: float = 0.0
    saved_boundary: int = -1
    swept_boundary: int = -1
    forgotten: int = 0
    unforgotten: int = 0
    is_busy: bool = False
    is_broken: bool = False
    is_lost: bool = False
    is_doubtful: bool = False
    is_counted: bool = False
    count_s: float = 0.0
    counted_at: float = 0.0

    @property
    def is_read_again(self) -> bool:
        """Whether everything was taken in that lay on the inputs at the restart (`until`, by feed)."""
        return all(at + 1 >= end for at, end in zip(self.partition.ledger.covered, self.until, strict=False))

    @property
    def may_send(self) -> bool:
        """Whether what it decided may leave: it is ours and whole, and the boundaries it passed are on record."""
        return not (self.is_lost or self.is_doubtful or self.is_broken or self.partition.passed)

    @property
    def is_calm(self) -> bool:
        """Whether everything that was read is applied, judged and sent: the moment for a snapshot."""
        is_waiting = self.is_busy or self.held or self.outbox or self.moving or self.asides or self.partition.is_behind
        return self.may_send and not is_waiting
