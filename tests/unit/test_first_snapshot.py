"""A partition without a snapshot takes nothing in before it has one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from streams.agents import keeping
from streams.agents.customers import Customers
from streams.agents.keeping import CustomerState
from streams.agents.models import Shelf
from streams.agents.owned import OwnedPartition
from streams.agents.restoring import RestoredPartition
from streams.settings import Settings
from streams.transport.snapshots.load import Pile, PlacedClaim
from streams.transport.snapshots.log import OwnershipLostError
from streams.transport.snapshots.ownership import Owned
from streams.transport.snapshots.records import Claim
from support.agents import Sent
from support.troubled import default_rules

SETTINGS = Settings(partitions=1)


class Saving(CustomerState):
    """Saves as it is told to; without a broker."""

    def __init__(self, answers: Iterator[bool]) -> None:
        rules = default_rules()
        self.customers = Customers(SETTINGS, rules, Sent(), lambda: 0, Shelf(rules))
        super().__init__(SETTINGS, self.customers, "group")
        self.answers, self.tries = answers, 0
        own = OwnedPartition(0, self.customers.new_partition(0))
        self.hand_over(0, RestoredPartition(Owned(Pile(self.topic, 0).loaded(), 1), own, is_rebuilt=False))

    async def save(self, number: int) -> bool:  # noqa: ARG002 - the one partition
        self.tries += 1
        return next(self.answers)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "FIRST_AGAIN_S", 0.0)


def test_the_first_snapshot_is_tried_until_it_is_there() -> None:
    """Without one, a crash would not know what had been fired early, and fire it again."""
    state = Saving(iter([False, False, True]))
    asyncio.run(state.begin())
    assert state.tries == 3
    asyncio.run(state.begin())
    assert state.tries == 3


def test_the_first_snapshot_is_owed_by_who_owns_the_partition() -> None:
    state = Saving(iter([False] * 9))
    state.customers.owned[0].is_lost = True
    asyncio.run(state.begin())
    assert state.tries == 1


def test_a_partition_that_is_claimed_before_its_first_snapshot_is_given_up() -> None:
    def claimed() -> Iterator[bool]:
        yield False
        raise OwnershipLostError("log", 0, 1, PlacedClaim(7, Claim(2, "another")))

    state = Saving(claimed())
    asyncio.run(state.begin())
    assert (state.tries, state.customers.owned[0].is_lost) == (2, True)


def test_whose_a_partition_is_after_a_pause_is_asked_before_its_first_snapshot() -> None:
    state = Saving(iter([False, True]))
    own, asked = state.customers.owned[0], []

    async def is_ours(number: int) -> bool:
        asked.append(number)
        return True

    state.customers.is_ours = is_ours
    own.is_doubtful = True
    asyncio.run(state.begin())
    assert (state.tries, asked, own.is_doubtful) == (2, [0], False)
