"""A frame: one Faust message that stands for many records of one partition number."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence

from faust.types import TP, ConsumerMessage, ConsumerT

from streams.transport.records import Record, Span

FRAME_RECORDS = 5_000
"""Most records in a frame: larger ones save little, smaller ones let the loop breathe more often (metrics, commits)."""


class Frame(ConsumerMessage):
    """Aligned records of one partition number, and the spans of the topics they come from; perhaps none of either.

    Faust sees a message of one of the topics. `session` tells frames read before the last seek from those read after:
    only the latter may be processed. `is_taken` is set once the owner has processed it: Faust acknowledges messages it
    merely dropped too.
    """

    records: Sequence[Record]
    spans: Sequence[Span]
    session: int
    is_taken: bool


class FrameSource(ConsumerT):
    """What the application asks of the consumer beyond what Faust does."""

    @abstractmethod
    def is_current(self, frame: Frame) -> bool:
        """Whether a frame may be processed: not when it was read before the last seek or in an earlier generation."""

    @abstractmethod
    def idle(self, partition: int) -> dict[str, int]:
        """Topics of which everything there is has been taken, with the offset up to which."""

    @abstractmethod
    def lag(self) -> dict[TP, int | None]:
        """Of each source how many records are not taken yet; None where the broker has not said."""


def frame_of(
    partition: int, records: Sequence[Record], spans: Sequence[Span], *, session: int, generation: int
) -> Frame:
    """Wrap records (at least one) as a Faust message."""
    last = records[-1]
    frame = _message(TP(last.topic, partition), last.offset, last.timestamp_ms / 1000, session, generation)
    frame.records, frame.spans = records, spans
    return frame


def empty_frame(tp: TP, *, session: int, generation: int) -> Frame:
    """A frame without records, for work that waits for none; Faust wants to know a topic all the same."""
    return _message(tp, 0, 0.0, session, generation)


def _message(tp: TP, offset: int, seconds: float, session: int, generation: int) -> Frame:
    frame = Frame(tp.topic, tp.partition, offset, seconds, 0, None, None, b"", None, 0, 0, tp, generation_id=generation)
    frame.records, frame.spans, frame.session, frame.is_taken = (), (), session, False
    return frame


def chunks(records: Sequence[Record], size: int = FRAME_RECORDS) -> Iterator[Sequence[Record]]:
    """Cut aligned records into frames."""
    if len(records) <= size:
        yield records
        return
    for start in range(0, len(records), size):
        yield records[start : start + size]


def spans_of(records: Iterable[Record], expected: dict[str, int]) -> list[Span]:
    """The spans a frame covers; `expected` (next offset to hand out by topic) is moved on."""
    last: dict[str, Record] = {}
    for record in records:
        if record.topic not in last:
            expected.setdefault(record.topic, record.offset)
        last[record.topic] = record
    spans = []
    for topic, record in last.items():
        spans.append(Span(topic, expected[topic], record.offset, record.order_ms))
        expected[topic] = record.offset + 1
    return spans
