"""A day of events after the load: what a worker that restarts late in the day has to read again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from benchmarks.engine_alone import END_MS
from benchmarks.load import DAY_MS, DAYS, EVENTS_EACH, random_event
from streams.files.history import HistoryEvent

SEED: Final = 5
FIRST_PLACE: Final = 500_000_000
"""Behind the ids of any load."""


def day_of_events(names: Sequence[str]) -> list[HistoryEvent]:
    """Events of the day behind the load's last midnight in order of time, as many as of a day of the load."""
    dice = random.Random(SEED)
    count = max(1, len(names) * EVENTS_EACH // DAYS)
    times = sorted(END_MS + int(dice.random() * DAY_MS) for _ in range(count))
    return [
        random_event(dice, names[dice.randrange(len(names))], time_ms, FIRST_PLACE + place)
        for place, time_ms in enumerate(times)
    ]
