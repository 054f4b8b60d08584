"""A snapshot that is made while events are read again does not forget what had been published further on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from streams.agents.customers import Customers
from streams.agents.keeping import CustomerState
from streams.agents.models import Shelf
from streams.agents.owned import OwnedPartition
from streams.settings import Settings
from streams.transport.offsets import OffsetTracker
from streams.transport.published import Published
from streams.transport.snapshots.records import Covered
from support.agents import TOPICS, Sent
from support.troubled import default_rules

SETTINGS = Settings(partitions=1)
NOW, BEFORE = 900, 100
"""Where outputs end now, and where the snapshot before says that they ended."""


class Acknowledged(Sent):
    """All of it at once."""

    def mark(self) -> int:
        return 0

    def has_arrived(self, mark: int) -> bool:  # noqa: ARG002 - the port's
        return True

    def release(self) -> None:
        """Nothing was held."""


class Written:
    """Keeps what snapshots would cover."""

    def __init__(self) -> None:
        self.covered: list[Covered] = []

    async def write(self, partition: int, covered: Covered, payload: Callable[[], Any]) -> Any:  # noqa: ARG002 - the port's
        self.covered.append(covered)
        return SimpleNamespace(boundary=covered.boundary, epoch=1, generation=1, size=0)


class State(CustomerState):
    """Without a broker."""

    def _output_ends(self, number: int) -> dict[str, int]:  # noqa: ARG002 - the one partition
        return {TOPICS.alerts: NOW}

    async def correct_open(self, numbers: Any) -> None:
        """Nobody else wrote there."""


@pytest.mark.parametrize("is_reading_again", [True, False])
def test_the_ends_of_the_outputs_are_those_of_before_until_all_was_read_again(is_reading_again: bool) -> None:  # noqa: FBT001 - a parameter
    rules, sent, written = default_rules(), Acknowledged(), Written()
    customers = Customers(SETTINGS, rules, sent, lambda: 0, Shelf(rules))
    state: Any = State(SETTINGS, customers, "group")
    state.attach(SimpleNamespace(outputs=sent, ledger=OffsetTracker()))
    state.log = written
    own = OwnedPartition(0, customers.new_partition(0), outputs={TOPICS.alerts: BEFORE})
    own.published = Published() if is_reading_again else None
    customers.adopt(own)
    assert asyncio.run(state.save(0))
    assert [one.outputs[TOPICS.alerts] for one in written.covered] == [BEFORE if is_reading_again else NOW]
