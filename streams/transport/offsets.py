"""What was taken and what may be committed: the book behind the acknowledgements."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from faust.types import TP

from streams.transport.errors import LostFrameError
from streams.transport.records import Span


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a topic partition: the next offset to take and the topic's clock there (None: nothing taken yet)."""

    offset: int
    order_ms: int | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Marks that may be committed together, and by partition the last frame they cover."""

    marks: Mapping[TP, Mark] = field(default_factory=dict)
    sequences: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.marks or self.sequences)


class OffsetTracker:
    """Frames are taken in order, so one mark per topic partition says it all.

    The guard: each frame must begin where the last one ended (or before, on a redelivery). "Highest wins" alone would
    turn a frame lost on the way into records silently skipped.
    """

    def __init__(self) -> None:
        self._taken: dict[TP, Mark] = {}
        self._committed: dict[TP, Mark] = {}
        self._taken_sequence: dict[int, int] = {}
        self._committed_sequence: dict[int, int] = {}

    def rewind(self, taken: Mapping[TP, Mark], committed: Iterable[TP]) -> None:
        """Reading starts again at these marks; those in `committed` are what the broker has.

        Frames taken and not committed keep their numbers, for their owner counts on. They are committed with the next
        batch, though their records come again: by then all that was written and sent for them is acknowledged.
        """
        self._taken = dict(taken)
        self._committed = {tp: taken[tp] for tp in committed}
        partitions = {tp.partition for tp in taken}
        self._taken_sequence = {p: n for p, n in self._taken_sequence.items() if p in partitions}
        self._committed_sequence = {p: n for p, n in self._committed_sequence.items() if p in partitions}

    def restart(self, partition: int) -> None:
        """A partition was restored: its frames are counted from 1 again."""
        self._taken_sequence.pop(partition, None)
        self._committed_sequence.pop(partition, None)

    def check(self, partition: int, spans: Iterable[Span]) -> None:
        """Raise LostFrameError when a span begins behind what was taken."""
        for span in spans:
            mark = self._taken.get(TP(span.topic, partition))
            if mark is not None and span.first > mark.offset:
                raise LostFrameError(span.topic, partition, span.first, mark.offset)

    def next_sequence(self, partition: int) -> int:
        """The number of the frame about to be taken."""
        return self._taken_sequence.get(partition, 0) + 1

    def take(self, partition: int, sequence: int, spans: Iterable[Span]) -> None:
        """Note a frame as taken."""
        for span in spans:
            tp = TP(span.topic, partition)
            mark = self._taken.get(tp)
            if mark is None or span.last >= mark.offset:
                self._taken[tp] = Mark(span.last + 1, span.order_ms)
        self._taken_sequence[partition] = sequence

    def pending(self) -> Batch:
        """Everything taken that is not committed; frames without records have a sequence and no marks."""
        marks = {tp: mark for tp, mark in self._taken.items() if self._committed.get(tp) != mark}
        sequences = {p: n for p, n in self._taken_sequence.items() if n != self._committed_sequence.get(p)}
        return Batch(marks, sequences)

    def commit(self, batch: Batch) -> Mapping[int, int]:
        """Note a batch as committed; returns the sequences that count: not those of partitions restored meanwhile."""
        self._committed.update({tp: mark for tp, mark in batch.marks.items() if tp in self._taken})
        valid = {p: n for p, n in batch.sequences.items() if n <= self._taken_sequence.get(p, 0)}
        self._committed_sequence.update(valid)
        return valid

    def forget_uncommitted(self) -> None:
        """A restore begins: what was taken and not committed will come again, and must not be committed any more."""
        self._taken = dict(self._committed)

    def mark(self, tp: TP) -> Mark | None:
        """Where a topic partition stands."""
        return self._taken.get(tp)

    def taken(self, tp: TP) -> int | None:
        """The next offset to take of a topic partition."""
        mark = self._taken.get(tp)
        return None if mark is None else mark.offset
