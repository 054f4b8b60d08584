"""The partition record: what a partition knows besides its customers, written last in each frame."""

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import Struct

from models.customer import Verdict
from schemas.event import FEEDS

PARTITION_KEY = b"\x00partition"
"""Reserved: no customer id can begin with a zero byte."""
OUTCOMES = ("applied", "applied_late", "duplicate", "late", "dead_lettered")
Outcome = Literal["applied", "applied_late", "duplicate", "late", "dead_lettered"]
OUTCOME_INDEX = {name: index for index, name in enumerate(OUTCOMES)}
TICKS = len(FEEDS)
"""The tick topic's place beside the feeds in `covered`."""


VERSION = 1
"""Of the format. No other was ever written."""


class State(Struct, array_like=True):
    """What a partition knows besides its customers. Lists are by feed, -1 standing for none yet."""

    covered: list[int] = msgspec.field(default_factory=lambda: [-1] * (TICKS + 1))
    highs: list[int] = msgspec.field(default_factory=lambda: [-1] * TICKS)
    boundary: int = -1
    counts: list[list[int]] = msgspec.field(default_factory=lambda: [[0] * len(OUTCOMES) for _ in FEEDS])
    reasons: dict[str, int] = {}
    alerts_from_ms: int = 0
    sequence: int = 0
    committed: int = 0
    catalogue: str = ""
    taken: int = 0
    rejected_in_a_row: int = 0
    rejected_at: list[int] = []
    late: list[Verdict] = []
    conflicts: list[Verdict] = []
    model: str | None = None
    """Version of the model with which the last boundary is reviewed: what was begun with it is ended with it."""


_state_encoder = msgspec.msgpack.Encoder()
_state_decoder = msgspec.msgpack.Decoder(State)


def encode_state(state: State, epoch: int) -> bytes:
    """Pack the partition record: the same header as a customer's, then MessagePack."""
    return bytes((VERSION,)) + epoch.to_bytes(4, "big") + _state_encoder.encode(state)


def decode_state(packed: bytes) -> State:
    """Unpack a partition record."""
    return _state_decoder.decode(memoryview(packed)[5:])


def epoch_of(packed: bytes) -> int:
    """The epoch of the worker that wrote a record."""
    return int.from_bytes(packed[1:5], "big")


def total_counts(states: Mapping[int, State]) -> dict[str, dict[str, int]]:
    """Outcomes by feed, summed over partitions."""
    return {
        feed: {
            outcome: sum(state.counts[index][place] for state in states.values())
            for place, outcome in enumerate(OUTCOMES)
        }
        for index, feed in enumerate(FEEDS)
    }
