"""An agent of customers with one partition, what it sent and wrote down, and the midnights that pass for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from models.engine.arrivals import Passed
from models.engine.ledger import TICKS
from models.engine.snapshot import load
from schemas.codec import encode_event
from schemas.event import FEEDS
from schemas.example import ProgressV1, decode_lesson
from schemas.model_version import ModelVersionV1, encode_model_version, sealed
from schemas.tick import Tick, encode_tick
from schemas.topics import Topics
from streams.agents import customers as agent
from streams.agents.models import Shelf
from streams.agents.owned import OwnedPartition
from streams.files.catalogue_file import rules_of
from streams.settings import Settings
from streams.transport.producer import Outputs
from streams.transport.records import Record
from support.builders import DAY_MS, HOUR_MS, purchase
from support.examples import taught
from support.troubled import FIRST_DAY

SETTINGS = Settings(partitions=1)
TOPICS = Topics(SETTINGS.prefix)
RULES = rules_of("{base: default, model: {step_days: 1}}", SETTINGS)
CUSTOMERS = 30
PIECE = 8
LATEST_MS = (FIRST_DAY + 3) * DAY_MS


class Sent(Outputs):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes | None, bytes | None]] = []

    def send(
        self,
        topic: str,
        partition: int | None,  # noqa: ARG002 - the port's
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]] | None = None,  # noqa: ARG002 - the port's
        timestamp_ms: int = 0,  # noqa: ARG002 - the port's
    ) -> None:
        self.records.append((topic, key, value))

    def models_told(self) -> list[str | None]:
        """The versions named by the markers of progress, in order."""
        lessons = [decode_lesson(value or b"") for topic, _, value in self.records if topic == TOPICS.examples]
        return [lesson.model_version for lesson in lessons if isinstance(lesson, ProgressV1)]


def published(boundaries: int) -> bytes:
    """A version as the models topic has it; another number, another version."""
    committee = taught(boundaries, 200)
    model = ModelVersionV1("churn", "2024-10-04T00:00:00Z", committee.to_state(), {}, boundaries)
    return encode_model_version(sealed(model), 1)


class Life:
    """One life of the agent that owns the one partition; `expected`: boundaries that an earlier life had passed."""

    def __init__(
        self,
        shelf: Shelf,
        state: bytes | None = None,
        expected: Sequence[Passed] = (),
        pinned: Mapping[str, bytes] | None = None,
    ) -> None:
        self.sent = Sent()
        self.agent = agent.Customers(SETTINGS, RULES, self.sent, lambda: LATEST_MS, shelf)
        self.pinned: dict[str, bytes] = {}
        self.written: list[tuple[Passed, int]] = []
        """Boundaries written down, each with how much had been sent before."""
        self.fails: BaseException | None = None
        """Why nothing can be written down."""
        self.agent.note_begun = self._note
        partition = self.agent.new_partition(0) if state is None else load(state, RULES)
        self.own = OwnedPartition(0, partition, expected=list(expected), pinned=dict(pinned or {}))
        self.agent.adopt(self.own)
        self.records: list[Record] = []
        self._frames = 0

    async def _note(self, _partition: int, passed: Sequence[Passed]) -> None:
        if self.fails is not None:
            raise self.fails
        self.written += [(one, len(self.sent.records)) for one in passed]
        self.pinned |= self.own.pinned

    def buy(self, customers: range, time_ms: int) -> None:
        """A frame of purchases, one each."""
        events = [purchase(f"c{number}", time_ms, currency="USD", id=f"{time_ms}/{number}") for number in customers]
        at = self.own.partition.ledger.covered[0] + 1
        self.take(
            [
                Record(TOPICS.events[0], event.customer_id.encode(), encode_event(event), at + place, event.time_ms)
                for place, event in enumerate(events)
            ]
        )

    def pass_midnight(self, day: int) -> None:
        """A tick says that it is an hour and more past the midnight before a day."""
        now_ms = day * DAY_MS + 2 * HOUR_MS
        offset = self.own.partition.ledger.covered[TICKS] + 1
        value = encode_tick(Tick(now_ms, dict.fromkeys(FEEDS, 0)))
        self.take([Record(TOPICS.ticks, None, value, offset, now_ms)])

    def wait(self) -> None:
        """A frame without records."""
        self.take([])

    def end_some(self, frames: int) -> None:
        """Some frames without records."""
        for _ in range(frames):
            self.wait()

    def end_midnight(self) -> None:
        """Frames without records for as long as anybody waits to be judged."""
        while self.agent.is_behind(0):
            self.wait()

    def take(self, records: list[Record]) -> None:
        self._frames += 1
        self.records += records
        asyncio.run(self.agent.take(0, self._frames, records))

    def scored_by(self) -> list[str]:
        """The versions that scored customers, one for each who has a score."""
        scoring = self.own.partition.review.scoring
        assert scoring is not None
        found = [scoring.scored_by(row) for row in range(self.own.partition.customers.size)]
        return [name for name in found if name]
