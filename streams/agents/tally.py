"""What this process has done since it started, in plain integers; the metrics page reads them."""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from schemas.receipt import ReceiptV1
from streams.transport.records import Record

PROCESSING_BUCKETS_S: Final = (0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.025, 0.25)
"""Upper bounds of the time an event takes, its share of reviews included: from a bare fold to a stall."""

AGE_BUCKETS_S: Final = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
"""Upper bounds of how old an event is when it was taken, or an alert when it leaves. The promise is judged at 10 s."""


class Spread:
    """How values fall between bounds; the last of `counts` lies beyond them all."""

    __slots__ = ("_bounds", "counts", "sum_s")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float, times: int = 1) -> None:
        """Count a value that occurred so many times."""
        self.counts[bisect_left(self._bounds, seconds)] += times
        self.sum_s += seconds * times

    def add_all(self, seconds: Sequence[float]) -> None:
        """Count many values in ascending order: one look a bound instead of one a value."""
        before = 0
        for place, bound in enumerate(self._bounds):
            reached = bisect_right(seconds, bound)
            self.counts[place] += reached - before
            before = reached
        self.counts[-1] += len(seconds) - before
        self.sum_s += sum(seconds)


@dataclass(slots=True)
class Tally:
    """Counters keyed by their labels. Written on the worker's loop only."""

    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(topic, outcome) of every record processed, redeliveries as `redelivered`."""
    dead_letters: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(topic, reason)."""
    alerts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(signal, severity, status) of every revision published."""
    ended: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(signal, reason) of every last revision published."""
    stages: Counter[str] = field(default_factory=Counter)
    """Stage that was entered."""
    receipts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(action, status) of every command that was decided."""
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(signal, outcome) of what people said came of its alerts."""
    came_back: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(signal, arm, whether the customer came back) of experiments whose horizon was over."""
    suppressed: Counter[str] = field(default_factory=Counter)
    """Rule to the revisions that it held."""
    decided: int = 0
    """Revisions of alerts decided, sent or held; those that stood on their topic already among them."""
    reviews: int = 0
    already_sent: int = 0
    """Outputs that stood on their topic when they were decided once more after a restart."""
    processing: Spread = field(default_factory=lambda: Spread(PROCESSING_BUCKETS_S))
    """Events by the time each took: its share of its frame."""
    ages: defaultdict[str, Spread] = field(default_factory=lambda: defaultdict(lambda: Spread(AGE_BUCKETS_S)))
    """Topic to how old its events were when they were taken."""
    alert_ages: Spread = field(default_factory=lambda: Spread(AGE_BUCKETS_S))
    last_timestamp_ms: dict[str, int] = field(default_factory=dict)
    """Topic to the Kafka timestamp of the newest record processed."""

    def count_receipt(self, receipt: ReceiptV1) -> None:
        """A receipt leaves."""
        self.receipts[receipt.action, receipt.status] += 1
        if receipt.signal is not None and receipt.outcome is not None:
            self.outcomes[receipt.signal, receipt.outcome] += 1

    def count_frame(self, records: Sequence[Record], seconds: float, now_ms: int, since_ms: int) -> None:
        """A frame took so long and ends now. What is older than `since_ms` is history and has no age."""
        self.processing.add(seconds / len(records), len(records))
        by_topic: dict[str, list[int]] = {}
        for record in records:
            by_topic.setdefault(record.topic, []).append(record.timestamp_ms)
        for topic, stamps_ms in by_topic.items():
            self.last_timestamp_ms[topic] = stamps_ms[-1]
            self.ages[topic].add_all(sorted(max(0, now_ms - stamp) / 1000 for stamp in stamps_ms if stamp >= since_ms))
