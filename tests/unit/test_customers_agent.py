"""The agent of customers: a midnight spread over frames, scored by one version of the model, written down first."""

from __future__ import annotations

import asyncio

import pytest

from models.engine.snapshot import freeze
from streams.agents import customers as agent
from streams.agents.models import Shelf
from streams.agents.owned import OwnedPartition
from streams.files.catalogue_file import rules_of
from streams.transport.errors import DeliveryError, StopWorkerError
from streams.transport.records import Record
from support.agent_life import CUSTOMERS, LATEST_MS, PIECE, RULES, SETTINGS, TOPICS, Life, Sent, published
from support.builders import DAY_MS, HOUR_MS
from support.troubled import FIRST_DAY


@pytest.fixture
def shelf() -> Shelf:
    return Shelf(RULES)


@pytest.fixture
def life(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> Life:
    """Customers who bought, and the midnight after it that has just passed; the first version is there."""
    monkeypatch.setattr(agent, "REVIEWS_A_FRAME", PIECE)
    shelf.put(published(8))
    life = Life(shelf)
    life.buy(range(CUSTOMERS), FIRST_DAY * DAY_MS)
    life.pass_midnight(FIRST_DAY + 1)
    return life


def test_events_are_taken_while_customers_wait_to_be_judged(life: Life) -> None:
    partition = life.own.partition
    assert (partition.judged, partition.unjudged) == (0, CUSTOMERS)
    assert partition.judged_boundary < FIRST_DAY + 1 == partition.boundary
    life.wait()
    before = partition.judged
    life.buy(range(5), (FIRST_DAY + 1) * DAY_MS + 3 * HOUR_MS)
    assert (partition.judged, partition.unjudged) == (before, CUSTOMERS - before)
    life.end_midnight()
    assert (partition.judged, partition.unjudged) == (CUSTOMERS, 0)
    assert partition.judged_boundary == partition.boundary


def test_the_next_midnight_waits_for_nobody(life: Life) -> None:
    life.wait()
    partition = life.own.partition
    life.pass_midnight(FIRST_DAY + 2)
    assert partition.judged == CUSTOMERS
    assert partition.judged_boundary == FIRST_DAY + 1


def test_a_boundary_is_written_down_before_its_first_output_is_sent(life: Life) -> None:
    ((passed, sent),) = life.written
    assert (passed.boundary, sent) == (FIRST_DAY + 1, 0)
    life.end_midnight()
    assert life.sent.records


@pytest.mark.parametrize("reason", [DeliveryError(TOPICS.changelog, "refused"), asyncio.CancelledError()])
def test_nothing_of_a_boundary_leaves_that_did_not_get_on_record(
    monkeypatch: pytest.MonkeyPatch, shelf: Shelf, reason: BaseException
) -> None:
    """A snapshot that had waited meanwhile judges who is left, and sends."""
    monkeypatch.setattr(agent, "REVIEWS_A_FRAME", PIECE)
    life = Life(shelf)
    life.buy(range(CUSTOMERS), FIRST_DAY * DAY_MS)
    life.fails = reason
    with pytest.raises(type(reason)):
        life.pass_midnight(FIRST_DAY + 1)
    life.fails = None
    asyncio.run(life.agent.finish(life.own))
    assert not life.sent.records
    assert not life.own.is_calm


def test_a_boundary_whose_record_was_interrupted_is_written_down_with_the_next_frame(
    monkeypatch: pytest.MonkeyPatch, shelf: Shelf
) -> None:
    monkeypatch.setattr(agent, "REVIEWS_A_FRAME", PIECE)
    life = Life(shelf)
    life.buy(range(CUSTOMERS), FIRST_DAY * DAY_MS)
    life.fails = asyncio.CancelledError()
    with pytest.raises(asyncio.CancelledError):
        life.pass_midnight(FIRST_DAY + 1)
    life.fails = None
    life.end_midnight()
    assert [(passed.boundary, sent) for passed, sent in life.written] == [(FIRST_DAY + 1, 0)]
    assert life.sent.records


def test_a_partition_of_which_a_frame_failed_is_not_saved(shelf: Shelf) -> None:
    """A part of the frame is in it, and what that part decided was not sent."""
    life = Life(shelf)
    life.buy(range(CUSTOMERS), FIRST_DAY * DAY_MS)
    assert life.own.is_calm
    bad = [Record(TOPICS.events[1], b"c1", b"{", offset, FIRST_DAY * DAY_MS) for offset in range(1_500)]
    with pytest.raises(StopWorkerError):
        life.take(bad)
    assert not life.own.is_calm


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
    again = Life(shelf, expected=[passed for passed, _ in life.written])
    again.take(life.records)
    again.end_midnight()
    assert again.scored_by() == [begun_with.name] * CUSTOMERS
    assert again.sent.models_told() == [begun_with.name]


def test_nothing_is_sent_after_a_pause_in_which_another_worker_took_over(
    life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def is_ours(partition: int) -> bool:
        asked.append(partition)
        return False

    life.agent.is_ours = is_ours
    life.wait()
    assert not asked
    sent = len(life.sent.records)
    monkeypatch.setattr(agent, "PAUSED_S", 0.0)
    life.end_some(1)
    monkeypatch.undo()
    life.end_some(2)
    assert asked == [0]
    assert len(life.sent.records) == sent


def test_a_version_that_left_the_models_topic_ends_what_it_began_all_the_same(life: Life) -> None:
    (name,) = life.pinned
    later = Shelf(RULES)
    later.put(published(9))
    again = Life(later, expected=[passed for passed, _ in life.written], pinned=life.pinned)
    again.take(life.records)
    again.end_midnight()
    assert again.scored_by() == [name] * CUSTOMERS
    assert again.sent.models_told() == [name]
    again.pass_midnight(FIRST_DAY + 2)
    assert later.current is not None
    assert later.current.name in again.pinned
    assert not again.own.pinned, "what is on record is not kept in memory"


def test_no_other_version_decides_what_was_begun_with_one_that_is_gone(life: Life) -> None:
    later = Shelf(RULES)
    later.put(published(9))
    with pytest.raises(StopWorkerError, match=r"was judged by version 2024-10-04-\w{8} of the model"):
        Life(later, expected=[passed for passed, _ in life.written])


def test_a_version_that_the_catalogue_cannot_use_any_more_is_named(
    life: Life, caplog: pytest.LogCaptureFixture
) -> None:
    other = rules_of("{base: default, model: {step_days: 1, horizon_days: 30}}", SETTINGS)
    own = OwnedPartition(0, life.own.partition, expected=[life.written[0][0]], pinned=dict(life.pinned))
    agent.Customers(SETTINGS, other, Sent(), lambda: LATEST_MS, Shelf(other)).adopt(own)
    assert "which this catalogue cannot use" in caplog.text
    assert own.partition.versions(FIRST_DAY + 1) is None


def test_what_was_begun_without_a_model_is_ended_without_one(monkeypatch: pytest.MonkeyPatch, shelf: Shelf) -> None:
    monkeypatch.setattr(agent, "REVIEWS_A_FRAME", PIECE)
    life = Life(shelf)
    life.buy(range(CUSTOMERS), FIRST_DAY * DAY_MS)
    life.pass_midnight(FIRST_DAY + 1)
    life.wait()
    shelf.put(published(8))
    again = Life(shelf, expected=[passed for passed, _ in life.written])
    again.take(life.records)
    again.end_midnight()
    assert again.scored_by() == []
    assert again.sent.models_told() == [None]


def test_a_life_from_a_snapshot_goes_on_where_it_was_made(life: Life, shelf: Shelf) -> None:
    life.end_midnight()
    again = Life(shelf, freeze(life.own.partition).to_bytes())
    for one in (life, again):
        one.sent.records.clear()
        one.pass_midnight(FIRST_DAY + 2)
        one.end_midnight()
    assert again.sent.records == life.sent.records
    assert again.scored_by() == life.scored_by()
