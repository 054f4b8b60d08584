"""The agent of customers: a midnight spread over frames, scored by one version of the model; records it cannot read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from models.customer_record import decode_customer
from models.engine import Engine
from models.partition import Partition
from models.partition_record import PARTITION_KEY, TICKS
from schemas.codec import encode_event
from schemas.event import FEEDS
from schemas.example import ProgressV1, decode_lesson
from schemas.model_version import ModelVersionV1, encode_model_version, sealed
from schemas.tick import Tick, encode_tick
from schemas.topics import Topics
from streams.agents import customers as agent
from streams.agents.models import Shelf
from streams.catalogue_file import rules_of
from streams.errors import EXIT_SETUP
from streams.settings import Settings
from streams.transport.changelog import Changelog
from streams.transport.errors import StopWorkerError
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
    ) -> None:
        self.records.append((topic, key, value))

    def models_told(self) -> list[str | None]:
        """The versions named by the markers of progress, in order."""
        lessons = [decode_lesson(value or b"") for topic, _, value in self.records if topic == TOPICS.examples]
        return [lesson.model_version for lesson in lessons if isinstance(lesson, ProgressV1)]


def published(boundaries: int) -> bytes:
    """A version as the models topic has it; another number, another version."""
    committee = taught(boundaries, 200)
    model = ModelVersionV1("churn", "2026-01-05T00:00:00Z", committee.to_state(), {}, boundaries)
    return encode_model_version(sealed(model), 1)


class Life:
    """One life of the agent that owns the one partition."""

    def __init__(self, shelf: Shelf, records: Mapping[bytes, bytes]) -> None:
        self.sent = Sent()
        self.records = dict(records)
        changelog = Changelog(self.sent, TOPICS.changelog)
        self.agent = agent.Customers(SETTINGS, RULES, self.sent, changelog, lambda: LATEST_MS, shelf)
        self.agent.restored(0, self.records)
        self._frames = 0

    def buy(self, customers: range, time_ms: int) -> None:
        """A frame of purchases, one each."""
        events = [purchase(f"c{number}", time_ms, currency="USD") for number in customers]
        at = self.agent.partitions[0].state.covered[0] + 1
        self._take(
            [
                Record(TOPICS.events[0], event.customer_id.encode(), encode_event(event), at + place, event.time_ms)
                for place, event in enumerate(events)
            ]
        )

    def pass_midnight(self, day: int) -> None:
        """A tick says that it is an hour and more past the midnight before a day."""
        now_ms = day * DAY_MS + 2 * HOUR_MS
        offset = self.agent.partitions[0].state.covered[TICKS] + 1
        value = encode_tick(Tick(now_ms, dict.fromkeys(FEEDS, 0)))
        self._take([Record(TOPICS.ticks, None, value, offset, now_ms)])

    def wait(self) -> None:
        """A frame without records."""
        self._take([])

    def end_midnight(self) -> None:
        """Frames without records for as long as anybody waits for a review."""
        while self.agent.is_behind(0):
            self.wait()

    def _take(self, records: list[Record]) -> None:
        self._frames += 1
        self.agent.take(0, self._frames, records)

    def scored_by(self) -> list[str]:
        """The versions that scored customers, one for each who has a score."""
        found = [decode_customer(packed) for key, packed in self.records.items() if key != PARTITION_KEY]
        return [customer.scored_by for customer in found if customer.scored_by]


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(RULES)


@pytest.fixture
def life(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Life:
    """Customers who bought, and the midnight after it that has just passed; the first version is there."""
    monkeypatch.setattr(agent, "REVIEWS_A_FRAME", PIECE)
    shelf.put(published(8))
    life = Life(shelf, {})
    life.buy(range(CUSTOMERS), FIRST_DAY * DAY_MS)
    life.pass_midnight(FIRST_DAY + 1)
    return life


def test_events_are_taken_while_customers_wait_for_their_review(life: Life) -> None:
    partition = life.agent.partitions[0]
    assert (partition.reviews, partition.waiting) == (0, CUSTOMERS)
    assert partition.gone_through == FIRST_DAY < partition.state.boundary
    life.wait()
    life.buy(range(5), (FIRST_DAY + 1) * DAY_MS + 3 * HOUR_MS)
    assert (partition.reviews, partition.waiting) == (PIECE, CUSTOMERS - PIECE)
    life.end_midnight()
    assert (partition.reviews, partition.waiting) == (CUSTOMERS, 0)
    assert partition.gone_through == partition.state.boundary


def test_who_is_being_reviewed_is_not_told_of_as_reviewed() -> None:
    """Else a look from another thread ends a wait for a midnight while its last customers are at work."""
    told: list[tuple[int, int]] = []

    def look(_boundary: int) -> None:
        told.append((partition.gone_through, partition.waiting))

    partition = Partition(Engine(RULES), {}, versions=look)
    partition.spreads = True
    partition.begin(0)
    for place in range(CUSTOMERS):
        partition.take_event(purchase(f"c{place}", FIRST_DAY * DAY_MS, currency="USD"), place)
    partition.lift((FIRST_DAY + 1) * DAY_MS + 2 * HOUR_MS, list(range(len(FEEDS))))
    partition.finish()
    told.clear()
    partition.begin(1)
    partition.go_on()
    assert told == [(FIRST_DAY, CUSTOMERS)]
    partition.finish()
    assert (partition.gone_through, partition.waiting) == (FIRST_DAY + 1, 0)


def test_the_next_midnight_waits_for_nobody(life: Life) -> None:
    life.wait()
    partition = life.agent.partitions[0]
    life.pass_midnight(FIRST_DAY + 2)
    assert partition.reviews == CUSTOMERS
    assert partition.gone_through == FIRST_DAY + 1


def test_all_of_a_midnight_are_scored_by_one_version_and_that_is_told_at_its_end(life: Life, shelf: Shelf) -> None:
    begun_with = shelf.current
    assert begun_with is not None
    life.wait()
    shelf.put(published(9))
    assert shelf.current is not None
    assert shelf.current.name != begun_with.name
    assert life.sent.models_told() == []
    life.end_midnight()
    assert life.scored_by() == [begun_with.name] * CUSTOMERS
    assert life.sent.models_told() == [begun_with.name]
    life.pass_midnight(FIRST_DAY + 2)
    life.end_midnight()
    assert set(life.scored_by()) == {shelf.current.name}
    assert life.sent.models_told() == [begun_with.name, shelf.current.name]


def test_a_worker_that_died_in_the_middle_ends_with_the_version_it_began_with(life: Life, shelf: Shelf) -> None:
    begun_with = shelf.current
    assert begun_with is not None
    life.wait()
    shelf.put(published(9))
    again = Life(shelf, life.records)
    assert again.sent.models_told() == []
    again.end_midnight()
    assert again.scored_by() == [begun_with.name] * CUSTOMERS
    assert again.sent.models_told() == [begun_with.name]


def test_what_was_begun_without_a_model_is_ended_without_one(monkeypatch: pytest.MonkeyPatch, shelf: Shelf) -> None:
    monkeypatch.setattr(agent, "REVIEWS_A_FRAME", PIECE)
    life = Life(shelf, {})
    life.buy(range(CUSTOMERS), FIRST_DAY * DAY_MS)
    life.pass_midnight(FIRST_DAY + 1)
    life.wait()
    shelf.put(published(8))
    again = Life(shelf, life.records)
    again.end_midnight()
    assert again.scored_by() == []
    assert again.sent.models_told() == [None]


def test_a_worker_that_is_older_than_the_records_stops_and_says_what_to_do(shelf: Shelf) -> None:
    with pytest.raises(StopWorkerError, match=r"partition 0: record format 99 .* CHURN_APP_VERSION") as caught:
        Life(shelf, {b"c1": bytes((99,)) + bytes(40)})
    assert caught.value.exit_code == EXIT_SETUP
