"""What this process has done since it started, in plain integers; the metrics page reads them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

PROCESSING_BUCKETS_S: Final = (0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.005, 0.025, 0.25)
"""Upper bounds of the time an event takes, its share of reviews included: from a bare fold to a stall."""


@dataclass(slots=True)
class Tally:
    """Counters keyed by their labels. Written on the worker's loop only."""

    events: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(topic, outcome) of every record processed, redeliveries as `redelivered`."""
    dead_letters: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(topic, reason)."""
    alerts: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(signal, severity, status) of every revision published."""
    stages: Counter[str] = field(default_factory=Counter)
    """Stage that was entered."""
    reviews: int = 0
    sent_again: int = 0
    """Outputs sent once more at a restore, because their cause was not committed."""
    processing_s: float = 0.0
    processing: list[int] = field(default_factory=lambda: [0] * (len(PROCESSING_BUCKETS_S) + 1))
    """Events by the time each took in its frame, by PROCESSING_BUCKETS_S, the last one beyond them."""
    last_timestamp_ms: dict[str, int] = field(default_factory=dict)
    """Topic to the Kafka timestamp of the newest record processed."""

    def count_time(self, seconds: float, records: int) -> None:
        """A frame of so many records took so long."""
        self.processing_s += seconds
        share = seconds / records
        place = next((at for at, bound in enumerate(PROCESSING_BUCKETS_S) if share <= bound), len(PROCESSING_BUCKETS_S))
        self.processing[place] += records
