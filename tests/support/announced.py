"""Merges on a broker: said ahead of all events, heard by the partitions of the customers, waited for to the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import orjson

from models.engine.ledger import COMMANDS
from schemas.command import Command, encode_command
from schemas.moved import AnnouncedV1, decode_moved
from schemas.partitioner import partition_of
from support.arrivals import Arrival
from support.builders import DAY_MS
from support.oracles import Expected
from support.pages import address_of, wait_for_boundary
from support.posting import post
from support.reading import read_compacted
from support.workers import Deployment, Worker

ANNOUNCED_WITHIN_S: Final = 60.0


def post_merges(deployment: Deployment, said: Sequence[Command], now_ms: int) -> None:
    """Say ahead of all events, which begin now, who is merged: what is posted behind is not to be taken for late."""
    in_order = sorted(said, key=lambda one: one.at_ms)
    arrivals = [Arrival(COMMANDS, one.customer_id.encode(), encode_command(one), now_ms) for one in in_order]
    post(deployment, arrivals, tells_ends=False)


def moved_away(deployment: Deployment, said: Sequence[Command]) -> int:
    """How many aliases are in other partitions than their customers."""

    def place(customer_id: str) -> int:
        return partition_of(customer_id.encode(), deployment.partitions)

    return sum(place(one.customer_id) != place(str(one.into)) for one in said)


def wait_until_announced(deployment: Deployment, said: Sequence[Command]) -> None:
    """Wait until the partitions of all customers were told; a rebalance may let some be told twice."""
    deadline = time.monotonic() + ANNOUNCED_WITHIN_S
    while len(_announced(deployment)) < moved_away(deployment, said):
        assert time.monotonic() < deadline, "the merges were not announced"
        time.sleep(0.2)


def wait_until_judged(running: Sequence[Worker], expected: Expected) -> None:
    """Wait until all came as far as a replay: partitions that wait for each other have no lag meanwhile."""
    boundaries = {orjson.loads(line)["boundary"] for line in expected.states.read_bytes().splitlines()}
    for worker in running:
        wait_for_boundary(worker, address_of(worker), max(boundaries) * DAY_MS)


def _announced(deployment: Deployment) -> set[str]:
    records = (
        decode_moved(one.value()) for one in read_compacted(deployment.broker.bootstrap, deployment.topics.moved)
    )
    return {one.alias for one in records if isinstance(one, AnnouncedV1)}
