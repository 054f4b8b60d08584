"""The worker as it is, but for a midnight's reviews in small pieces: a kill then finds it in the middle of one.

It notes how far each partition is in a file, from outside the broker: what a kill interrupted can be read there.
"""

from __future__ import annotations

import os
import struct
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from streams.__main__ import main
from streams.agents import customers
from streams.agents.owned import OwnedPartition
from streams.transport.records import Record

LEAST: Final = 7
PIECES: Final = 8
"""A midnight is gone through in so many pieces, however many customers there are."""
REST_S: Final = 0.002
"""After each piece, so that a look from outside finds the middle of a midnight of however few customers."""

PROGRAM: Final = (sys.executable, __file__)

SLOT: Final = struct.Struct(">qqq")
"""Of a partition: its boundary, customers judged as of a boundary that is under way, customers who wait for that."""


def slots_file(prefix: str) -> Path:
    """Where the workers of a deployment note how far they are."""
    return Path(tempfile.gettempdir()) / f"sliced-{prefix}"


def note_progress(file: int) -> None:
    """Have the agent write a slot after each piece of its work."""
    process = customers.Customers.process

    def noting(agent: customers.Customers, own: OwnedPartition, records: Sequence[Record]) -> None:
        partition = own.partition
        customers.REVIEWS_A_FRAME = max(LEAST, partition.customers.size // PIECES)
        process(agent, own, records)
        judged = partition.review.reached if partition.is_behind else 0
        slot = SLOT.pack(partition.boundary, judged, partition.unjudged if partition.is_behind else 0)
        os.pwrite(file, slot, own.number * SLOT.size)
        if partition.is_behind:
            time.sleep(REST_S)

    customers.Customers.process = noting  # type: ignore[method-assign,assignment] # a look inside


if __name__ == "__main__":
    note_progress(os.open(slots_file(os.environ["CHURN_PREFIX"]), os.O_RDWR | os.O_CREAT))
    main(["worker"])
