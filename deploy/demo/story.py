"""The events of the demo: real purchases of some customers, the rest simulated around them, moved up to yesterday."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from zlib import crc32

from schemas.codec import encode_event
from schemas.event import FEEDS
from schemas.topics import DAY_MS
from streams.files.history import History, HistoryEvent, days_until_yesterday, read_history, shifted
from streams.simulation.around import simulate_around

SEED = 1
SIMULATED_PLACE = 1 << 40
"""Simulated events sort behind real ones of the same feed and instant, as those of a second file do."""


@dataclass(frozen=True, slots=True)
class Story:
    """Events in order of time, and the file that holds the same."""

    events: list[HistoryEvent]
    file: Path

    @property
    def customers(self) -> int:
        """How many customers the events are about."""
        return len({event.key for event in self.events})

    @property
    def days(self) -> int:
        """Days from the first event to the last, both included."""
        return self.events[-1].time_ms // DAY_MS - self.events[0].time_ms // DAY_MS + 1

    def counts(self) -> dict[str, int]:
        """Events by feed."""
        counts = Counter(FEEDS[event.feed] for event in self.events)
        return {feed: counts[feed] for feed in FEEDS if counts[feed]}


def tell(table: Path, target: Path, *, share: int, with_simulated: bool, at_ms: int) -> Story:
    """Make the events and write them to `target`, one customer of `share`, chosen by a hash of the id.

    They are moved by whole days so that the last one is on the day before `at_ms`.
    """
    with TemporaryDirectory() as folder:
        part = Path(folder) / table.name  # the name says which mapping the table needs
        part.write_text("".join(lines_of_share(table, share)))
        chosen = read_history([part])
    if with_simulated:
        chosen = _joined(chosen)
    moved = shifted(chosen, days_until_yesterday(chosen, at_ms))
    target.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(target, "wb", compresslevel=1) as file:
        file.writelines(event.value + b"\n" for event in moved.events)
    return Story(moved.events, target)


def lines_of_share(table: Path, share: int) -> Iterator[str]:
    """The table's head and the lines of the chosen customers: reading all takes four times as long."""
    with table.open() as lines:
        yield next(lines)
        for line in lines:
            customer_id = str(int(line.split(maxsplit=1)[0]))  # as the mapping reads the first column
            if crc32(customer_id.encode()) % share == 0:
                yield line


def _joined(real: History) -> History:
    simulated = [
        HistoryEvent(
            event.time_ms, event.feed, SIMULATED_PLACE | number, event.customer_id.encode(), encode_event(event)
        )
        for number, event in enumerate(simulate_around(real, seed=SEED))
    ]
    return replace(real, events=sorted([*real.events, *simulated]))
