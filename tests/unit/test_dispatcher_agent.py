"""What the dispatcher keeps never runs ahead of the digests that the broker has."""

from __future__ import annotations

import asyncio

import pytest

from models.engine.replay import Replay
from schemas.alert import AlertV1, encode_alert
from schemas.digest import decode_digest
from schemas.reviewed import ReviewedV1, concerns_lists, encode_reviewed
from schemas.topics import Topics
from streams.agents import dispatcher
from streams.agents.dispatcher import DONE_KEY, DispatcherAgent
from streams.transport.changelog import Changelog
from streams.transport.records import Record
from support.agents import Sent
from support.troubled import default_rules, rich_history

TOPICS = Topics()


class Broker(Sent):
    """Has what was sent up to a mark once it is told so."""

    def __init__(self) -> None:
        super().__init__()
        self.is_away = True

    def mark(self) -> int:
        return len(self.records)

    def has_arrived(self, mark: int) -> bool:  # noqa: ARG002 - the port's
        return not self.is_away

    def hold(self) -> None:
        """Everything is sent in its order."""

    def release(self) -> None:
        """Nothing was held back."""


def told() -> list[Record]:
    """What one partition tells of a small history."""
    engine = Replay(default_rules(), 1)
    for event in sorted(rich_history(3, customers=8, days=100), key=lambda event: event.time_ms):
        engine.take(event)
    values = []
    for message in engine.drain():
        if isinstance(message, AlertV1) and concerns_lists(message):
            values.append(encode_alert(message))
        elif isinstance(message, ReviewedV1):
            values.append(encode_reviewed(message))
    return [Record(TOPICS.attention, None, value, at, 0) for at, value in enumerate(values)]


def test_what_is_done_is_kept_once_the_broker_has_the_digests_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "FLUSH_TIMEOUT_S", 0.01)
    outputs = Broker()
    agent = DispatcherAgent(default_rules(), 1, TOPICS, outputs, Changelog(outputs, TOPICS.lists), lambda _first: ())
    agent.restored(0, {})
    asyncio.run(agent.take(0, 0, told()))
    sent = outputs.on(TOPICS.digests)
    assert len(sent) > 1
    assert DONE_KEY not in {one.key for one in outputs.on(TOPICS.lists)}
    assert agent.is_behind(0)
    outputs.is_away = False
    asyncio.run(agent.take(0, 1, ()))
    done = [one.value for one in outputs.on(TOPICS.lists) if one.key == DONE_KEY]
    assert len(done) >= len({one.at for one in [decode_digest(record.value or b"") for record in sent]}) > 1
    assert not agent.is_behind(0)
    assert outputs.on(TOPICS.digests) == sent


def test_who_lost_the_partition_meanwhile_keeps_nothing() -> None:
    outputs = Broker()
    agent = DispatcherAgent(default_rules(), 1, TOPICS, outputs, Changelog(outputs, TOPICS.lists), lambda _first: ())
    agent.restored(0, {})

    async def lost_meanwhile() -> None:
        taking = asyncio.create_task(agent.take(0, 0, told()))
        await asyncio.sleep(0.02)
        agent.revoked(0)
        outputs.is_away = False
        await taking

    asyncio.run(lost_meanwhile())
    assert DONE_KEY not in {one.key for one in outputs.on(TOPICS.lists)}
